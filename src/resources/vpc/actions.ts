import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { readCount } from '../counts.ts'
import { newId } from '../ids.ts'
import { parseNetwork } from '../ipv4.ts'
import { queried } from '../paging.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters, checkTags, type Tag } from '../tag/model.ts'
import { carries, putTags, removeTags, tagsOf } from '../tag/store.ts'
import { isoSeconds } from '../time.ts'
import { defined } from '../vpn-connection/model.ts'
import {
  createVpc,
  deleteVpc,
  describeRouteTableList,
  describeVpcAttribute,
  describeVpcs,
  modifyVpcAttribute,
} from './spec.ts'
import { changeVpc, findVpc, insertVpc, removeVpc, type Vpc, vSwitchIdsOf } from './store.ts'

/** Ids of the router and system route table follow from the VPC's: neither has a life of its own here. */
export const routerId = (vpcId: string) => `vrt${vpcId.slice(3)}`
export const routeTableId = (vpcId: string) => `vtb${vpcId.slice(3)}`

/** The other way round; an id of another kind belongs to no VPC. */
const vpcIdIn = (prefix: string, id: string | undefined) =>
  id === undefined ? undefined : id.startsWith(prefix) ? `vpc${id.slice(3)}` : ''

function view(vpc: Vpc, vSwitchIds: readonly string[], tags: readonly Tag[]) {
  return {
    CidrBlock: vpc.cidr,
    CreationTime: isoSeconds(vpc.created_at),
    Description: vpc.description,
    IsDefault: false,
    RegionId: vpc.region,
    ResourceGroupId: '',
    SecondaryCidrBlocks: [],
    Status: 'Available',
    Tags: tags,
    UserCidrs: [],
    VRouterId: routerId(vpc.id),
    VSwitchIds: vSwitchIds,
    VpcId: vpc.id,
    VpcName: vpc.name,
  }
}

