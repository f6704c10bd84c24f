/** Answers that are kept show what the database holds, whoever wrote it and however. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { sql } from 'kysely'
import { type Database, openDatabase } from '../../db/open.ts'
import { type NewRow, type Schema, tables } from '../../db/schema.ts'
import type { Call } from '../../rpc/action.ts'
import { compileResult } from '../../rpc/render.ts'
import { createSealer, loadMasterKey } from '../../seal.ts'
import type { ResourceContext } from '../context.ts'
import { createPaging } from '../paging.ts'
import { vpnConnectionActions } from './actions.ts'
import { describeVpnConnection, describeVpnConnections } from './spec.ts'
import { connectionsShowing, pskContext } from './store.ts'

const folder = mkdtempSync(join(tmpdir(), 'suidao-kept-'))
after(() => rmSync(folder, { recursive: true }))

const sealer = createSealer(loadMasterKey(join(folder, 'master.key')))
const writer = compileResult(describeVpnConnection)
const listWriter = compileResult(describeVpnConnections)
const scope = { account_id: '1', region: 'r' }
const noun = { ...scope, name: '', created_at: 1, version: 1 }
const described = { ...noun, description: '' }
const ids = ['vco-1', 'vco-2', 'vco-3', 'vco-4']
const gateways = ['vpn-1', 'vpn-2']
const peers = ['cgw-1', 'cgw-2', 'cgw-3']
const zones = ['vsw-1', 'vsw-2']
const dual = (id: string) => id === 'vco-3' || id === 'vco-4'

function rows(): { [T in keyof Schema]?: NewRow<T>[] } {
  const tunnel = (connection: string, position: number): NewRow<'vpn_tunnel'> => {
    const id = dual(connection) ? `tun-${connection}-${position}` : connection
    return {
      id,
      connection_id: connection,
      position,
      role: position === 1 ? 'master' : 'slave',
      customer_gateway_id: peers[position]!,
      ...{ enable_dpd: 1, enable_nat_traversal: 1, ike_version: 'ikev2', ike_mode: 'main' },
      ...{ ike_enc_alg: 'aes', ike_auth_alg: 'sha1', ike_pfs: 'group2', ike_lifetime: 86400 },
      ...{ ipsec_enc_alg: 'aes', ipsec_auth_alg: 'sha1', ipsec_pfs: 'group2', ipsec_lifetime: 86400 },
      restarts: 0,
      rekeys: 0,
      ...{ local_id: 'l', remote_id: 'r', psk_sealed: sealer.seal('psk', pskContext(id)) },
      slot: ids.indexOf(connection) * 2 + position,
      generation: 1,
    }
  }
  const tunnels = ids.flatMap((id) => (dual(id) ? [tunnel(id, 1), tunnel(id, 2)] : [tunnel(id, 1)]))
  return {
    vswitch: zones.map((id, seq) => ({ ...described, seq, id, vpc_id: 'vpc-1', zone: id, cidr: '' })),
    vpn_gateway: gateways.map((id, seq) => ({
      ...{ ...described, seq, id, vpc_id: 'vpc-1', vswitch_id: zones[0]!, second_vswitch_id: zones[1] },
      kind: 'gateway' as const,
      ...{ internet_ip: '1.1.1.1', second_internet_ip: '1.1.1.2', bandwidth: 10, network_type: 'public' },
      ...{ vpn_type: 'Normal', charge_type: '', auto_propagate: 0, enable_ipsec: 1, enable_ssl: 0 },
      ...{ ssl_connections: 0, resource_group_id: '', inside_address: '', slot: seq, order_id: seq },
      ...{ business_status: '', end_time: 1, generation: 1 },
    })),
    customer_gateway: peers.map((id, seq) => ({
      ...{ ...described, seq, id, ip_address: '2.2.2.2', asn: 1, resource_group_id: '' },
    })),
    vpn_connection: ids.map((id, seq) => ({
      ...{ ...noun, seq, id, vpn_gateway_id: gateways[seq % 2]!, local_subnet: 'l', remote_subnet: 'r' },
      ...{ effect_immediately: 0, auto_config_route: 0, hc_enable: 0, hc_dip: '', hc_sip: '' },
      ...{ hc_interval: 0, hc_retry: 0, hc_policy: '', bgp_enable: 0, dual: Number(dual(id)) },
      resource_group_id: '',
    })),
    vpn_tunnel: tunnels,
    tunnel_observation: tunnels.map(({ id, connection_id }) => ({
      ...{ tunnel_id: id, connection_id, observed_generation: 1, facts: '{}', ike_established: 1 },
      ...{ child_installed: 1, phase2_failed: 0, reported_at: 1, version: 1 },
    })),
    tag: ids.map((id) => ({
      ...scope,
      resource_type: 'vpnconnection',
      resource_id: id,
      key: 'a',
      value: '',
    })),
  }
}

/** The read as the API has it; `keeps` or as if nothing were ever kept. */
function reader(db: Database, keeps: boolean) {
  const context = { db: keeps ? db : { ...db, watch: () => undefined }, sealer } as unknown as ResourceContext
  const actions = vpnConnectionActions({ ...context, paging: createPaging() })
  const one = actions.find(({ spec }) => spec === describeVpnConnection)!
  const all = actions.find(({ spec }) => spec === describeVpnConnections)!
  const call = { principal: { accountId: '1' }, region: 'r', now: 1 } as Call
  return {
    one(id: string): string {
      try {
        return writer.json(one.run({ VpnConnectionId: id } as never, call) as object, 'ID')
      } catch (error) {
        return String(error)
      }
    },
    async list(): Promise<string> {
      return listWriter.xml(await all.run({ PageNumber: 1, PageSize: 10 } as never, call), 'ID')
    },
  }
}

