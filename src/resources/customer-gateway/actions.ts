import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { readCount } from '../counts.ts'
import { newId } from '../ids.ts'
import { queried } from '../paging.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters, checkTags, type Tag } from '../tag/model.ts'
import { carries, putTags, removeTags, tagsOf } from '../tag/store.ts'
import { defined } from '../vpn-connection/model.ts'
import { bgpTunnelsOfPeer, changeTunnel, isCustomerGatewayUsed } from '../vpn-connection/store.ts'
import { authKeyContext, checkAddress, cloudAsn, parseAsn } from './model.ts'
import {
  createCustomerGateway,
  deleteCustomerGateway,
  describeCustomerGateway,
  describeCustomerGateways,
  modifyCustomerGatewayAttribute,
} from './spec.ts'
import {
  type CustomerGateway,
  changeCustomerGateway,
  findCustomerGateway,
  insertCustomerGateway,
  isAddressTaken,
  removeCustomerGateway,
} from './store.ts'

export function customerGatewayActions({ db, sealer, write, paging, quotas }: ResourceContext): Action[] {
  const view = (row: CustomerGateway, tags: readonly Tag[]) => ({
    // Left out when it was not given: Terraform takes any value here for one that the user has to have written.
    Asn: row.asn ?? undefined,
    AuthKey:
      row.auth_key_sealed === null
        ? undefined
        : sealer.open(row.auth_key_sealed, authKeyContext(row.id)).reveal(),
    CreateTime: row.created_at,
    CustomerGatewayId: row.id,
    Description: row.description,
    IpAddress: row.ip_address,
    Name: row.name,
    ResourceGroupId: row.resource_group_id,
    Tags: tags,
  })

  return [
    action(createCustomerGateway, (input, call) =>
      write(createCustomerGateway, input, call, async (trx) => {
        const scope = scopeOf(call)
        checkAddress(input.IpAddress)
        const asn = input.Asn === undefined ? null : parseAsn(input.Asn)
        if (asn === undefined || asn === cloudAsn) throw apiError('IllegalParam.Asn', { value: input.Asn })
        const tags = checkTags(input.Tags ?? [], quotas.tagsPerResource)
        if (await isAddressTaken(trx, scope, input.IpAddress)) throw apiError('InvalidIpAddress.AlreadyExist')
        if ((await readCount(trx, 'customer_gateway', scope)) >= quotas.customerGateways) {
          throw apiError('Resource.QuotaFull')
        }
        const id = newId('cgw', call.region)
        const row: CustomerGateway = {
          seq: await db.nextSeq(trx),
          id,
          account_id: scope.accountId,
          region: scope.region,
          name: input.Name ?? '',
          description: input.Description ?? '',
          ip_address: input.IpAddress,
          asn,
          auth_key_sealed:
            input.AuthKey === undefined ? null : sealer.seal(input.AuthKey, authKeyContext(id)),
          resource_group_id: input.ResourceGroupId ?? '',
          created_at: call.now,
          version: 1,
        }
        await insertCustomerGateway(trx, row)
        await putTags(trx, scope, 'customergateway', id, tags)
        return {
          CreateTime: row.created_at,
          CustomerGatewayId: id,
          Description: row.description,
          IpAddress: row.ip_address,
          Name: row.name,
        }
      }),
    ),

    action(describeCustomerGateway, async ({ CustomerGatewayId }, call) => {
      const scope = scopeOf(call)
      const row = await findCustomerGateway(db.kysely, scope, CustomerGatewayId)
      if (!row) throw apiError('InvalidCustomerGatewayInstanceId.NotFound')
      return view(row, (await tagsOf(db.kysely, scope, 'customergateway', [row.id])).get(row.id) ?? [])
    }),

    action(describeCustomerGateways, async ({ PageNumber, PageSize, ...filter }, call) => {
      const scope = scopeOf(call)
      const tags = checkTagFilters(filter.Tag ?? [])
      let filtered = db.kysely
        .selectFrom('customer_gateway')
        .where('account_id', '=', scope.accountId)
        .where('region', '=', scope.region)
      if (filter.CustomerGatewayId !== undefined)
        filtered = filtered.where('id', '=', filter.CustomerGatewayId)
      if (filter.ResourceGroupId !== undefined) {
        filtered = filtered.where('resource_group_id', '=', filter.ResourceGroupId)
      }
      if (tags.length > 0) {
        filtered = filtered.where((eb) => carries(eb, scope, 'customergateway', 'customer_gateway.id', tags))
      }
      const all = !filter.CustomerGatewayId && !filter.ResourceGroupId && tags.length === 0
      const total = all
        ? await readCount(db.kysely, 'customer_gateway', scope)
        : (await filtered.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()).n
      const list = `customer_gateway ${JSON.stringify([scope, filter])}`
      const rows = await paging.page(
        list,
        { PageNumber, PageSize },
        queried<CustomerGateway>('customer_gateway.seq', filtered, (q) => q.selectAll('customer_gateway')),
      )
      const tagged = await tagsOf(
        db.kysely,
        scope,
        'customergateway',
        rows.map(({ id }) => id),
      )
      return {
        CustomerGateways: rows.map((row) => view(row, tagged.get(row.id) ?? [])),
        PageNumber,
        PageSize,
        TotalCount: Number(total),
      }
    }),

    action(modifyCustomerGatewayAttribute, (input, call) =>
      write(modifyCustomerGatewayAttribute, input, call, async (trx, changed) => {
        const scope = scopeOf(call)
        const row = await findCustomerGateway(trx, scope, input.CustomerGatewayId)
        if (!row) throw apiError('InvalidCustomerGatewayInstanceId.NotFound')
        const change = defined({
          name: input.Name,
          description: input.Description,
          auth_key_sealed:
            input.AuthKey === undefined ? undefined : sealer.seal(input.AuthKey, authKeyContext(row.id)),
        })
        await changeCustomerGateway(trx, row.id, change)
        // Sealing gives another text each time: only what the key says tells whether it is another one.
        if (input.AuthKey !== undefined && input.AuthKey !== view(row, []).AuthKey) {
          for (const id of await bgpTunnelsOfPeer(trx, row.id)) {
            await changeTunnel(trx, id, {}, true)
            changed(`tunnel:${id}`)
          }
        }
        const { CreateTime, CustomerGatewayId, Description, IpAddress, Name, ResourceGroupId } = view(
          { ...row, ...change },
          [],
        )
        return { CreateTime, CustomerGatewayId, Description, IpAddress, Name, ResourceGroupId }
      }),
    ),

    action(deleteCustomerGateway, (input, call) =>
      write(deleteCustomerGateway, input, call, async (trx) => {
        const scope = scopeOf(call)
        const row = await findCustomerGateway(trx, scope, input.CustomerGatewayId)
        if (!row) throw apiError('InvalidCustomerGatewayInstanceId.NotFound')
        if (await isCustomerGatewayUsed(trx, row.id)) {
          throw apiError('InvalidCustomerGateway.InUse', { id: row.id })
        }
        await removeCustomerGateway(trx, row)
        await removeTags(trx, scope, 'customergateway', row.id, 'all')
        return {}
      }),
    ),
  ]
}
