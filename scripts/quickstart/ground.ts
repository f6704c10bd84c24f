/** The ground on which the story is played: real tunnels between namespaces, or simulated ones. */

export interface Server {
  /** Without scheme. */
  readonly endpoint: string
  readonly key: { readonly AccountId: string; readonly AccessKeyId: string; readonly AccessKeySecret: string }
}

export interface Ground {
  readonly headline: string
  /** Title of the first step, which prepares the other end. */
  readonly peerTitle: string
  readonly serverTitle: string
  preparePeer(): Promise<void>
  startServer(): Promise<Server>
  /** The gateway is there: its peer is told so, and a host is put into the VPC. */
  attach(gatewayAddress: string, vpcId: string): Promise<void>
  /** Host in the VPC -> host behind the peer. */
  ping(count: number): Promise<{ readonly sent: number; readonly received: number }>
  /** Exit code or signal of the server; `null` while it runs or is not started. */
  ending(): number | string | null
  /** Resolves when the server has ended by itself. */
  ended(): Promise<unknown>
  /** What there is to know while it stays up. */
  facts(): readonly string[]
  /** The last lines of the server's log. */
  lastWords(): Promise<readonly string[]>
  /** Parts to be removed, each also when another one cannot be. */
  remains(): readonly (readonly [name: string, remove: () => Promise<unknown>])[]
}

/** Addresses of the documentation ranges (RFC 5737) outside, private ones (RFC 1918) inside. */
export const addresses = {
  pool: '198.51.100.10-198.51.100.20',
  peer: '198.51.100.2',
  vpc: '10.0.0.0/16',
  vSwitch: '10.0.1.0/24',
  vpcHost: '10.0.1.10',
  office: '172.16.0.0/24',
  officeRouter: '172.16.0.1',
  officeHost: '172.16.0.10',
} as const

export const rightKey = 'quickstart-right-key'
export const wrongKey = 'quickstart-wrong-key'

/** What did not come true, in a sentence. */
export class Disappointment extends Error {}

/** What the router on premises has configured, in strongSwan's words. */
export const peerSettings = (gateway: string) =>
  ({
    version: 1,
    local: addresses.peer,
    remote: gateway,
    psk: rightKey,
    proposals: ['aes256-sha256-modp2048'],
    espProposals: ['aes256-sha256-modp2048'],
    localSubnets: [addresses.office],
    remoteSubnets: [addresses.vpc],
  }) as const
