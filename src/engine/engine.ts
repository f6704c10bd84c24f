/**
 * What an engine is: the thing that makes the wanted VPN gateways and tunnels real and says what it sees.
 *
 * Both engines (strongSwan, simulated) stand behind these interfaces; nothing above this folder knows which.
 * Rules a caller may rely on:
 * - `apply` takes the complete wanted state. Repeating it changes nothing, in particular drops no packet.
 * - `remove` of something unknown is fine.
 * - `list` is the truth, orphans included; hints may be lost, doubled or late.
 * - After `close` the tunnels go on running: closing ends our side of the conversation, not the tunnels.
 */
import type { Secret } from '../secret.ts'
import type { ReasonCode } from './reason.ts'

export type GatewayId = string
export type TunnelId = string

/** A VPN gateway as the network sees it. Addresses are dotted IPv4, networks CIDR. */
export interface Gateway {
  readonly id: GatewayId
  /** Small number, unique on this node for the life of the gateway; interface and namespace names are made of it. */
  readonly slot: number
  /** Outside address: `InternetIp` of the gateway, local end of its tunnels. */
  readonly address: string
  readonly vpcId: string
  /** Address and prefix length of the gateway inside its vSwitch, e.g. `10.1.0.254/24`. */
  readonly insideAddress: string
  /** Networks of the VPC, e.g. `10.0.0.0/8`: routed to the inside. */
  readonly vpcCidr: string
  /**
   * Second outside address: `DisasterRecoveryInternetIp` of a gateway whose connections have two tunnels. Each tunnel
   * has one of the two as its `localAddress`.
   */
  readonly secondAddress?: string
  /** Networks (CIDR) that the route table of the VPC sends to this gateway (`PublishVpc`). Absent: none. */
  readonly published?: readonly string[]
  /** `AutoPropagate`: networks learned by BGP are published as well, for as long as they are learned. */
  readonly publishLearned?: boolean
}

export type EncryptionAlgorithm = 'aes' | 'aes192' | 'aes256' | 'des' | '3des'
export type AuthenticationAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'
export type DhGroup = 'group1' | 'group2' | 'group5' | 'group14'

/**
 * X.509 instead of a pre-shared key. All certificates and keys are PEM. The peer is believed when its certificate was
 * issued by `remoteCa` and carries the remote identity.
 */
export interface TunnelCertificate {
  /** `RemoteCaCertificate`. */
  readonly remoteCa: string
  /** Ours: it names the local identity as a subjectAltName. Its key is of the kind of the CA's (RSA or ECDSA). */
  readonly own: string
  readonly ownKey: Secret
}

/** A route into a tunnel. It is there exactly while the tunnel can carry packets or waits for traffic to begin. */
export interface TunnelRoute {
  /** CIDR. */
  readonly destination: string
  /** Policy route: only for packets from this network (CIDR). Policy routes come before all others. */
  readonly source?: string
  /** Policy routes: 1 (first) to 100; among equal ones the longest match comes first. */
  readonly priority?: number
  /**
   * 1 to 10000: 100 active, 200 standby, and so on. Of routes that match a packet alike the lowest carries it; tunnels
   * with the same metric stand by for each other too, the lower slot first.
   */
  readonly metric: number
}

/** The BGP session that runs inside a tunnel. Both addresses are the two hosts of one /30. */
export interface TunnelBgp {
  readonly localAsn: number
  readonly peerAsn: number
  readonly localIp: string
  readonly peerIp: string
  /** TCP MD5 key of the session (RFC 2385), `AuthKey` of the customer gateway. */
  readonly authKey?: Secret
  /** Networks (CIDR) that we announce. */
  readonly advertised: readonly string[]
  /** Routes learned here are used before those of a session with a lower preference; announcements are marked alike. */
  readonly preference: number
}