type Change = readonly [table: keyof typeof connectionsShowing, row: number, column: number, value: number]
const watched = Object.keys(connectionsShowing) as (keyof Schema)[]
const change: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom(...watched),
  fc.nat(5),
  fc.nat(60),
  fc.nat(3),
) as never

/** A statement that changes one row: a column of it, or by chance all of it. */
function statementOf([table, row, column, value]: Change): string {
  const id = table === 'tag' ? 'resource_id' : table === 'tunnel_observation' ? 'tunnel_id' : 'id'
  const where = `${id} = (select ${id} from ${table} order by ${id} limit 1 offset ${row})`
  if (column > 57) return `delete from ${table} where ${where}`
  const columns = Object.entries(tables[table]).filter(
    ([name]) =>
      !/^(seq|id|slot|position|key|resource_type|account_id|region)$|_sealed$|^(tunnel|connection)_id$/.test(
        name,
      ),
  )
  const [name, { type }] = columns[column % columns.length]!
  const others: Record<string, readonly string[]> = {
    resource_id: ids,
    role: ['master', 'slave'],
    vpn_gateway_id: gateways,
    customer_gateway_id: peers,
    vswitch_id: zones,
    second_vswitch_id: zones,
    facts: ['{}'],
    reason_evidence: ['[]'],
  }
  const words = others[name] ?? [`${value}`, 'x', '', 'é']
  const to = type === 'text' ? `'${words[value % words.length]}'` : String(value % 2)
  // A word that the column does not take changes nothing.
  return `update or ignore ${table} set ${name} = ${to} where ${where}`
}

type Way =
  | 'transaction'
  | 'rolled back'
  | 'beside one that fails'
  | 'statement'
  | 'other process'
  | 'in one turn'
  | 'in a turn that has read already'
const step = fc.record({
  change,
  way: fc.constantFrom<Way>(
    'transaction',
    'rolled back',
    'beside one that fails',
    'statement',
    'other process',
    'in one turn',
    'in a turn that has read already',
  ),
})

test('whatever is written, by whomever, the next answer shows it', async () => {
  let runs = 0

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const config = { kind: 'sqlite', file: join(folder, `${runs++}.db`) } as const
      const [db, plain] = [await openDatabase(config), await openDatabase(config)]
      const other = new DatabaseSync(config.file)
      await db.transaction(async (trx) => {
        for (const [table, wanted] of Object.entries(rows())) {
          await trx
            .insertInto(table as 'tag')
            .values(wanted as NewRow<'tag'>[])
            .execute()
        }
      })
      const [kept, fresh] = [reader(db, true), reader(plain, false)]
      const compare = async (when: string) => {
        const shown = [...ids.map(kept.one), await kept.list()]
        // The plain reader may hold what it saw in this turn.
        await nextTurn()
        assert.deepEqual(shown, [...ids.map(fresh.one), await fresh.list()], when)
      }
      for (const { change, way } of steps) {
        const statement = statementOf(change)
        const write = sql.raw(statement)
        const inTransaction = (fails: boolean) =>
          db.transaction(async (trx) => {
            await write.execute(trx)
            // What is asked for meanwhile is kept as it was.
            await compare(`before the commit of ${statement}`)
            if (fails) throw new Error('on purpose')
          })
        switch (way) {
          case 'transaction':
            await inTransaction(false)
            break
          case 'rolled back':
            await inTransaction(true).catch(() => undefined)
            break
          case 'beside one that fails':
            await Promise.allSettled([inTransaction(false), inTransaction(true), inTransaction(false)])
            break
          case 'statement':
            await write.execute(db.kysely)
            break
          case 'other process':
            other.exec(statement)
            await nextTurn()
            break
          // A turn that has begun to read goes on with what it saw, and leaves none of it behind.
          case 'in a turn that has read already':
            await db.kysely.selectFrom('vpc').selectAll().execute()
            other.exec(statement)
            for (const id of ids) kept.one(id)
            await nextTurn()
            break
          case 'in one turn':
            for (const id of ids.slice(0, 2)) kept.one(id)
            other.exec(statement)
            for (const id of ids) kept.one(id)
            await nextTurn()
        }
        await compare(`after ${way}: ${statement}`)
      }
      other.close()
      await Promise.all([db.close(), plain.close()])
    }),
    { numRuns: 40 },
  )
})
