/**
 * The items of DiagnoseVpnGateway: what is looked at, and how bad it is. Pure.
 *
 * Names, levels and members are those of the vendor's page of GetVpnGatewayDiagnoseResult (2024): a quota of which more
 * than 80 % are used warns; packets lost warn, all of them lost is an error; a route whose destination is that of
 * another one or contains it is an error, one that is contained warns.
 */
import type { EchoReport } from '../../engine/engine.ts'
import { contains, parseNetwork } from '../ipv4.ts'

export type Level = 'normal' | 'warning' | 'error'

export interface DiagnosisItem {
  readonly name:
    | 'RouteEntryConflict'
    | 'VpnRouteQuota'
    | 'VpnIPsecQuota'
    | 'VpnPbrRouteQuota'
    | 'VcoConfigConsistency'
    | 'VcoUserInternetIpConnectivity'
    | 'VcoPrivateConnectivity'
  readonly level: Level
  readonly description: Readonly<Record<string, unknown>>
}

const worst = (levels: readonly Level[]): Level =>
  levels.includes('error') ? 'error' : levels.includes('warning') ? 'warning' : 'normal'

// --- Quotas ----------------------------------------------------------------------------------------------------

const warnAbove = 0.8

export const quotaItem = (
  name: 'VpnRouteQuota' | 'VpnIPsecQuota' | 'VpnPbrRouteQuota',
  quotaName: string,
  used: number,
  quantity: number,
): DiagnosisItem => ({
  name,
  level: used > warnAbove * quantity ? 'warning' : 'normal',
  description: { quotaName, quantity, used },
})

// --- Routes ----------------------------------------------------------------------------------------------------

/** A destination of the diagnosed connection, and what else there is on the way of its packets. */
export interface OtherRoute {
  readonly destination: string
  /** `vSwitch`, or the connection that it leads to. */
  readonly nextHop: string
}

export function routeItem(destinations: readonly string[], others: readonly OtherRoute[]): DiagnosisItem {
  const conflicts = [...new Set(destinations)].flatMap((destination) => {
    const network = parseNetwork(destination)
    return others.flatMap((other) => {
      const beside = parseNetwork(other.destination)
      if (!network || !beside) return []
      // A default route contains everything and is meant to: the longer one wins.
      const level =
        contains(network, beside) && network.prefixLength > 0
          ? ('error' as const)
          : contains(beside, network) && beside.prefixLength > 0
            ? ('warning' as const)
            : undefined
      return level
        ? [{ routeDest: destination, conflictDest: other.destination, nextHop: other.nextHop, level }]
        : []
    })
  })
  return {
    name: 'RouteEntryConflict',
    level: worst(conflicts.map(({ level }) => level)),
    description: { conflicts },
  }
}

// --- What is wanted and what runs --------------------------------------------------------------------------------

export interface TunnelSettings {
  readonly tunnelId: string
  /** `ikev2 aes-sha1-group2`, `aes-sha1, PFS group2` */
  readonly ike: string
  readonly ipsec: string
  readonly generation: number
  readonly observedGeneration: number | null
  readonly pendingReconnect: boolean
  /** As the daemon names what was negotiated; absent: no SA. */
  readonly runningIke?: string
  readonly runningIpsec?: string
  readonly childrenWanted: number
  readonly childrenInstalled: number
}

export function consistencyItem(tunnels: readonly TunnelSettings[]): DiagnosisItem {
  const different = tunnels.filter((one) => one.generation !== one.observedGeneration || one.pendingReconnect)
  const lacking = tunnels.filter((one) => one.childrenInstalled < one.childrenWanted)
  const isLoaded = different.every((one) => one.generation === one.observedGeneration)
  return {
    name: 'VcoConfigConsistency',
    level: different.length === 0 ? 'normal' : isLoaded ? 'warning' : 'error',
    description: {
      vcoConf: tunnels.map(({ tunnelId, ike, ipsec, generation }) => ({ tunnelId, ike, ipsec, generation })),
      vcoRunningConf: tunnels.map(({ tunnelId, runningIke, runningIpsec, observedGeneration }) => ({
        tunnelId,
        ike: runningIke ?? '',
        ipsec: runningIpsec ?? '',
        generation: observedGeneration ?? 0,
      })),
      vcoDiffConf: different.map(({ tunnelId, pendingReconnect }) => ({
        tunnelId,
        why: pendingReconnect
          ? 'loaded, and waiting for traffic before it is negotiated anew'
          : 'not loaded yet',
      })),
      vcoLackConf: lacking.map(({ tunnelId, childrenWanted, childrenInstalled }) => ({
        tunnelId,
        childSasMissing: childrenWanted - childrenInstalled,
      })),
    },
  }
}

// --- Reach -----------------------------------------------------------------------------------------------------

/** @param echos one for each tunnel that was tried; none where there was nothing to try */
export function reachItem(
  name: 'VcoUserInternetIpConnectivity' | 'VcoPrivateConnectivity',
  echos: readonly EchoReport[],
  /** The peers of these answer IKE whatever becomes of ICMP. */
  answering: boolean,
): DiagnosisItem {
  const lost = echos.reduce((sum, { sent, received }) => sum + sent - received, 0)
  const sent = echos.reduce((sum, echo) => sum + echo.sent, 0)
  const level: Level =
    sent === 0
      ? answering
        ? 'normal'
        : 'warning'
      : lost === 0
        ? 'normal'
        : lost < sent || answering
          ? 'warning'
          : 'error'
  return {
    name,
    level,
    description: {
      targetIp: echos.map(({ destination }) => destination).join(','),
      srcIp: echos.map(({ source }) => source).join(','),
      rtt: echos.map(({ rtt }) => (rtt === undefined ? '' : `${rtt}`)).join(','),
      lossRate: sent === 0 ? '' : `${Math.round((100 * lost) / sent)}%`,
      ...(sent === 0 && { note: 'no echo could be sent from here' }),
      ...(sent > 0 && lost === sent && answering && { note: 'ICMP gets no answer, IKE does' }),
    },
  }
}