export function vpcActions({ db, write, paging, quotas }: ResourceContext): Action[] {
  return [
    action(createVpc, (input, call) =>
      write(createVpc, input, call, async (trx) => {
        const network = parseNetwork(input.CidrBlock)
        if (!network || network.prefixLength < 8 || network.prefixLength > 28) {
          throw apiError('InvalidCidrBlock.Malformed', { value: input.CidrBlock })
        }
        const tags = checkTags(input.Tag ?? [], quotas.tagsPerResource)
        const vpc: Vpc = {
          seq: await db.nextSeq(trx),
          id: newId('vpc', call.region),
          account_id: call.principal.accountId,
          region: call.region,
          name: input.VpcName ?? '',
          description: input.Description ?? '',
          cidr: input.CidrBlock,
          created_at: call.now,
          version: 1,
        }
        await insertVpc(trx, vpc)
        await putTags(trx, scopeOf(call), 'vpc', vpc.id, tags)
        return {
          ResourceGroupId: '',
          RouteTableId: routeTableId(vpc.id),
          VRouterId: routerId(vpc.id),
          VpcId: vpc.id,
        }
      }),
    ),

    action(describeVpcAttribute, async ({ VpcId }, call) => {
      const scope = scopeOf(call)
      const vpc = await findVpc(db.kysely, scope, VpcId)
      if (!vpc) throw apiError('InvalidVpcId.NotFound')
      const vSwitchIds = await vSwitchIdsOf(db.kysely, [vpc.id])
      const tagged = await tagsOf(db.kysely, scope, 'vpc', [vpc.id])
      return view(vpc, vSwitchIds.get(vpc.id) ?? [], tagged.get(vpc.id) ?? [])
    }),

    action(describeVpcs, async ({ PageNumber, PageSize, Tag, VpcId, VpcName }, call) => {
      const scope = scopeOf(call)
      const tags = checkTagFilters(Tag ?? [])
      const ids = VpcId?.split(',')
      const filtered = db.kysely
        .selectFrom('vpc')
        .where('account_id', '=', scope.accountId)
        .where('region', '=', scope.region)
        .$if(ids !== undefined, (q) => q.where('id', 'in', ids!))
        .$if(VpcName !== undefined, (q) => q.where('name', '=', VpcName!))
        .$if(tags.length > 0, (q) => q.where((eb) => carries(eb, scope, 'vpc', 'vpc.id', tags)))
      const total =
        ids || VpcName !== undefined || tags.length > 0
          ? (await filtered.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()).n
          : await readCount(db.kysely, 'vpc', scope)
      const list = `vpc ${JSON.stringify([scope, ids, VpcName, tags])}`
      const rows = await paging.page(
        list,
        { PageNumber, PageSize },
        queried<Vpc>('vpc.seq', filtered, (q) => q.selectAll('vpc')),
      )
      const found = rows.map(({ id }) => id)
      const vSwitchIds = await vSwitchIdsOf(db.kysely, found)
      const tagged = await tagsOf(db.kysely, scope, 'vpc', found)
      return {
        PageNumber,
        PageSize,
        TotalCount: Number(total),
        Vpcs: rows.map((vpc) => view(vpc, vSwitchIds.get(vpc.id) ?? [], tagged.get(vpc.id) ?? [])),
      }
    }),

    action(modifyVpcAttribute, (input, call) =>
      write(modifyVpcAttribute, input, call, async (trx) => {
        const vpc = await findVpc(trx, scopeOf(call), input.VpcId)
        if (!vpc) throw apiError('InvalidVpcId.NotFound')
        if (input.CidrBlock !== undefined && input.CidrBlock !== vpc.cidr)
          throw apiError('IllegalParam.CidrBlock', {
            value: input.CidrBlock,
            reason: 'A VPC keeps its network.',
          })
        await changeVpc(trx, vpc.id, defined({ name: input.VpcName, description: input.Description }))
        return {}
      }),
    ),

    action(describeRouteTableList, async ({ PageNumber, PageSize, ...asked }, call) => {
      const scope = scopeOf(call)
      // The table and the router of a VPC have its id in theirs.
      const ids = [asked.VpcId, vpcIdIn('vtb', asked.RouteTableId), vpcIdIn('vrt', asked.RouterId)]
      const onlyOthers = asked.RouteTableType === 'Custom' || asked.RouterType === 'VBR'
      const filtered = ids
        .filter((id) => id !== undefined)
        .reduce(
          (query, id) => query.where('id', '=', id),
          db.kysely
            .selectFrom('vpc')
            .where('account_id', '=', scope.accountId)
            .where('region', '=', onlyOthers ? '' : scope.region),
        )
      const { total } = await filtered
        .select((eb) => eb.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      const list = `route table ${JSON.stringify([scope, ids, onlyOthers])}`
      const rows = await paging.page<Vpc>(
        list,
        { PageNumber, PageSize },
        queried<Vpc>('vpc.seq', filtered, (q) => q.selectAll('vpc')),
      )
      const vSwitchIds = await vSwitchIdsOf(
        db.kysely,
        rows.map(({ id }) => id),
      )
      return {
        PageNumber,
        PageSize,
        TotalCount: Number(total),
        RouterTableList: rows.map((vpc) => ({
          AssociateType: 'VSwitch',
          CreationTime: isoSeconds(vpc.created_at),
          Description: '',
          ResourceGroupId: '',
          RouteTableId: routeTableId(vpc.id),
          RouteTableName: '',
          RouteTableType: 'System',
          RouterId: routerId(vpc.id),
          RouterType: 'VRouter',
          Status: 'Available',
          VSwitchIds: vSwitchIds.get(vpc.id) ?? [],
          VpcId: vpc.id,
        })),
      }
    }),

    action(deleteVpc, (input, call) =>
      write(deleteVpc, input, call, async (trx) => {
        const vpc = await findVpc(trx, scopeOf(call), input.VpcId)
        if (!vpc) throw apiError('InvalidVpcId.NotFound')
        if ((await vSwitchIdsOf(trx, [vpc.id])).get(vpc.id)?.length) {
          throw apiError('DependencyViolation.VSwitch', { id: vpc.id })
        }
        await removeVpc(trx, vpc)
        await removeTags(trx, scopeOf(call), 'vpc', vpc.id, 'all')
        return {}
      }),
    ),
  ]
}
