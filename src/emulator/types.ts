/** What goes over the control listener, in both directions. Times are epoch milliseconds, durations milliseconds. */
import type { TunnelReport } from '../engine/engine.ts'
import type { ReasonCode } from '../engine/reason.ts'
import type { Profile } from '../engine/simulated/durations.ts'
import type { PeerChange, PeerSettings } from '../engine/simulated/peer.ts'
import type { Network } from '../engine/simulated/tunnel.ts'
import type { WorldEvent } from '../engine/simulated/world.ts'

export type { Network, PeerChange, PeerSettings, Profile, ReasonCode, WorldEvent }

/** How a fault is armed. All that are given have to fit. */
export interface Arming {
  /** It strikes that many times and is disarmed then; absent: without end. */
  readonly times?: number
  /** Milliseconds of the emulator's clock until it is disarmed; absent: without end. */
  readonly for?: number
  /** It strikes with this probability, 0 to 1, drawn by the seed; absent: always. */
  readonly probability?: number
}

/** At the API: before or after a call that is signed and permitted. */
export interface ApiFault extends Arming {
  readonly layer: 'api'
  /**
   * `error`: refused with `code`. `throttle`: refused with `Throttling.User`. `latency`: done `delay` later.
   * `answer-lost`: done, and the connection closed instead of an answer.
   */
  readonly kind: 'error' | 'throttle' | 'latency' | 'answer-lost'
  /** Name of the action; `*` within it stands for anything. Absent: all. */
  readonly action?: string
  /** Calls of this account alone; absent: of all. */
  readonly account?: string
  /** For `error`: a code of docs/errors.md. */
  readonly code?: string
  /** For `latency`. These pass by the real clock, as the client lives by it. */
  readonly delay?: number
}

/** At the work that a call has set going. */
export interface TaskFault extends Arming {
  readonly layer: 'task'
  /** `stuck`: it is done when the fault goes. `slow`: it takes `delay` more. `failed`: it fails, and is tried again. */
  readonly kind: 'stuck' | 'slow' | 'failed'
  readonly what?: 'gateway' | 'tunnel' | 'removal'
  /** Id of the gateway, connection or tunnel; absent: all. */
  readonly id?: string
  readonly delay?: number
  readonly message?: string
}

/**
 * At a tunnel: its negotiations end with a reason; with one of BGP or of the health check its sessions and probes do, while
 * the tunnel is up.
 */
export interface TunnelFault extends Arming {
  readonly layer: 'tunnel'
  /** A code of docs/reasons.md. */
  readonly reason: ReasonCode
  /** Id of a tunnel or of its connection, or address of its peer; absent: all. */
  readonly target?: string
  /** False lets tunnels that are up be, until they negotiate by themselves. */
  readonly renegotiate?: boolean
}

/**
 * At the network. It strikes tunnels when it is armed: each with the probability, at most `times` of them.
 */
export interface NetworkFault extends Arming {
  readonly layer: 'network'
  /** `loss`: a share `loss` of packets. `zone-lost`: the daemons of all gateways in the zone `target` are gone. */
  readonly kind: 'loss' | 'partition' | 'latency' | 'port-4500-closed' | 'no-route' | 'zone-lost'
  /** Id of a tunnel or connection, or address of a peer; for `zone-lost` the zone. Absent: all tunnels. */
  readonly target?: string
  readonly loss?: number
  /** For `latency`: milliseconds there and back. */
  readonly delay?: number
}

export type FaultRequest = ApiFault | TaskFault | TunnelFault | NetworkFault

export interface Fault {
  readonly id: string
  readonly fault: FaultRequest
  /** How often it has struck. */
  readonly hits: number
  readonly armed: boolean
}

/** A call of a client, as the server's log has it. */
export interface CallRecord {
  readonly time: number
  readonly requestId: string
  readonly action: string
  readonly accessKeyId: string
  readonly status: number
  /** `OK`, or the code of the error. */
  readonly code: string
  /** Microseconds. */
  readonly duration: number
  readonly remoteAddress: string
}

/** What a client did that it should not rely on. */
export interface Mistake {
  readonly at: number
  readonly kind:
    | 'client-token-changed'
    | 'client-token-missing'
    | 'unread-parameter'
    | 'unsigned-call'
    | 'stale-signature'
  readonly action: string
  readonly accessKeyId: string
  readonly message: string
}

export interface MistakeReport {
  readonly mistakes: readonly Mistake[]
  /** Resources that were made twice, since a lost answer was asked for again under another `ClientToken`. */
  readonly duplicates: number
}

export interface ClockState {
  readonly now: number
  /** Seconds of the emulator in a real one; 0 is paused. */
  readonly speed: number
}

export interface AccountKey {
  readonly accountId: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

export interface State {
  readonly version: string
  /** Of the API, without scheme: `127.0.0.1:8480`. */
  readonly endpoint: string
  readonly control: string
  readonly regionId: string
  readonly seed: number
  readonly profile: string
  readonly clock: ClockState
  readonly account: AccountKey
}

export interface TunnelState {
  /** `tunnel-1` is the first that was made: the same in every run. */
  readonly name: string
  readonly id: string
  readonly connectionId: string
  readonly gatewayId: string
  readonly remoteAddress: string
  readonly report: TunnelReport
}

/** Resources that a scenario has made. */
export interface Fixture {
  readonly scenario: string
  readonly accountId: string
  readonly regionId: string
  readonly vpcId: string
  readonly vSwitchId: string
  readonly vpnGatewayId: string
  readonly customerGatewayIds: readonly string[]
  readonly vpnConnectionIds: readonly string[]
  /** Addresses of the customer gateways, in the same order. */
  readonly peerAddresses: readonly string[]
}

export interface Sent {
  readonly sent: number
  readonly received: number
}
