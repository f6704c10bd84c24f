/** The series of gateways and tunnels: one of each for every tunnel that is wanted, up or down. */
import type { Database } from '../db/open.ts'
import type { BgpReport, DaemonHealth, ProbeReport } from '../engine/engine.ts'
import { type ReasonCode, reasons } from '../engine/reason.ts'
import { deriveConnectionStatus, deriveGatewayStatus } from '../resources/vpn-connection/status.ts'
import type { Family, Sample } from './exposition.ts'
import type { Totals } from './traffic.ts'

async function readTunnels(db: Database) {
  return db.kysely
    .selectFrom('vpn_tunnel as t')
    .innerJoin('vpn_connection as c', 'c.id', 't.connection_id')
    .innerJoin('customer_gateway as p', 'p.id', 't.customer_gateway_id')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
    .select([
      't.id as tunnel_id',
      't.role',
      't.ike_version',
      't.connection_id',
      'c.vpn_gateway_id',
      'c.account_id',
      'c.region',
      'c.dual',
      'p.ip_address',
      'o.observed_generation',
      'o.ike_established',
      'o.child_installed',
      'o.phase2_failed',
      'o.bgp_established',
      'o.probe_succeeding',
      'o.reason_code',
      'o.reported_at',
      'o.facts',
    ])
    .orderBy('c.seq')
    .orderBy('t.position')
    .execute()
}

type TunnelRow = Awaited<ReturnType<typeof readTunnels>>[number]

async function readGateways(db: Database) {
  return db.kysely
    .selectFrom('vpn_gateway as g')
    .leftJoin('gateway_observation as o', 'o.gateway_id', 'g.id')
    .select(['g.id', 'g.generation', 'g.deleted_at', 'o.observed_generation'])
    .orderBy('g.seq')
    .execute()
}

interface Facts {
  readonly childrenWanted?: number
  readonly bgp?: BgpReport
  readonly probe?: ProbeReport
}

export interface TunnelMetricsSource {
  readonly db: Database
  readonly totals: (tunnelId: string) => Totals
  readonly daemons: readonly DaemonHealth[]
  /** Epoch milliseconds. */
  readonly now: number
}

