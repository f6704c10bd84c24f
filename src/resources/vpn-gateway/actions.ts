import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ChangeKey, ResourceContext } from '../context.ts'
import { readCount } from '../counts.ts'
import { newId } from '../ids.ts'
import { queried } from '../paging.ts'
import { zonesOf } from '../region/model.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters, type Tag } from '../tag/model.ts'
import { carries, tagsOf } from '../tag/store.ts'
import { findVpc } from '../vpc/store.ts'
import { defined } from '../vpn-connection/model.ts'
import { deriveGatewayStatus } from '../vpn-connection/status.ts'
import { connectionsOfGateway } from '../vpn-connection/store.ts'
import { vSwitchesOf } from '../vswitch/store.ts'
import type { Trx } from '../write.ts'
import {
  capabilities,
  chooseInsideAddress,
  chooseOutsideAddress,
  noEnd,
  requireReadyGateway,
} from './model.ts'
import {
  checkVpnBgpEnabled,
  createEnhancedVpnGateway,
  createVpnGateway,
  deleteEnhancedVpnGateway,
  deleteVpnGateway,
  describeVpnGateway,
  describeVpnGatewayAvailableZones,
  describeVpnGateways,
  modifyVpnGatewayAttribute,
  updateEnhancedVpnGateway,
} from './spec.ts'
import {
  changeGateway,
  findGateway,
  type GatewayProgress,
  insertGateway,
  readProgress,
  readProgresses,
  takenAddresses,
  type VpnGateway,
} from './store.ts'

const gatewayTypes = { gateway: 'Traditional', enhanced: 'Enhanced.SiteToSite', attachment: '' } as const

/** Mbit/s; an enhanced gateway is not ordered by bandwidth, and clients want a number. */
const enhancedBandwidth = 1000

function view(row: VpnGateway, progress: GatewayProgress, tags: readonly Tag[]) {
  return {
    AutoPropagate: row.auto_propagate === 1,
    BusinessStatus: row.business_status,
    ChargeType: row.charge_type,
    CreateTime: row.created_at,
    Description: row.description,
    DisasterRecoveryInternetIp: row.second_internet_ip ?? undefined,
    DisasterRecoveryVSwitchId: row.second_vswitch_id ?? undefined,
    EnableBgp: progress.usesBgp,
    EndTime: row.end_time,
    EniInstanceIds: [],
    GatewayType: gatewayTypes[row.kind],
    InternetIp: row.internet_ip,
    IpsecVpn: row.enable_ipsec === 1 ? 'enable' : 'disable',
    Name: row.name,
    NetworkType: row.network_type,
    ResourceGroupId: row.resource_group_id,
    Spec: `${row.bandwidth}M`,
    SslMaxConnections: row.ssl_connections,
    SslVpn: row.enable_ssl === 1 ? 'enable' : 'disable',
    Status: deriveGatewayStatus(row, progress),
    Tag: capabilities,
    Tags: tags,
    VSwitchId: row.vswitch_id,
    VpcId: row.vpc_id,
    VpnGatewayId: row.id,
    VpnType: row.vpn_type,
  }
}