/** The health check: an ICMP echo every `interval`, sent by the gateway through the tunnel. */
export interface TunnelProbe {
  readonly source: string
  readonly destination: string
  /** Seconds between two probes. */
  readonly interval: number
  /** Probes in a row that have to be lost, or answered, to change the verdict. */
  readonly retry: number
  /**
   * Take the routes of the tunnel (`Tunnel.routes`) away while the verdict is "failed" (`Policy=revoke_route`). Those
   * of BGP stay: the session says itself whether they are good, and the peer may answer probes by them alone.
   */
  readonly revokeRoutes: boolean
}

/** One tunnel, complete. A single-tunnel connection is one tunnel whose id is the connection's. */
export interface Tunnel {
  readonly id: TunnelId
  readonly connectionId: string
  readonly gatewayId: GatewayId
  /** Small number, unique on this node; the interface of the tunnel is named after it. */
  readonly slot: number
  /** Version of these settings. Reports say which generation the daemon holds. */
  readonly generation: number
  readonly localAddress: string
  readonly remoteAddress: string
  readonly ike: {
    readonly version: 'ikev1' | 'ikev2'
    /** IKEv1 only. */
    readonly mode: 'main' | 'aggressive'
    readonly encryption: EncryptionAlgorithm
    readonly authentication: AuthenticationAlgorithm
    readonly dhGroup: DhGroup
    /** Seconds. */
    readonly lifetime: number
    readonly localId: string
    readonly remoteId: string
    readonly psk: Secret
    /** Present: both ends prove themselves by certificate, and `psk` is not used. Not in aggressive mode. */
    readonly certificate?: TunnelCertificate
  }
  readonly ipsec: {
    readonly encryption: EncryptionAlgorithm
    readonly authentication: AuthenticationAlgorithm
    readonly pfs: DhGroup | 'disabled'
    /** Seconds. */
    readonly lifetime: number
  }
  readonly localSubnets: readonly string[]
  readonly remoteSubnets: readonly string[]
  readonly dpd: boolean
  readonly natTraversal: boolean
  /** `EffectImmediately`: true negotiates (again) as soon as settings are in place, false when traffic asks for it. */
  readonly effectImmediately: boolean
  /**
   * Since when an operator keeps it down, epoch milliseconds: nothing is negotiated, and what the peer begins is
   * refused. Absent: it is not kept down.
   */
  readonly stoppedAt?: number
  /**
   * How often an operator has had the tunnel negotiated anew: when the number is another than before, its SAs are ended
   * and negotiated from the start, whatever `effectImmediately` says. Absent: never.
   */
  readonly restarts?: number
  /** The same for new keys alone: each CHILD_SA is re-keyed, and no packet is lost. What is down is tried at once. */
  readonly rekeys?: number
  /** Address and prefix length of our end inside the tunnel, e.g. `169.254.10.1/30` (`LocalBgpIp` in `TunnelCidr`). */
  readonly insideAddress?: string
  /** Absent: one route for each remote subnet, with tunnels of a lower slot first. */
  readonly routes?: readonly TunnelRoute[]
  readonly bgp?: TunnelBgp
  readonly probe?: TunnelProbe
}

/** An IKE_SA as the daemon reports it. Absent members are not known (yet). */
export interface IkeSa {
  /** The daemon's own number of this SA. */
  readonly uniqueId: string
  readonly state: 'connecting' | 'established' | 'rekeying' | 'deleting'
  readonly version: 'ikev1' | 'ikev2'
  readonly initiator: boolean
  readonly localId?: string
  readonly remoteId?: string
  /** Address and port of the peer as seen, e.g. `203.0.113.9:4500`. */
  readonly remoteEndpoint?: string
  /** Negotiated, in the daemon's words, e.g. `aes128-sha1-modp1024`. */
  readonly proposal?: string
  /** Seconds. */
  readonly establishedFor?: number
  readonly rekeyIn?: number
  readonly natBetween?: boolean
  /**
   * Epoch milliseconds, up to two seconds early: when something last came in that only the peer can have sent, an IKE
   * message or an ESP packet of one of its CHILD_SAs.
   */
  readonly heardAt?: number
  /** Epoch milliseconds at which the peer last answered a DPD request of ours. One is sent after silence alone. */
  readonly dpdAnsweredAt?: number
}