/** @returns the families, and the ids of all tunnels that are wanted */
export async function tunnelFamilies({ db, totals, daemons, now }: TunnelMetricsSource): Promise<{
  readonly families: readonly Family[]
  readonly tunnelIds: ReadonlySet<string>
}> {
  const [tunnels, gateways] = await Promise.all([readTunnels(db), readGateways(db)])
  const rows = tunnels.map((row) => ({
    row,
    facts: JSON.parse(row.facts ?? '{}') as Facts,
    labels: { gateway: row.vpn_gateway_id, connection: row.connection_id, tunnel: row.tunnel_id },
  }))
  type One = (typeof rows)[number]
  const each = (value: (one: One) => number | undefined): Sample[] =>
    rows.flatMap((one) => {
      const found = value(one)
      return found === undefined ? [] : [{ labels: one.labels, value: found }]
    })
  const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
    name: `suidao_${name}`,
    type: 'gauge',
    help,
    samples,
  })
  const counter = (name: string, help: string, amount: keyof Totals): Family => ({
    name: `suidao_tunnel_${name}_total`,
    type: 'counter',
    help,
    samples: each(({ row }) => totals(row.tunnel_id)[amount]),
  })
  const families: Family[] = [
    gauge(
      'gateway_ready',
      '1 when the network of the VPN gateway is as it is wanted.',
      gateways.map((row) => ({
        labels: { gateway: row.id },
        value: Number(
          deriveGatewayStatus(row, {
            observed_generation: row.observed_generation,
            busyConnections: false,
          }) === 'active',
        ),
      })),
    ),
    gauge(
      'tunnel_info',
      'Always 1; what the tunnel is, as labels.',
      rows.map(({ row, labels }) => ({ labels: { ...labels, ...infoOf(row) }, value: 1 })),
    ),
    gauge(
      'tunnel_up',
      '1 when at least one CHILD_SA is installed.',
      each(({ row }) => Number(isUp(row))),
    ),
    gauge(
      'tunnel_ike_sas',
      'Established IKE_SAs.',
      each(({ row }) => row.ike_established ?? 0),
    ),
    gauge(
      'tunnel_child_sas',
      'Installed CHILD_SAs.',
      each(({ row }) => row.child_installed ?? 0),
    ),
    gauge(
      'tunnel_child_sas_wanted',
      'CHILD_SAs that the settings ask for; absent before the first report.',
      each(({ facts }) => facts.childrenWanted),
    ),
    gauge(
      'tunnel_reason',
      'Always 1; why the tunnel is not up or not whole, as labels. Absent while nothing is wrong.',
      rows.flatMap(({ row, labels }) => {
        const code = row.reason_code as ReasonCode | null
        if (code === null) return []
        const { vendorCode, severity } = reasons[code]
        return [{ labels: { ...labels, code, vendor_code: vendorCode, severity }, value: 1 }]
      }),
    ),
    gauge(
      'tunnel_report_age_seconds',
      'Time since the last report of the gateway node; +Inf before the first one.',
      each(({ row }) =>
        row.reported_at === null ? Number.POSITIVE_INFINITY : Math.max(0, now - row.reported_at) / 1_000,
      ),
    ),
    counter('receive_bytes', 'Bytes that came out of the tunnel.', 'bytesIn'),
    counter('transmit_bytes', 'Bytes that went into the tunnel.', 'bytesOut'),
    counter('receive_packets', 'Packets that came out of the tunnel.', 'packetsIn'),
    counter('transmit_packets', 'Packets that went into the tunnel.', 'packetsOut'),
    counter('rekeys', 'CHILD_SAs that took the place of an older one.', 'rekeys'),
    gauge(
      'tunnel_probe_success',
      'Verdict of the health check: 1 answered, 0 not; absent without one.',
      each(({ facts }) =>
        facts.probe?.succeeding === undefined ? undefined : Number(facts.probe.succeeding),
      ),
    ),
    gauge(
      'tunnel_probe_loss_ratio',
      'Part of the last probes, at most 100, that was not answered.',
      each(({ facts: { probe } }) =>
        probe && probe.sent > 0 ? (probe.sent - probe.received) / probe.sent : undefined,
      ),
    ),
    gauge(
      'tunnel_probe_rtt_seconds',
      'Round-trip time of the last probe that was answered.',
      each(({ facts: { probe } }) => (probe?.rtt === undefined ? undefined : probe.rtt / 1_000)),
    ),
    gauge(
      'tunnel_bgp_established',
      '1 while the BGP session of the tunnel is established; absent where none is wanted.',
      each(({ row }) => row.bgp_established ?? undefined),
    ),
    gauge(
      'tunnel_bgp_prefixes_learned',
      'Prefixes learned over the BGP session of the tunnel.',
      each(({ facts }) => facts.bgp?.learned.length),
    ),
    gauge(
      'tunnel_bgp_prefixes_advertised',
      'Prefixes announced over the BGP session of the tunnel.',
      each(({ facts }) => facts.bgp?.advertised.length),
    ),
    gauge(
      'daemon_up',
      '1 when a daemon of this node runs and answers.',
      daemons.map(({ name, kind, up }) => ({ labels: { daemon: name, kind }, value: Number(up) })),
    ),
    {
      name: 'suidao_daemon_starts_total',
      type: 'counter',
      help: 'How often this process has started the daemon.',
      samples: daemons.map(({ name, kind, starts }) => ({ labels: { daemon: name, kind }, value: starts })),
    },
  ]
  return { families, tunnelIds: new Set(tunnels.map((row) => row.tunnel_id)) }
}

const isUp = (row: TunnelRow) => deriveConnectionStatus(row) === 'ipsec_sa_established'

const infoOf = (row: TunnelRow) => ({
  account: row.account_id,
  region: row.region,
  peer: row.ip_address,
  ike_version: row.ike_version,
  ...(row.dual === 1 ? { role: row.role } : {}),
})
