/** What of a diagnosis has to be tried on the network: the ways to the peers, and the one through a tunnel. */
import type { Database } from '../db/open.ts'
import type { Engine } from '../engine/engine.ts'
import { type DiagnosisItem, reachItem } from '../resources/diagnosis/items.ts'
import { finishDiagnosis } from '../resources/diagnosis/store.ts'

/** One that is finished, or gone, is left alone. */
export async function finishDiagnosisOf(
  db: Database,
  engine: Engine,
  id: string,
  now: () => number,
): Promise<void> {
  const row = await db.kysely.selectFrom('vpn_diagnosis').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row || row.finished_at !== null) return
  const tunnels = await db.kysely
    .selectFrom('vpn_tunnel as t')
    .leftJoin('tunnel_observation as o', 'o.tunnel_id', 't.id')
    .select(['t.id', 'o.ike_established', 'o.child_installed'])
    .where('t.connection_id', '=', row.connection_id)
    .orderBy('t.position')
    .execute()
  const echo = async (tunnelId: string, inside?: { source?: string; destination: string }) =>
    engine.tunnels.echo?.(tunnelId, inside)

  const outside = await Promise.all(tunnels.map((tunnel) => echo(tunnel.id)))
  const items: DiagnosisItem[] = [
    ...JSON.parse(row.items),
    reachItem(
      'VcoUserInternetIpConnectivity',
      outside.filter((one) => one !== undefined),
      tunnels.some(({ ike_established }) => Boolean(ike_established)),
    ),
  ]
  const { source_ip: source, destination_ip: destination } = row
  if (destination !== null) {
    const carrier = tunnels.find(({ child_installed }) => Boolean(child_installed)) ?? tunnels[0]
    const asked = carrier && (await echo(carrier.id, { source: source ?? undefined, destination }))
    // An address of a host is none that the gateway could send from: then it uses its own.
    const report = asked?.received === 0 ? await echo(carrier!.id, { destination }) : asked
    items.push(reachItem('VcoPrivateConnectivity', report ? [report] : [], false))
  }
  await finishDiagnosis(db, id, items, now())
}