/** A CHILD_SA as the daemon reports it. */
export interface ChildSa {
  readonly uniqueId: string
  readonly ikeUniqueId: string
  /** `installed` counts as established, and so does a CHILD_SA that is being re-keyed. */
  readonly state: 'installed' | 'rekeying' | 'negotiating' | 'closing'
  /** Hexadecimal, without 0x. */
  readonly spiIn?: string
  readonly spiOut?: string
  readonly proposal?: string
  readonly localSelectors: readonly string[]
  readonly remoteSelectors: readonly string[]
  readonly bytesIn: number
  readonly bytesOut: number
  readonly packetsIn: number
  readonly packetsOut: number
  /** Seconds. */
  readonly rekeyIn?: number
  readonly expiresIn?: number
}

/** Why a tunnel is not up, or last went down. Never holds a key. */
export interface Failure {
  readonly code: ReasonCode
  /** Epoch milliseconds of the first report of this cause in a row. */
  readonly since: number
  /** What was seen: the daemon's line first, then e.g. `received proposals: ...`. */
  readonly evidence: readonly string[]
}

/** The BGP session as the BGP daemon reports it. */
export interface BgpReport {
  /** States of RFC 4271, 8.2.2, in lower case. */
  readonly state: 'idle' | 'connect' | 'active' | 'opensent' | 'openconfirm' | 'established'
  /** Epoch milliseconds of the last change of the state. */
  readonly since: number
  /** What ended or prevents the session, in the daemon's words, e.g. `Hold timer expired`. */
  readonly lastError?: string
  readonly learned: readonly LearnedPrefix[]
  /** Networks (CIDR) that the peer has been told. */
  readonly advertised: readonly string[]
}

export interface LearnedPrefix {
  /** CIDR. */
  readonly prefix: string
  /** ASNs separated by blanks, the nearest first. */
  readonly asPath: string
  /** `65000:100` and the like, separated by blanks. */
  readonly communities: string
  /** The route is the one in use. */
  readonly best: boolean
}

/** The health check as it stands. */
export interface ProbeReport {
  /** Absent: no verdict yet. */
  readonly succeeding?: boolean
  /** Epoch milliseconds of the last change of the verdict; absent: no verdict yet. */
  readonly since?: number
  /** Over the last probes, at most 100 of them. */
  readonly sent: number
  readonly received: number
  /** Milliseconds, of the last answer. */
  readonly rtt?: number
  /** Absent: none was sent yet. */
  readonly total?: ProbeTotal
}

/** Probes since `begun`: numbers that only grow. With another `begun` they have begun from nothing. */
export interface ProbeTotal {
  /** Epoch milliseconds. */
  readonly begun: number
  readonly answered: number
  readonly lost: number
  /** Milliseconds, of all round trips together. */
  readonly rtt: number
}

/**
 * One more probe.
 *
 * @param rtt milliseconds; absent: no answer in time
 * @param at epoch milliseconds
 */
export function addProbe(total: ProbeTotal | undefined, rtt: number | undefined, at: number): ProbeTotal {
  const { begun, answered, lost, rtt: sum } = total ?? { begun: at, answered: 0, lost: 0, rtt: 0 }
  return rtt === undefined
    ? { begun, answered, lost: lost + 1, rtt: sum }
    : { begun, answered: answered + 1, lost, rtt: sum + rtt }
}

/** A line of the IKE daemon's log that concerns one tunnel. Never holds a key. */
export interface TunnelLogLine {
  readonly tunnelId: TunnelId
  /** Epoch milliseconds. */
  readonly at: number
  readonly text: string
}

