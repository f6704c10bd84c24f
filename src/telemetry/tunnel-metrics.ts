/** The series of gateways and tunnels: one of each for every tunnel that is wanted, up or down. */
import type { Database } from '../db/open.ts'
import type { BgpReport, DaemonHealth, ProbeReport } from '../engine/engine.ts'
import { type ReasonCode, reasons } from '../engine/reason.ts'
import { deriveConnectionStatus, deriveGatewayStatus } from '../resources/vpn-connection/status.ts'
import { type Family, nextTurn, type Sample } from './exposition.ts'
import type { Totals } from './traffic.ts'

/** Connections read at once: calls that came meanwhile are answered before the next ones. */
const pageSize = 250

/** Those of the next connections after this one, in the order of creation. */
async function readTunnels(db: Database, after: number) {
  return db.kysely
    .selectFrom('vpn_tunnel as t')
    .innerJoin('vpn_connection as c', 'c.id', 't.connection_id')
    .innerJoin('customer_gateway as p', 'p.id', 't.customer_gateway_id')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
    .select([
      'c.seq',
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
    .where('c.seq', 'in', (eb) =>
      eb.selectFrom('vpn_connection').select('seq').where('seq', '>', after).orderBy('seq').limit(pageSize),
    )
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

interface One {
  readonly row: TunnelRow
  readonly facts: Facts
  readonly labels: Readonly<Record<string, string>>
}

/** A family with a way to its samples of one tunnel: a number for the plain ones, whole samples for the others. */
interface PerTunnel extends Family {
  readonly samples: Sample[]
  sample(one: One): number | undefined | readonly Sample[]
}

function perTunnel(totals: (tunnelId: string) => Totals, now: number): readonly PerTunnel[] {
  const gauge = (name: string, help: string, sample: PerTunnel['sample']): PerTunnel => ({
    name: `suidao_tunnel_${name}`,
    type: 'gauge',
    help,
    samples: [],
    sample,
  })
  const counter = (name: string, help: string, amount: keyof Totals): PerTunnel => ({
    name: `suidao_tunnel_${name}_total`,
    type: 'counter',
    help,
    samples: [],
    sample: ({ row }) => totals(row.tunnel_id)[amount],
  })
  return [
    gauge('info', 'Always 1; what the tunnel is, as labels.', ({ row, labels }) => [
      { labels: { ...labels, ...infoOf(row) }, value: 1 },
    ]),
    gauge('up', '1 when at least one CHILD_SA is installed.', ({ row }) => Number(isUp(row))),
    gauge('ike_sas', 'Established IKE_SAs.', ({ row }) => row.ike_established ?? 0),
    gauge('child_sas', 'Installed CHILD_SAs.', ({ row }) => row.child_installed ?? 0),
    gauge(
      'child_sas_wanted',
      'CHILD_SAs that the settings ask for; absent before the first report.',
      ({ facts }) => facts.childrenWanted,
    ),
    gauge(
      'reason',
      'Always 1; why the tunnel is not up or not whole, as labels. Absent while nothing is wrong.',
      ({ row, labels }) => {
        const code = row.reason_code as ReasonCode | null
        if (code === null) return []
        const { vendorCode, severity } = reasons[code]
        return [{ labels: { ...labels, code, vendor_code: vendorCode, severity }, value: 1 }]
      },
    ),
    gauge(
      'report_age_seconds',
      'Time since the last report of the gateway node; +Inf before the first one.',
      ({ row }) =>
        row.reported_at === null ? Number.POSITIVE_INFINITY : Math.max(0, now - row.reported_at) / 1_000,
    ),
    counter('receive_bytes', 'Bytes that came out of the tunnel.', 'bytesIn'),
    counter('transmit_bytes', 'Bytes that went into the tunnel.', 'bytesOut'),
    counter('receive_packets', 'Packets that came out of the tunnel.', 'packetsIn'),
    counter('transmit_packets', 'Packets that went into the tunnel.', 'packetsOut'),
    counter('rekeys', 'CHILD_SAs that took the place of an older one.', 'rekeys'),
    gauge(
      'probe_success',
      'Verdict of the health check: 1 answered, 0 not; absent without one.',
      ({ facts: { probe } }) => (probe?.succeeding === undefined ? undefined : Number(probe.succeeding)),
    ),
    gauge(
      'probe_loss_ratio',
      'Part of the last probes, at most 100, that was not answered.',
      ({ facts: { probe } }) =>
        probe && probe.sent > 0 ? (probe.sent - probe.received) / probe.sent : undefined,
    ),
    gauge(
      'probe_rtt_seconds',
      'Round-trip time of the last probe that was answered.',
      ({ facts: { probe } }) => (probe?.rtt === undefined ? undefined : probe.rtt / 1_000),
    ),
    gauge(
      'bgp_established',
      '1 while the BGP session of the tunnel is established; absent where none is wanted.',
      ({ row }) => row.bgp_established ?? undefined,
    ),
    gauge(
      'bgp_prefixes_learned',
      'Prefixes learned over the BGP session of the tunnel.',
      ({ facts }) => facts.bgp?.learned.length,
    ),
    gauge(
      'bgp_prefixes_advertised',
      'Prefixes announced over the BGP session of the tunnel.',
      ({ facts }) => facts.bgp?.advertised.length,
    ),
  ]
}

/** @returns the families, and the ids of all tunnels that are wanted */
export async function tunnelFamilies({ db, totals, daemons, now }: TunnelMetricsSource): Promise<{
  readonly families: readonly Family[]
  readonly tunnelIds: ReadonlySet<string>
}> {
  const tunnels = perTunnel(totals, now)
  const tunnelIds = new Set<string>()
  for (let after: number | undefined = 0; after !== undefined; ) {
    const rows: TunnelRow[] = await readTunnels(db, after)
    for (const row of rows) {
      tunnelIds.add(row.tunnel_id)
      addSamples(tunnels, row)
    }
    after = rows.at(-1)?.seq
    await nextTurn()
  }
  const gateways = await readGateways(db)
  const families: Family[] = [
    {
      name: 'suidao_gateway_ready',
      type: 'gauge',
      help: '1 when the network of the VPN gateway is as it is wanted.',
      samples: gateways.map((row) => ({
        labels: { gateway: row.id },
        value: Number(
          deriveGatewayStatus(row, {
            observed_generation: row.observed_generation,
            busyConnections: false,
          }) === 'active',
        ),
      })),
    },
    ...tunnels,
    {
      name: 'suidao_daemon_up',
      type: 'gauge',
      help: '1 when a daemon of this node runs and answers.',
      samples: daemons.map(({ name, kind, up }) => ({ labels: { daemon: name, kind }, value: Number(up) })),
    },
    {
      name: 'suidao_daemon_starts_total',
      type: 'counter',
      help: 'How often this process has started the daemon.',
      samples: daemons.map(({ name, kind, starts }) => ({ labels: { daemon: name, kind }, value: starts })),
    },
  ]
  return { families, tunnelIds }
}

function addSamples(families: readonly PerTunnel[], row: TunnelRow): void {
  const one: One = {
    row,
    facts: JSON.parse(row.facts ?? '{}'),
    labels: { gateway: row.vpn_gateway_id, connection: row.connection_id, tunnel: row.tunnel_id },
  }
  for (const { samples, sample } of families) {
    const found = sample(one)
    if (typeof found === 'number') samples.push({ labels: one.labels, value: found })
    else if (found) samples.push(...found)
  }
}

const isUp = (row: TunnelRow) => deriveConnectionStatus(row) === 'ipsec_sa_established'

const infoOf = (row: TunnelRow) => ({
  account: row.account_id,
  region: row.region,
  peer: row.ip_address,
  ike_version: row.ike_version,
  ...(row.dual === 1 ? { role: row.role } : {}),
})
