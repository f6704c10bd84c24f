/** Pages of connections, whichever filter and in whatever order they are asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase } from '../../../test/support/postgres.ts'
import type { Database } from '../../db/open.ts'
import type { NewRow } from '../../db/schema.ts'
import { createPaging } from '../paging.ts'
import { putTags } from '../tag/store.ts'
import { type ConnectionFilter, insertConnection, prepareListConnections, removeConnection } from './store.ts'

const scopes = [
  { accountId: '1', region: 'a' },
  { accountId: '1', region: 'b' },
  { accountId: '2', region: 'a' },
] as const
const count = 60

/** Number `n` of all, spread over scopes, gateways, customer gateways and resource groups. */
function connection(n: number): { row: NewRow<'vpn_connection'>; tunnel: NewRow<'vpn_tunnel'> } {
  const { accountId, region } = scopes[n % 3]!
  const id = `vco-${n}`
  return {
    row: {
      ...{ seq: 10 + n * 3, id, account_id: accountId, region, name: '', created_at: 1, version: 1 },
      ...{ vpn_gateway_id: `vpn-${n % 2}`, local_subnet: '', remote_subnet: '', effect_immediately: 0 },
      ...{ auto_config_route: 0, hc_enable: 0, hc_dip: '', hc_sip: '', hc_interval: 0, hc_retry: 0 },
      ...{ hc_policy: '', bgp_enable: 0, dual: 0, resource_group_id: `rg-${n % 5}`, deleted_at: null },
    },
    tunnel: {
      ...{ id, connection_id: id, position: 1, role: 'master', customer_gateway_id: `cgw-${n % 4}` },
      ...{ enable_dpd: 0, enable_nat_traversal: 0, ike_version: '', ike_mode: '', ike_enc_alg: '' },
      ...{ ike_auth_alg: '', ike_pfs: '', ike_lifetime: 1, local_id: '', remote_id: '', psk_sealed: '' },
      ...{
        ipsec_enc_alg: '',
        ipsec_auth_alg: '',
        ipsec_pfs: '',
        ipsec_lifetime: 1,
        restarts: 0,
        rekeys: 0,
        slot: n,
        generation: 1,
      },
    },
  }
}

async function fill(db: Database): Promise<void> {
  await db.transaction(async (trx) => {
    for (let n = 0; n < count; n++) {
      const { row, tunnel } = connection(n)
      await insertConnection(trx, row, [tunnel])
      const tags = n % 6 === 0 ? [{ Key: 'env', Value: n % 12 ? 'test' : 'live' }] : []
      await putTags(trx, scopes[n % 3]!, 'vpnconnection', row.id, tags)
    }
  })
}

const filters: [ConnectionFilter, (n: number) => boolean][] = [
  [{ tags: [] }, () => true],
  [{ vpnGatewayId: 'vpn-1', tags: [] }, (n) => n % 2 === 1],
  [{ vpnGatewayId: 'vpn-none', tags: [] }, () => false],
  [{ customerGatewayId: 'cgw-3', tags: [] }, (n) => n % 4 === 3],
  [{ resourceGroupId: 'rg-2', tags: [] }, (n) => n % 5 === 2],
  [{ vpnConnectionId: 'vco-9', tags: [] }, (n) => n === 9],
  [{ vpnGatewayId: 'vpn-0', resourceGroupId: 'rg-2', tags: [] }, (n) => n % 10 === 2],
  [{ tags: [{ Key: 'env' }] }, (n) => n % 6 === 0],
  [{ vpnGatewayId: 'vpn-0', tags: [{ Key: 'env', Value: 'live' }] }, (n) => n % 12 === 0],
]

eachDatabase((_kind, open) => {
  test('every page of every list holds what it should, walked or jumped to', async () => {
    const db = await open()
    await fill(db)
    const list = prepareListConnections(db)
    for (const [index, scope] of scopes.entries()) {
      for (const [filter, fits] of filters) {
        const wanted = Array.from({ length: count }, (_, n) => n).filter((n) => n % 3 === index && fits(n))
        const ids = wanted.map((n) => `vco-${n}`)
        for (const order of [
          [1, 2, 3, 4, 5, 6, 7, 8],
          [5, 1, 8, 3, 6, 2],
        ]) {
          const paging = createPaging()
          for (const PageNumber of order) {
            const page = await list(paging, scope, filter, { PageNumber, PageSize: 3 })
            const expected = { total: ids.length, ids: ids.slice((PageNumber - 1) * 3, PageNumber * 3) }
            assert.deepEqual(page, expected, JSON.stringify([scope, filter, PageNumber, order]))
          }
        }
      }
    }
  })

  test('who walks a list meets each that stays once, whatever is removed behind and before', async () => {
    const db = await open()
    await fill(db)
    const list = prepareListConnections(db)
    const paging = createPaging()
    const [scope] = scopes
    const met: string[] = []
    for (let PageNumber = 1; ; PageNumber++) {
      const { ids } = await list(paging, scope, { tags: [] }, { PageNumber, PageSize: 4 })
      if (ids.length === 0) break
      met.push(...ids)
      // The first of this page, and one that is still to come.
      for (const id of [ids[0], `vco-${PageNumber * 15}`]) {
        const row = await db.kysely
          .selectFrom('vpn_connection')
          .selectAll()
          .where('id', '=', id!)
          .where('region', '=', scope.region)
          .where('account_id', '=', scope.accountId)
          .executeTakeFirst()
        if (row) await db.transaction((trx) => removeConnection(trx, row))
      }
    }
    assert.equal(new Set(met).size, met.length)
    const left = await db.kysely
      .selectFrom('vpn_connection')
      .select('id')
      .where('region', '=', scope.region)
      .where('account_id', '=', scope.accountId)
      .execute()
    for (const { id } of left) assert.ok(met.includes(id), id)
  })
})
