/**
 * Names of everything we make in the kernel. All of them carry the prefix, so that several deployments (and tests)
 * live side by side on one machine and what belongs to us can be found again.
 *
 *     <prefix>gw<slot>           namespace of a VPN gateway
 *     <prefix>vpc-<id>           namespace of a VPC
 *     <prefix>en<slot>           namespace of the IKE daemon of a gateway
 *     <prefix>en<slot>-<peer>    the same of one of its peers (address in hex), from the first outside address
 *     <prefix>en<slot>_<peer>    the same, from the second outside address
 *     <prefix>probe<pid>         namespace in which a process tries out the kernel
 *     <prefix>w<slot>            port of the WAN bridge
 *
 * Inside the namespaces the names are fixed: `wan0`, `vpc0`, `vco<slot>`, and `up0` towards the gateway.
 */
import { createHash } from 'node:crypto'
import { EngineError } from '../engine.ts'
import { addressHex } from './address.ts'

export type NamespaceKind = 'gateway' | 'vpc' | 'engine' | 'probe'

/** What one daemon of several carries: a peer, from one of the gateway's outside addresses. */
export interface PeerLine {
  readonly peer: string
  /** From the second outside address. */
  readonly fromSecond: boolean
}

export interface Names {
  readonly prefix: string
  gateway(slot: number): string
  vpc(vpcId: string): string
  /** Without a line one daemon serves the whole gateway. */
  engine(slot: number, line?: PeerLine): string
  wanPort(slot: number): string
  /** For the trials of one process. */
  probe(pid: number): string
  /** Namespace of the gateway that a daemon of this name belongs to. */
  gatewayOf(engine: string): string | undefined
  /** Whether a namespace carries our prefix, and of which kind it is. */
  kindOf(namespace: string): NamespaceKind | undefined
}

/** Interface of a tunnel inside its gateway's namespace. */
export const tunnelInterface = (slot: number) => `vco${slot}`
/** Interface towards a daemon inside its gateway's namespace. */
export const engineLink = (line?: PeerLine) =>
  line === undefined ? 'eng0' : `${line.fromSecond ? 'f' : 'e'}${addressHex(line.peer)}`
/** Port of a gateway on the bridge of its VPC. */
export const vpcPort = (slot: number) => `gw${slot}`

/** @throws EngineError when the prefix would not leave room for numbers in a name of 15 characters */
export function createNames(prefix: string): Names {
  if (!/^[a-z][a-z0-9]{0,5}$/.test(prefix)) {
    throw new EngineError(`prefix "${prefix}": one to six lower-case letters and digits, a letter first`, {
      retry: false,
    })
  }
  const engine = new RegExp(`^${prefix}en(\\d+)([-_][0-9a-f]{8})?$`)
  const kinds: readonly [NamespaceKind, RegExp][] = [
    ['gateway', new RegExp(`^${prefix}gw\\d+$`)],
    ['vpc', new RegExp(`^${prefix}vpc-[\\w.-]+$`)],
    ['engine', engine],
    ['probe', new RegExp(`^${prefix}probe\\d+$`)],
  ]
  return {
    prefix,
    gateway: (slot) => `${prefix}gw${slot}`,
    vpc: (vpcId) => `${prefix}vpc-${fileName(vpcId.replace(/^vpc-/, ''))}`,
    engine: (slot, line) => {
      const suffix = line === undefined ? '' : `${line.fromSecond ? '_' : '-'}${addressHex(line.peer)}`
      return `${prefix}en${slot}${suffix}`
    },
    wanPort: (slot) => `${prefix}w${slot}`,
    gatewayOf: (name) => {
      const slot = engine.exec(name)?.[1]
      return slot === undefined ? undefined : `${prefix}gw${slot}`
    },
    probe: (pid) => `${prefix}probe${pid}`,
    kindOf: (name) => kinds.find(([, pattern]) => pattern.test(name))?.[0],
  }
}

/** The id itself where it is a safe file name of moderate length, else a digest of it. */
export function fileName(id: string): string {
  return /^[A-Za-z0-9_][\w.-]{0,63}$/.test(id)
    ? id
    : createHash('sha256').update(id).digest('hex').slice(0, 32)
}