export function vpnGatewayActions({ db, write, paging, quotas, addressPool }: ResourceContext): Action[] {
  /** What both kinds of gateways have alike. @param own what they have not */
  async function create(
    trx: Trx,
    call: Call,
    input: {
      readonly VpcId: string
      readonly VSwitchId?: string
      readonly DisasterRecoveryVSwitchId?: string
      readonly Name?: string
      readonly NetworkType: string
      readonly ResourceGroupId?: string
    },
    own: Pick<VpnGateway, 'kind' | 'bandwidth' | 'charge_type' | 'enable_ipsec' | 'ssl_connections'>,
  ): Promise<VpnGateway> {
    const scope = scopeOf(call)
    const vpc = await findVpc(trx, scope, input.VpcId)
    if (!vpc) throw apiError('InvalidVpcId.NotFound')
    const vSwitches = await vSwitchesOf(trx, vpc.id)
    const vSwitch = input.VSwitchId ? vSwitches.find(({ id }) => id === input.VSwitchId) : vSwitches[0]
    if (!vSwitch) throw apiError('InvalidVSwitchId.NotFound')
    const second = input.DisasterRecoveryVSwitchId || undefined
    if (second && !vSwitches.some(({ id }) => id === second)) throw apiError('InvalidVSwitchId.NotFound')
    if ((await readCount(trx, 'vpn_gateway', scope)) >= quotas.vpnGateways)
      throw apiError('Resource.QuotaFull')

    const taken = await takenAddresses(trx, vSwitch.id)
    const outside = chooseOutsideAddress(addressPool, taken.outside)
    if (!outside)
      throw apiError('Resource.QuotaFull', { reason: 'The pool of outside addresses is used up.' })
    const secondOutside = second && chooseOutsideAddress(addressPool, taken.outside.add(outside))
    if (second && !secondOutside)
      throw apiError('Resource.QuotaFull', { reason: 'The pool of outside addresses is used up.' })
    const inside = chooseInsideAddress(vSwitch.cidr, taken.inside)
    if (!inside) throw apiError('Resource.QuotaFull', { reason: `${vSwitch.id} has no free address.` })

    const id = newId('vpn', call.region)
    const seq = await db.nextSeq(trx)
    const row: VpnGateway = {
      ...own,
      seq,
      id,
      account_id: scope.accountId,
      region: scope.region,
      name: input.Name ?? id,
      created_at: call.now,
      version: 1,
      description: '',
      vpc_id: vpc.id,
      vswitch_id: vSwitch.id,
      network_type: input.NetworkType,
      vpn_type: 'Normal',
      auto_propagate: 0,
      enable_ssl: 0,
      resource_group_id: input.ResourceGroupId ?? '',
      second_vswitch_id: second ?? null,
      second_internet_ip: secondOutside ?? null,
      internet_ip: outside,
      inside_address: inside,
      slot: seq,
      // Nothing is billed here; the order has the number of the creation.
      order_id: seq,
      business_status: 'Normal',
      end_time: noEnd,
      deleted_at: null,
      generation: 1,
    }
    await insertGateway(trx, row)
    return row
  }

  async function modify(
    trx: Trx,
    call: Call,
    changed: (key: ChangeKey) => void,
    input: {
      readonly VpnGatewayId: string
      readonly Name?: string
      readonly Description?: string
      readonly AutoPropagate?: boolean
    },
    kind: VpnGateway['kind'],
  ) {
    const scope = scopeOf(call)
    const row = await findGateway(trx, scope, input.VpnGatewayId)
    if (row?.kind !== kind) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
    requireReadyGateway(row, await readProgress(trx, row.id), 'VpnGateway.Configuring')
    const change = defined({
      name: input.Name,
      description: input.Description,
      auto_propagate: input.AutoPropagate === undefined ? undefined : Number(input.AutoPropagate),
    })
    const forEngine = change.auto_propagate !== undefined && change.auto_propagate !== row.auto_propagate
    await changeGateway(trx, row.id, change, forEngine)
    if (forEngine) changed(`gateway:${row.id}`)
    const tags = await tagsOf(trx, scope, 'vpngateway', [row.id])
    const progress = await readProgress(trx, row.id)
    return view((await findGateway(trx, scope, row.id))!, progress, tags.get(row.id) ?? [])
  }

  async function remove(trx: Trx, changed: (key: ChangeKey) => void, row: VpnGateway, now: number) {
    const progress = await readProgress(trx, row.id)
    const connections = await connectionsOfGateway(trx, row.id)
    if (connections.some(({ deleted_at }) => deleted_at === null)) {
      throw apiError('DependencyViolation.VpnConnection', { id: row.id })
    }
    if (deriveGatewayStatus(row, progress) !== 'active') throw apiError('VpnGateway.Configuring')
    await changeGateway(trx, row.id, { deleted_at: now }, true)
    changed(`gateway:${row.id}`)
  }

  return [
    action(createVpnGateway, (input, call) =>
      write(createVpnGateway, input, call, async (trx, changed) => {
        if (input.EnableSsl) throw apiError('OperationFailed.SslNotSupport')
        if (input.VpnType !== 'Normal') throw apiError('IllegalParam.VpnType', { value: input.VpnType })
        const row = await create(trx, call, input, {
          kind: 'gateway',
          bandwidth: input.Bandwidth,
          charge_type: input.InstanceChargeType === 'PREPAY' ? 'Prepay' : 'PostpayByFlow',
          enable_ipsec: Number(input.EnableIpsec),
          ssl_connections: input.SslConnections,
        })
        changed(`gateway:${row.id}`)
        return { Name: row.name, OrderId: row.order_id, VpnGatewayId: row.id }
      }),
    ),

    action(describeVpnGateway, async ({ VpnGatewayId }, call) => {
      const scope = scopeOf(call)
      const row = await findGateway(db.kysely, scope, VpnGatewayId)
      if (!row) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
      const tags = await tagsOf(db.kysely, scope, 'vpngateway', [row.id])
      return view(row, await readProgress(db.kysely, row.id), tags.get(row.id) ?? [])
    }),

    action(describeVpnGateways, async ({ PageNumber, PageSize, ...filter }, call) => {
      const scope = scopeOf(call)
      const tags = checkTagFilters(filter.Tag ?? [])
      let filtered = db.kysely
        .selectFrom('vpn_gateway')
        .where('account_id', '=', scope.accountId)
        .where('region', '=', scope.region)
        .where('kind', '!=', 'attachment')
      if (filter.VpnGatewayId !== undefined) filtered = filtered.where('id', '=', filter.VpnGatewayId)
      if (filter.VpcId !== undefined) filtered = filtered.where('vpc_id', '=', filter.VpcId)
      if (filter.ResourceGroupId !== undefined) {
        filtered = filtered.where('resource_group_id', '=', filter.ResourceGroupId)
      }
      if (filter.BusinessStatus !== undefined) {
        filtered = filtered.where('business_status', '=', filter.BusinessStatus)
      }
      if (filter.GatewayType !== undefined) {
        const enhanced = filter.GatewayType === gatewayTypes.enhanced
        filtered = filtered.where('kind', '=', enhanced ? 'enhanced' : 'gateway')
      }
      if (tags.length > 0)
        filtered = filtered.where((eb) => carries(eb, scope, 'vpngateway', 'vpn_gateway.id', tags))

      let rows: VpnGateway[]
      let total: number
      if (filter.Status === undefined) {
        total = Number(
          (await filtered.select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow()).n,
        )
        const list = `vpn_gateway ${JSON.stringify([scope, filter])}`
        rows = await paging.page(
          list,
          { PageNumber, PageSize },
          queried<VpnGateway>('vpn_gateway.seq', filtered, (q) => q.selectAll('vpn_gateway')),
        )
      } else {
        // A status is derived, not stored, so this filter looks at every gateway; the quota keeps them few.
        const all = await filtered.selectAll('vpn_gateway').orderBy('seq').execute()
        const progress = await readProgresses(
          db.kysely,
          all.map(({ id }) => id),
        )
        const matching = all.filter(
          (row) => deriveGatewayStatus(row, progress.get(row.id)!) === filter.Status,
        )
        total = matching.length
        rows = matching.slice((PageNumber - 1) * PageSize, PageNumber * PageSize)
      }
      const ids = rows.map(({ id }) => id)
      const progress = await readProgresses(db.kysely, ids)
      const tagged = await tagsOf(db.kysely, scope, 'vpngateway', ids)
      return {
        PageNumber,
        PageSize,
        TotalCount: total,
        VpnGateways: rows.map((row) => view(row, progress.get(row.id)!, tagged.get(row.id) ?? [])),
      }
    }),

    action(modifyVpnGatewayAttribute, (input, call) =>
      write(modifyVpnGatewayAttribute, input, call, async (trx, changed) => {
        return modify(trx, call, changed, input, 'gateway')
      }),
    ),

    action(deleteVpnGateway, (input, call) =>
      write(deleteVpnGateway, input, call, async (trx, changed) => {
        const row = await findGateway(trx, scopeOf(call), input.VpnGatewayId)
        if (!row) throw apiError('InvalidVpnGatewayId.NotFound')
        await remove(trx, changed, row, call.now)
        return {}
      }),
    ),

    // Enhanced gateways are for IPsec alone, without bandwidth and order; the pages give no more than their fields.
    action(createEnhancedVpnGateway, (input, call) =>
      write(createEnhancedVpnGateway, input, call, async (trx, changed) => {
        const row = await create(trx, call, input, {
          kind: 'enhanced',
          bandwidth: enhancedBandwidth,
          charge_type: 'PostpayByFlow',
          enable_ipsec: 1,
          ssl_connections: 0,
        })
        changed(`gateway:${row.id}`)
        return { Name: row.name, VpnGatewayId: row.id }
      }),
    ),

    action(updateEnhancedVpnGateway, (input, call) =>
      write(updateEnhancedVpnGateway, input, call, async (trx, changed) => {
        const shown = await modify(trx, call, changed, input, 'enhanced')
        const names = Object.keys(updateEnhancedVpnGateway.result)
        return Object.fromEntries(Object.entries(shown).filter(([name]) => names.includes(name)))
      }),
    ),

    action(deleteEnhancedVpnGateway, (input, call) =>
      write(deleteEnhancedVpnGateway, input, call, async (trx, changed) => {
        const row = await findGateway(trx, scopeOf(call), input.VpnGatewayId)
        if (row?.kind !== 'enhanced') throw apiError('InvalidVpnGatewayInstanceId.NotFound')
        await remove(trx, changed, row, call.now)
        return {}
      }),
    ),

    // Every gateway here can have BGP in its tunnels.
    action(checkVpnBgpEnabled, () => ({ BgpEnabled: true })),

    action(describeVpnGatewayAvailableZones, ({ AcceptLanguage }, { region }) => ({
      AvailableZoneIdList: zonesOf(region).map(({ id, letter }) => ({
        ZoneId: id,
        ZoneName:
          AcceptLanguage === 'zh-CN' ? `可用区 ${letter.toUpperCase()}` : `Zone ${letter.toUpperCase()}`,
      })),
      RegionId: region,
    })),
  ]
}
