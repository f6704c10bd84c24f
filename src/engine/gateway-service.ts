/**
 * What runs in the namespace of a gateway beside the IKE daemons and lives by its tunnels: the BGP daemon, the probes.
 *
 * The engine tells its services the complete state of a gateway whenever something of it changes; they tell the engine
 * what they have found. Neither waits for the other.
 */
import type { DaemonHealth, Gateway, GatewayId, Tunnel, TunnelId, TunnelReport } from './engine.ts'

/** A tunnel as a service sees it. */
export interface ServedTunnel {
  readonly tunnel: Tunnel
  /** Name of its interface in the namespace of the gateway; it holds `insideAddress`. */
  readonly interface: string
  /**
   * How often the interface has been made: what was bound to an earlier one is dead. 0: there is none at the moment,
   * because the daemon that made it has died.
   */
  readonly made: number
  /** It carries packets. */
  readonly up: boolean
}

export interface ServedGateway {
  readonly gateway: Gateway
  /** Network namespace of the gateway; absent: the host's own. */
  readonly netns?: string
  readonly tunnels: readonly ServedTunnel[]
}

export interface GatewayService {
  /**
   * The state of a gateway, complete, after every change: tunnels applied, up, down and removed, interfaces made and
   * gone. It comes often and may repeat itself. It returns at once: failures are the service's own to try again.
   */
  update(served: ServedGateway): void
  /** Ends what runs for this gateway, and with it what an earlier process of ours has left. Unknown is fine. */
  remove(id: GatewayId): Promise<void>
  /** What it knows of a tunnel now; empty for one that is none of its business. */
  report(id: TunnelId): Pick<TunnelReport, 'bgp' | 'probe'>
  /** Daemons of its own that there should be now. */
  daemons?(): readonly DaemonHealth[]
  /**
   * Resolves when the last update has been followed: at a start nothing is reported before what an earlier process of
   * ours has left is known. Absent: it is known at once.
   */
  settled?(): Promise<void>
  /** Ends our side only: what runs goes on. */
  close(): Promise<void>
}

/** What a service may ask of the engine. */
export interface GatewayServiceOwner {
  /** The report of this tunnel has changed. */
  hint(id: TunnelId): void
  /** Networks (CIDR) learned by BGP and in use, all of this gateway: published when the gateway publishes them. */
  learned(id: GatewayId, networks: readonly string[]): void
  /** Takes the routes of a tunnel away, or gives them back. A tunnel that is removed is forgotten. */
  revokeRoutes(id: TunnelId, revoked: boolean): void
}

/** Makes a service of an engine. */
export type GatewayServiceFactory = (owner: GatewayServiceOwner) => GatewayService
