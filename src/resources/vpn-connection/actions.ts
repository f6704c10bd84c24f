import { randomBytes } from 'node:crypto'
import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { createPacker, type PackedResult } from '../../rpc/render.ts'
import type { ResultValues } from '../../rpc/spec.ts'
import type { ResourceContext } from '../context.ts'
import { type CustomerGateway, findCustomerGateway } from '../customer-gateway/store.ts'
import { newId } from '../ids.ts'
import { createKept } from '../kept.ts'
import { routesChanged } from '../route-entry/gateway-routes.ts'
import { derivedRoutes } from '../route-entry/model.ts'
import { deriveRoutes, routesOfOwner } from '../route-entry/store.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters, checkTags } from '../tag/model.ts'
import { putTags } from '../tag/store.ts'
import { requireReadyGateway } from '../vpn-gateway/model.ts'
import { findGateway, readProgress, type VpnGateway } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import { ikeParams, ipsecParams } from './fields.ts'
import {
  checkSubnets,
  checkSupported,
  clashingKeys,
  defaultsOf,
  defined,
  flag,
  generatePsk,
  matchTunnels,
  pairOfTunnels,
  sameEnds,
  sameSelectors,
  type TunnelOptions,
  tunnelColumns,
} from './model.ts'
import {
  createVpnConnection,
  deleteVpnConnection,
  describeVpnConnection,
  describeVpnConnections,
  modifyTunnelAttribute,
  modifyVpnConnectionAttribute,
} from './spec.ts'
import {
  changeConnection,
  changeTunnel,
  connectionsOfGateway,
  type DescribedConnection,
  type DescribedTunnel,
  findConnection,
  insertConnection,
  listDescribed,
  listSecondTunnels,
  prepareFindDescribed,
  prepareFindEvidence,
  prepareFindSecondTunnel,
  pskContext,
  type SiblingTunnel,
  tunnelsOf,
  tunnelsOfGateway,
  type VpnConnection,
  type VpnTunnel,
} from './store.ts'
import { type Described, extraOf, tagsIn, view, viewTunnel } from './view.ts'

