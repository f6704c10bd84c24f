/**
 * What the outside is told of tunnels as it happens: the log of the process, the log of the tunnel, webhooks; and what
 * it can ask for: metrics. Told of every stored report, it never delays who reports.
 */
import type { Clock } from '../clock.ts'
import type { Database } from '../db/open.ts'
import type { Row } from '../db/schema.ts'
import type { BgpReport, DaemonHealth, ProbeReport } from '../engine/engine.ts'
import { type ReasonCode, reasons } from '../engine/reason.ts'
import type { Logbook } from '../logbook/logbook.ts'
import { type EventName, eventTypes } from '../resources/webhook/events.ts'
import { renderEvent } from '../resources/webhook/model.ts'
import { enqueue, webhookCounts } from '../resources/webhook/store.ts'
import type { Sealer } from '../seal.ts'
import { deriveChange, type TunnelChange } from './changes.ts'
import { type Family, renderInTurns } from './exposition.ts'
import { createTrafficCounter } from './traffic.ts'
import { tunnelFamilies } from './tunnel-metrics.ts'
import { createWebhookSender } from './webhook-sender.ts'

export interface TelemetryOptions {
  readonly db: Database
  readonly sealer: Sealer
  readonly logbook: Pick<Logbook, 'append'>
  readonly log: (entry: object) => void
  readonly clock: Clock
  /** Metrics are asked for: without them nothing has to be counted. */
  readonly measures: boolean
}

type Observation = Row<'tunnel_observation'>

export interface Telemetry {
  /** A report has been stored in the place of another one. Never throws. */
  stored(report: { readonly before: Observation | undefined; readonly after: Observation }): void
  /** Prometheus text. */
  renderMetrics(daemons: readonly DaemonHealth[]): Promise<string>
  /** Resolves when what was told is stored, and what is due at webhooks has been tried. */
  settled(): Promise<void>
  /** Resolves when what was told is stored, and no webhook is being sent to. */
  stop(): Promise<void>
}

export function createTelemetry({ db, sealer, logbook, log, clock, measures }: TelemetryOptions): Telemetry {
  const traffic = createTrafficCounter()
  const sender = createWebhookSender(db, sealer, clock, log)
  /** Events are stored in the order in which they happened. */
  let storing: Promise<void> = Promise.resolve()
  // What an earlier process has left in the queues.
  sender.wake()

  async function tellWebhooks(change: TunnelChange, after: Observation): Promise<void> {
    const facts = await readFacts(db, change.tunnelId)
    if (!facts) return
    const rendered = change.events.map((name) =>
      renderEvent({
        name,
        accountId: facts.account_id,
        region: facts.region,
        resource: `vpnconnection/${change.connectionId}`,
        instanceName: facts.name,
        at: change.at,
        content: {
          vpnGatewayId: facts.vpn_gateway_id,
          vpnConnectionId: change.connectionId,
          tunnelId: change.tunnelId,
          peer: facts.ip_address,
          tunnelStatus: change.status,
          // A recovery has no cause, whatever was wrong before it.
          ...(eventTypes[name].level === 'WARN' && reasonOf(after)),
          ...serviceOf(name, after),
        },
      }),
    )
    const owner = { accountId: facts.account_id, region: facts.region }
    if (await enqueue(db, owner, rendered, clock.now())) sender.wake()
  }

  return {
    stored({ before, after }) {
      if (measures) traffic.note(after.tunnel_id, JSON.parse(after.facts).childSas)
      const change = deriveChange(before, after)
      if (!change) return
      log(entryOf(change))
      logbook.append(change.tunnelId, { at: change.at, text: `[STATUS] ${sentenceOf(change)}` })
      if (change.events.length === 0) return
      storing = storing
        .then(() => tellWebhooks(change, after))
        .catch((cause) =>
          log({ level: 'warn', message: `an event is lost: ${cause}`, tunnel: change.tunnelId }),
        )
    },
    async renderMetrics(daemons) {
      const { families, tunnelIds } = await tunnelFamilies({
        db,
        totals: (id) => traffic.totals(id),
        daemons,
        now: clock.now(),
      })
      traffic.keep(tunnelIds)
      return renderInTurns([...families, ...webhookFamilies(await webhookCounts(db.kysely))])
    },
    async settled() {
      await storing
      await sender.idle()
    },
    async stop() {
      await storing
      await sender.stop()
    },
  }
}

