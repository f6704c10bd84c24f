import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { readCount } from '../counts.ts'
import { newId } from '../ids.ts'
import { contains, networkSize, overlap, parseNetwork } from '../ipv4.ts'
import { queried } from '../paging.ts'
import { isZoneOf } from '../region/model.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters, checkTags, type Tag } from '../tag/model.ts'
import { carries, putTags, removeTags, tagsOf } from '../tag/store.ts'
import { isoSeconds } from '../time.ts'
import { routeTableId } from '../vpc/actions.ts'
import { findVpc } from '../vpc/store.ts'
import { defined } from '../vpn-connection/model.ts'
import {
  createVSwitch,
  deleteVSwitch,
  describeVSwitchAttributes,
  describeVSwitches,
  modifyVSwitchAttribute,
} from './spec.ts'
import {
  changeVSwitch,
  findVSwitch,
  insertVSwitch,
  isUsedByGateway,
  removeVSwitch,
  type VSwitch,
  vSwitchesOf,
} from './store.ts'

/** The vendor keeps the first address and the last three of a vSwitch for itself. */
const reservedAddresses = 4

function view(vSwitch: VSwitch, tags: readonly Tag[]) {
  return {
    AvailableIpAddressCount: networkSize(parseNetwork(vSwitch.cidr)!) - reservedAddresses,
    CidrBlock: vSwitch.cidr,
    CreationTime: isoSeconds(vSwitch.created_at),
    Description: vSwitch.description,
    IsDefault: false,
    ResourceGroupId: '',
    RouteTable: { RouteTableId: routeTableId(vSwitch.vpc_id), RouteTableType: 'System' },
    Status: 'Available',
    Tags: tags,
    VSwitchId: vSwitch.id,
    VSwitchName: vSwitch.name,
    VpcId: vSwitch.vpc_id,
    ZoneId: vSwitch.zone,
  }
}

export function vSwitchActions({ db, write, paging, quotas }: ResourceContext): Action[] {
  return [
    action(createVSwitch, (input, call) =>
      write(createVSwitch, input, call, async (trx) => {
        const vpc = await findVpc(trx, scopeOf(call), input.VpcId)
        if (!vpc) throw apiError('InvalidVpcId.NotFound')
        if (!isZoneOf(call.region, input.ZoneId)) throw apiError('InvalidZoneId.NotFound')
        const network = parseNetwork(input.CidrBlock)
        if (!network || network.prefixLength < 16 || network.prefixLength > 29) {
          throw apiError('InvalidCidrBlock.Malformed', { value: input.CidrBlock })
        }
        if (!contains(parseNetwork(vpc.cidr)!, network)) {
          throw apiError('InvalidCidrBlock.NotInVpc', { value: input.CidrBlock })
        }
        const siblings = await vSwitchesOf(trx, vpc.id)
        if (siblings.some(({ cidr }) => overlap(parseNetwork(cidr)!, network))) {
          throw apiError('InvalidCidrBlock.Overlapped', { value: input.CidrBlock })
        }
        const tags = checkTags(input.Tag ?? [], quotas.tagsPerResource)
        const vSwitch: VSwitch = {
          seq: await db.nextSeq(trx),
          id: newId('vsw', call.region),
          account_id: call.principal.accountId,
          region: call.region,
          vpc_id: vpc.id,
          zone: input.ZoneId,
          name: input.VSwitchName ?? '',
          description: input.Description ?? '',
          cidr: input.CidrBlock,
          created_at: call.now,
          version: 1,
        }
        await insertVSwitch(trx, vSwitch)
        await putTags(trx, scopeOf(call), 'vswitch', vSwitch.id, tags)
        return { VSwitchId: vSwitch.id }
      }),
    ),

    action(describeVSwitchAttributes, async ({ VSwitchId }, call) => {
      const scope = scopeOf(call)
      const vSwitch = await findVSwitch(db.kysely, scope, VSwitchId)
      if (!vSwitch) throw apiError('InvalidVSwitchId.NotFound')
      const tagged = await tagsOf(db.kysely, scope, 'vswitch', [vSwitch.id])
      return view(vSwitch, tagged.get(vSwitch.id) ?? [])
    }),

    action(
      describeVSwitches,
      async ({ PageNumber, PageSize, Tag, VSwitchId, VSwitchName, VpcId, ZoneId }, call) => {
        const scope = scopeOf(call)
        const tags = checkTagFilters(Tag ?? [])
        const filters = { id: VSwitchId, name: VSwitchName, vpc_id: VpcId, zone: ZoneId }
        let filtered = db.kysely
          .selectFrom('vswitch')
          .where('account_id', '=', scope.accountId)
          .where('region', '=', scope.region)
        let narrowed = false
        for (const [column, value] of Object.entries(filters)) {
          if (value === undefined) continue
          filtered = filtered.where(column as keyof typeof filters, '=', value)
          narrowed = true
        }
        if (tags.length > 0) {
          filtered = filtered.where((eb) => carries(eb, scope, 'vswitch', 'vswitch.id', tags))
          narrowed = true
        }
        const total = narrowed
          ? (await filtered.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()).n
          : await readCount(db.kysely, 'vswitch', scope)
        const list = `vswitch ${JSON.stringify([scope, filters, tags])}`
        const rows = await paging.page(
          list,
          { PageNumber, PageSize },
          queried<VSwitch>('vswitch.seq', filtered, (q) => q.selectAll('vswitch')),
        )
        const tagged = await tagsOf(
          db.kysely,
          scope,
          'vswitch',
          rows.map(({ id }) => id),
        )
        return {
          PageNumber,
          PageSize,
          TotalCount: Number(total),
          VSwitches: rows.map((vSwitch) => view(vSwitch, tagged.get(vSwitch.id) ?? [])),
        }
      },
    ),

    action(modifyVSwitchAttribute, (input, call) =>
      write(modifyVSwitchAttribute, input, call, async (trx) => {
        const vSwitch = await findVSwitch(trx, scopeOf(call), input.VSwitchId)
        if (!vSwitch) throw apiError('InvalidVSwitchId.NotFound')
        await changeVSwitch(
          trx,
          vSwitch.id,
          defined({ name: input.VSwitchName, description: input.Description }),
        )
        return {}
      }),
    ),

    action(deleteVSwitch, (input, call) =>
      write(deleteVSwitch, input, call, async (trx) => {
        const vSwitch = await findVSwitch(trx, scopeOf(call), input.VSwitchId)
        if (!vSwitch) throw apiError('InvalidVSwitchId.NotFound')
        if (await isUsedByGateway(trx, vSwitch.id))
          throw apiError('DependencyViolation.VpnGateway', { id: vSwitch.id })
        await removeVSwitch(trx, vSwitch)
        await removeTags(trx, scopeOf(call), 'vswitch', vSwitch.id, 'all')
        return {}
      }),
    ),
  ]
}