export interface TunnelReport {
  readonly id: TunnelId
  /** Generation the daemon has loaded. */
  readonly generation: number
  /** New settings are loaded and the running SA still has the old ones, until traffic comes (EffectImmediately=false). */
  readonly pendingReconnect: boolean
  readonly ikeSas: readonly IkeSa[]
  readonly childSas: readonly ChildSa[]
  /** CHILD_SAs that the settings ask for (one per subnet pair in IKEv1, one in IKEv2). */
  readonly childrenWanted: number
  /** A phase-2 failure has been seen since the newest IKE_SA came up. */
  readonly phase2Failed: boolean
  /** Present while the tunnel is not fully up and a cause has been seen. */
  readonly failure?: Failure
  /** The last `heardAt` of its IKE_SAs, of those that have ended too. Absent: not known, or not yet of this peer. */
  readonly heardAt?: number
  /** Present while a session is wanted. */
  readonly bgp?: BgpReport
  /** Present while a health check is wanted. */
  readonly probe?: ProbeReport
  /** What the settings ask for and this engine cannot do on this machine, a sentence each. */
  readonly remarks?: readonly string[]
  /** Epoch milliseconds at which this was read from the daemon. */
  readonly at: number
}

/** A few ICMP echos from the gateway. */
export interface EchoReport {
  readonly source: string
  readonly destination: string
  readonly sent: number
  readonly received: number
  /** Milliseconds, the mean of those that were answered. */
  readonly rtt?: number
}

/** What went wrong inside an engine. `retry` says whether trying again can help. */
export class EngineError extends Error {
  readonly retry: boolean

  constructor(message: string, options: { retry: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.name = 'EngineError'
    this.retry = options.retry
  }
}

export interface GatewayEngine {
  /** Makes the gateway's network: namespace, outside address, inside link, routes. */
  apply(gateway: Gateway): Promise<void>
  /** Removes it with everything in it. The caller removes its tunnels first. */
  remove(id: GatewayId): Promise<void>
  list(): Promise<readonly GatewayId[]>
}

export interface TunnelEngine {
  apply(tunnel: Tunnel): Promise<void>
  remove(id: TunnelId): Promise<void>
  /** One tunnel, as the daemon sees it now; `undefined` when the engine has no such tunnel. */
  observe(id: TunnelId): Promise<TunnelReport | undefined>
  list(): Promise<readonly TunnelReport[]>
  /** "Look here soon." */
  onHint(hint: (id: TunnelId) => void): void
  /**
   * Sends a few echos: to the peer's address over the outside, or with `inside` through the tunnel. `source` is the
   * gateway's own address there unless it is given. `undefined` when the engine has no such tunnel.
   */
  echo?(
    id: TunnelId,
    inside?: { readonly source?: string; readonly destination: string },
  ): Promise<EchoReport | undefined>
  /** Lines of the daemons' logs as they come. */
  onLog?(listener: (line: TunnelLogLine) => void): void
}

/** What the engine can do on this machine; validation refuses what it cannot, so that nothing fails late. */
export interface EngineDescription {
  readonly name: 'strongswan' | 'simulated'
  /** strongSwan: how ESP is carried (X: kernel with xfrm interfaces, V: kernel with vti, U: userspace). */
  readonly kernelMode?: 'X' | 'V' | 'U'
  readonly daemonVersion?: string
}

/** A daemon that the engine keeps running. */
export interface DaemonHealth {
  /** Unique on this node. */
  readonly name: string
  readonly kind: 'ike' | 'bgp'
  /** It runs and answers. */
  readonly up: boolean
  /** How often this process has started it. */
  readonly starts: number
}

export interface Engine {
  readonly gateways: GatewayEngine
  readonly tunnels: TunnelEngine
  describe(): EngineDescription
  /** The daemons that there should be now. */
  daemons?(): readonly DaemonHealth[]
  close(): Promise<void>
}