const readFacts = (db: Database, tunnelId: string) =>
  db.kysely
    .selectFrom('vpn_tunnel as t')
    .innerJoin('vpn_connection as c', 'c.id', 't.connection_id')
    .innerJoin('customer_gateway as p', 'p.id', 't.customer_gateway_id')
    .select(['c.account_id', 'c.region', 'c.name', 'c.vpn_gateway_id', 'p.ip_address'])
    .where('t.id', '=', tunnelId)
    .executeTakeFirst()

function reasonOf({ reason_code, reason_since, reason_evidence }: Observation) {
  if (reason_code === null) return {}
  const code = reason_code as ReasonCode
  const { vendorCode, severity, title, remedy } = reasons[code]
  return {
    reason: {
      code,
      failedReasonCode: vendorCode,
      severity,
      since: reason_since,
      title,
      remedy,
      evidence: JSON.parse(reason_evidence ?? '[]'),
    },
  }
}

/** What the service says that the event is about. */
function serviceOf(name: EventName, { facts }: Observation) {
  const { bgp, probe } = JSON.parse(facts) as { bgp?: BgpReport; probe?: ProbeReport }
  if (name.startsWith('Bgp') && bgp) return { bgp: { state: bgp.state, lastError: bgp.lastError ?? '' } }
  if (name.startsWith('IpsecHealthCheck') && probe) {
    return { healthCheck: { sent: probe.sent, received: probe.received, rtt: probe.rtt ?? null } }
  }
  return {}
}

function webhookFamilies(rows: Awaited<ReturnType<typeof webhookCounts>>): Family[] {
  const samples = (amount: 'delivered' | 'dropped' | 'waiting') =>
    rows.map((row) => ({ labels: { webhook: row.id }, value: row[amount] }))
  return [
    {
      name: 'suidao_webhook_delivered_total',
      type: 'counter',
      help: 'Events that a webhook has taken.',
      samples: samples('delivered'),
    },
    {
      name: 'suidao_webhook_dropped_total',
      type: 'counter',
      help: 'Events that were given up, or pushed out of a full queue.',
      samples: samples('dropped'),
    },
    {
      name: 'suidao_webhook_waiting',
      type: 'gauge',
      help: 'Events in the queue of a webhook.',
      samples: samples('waiting'),
    },
  ]
}

/** Events that status and reason do not tell of. */
const othersOf = (change: TunnelChange): readonly EventName[] =>
  change.events.filter((name) => !name.startsWith('IpsecPhase'))

const entryOf = (change: TunnelChange) => ({
  level: 'info',
  message: 'a tunnel has changed',
  connection: change.connectionId,
  tunnel: change.tunnelId,
  status: change.status,
  ...(change.statusBefore !== change.status && { before: change.statusBefore ?? null }),
  ...(change.reason && { reason: change.reason }),
  ...(othersOf(change).length > 0 && { events: othersOf(change) }),
})

/** `ipsec_sa_established -> ike_sa_not_established, PSK_MISMATCH: The pre-shared keys differ` */
function sentenceOf(change: TunnelChange): string {
  const { status, statusBefore, reason } = change
  const step = statusBefore === undefined || statusBefore === status ? status : `${statusBefore} -> ${status}`
  const why = reason === undefined ? [] : [`${reason}: ${reasons[reason].title.en}`]
  return [step, ...why, ...othersOf(change)].join(', ')
}