export function vpnConnectionActions({
  db,
  sealer,
  write,
  paging,
  quotas,
  staleAfter,
}: ResourceContext): Action[] {
  const findDescribed = prepareFindDescribed(db)
  const findSecondTunnel = prepareFindSecondTunnel(db)
  const findEvidence = prepareFindEvidence(db)
  const kept = createKept<PackedResult>()
  const pack = createPacker(describeVpnConnection)

  /** At once on SQLite: the read of one connection makes no promise on its way. */
  function described(call: Call, id: string): Described | Promise<Described> {
    const whole = (row: DescribedConnection | undefined): Described | Promise<Described> => {
      if (!row) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
      if (row.dual === 0) return { row, second: undefined }
      const second = findSecondTunnel(row.id)
      return second instanceof Promise ? second.then((tunnel) => ({ row, second: tunnel })) : { row, second }
    }
    const row = findDescribed(call.principal.accountId, call.region, id)
    return row instanceof Promise ? row.then(whole) : whole(row)
  }

  function answer(found: Described) {
    const shown: ResultValues<(typeof describeVpnConnection)['result']> = view(found, sealer)
    return Object.assign(shown, { Tags: tagsIn(found.row.tags) })
  }

  /** The extra object, only for callers who ask: of each tunnel where there are two. */
  async function extra({ row, second }: Described, call: Call) {
    const of = async (tunnel: DescribedTunnel) =>
      extraOf(tunnel, await findEvidence(tunnel.tunnel_id), call.now, staleAfter)
    if (!second) return of(row)
    const tunnels = [row, second].map(async (tunnel) => ({
      TunnelId: tunnel.tunnel_id,
      ...(await of(tunnel)),
    }))
    return { Tunnels: await Promise.all(tunnels) }
  }

  const keyOf = (tunnel: VpnTunnel) => sealer.open(tunnel.psk_sealed, pskContext(tunnel.id)).reveal()

  /** What may not be true of two tunnels of one gateway. */
  function checkBeside(siblings: readonly SiblingTunnel[], tunnel: SiblingTunnel): void {
    for (const other of siblings) {
      if (other.connection_id === tunnel.connection_id || !sameEnds(other, tunnel)) continue
      if (sameSelectors(other, tunnel)) throw apiError('InvalidVpnConnection.AlreadyExists')
      if (clashingKeys({ ...other, psk: keyOf(other) }, { ...tunnel, psk: keyOf(tunnel) })) {
        throw apiError('IllegalParam.Psk', {
          reason: `With ikev1 in main mode the key must equal that of ${other.id}, which has the same two addresses.`,
        })
      }
    }
  }

  async function requirePeer(trx: Trx, call: Call, id: string | undefined): Promise<CustomerGateway> {
    if (id === undefined) throw apiError('MissingCustomerGatewayId')
    const peer = await findCustomerGateway(trx, scopeOf(call), id)
    if (!peer) throw apiError('InvalidCustomerGatewayInstanceId.NotFound')
    return peer
  }

  /** Makes the policy routes of `AutoConfigRoute` those of the subnets. */
  async function configureRoutes(trx: Trx, connection: VpnConnection, now: number): Promise<void> {
    const wanted = derivedRoutes(connection)
    const others = (await routesOfOwner(trx, connection.vpn_gateway_id, 'pbr')).filter(
      (entry) => entry.next_hop !== connection.id || entry.derived === 0,
    )
    const limit = quotas.policyRoutesPerGateway
    if (wanted.length > 0 && others.length + wanted.length > limit) {
      throw apiError('QuotaExceeded.PolicyBasedRoute', {
        existing: others.length,
        wanted: wanted.length,
        limit,
      })
    }
    await deriveRoutes(db, trx, connection, wanted, now)
  }

  async function lockedConnection(trx: Trx, call: Call, id: string) {
    const scope = scopeOf(call)
    const row = await findConnection(trx, scope, id)
    if (!row) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
    const gateway = await findGateway(trx, scope, row.vpn_gateway_id)
    if (!gateway) throw new Error(`connection ${id} is on ${row.vpn_gateway_id}, which does not exist`)
    requireReadyGateway(gateway, await readProgress(trx, gateway.id), 'VpnGateway.Configuring')
    return { row, gateway, tunnels: await tunnelsOf(trx, row.id) }
  }

  /** A new tunnel with the vendor's defaults for what its options leave out. */
  async function newTunnel(
    trx: Trx,
    call: Call,
    place: Pick<VpnTunnel, 'id' | 'connection_id' | 'position' | 'slot'>,
    gateway: VpnGateway,
    options: TunnelOptions,
  ): Promise<VpnTunnel> {
    const peer = await requirePeer(trx, call, options.CustomerGatewayId)
    const ike = { ...defaultsOf(ikeParams), ...options.TunnelIkeConfig }
    const ipsec = { ...defaultsOf(ipsecParams), ...options.TunnelIpsecConfig }
    const row: Partial<VpnTunnel> = {
      enable_dpd: 1,
      enable_nat_traversal: 1,
      bgp_local_asn: null,
      bgp_tunnel_cidr: null,
      bgp_local_ip: null,
      remote_ca_certificate: null,
      local_id: place.position === 1 ? gateway.internet_ip : gateway.second_internet_ip!,
      remote_id: peer.ip_address,
      ...tunnelColumns({ ...options, TunnelIkeConfig: ike, TunnelIpsecConfig: ipsec }),
      ...place,
      role: options.Role ?? 'master',
      customer_gateway_id: peer.id,
      psk_sealed: sealer.seal(ike.Psk ?? generatePsk(randomBytes(64)), pskContext(place.id)),
      generation: 1,
    }
    // The defaults of the parameters have given every other column.
    return row as VpnTunnel
  }

  /** What `options` change of a tunnel; empty when it is all as they say. */
  async function changeOf(trx: Trx, call: Call, tunnel: VpnTunnel, options: TunnelOptions) {
    const psk = options.TunnelIkeConfig?.Psk
    const wanted: Partial<VpnTunnel> = tunnelColumns(options)
    if (psk !== undefined && psk !== keyOf(tunnel))
      wanted.psk_sealed = sealer.seal(psk, pskContext(tunnel.id))
    const { CustomerGatewayId } = options
    if (CustomerGatewayId !== undefined && CustomerGatewayId !== tunnel.customer_gateway_id) {
      const [before, peer] = [
        await requirePeer(trx, call, tunnel.customer_gateway_id),
        await requirePeer(trx, call, CustomerGatewayId),
      ]
      wanted.customer_gateway_id = peer.id
      // An identity that was made of the address goes with it.
      if (tunnel.remote_id === before.ip_address) wanted.remote_id ??= peer.ip_address
    }
    return Object.fromEntries(
      Object.entries(wanted).filter(([column, value]) => tunnel[column as keyof VpnTunnel] !== value),
    ) as Partial<VpnTunnel>
  }

  /** Columns that no engine has to make real as long as BGP is refused. */
  const notForEngine = new Set(['bgp_local_asn', 'bgp_tunnel_cidr', 'bgp_local_ip'])

  /** Checks and stores the changes of some tunnels of one connection; the others are left running as they are. */
  async function applyChanges(
    trx: Trx,
    changed: (key: `tunnel:${string}`) => void,
    connection: VpnConnection,
    changes: ReadonlyMap<VpnTunnel, Partial<VpnTunnel>>,
    renegotiateAll: boolean,
  ): Promise<void> {
    const siblings = await tunnelsOfGateway(trx, connection.vpn_gateway_id)
    const { local_subnet, remote_subnet } = connection
    for (const [tunnel, change] of changes) {
      const forEngine = renegotiateAll || Object.keys(change).some((column) => !notForEngine.has(column))
      if (forEngine) checkBeside(siblings, { ...tunnel, ...change, local_subnet, remote_subnet })
      await changeTunnel(trx, tunnel.id, change, forEngine)
      if (forEngine) changed(`tunnel:${tunnel.id}`)
    }
  }

  return [
    action(createVpnConnection, (input, call) =>
      write(createVpnConnection, input, call, async (trx, changed) => {
        const scope = scopeOf(call)
        const gateway = await findGateway(trx, scope, input.VpnGatewayId)
        if (!gateway) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
        checkSupported(input)
        const dual = gateway.second_internet_ip !== null
        if (!dual && input.TunnelOptionsSpecification?.length) {
          throw apiError('VpnConnection.InvalidCreateTunnelOptions', {
            reason: `${gateway.id} has one address: its connections have one tunnel.`,
          })
        }
        const options: readonly TunnelOptions[] = dual
          ? pairOfTunnels(input.TunnelOptionsSpecification ?? [])
          : [
              {
                CustomerGatewayId: input.CustomerGatewayId,
                EnableDpd: input.EnableDpd,
                EnableNatTraversal: input.EnableNatTraversal,
                TunnelIkeConfig: input.IkeConfig,
                TunnelIpsecConfig: input.IpsecConfig,
                TunnelBgpConfig: input.BgpConfig && {
                  TunnelCidr: input.BgpConfig.TunnelCidr,
                  LocalBgpIp: input.BgpConfig.LocalBgpIp,
                },
              },
            ]
        for (const { CustomerGatewayId } of options) await requirePeer(trx, call, CustomerGatewayId)
        requireReadyGateway(gateway, await readProgress(trx, gateway.id), 'VpnGateway.Configuring')
        checkSubnets('LocalSubnet', input.LocalSubnet, quotas.subnetsPerSide)
        checkSubnets('RemoteSubnet', input.RemoteSubnet, quotas.subnetsPerSide)
        const tags = checkTags(input.Tags ?? [], quotas.tagsPerResource)
        const others = await connectionsOfGateway(trx, gateway.id)
        if (others.length >= quotas.connectionsPerGateway) throw apiError('Resource.QuotaFull')

        const id = newId('vco', call.region)
        const check = dual ? undefined : input.HealthCheckConfig
        const row: VpnConnection = {
          seq: await db.nextSeq(trx),
          id,
          account_id: scope.accountId,
          region: scope.region,
          name: input.Name ?? '',
          created_at: call.now,
          version: 1,
          vpn_gateway_id: gateway.id,
          local_subnet: input.LocalSubnet,
          remote_subnet: input.RemoteSubnet,
          effect_immediately: Number(input.EffectImmediately),
          auto_config_route: Number(input.AutoConfigRoute),
          hc_enable: 0,
          hc_dip: check?.Dip ?? '',
          hc_sip: check?.Sip ?? '',
          hc_interval: check?.Interval ?? 0,
          hc_retry: check?.Retry ?? 0,
          hc_policy: 'revoke_route',
          bgp_enable: 0,
          dual: Number(dual),
          resource_group_id: gateway.resource_group_id,
          deleted_at: null,
        }
        const tunnels: VpnTunnel[] = []
        for (const [index, one] of options.entries()) {
          const place = {
            id: dual ? newId('tun', call.region) : id,
            connection_id: id,
            position: index + 1,
            slot: index === 0 ? row.seq : await db.nextSeq(trx),
          }
          tunnels.push(await newTunnel(trx, call, place, gateway, one))
        }
        const siblings = await tunnelsOfGateway(trx, gateway.id)
        const { local_subnet, remote_subnet } = row
        for (const tunnel of tunnels) checkBeside(siblings, { ...tunnel, local_subnet, remote_subnet })
        await insertConnection(trx, row, tunnels)
        await configureRoutes(trx, row, call.now)
        await putTags(trx, scope, 'vpnconnection', id, tags)
        for (const tunnel of tunnels) changed(`tunnel:${tunnel.id}`)
        return { CreateTime: row.created_at, Name: row.name, VpnConnectionId: id }
      }),
    ),

    action(describeVpnConnection, ({ VpnConnectionId }, call) => {
      const { accountId } = call.principal
      const owner = `${accountId}/${call.region}`
      const stamp = call.wantsExtra ? undefined : db.changeStamp()
      const known = stamp === undefined ? undefined : kept.find(stamp, owner, VpnConnectionId)
      if (known) return known
      const found = described(call, VpnConnectionId)
      if (call.wantsExtra) {
        return Promise.resolve(found).then(async (whole) => ({
          ...answer(whole),
          'X-Suidao': await extra(whole, call),
        }))
      }
      if (found instanceof Promise) return found.then(answer)
      const shown = answer(found)
      // Under the id of the row: that of the request may be a part of a long text, which would be kept with it.
      if (stamp !== undefined) kept.keep(stamp, owner, found.row.id, pack(shown))
      return shown
    }),

    action(describeVpnConnections, async ({ PageNumber, PageSize, ...filter }, call) => {
      const { total, rows } = await listDescribed(
        db,
        paging,
        scopeOf(call),
        {
          vpnGatewayId: filter.VpnGatewayId,
          customerGatewayId: filter.CustomerGatewayId,
          vpnConnectionId: filter.VpnConnectionId,
          resourceGroupId: filter.ResourceGroupId,
          tags: checkTagFilters(filter.Tag ?? []),
        },
        { PageNumber, PageSize },
      )
      const seconds = await listSecondTunnels(
        db.kysely,
        rows.filter(({ dual }) => dual === 1).map(({ id }) => id),
      )
      return {
        PageNumber,
        PageSize,
        TotalCount: total,
        VpnConnections: rows.map((row) => ({
          ...view({ row, second: seconds.get(row.id) }, sealer),
          Tag: tagsIn(row.tags),
        })),
      }
    }),

    action(modifyVpnConnectionAttribute, async (input, call) => {
      await write(modifyVpnConnectionAttribute, input, call, async (trx, changed) => {
        const { row, tunnels } = await lockedConnection(trx, call, input.VpnConnectionId)
        checkSupported(input)
        if (input.LocalSubnet !== undefined)
          checkSubnets('LocalSubnet', input.LocalSubnet, quotas.subnetsPerSide)
        if (input.RemoteSubnet !== undefined)
          checkSubnets('RemoteSubnet', input.RemoteSubnet, quotas.subnetsPerSide)

        const dual = row.dual === 1
        const check = dual ? undefined : input.HealthCheckConfig
        const change = differing(row, {
          local_subnet: input.LocalSubnet,
          remote_subnet: input.RemoteSubnet,
          effect_immediately: flag(input.EffectImmediately),
          name: input.Name,
          auto_config_route: flag(input.AutoConfigRoute),
          hc_dip: check?.Dip,
          hc_sip: check?.Sip,
          hc_interval: check?.Interval,
          hc_retry: check?.Retry,
        })
        const renegotiateAll = ['local_subnet', 'remote_subnet', 'effect_immediately'].some(
          (column) => column in change,
        )
        const matched = dual
          ? matchTunnels(tunnels, input.TunnelOptionsSpecification ?? [])
          : [
              {
                tunnel: tunnels[0]!,
                options: {
                  EnableDpd: input.EnableDpd,
                  EnableNatTraversal: input.EnableNatTraversal,
                  TunnelIkeConfig: input.IkeConfig,
                  TunnelIpsecConfig: input.IpsecConfig,
                  TunnelBgpConfig: input.BgpConfig && {
                    TunnelCidr: input.BgpConfig.TunnelCidr,
                    LocalBgpIp: input.BgpConfig.LocalBgpIp,
                  },
                },
              },
            ]
        const changes = new Map<VpnTunnel, Partial<VpnTunnel>>()
        if (renegotiateAll) for (const tunnel of tunnels) changes.set(tunnel, {})
        for (const { tunnel, options } of matched) {
          const columns = await changeOf(trx, call, tunnel, options)
          if (Object.keys(columns).length > 0) changes.set(tunnel, columns)
        }
        if (Object.keys(change).length === 0 && changes.size === 0) return {}
        await changeConnection(trx, row.id, change)
        await applyChanges(trx, changed, { ...row, ...change }, changes, renegotiateAll)
        if (['auto_config_route', 'local_subnet', 'remote_subnet'].some((column) => column in change)) {
          await configureRoutes(trx, { ...row, ...change }, call.now)
          if (!renegotiateAll) await routesChanged(trx, changed, row.id)
        }
        return {}
      })
      const { AttachType: _, ...shown } = answer(await described(call, input.VpnConnectionId))
      return shown
    }),

    action(modifyTunnelAttribute, async (input, call) => {
      await write(modifyTunnelAttribute, input, call, async (trx, changed) => {
        const { row, tunnels } = await lockedConnection(trx, call, input.VpnConnectionId)
        const tunnel = row.dual === 1 ? tunnels.find(({ id }) => id === input.TunnelId) : undefined
        if (!tunnel) throw apiError('InvalidTunnelId.NotFound')
        const options = input.TunnelOptionsSpecification ?? {}
        checkSupported({ TunnelOptionsSpecification: [options] })
        const change = await changeOf(trx, call, tunnel, options)
        if (Object.keys(change).length === 0) return {}
        await changeConnection(trx, row.id, {})
        await applyChanges(trx, changed, row, new Map([[tunnel, change]]), false)
        return {}
      })
      const { row, second } = await described(call, input.VpnConnectionId)
      const tunnel = second?.tunnel_id === input.TunnelId ? second : row
      const { Status: _, TunnelBgpConfig: bgp, ...shown } = viewTunnel(row, tunnel, sealer)
      if (!bgp) return shown
      const { BgpStatus: __, LocalAsn: ___, ...config } = bgp
      return {
        ...shown,
        TunnelBgpConfig: {
          ...config,
          EnableBgp: row.bgp_enable === 1,
          LocalAsn: tunnel.bgp_local_asn ?? undefined,
          PeerAsn: tunnel.peer_asn ?? undefined,
        },
      }
    }),

    action(deleteVpnConnection, (input, call) =>
      write(deleteVpnConnection, input, call, async (trx, changed) => {
        const { row, tunnels } = await lockedConnection(trx, call, input.VpnConnectionId)
        await changeConnection(trx, row.id, { deleted_at: call.now })
        for (const tunnel of tunnels) {
          await changeTunnel(trx, tunnel.id, {}, true)
          changed(`tunnel:${tunnel.id}`)
        }
        return {}
      }),
    ),
  ]
}

/** The wanted columns that are given and not as the row has them. */
function differing(
  row: VpnConnection,
  wanted: { [K in keyof VpnConnection]?: VpnConnection[K] | undefined },
) {
  return Object.fromEntries(
    Object.entries(defined(wanted)).filter(([column, value]) => row[column as keyof VpnConnection] !== value),
  ) as Partial<VpnConnection>
}
