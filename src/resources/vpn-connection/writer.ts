/**
 * How connections and their tunnels are made, changed and taken away: for those on a VPN gateway and for attachments.
 * The actions say what was asked; here it is checked and stored, in the transaction of the caller.
 */
import { randomBytes } from 'node:crypto'
import type { Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ParamValues } from '../../rpc/spec.ts'
import type { ChangeKey, ResourceContext } from '../context.ts'
import { type CustomerGateway, findCustomerGateway } from '../customer-gateway/store.ts'
import { newId } from '../ids.ts'
import { routesChanged } from '../route-entry/gateway-routes.ts'
import { derivedRoutes } from '../route-entry/model.ts'
import { deriveRoutes, routesOfOwner } from '../route-entry/store.ts'
import { scopeOf } from '../scope.ts'
import { checkTags } from '../tag/model.ts'
import { putTags } from '../tag/store.ts'
import { requireReadyGateway } from '../vpn-gateway/model.ts'
import { findOwner, readProgress, type VpnGateway } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import { bgpColumns, bgpDefaults, checkBgpBeside, checkInsideAddresses, requireBgpSettings } from './bgp.ts'
import { type healthCheckParams, ikeParams, ipsecParams } from './fields.ts'
import {
  checkHealthCheck,
  checkProof,
  checkSubnets,
  clashingKeys,
  defaultsOf,
  defined,
  flag,
  generatePsk,
  healthCheckTimes,
  matchTunnels,
  remoteCaColumn,
  sameEnds,
  sameSelectors,
  type TunnelOptions,
  tunnelColumns,
} from './model.ts'
import {
  changeConnection,
  changeTunnel,
  connectionsOfGateway,
  findConnection,
  insertConnection,
  pskContext,
  type SiblingTunnel,
  tunnelsOf,
  tunnelsOfGateway,
  type VpnConnection,
  type VpnTunnel,
} from './store.ts'

type HealthCheck = Partial<ParamValues<typeof healthCheckParams>> & { readonly Policy?: string }

/** A connection that is asked for, whatever it is on. One tunnel or two: as many as there are options. */
export interface WantedConnection {
  readonly Name?: string
  readonly LocalSubnet: string
  readonly RemoteSubnet: string
  readonly EffectImmediately: boolean
  readonly AutoConfigRoute: boolean
  readonly HealthCheckConfig?: HealthCheck
  /** BGP in its tunnels. */
  readonly bgp: boolean
  readonly Tags?: Parameters<typeof checkTags>[0]
  readonly tunnels: readonly TunnelOptions[]
}

/** What is asked of a connection that exists; what is absent stays as it is. */
export interface ChangedConnection {
  readonly Name?: string
  readonly LocalSubnet?: string
  readonly RemoteSubnet?: string
  readonly EffectImmediately?: boolean
  readonly AutoConfigRoute?: boolean
  readonly HealthCheckConfig?: HealthCheck
  readonly bgp?: boolean
  readonly tunnels: readonly TunnelOptions[]
}

/** A connection that may be changed, with what it is on and its tunnels. */
export interface LockedConnection {
  readonly owner: VpnGateway
  readonly row: VpnConnection
  readonly tunnels: readonly VpnTunnel[]
}

type Changed = (key: ChangeKey) => void

export type ConnectionWriter = ReturnType<typeof createConnectionWriter>

export function createConnectionWriter({ db, sealer, quotas }: ResourceContext) {
  const keyOf = (tunnel: VpnTunnel) => sealer.open(tunnel.psk_sealed, pskContext(tunnel.id)).reveal()

  /** What may not be true of a tunnel, nor of two of one gateway. */
  function checkBeside(siblings: readonly SiblingTunnel[], tunnel: SiblingTunnel): void {
    checkProof(tunnel)
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

  /** Makes the routes of `AutoConfigRoute` those of the subnets. */
  async function configureRoutes(
    trx: Trx,
    owner: VpnGateway,
    connection: VpnConnection,
    now: number,
  ): Promise<void> {
    if (owner.kind === 'attachment') {
      await deriveRoutes(db, trx, connection, 'vco', derivedRoutes(connection, 'vco'), now)
      return
    }
    const wanted = derivedRoutes(connection, 'pbr')
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
    await deriveRoutes(db, trx, connection, 'pbr', wanted, now)
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
      stopped_at: null,
      restarts: 0,
      rekeys: 0,
      local_id: place.position === 1 ? gateway.internet_ip : gateway.second_internet_ip!,
      remote_id: peer.ip_address,
      ...tunnelColumns({ ...options, TunnelIkeConfig: ike, TunnelIpsecConfig: ipsec }),
      ...place,
      role: options.Role ?? 'master',
      customer_gateway_id: peer.id,
      psk_sealed: sealer.seal(ike.Psk ?? generatePsk(randomBytes(64)), pskContext(place.id)),
      generation: 1,
      ...(options.RemoteCaCertificate !== undefined && {
        remote_ca_certificate: remoteCaColumn(options.RemoteCaCertificate, call.now),
      }),
    }
    // The defaults of the parameters have given every other column.
    return row as VpnTunnel
  }

  /** What `options` change of a tunnel; empty when it is all as they say. */
  async function changeOf(trx: Trx, call: Call, tunnel: VpnTunnel, options: TunnelOptions) {
    const psk = options.TunnelIkeConfig?.Psk
    const wanted: Partial<VpnTunnel> = tunnelColumns(options)
    const ca = options.RemoteCaCertificate
    // One that is there already may have ended since.
    if (ca !== undefined && ca !== tunnel.remote_ca_certificate) {
      wanted.remote_ca_certificate = remoteCaColumn(ca, call.now)
    }
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

  /** @param siblings all tunnels of the gateway, as they will be */
  async function checkBgp(
    trx: Trx,
    call: Call,
    tunnels: readonly VpnTunnel[],
    isOn: boolean,
    siblings: readonly SiblingTunnel[],
  ): Promise<void> {
    for (const tunnel of tunnels) {
      checkInsideAddresses(tunnel)
      if (isOn) requireBgpSettings(tunnel, (await requirePeer(trx, call, tunnel.customer_gateway_id)).asn)
      checkBgpBeside(tunnel, isOn, siblings)
    }
  }

  /** Only when something of it changes: what was stored before is not judged anew. */
  async function checkChangedBgp(
    trx: Trx,
    call: Call,
    connection: VpnConnection,
    tunnels: readonly VpnTunnel[],
    changes: ReadonlyMap<VpnTunnel, Partial<VpnTunnel>>,
  ): Promise<void> {
    const { local_subnet, remote_subnet, bgp_enable } = connection
    const concerned = tunnels
      .filter((tunnel) => {
        const columns = Object.keys(changes.get(tunnel) ?? {})
        return bgp_enable === 1 || columns.some((column) => bgpColumns.has(column))
      })
      .map((tunnel) => ({ ...tunnel, ...changes.get(tunnel), local_subnet, remote_subnet, bgp_enable }))
    if (concerned.length === 0) return
    const others = await tunnelsOfGateway(trx, connection.vpn_gateway_id)
    const siblings = others.filter(({ id }) => !concerned.some((tunnel) => tunnel.id === id))
    await checkBgp(trx, call, concerned, bgp_enable === 1, [...siblings, ...concerned])
  }

  /** Stores the changes of some tunnels of one connection; the others are left running as they are. */
  async function applyChanges(
    trx: Trx,
    changed: (key: `tunnel:${string}`) => void,
    connection: VpnConnection,
    changes: ReadonlyMap<VpnTunnel, Partial<VpnTunnel>>,
    concernsAll: boolean,
  ): Promise<void> {
    const siblings = await tunnelsOfGateway(trx, connection.vpn_gateway_id)
    const { local_subnet, remote_subnet, bgp_enable } = connection
    const isForEngine = (column: string) => bgp_enable === 1 || !bgpColumns.has(column)
    for (const [tunnel, change] of changes) {
      const forEngine = concernsAll || Object.keys(change).some(isForEngine)
      if (forEngine) checkBeside(siblings, { ...tunnel, ...change, local_subnet, remote_subnet, bgp_enable })
      await changeTunnel(trx, tunnel.id, change, forEngine)
      if (forEngine) changed(`tunnel:${tunnel.id}`)
    }
  }

  function checkBothSubnets({ LocalSubnet, RemoteSubnet }: Partial<WantedConnection>): void {
    if (LocalSubnet !== undefined) checkSubnets('LocalSubnet', LocalSubnet, quotas.subnetsPerSide)
    if (RemoteSubnet !== undefined) checkSubnets('RemoteSubnet', RemoteSubnet, quotas.subnetsPerSide)
  }

  return {
    requirePeer,

    /**
     * @param kind what the connection has to be on
     * @param busyCode what this call answers while it is being changed
     */
    async lock(
      trx: Trx,
      call: Call,
      id: string,
      kind: 'gateway' | 'attachment' | 'any',
      busyCode: 'VpnGateway.Configuring' | 'VpnConnection.Configuring',
    ): Promise<LockedConnection> {
      const scope = scopeOf(call)
      const row = await findConnection(trx, scope, id)
      const owner = row && (await findOwner(trx, scope, row.vpn_gateway_id))
      if (!row || !owner || (kind !== 'any' && (owner.kind === 'attachment') !== (kind === 'attachment')))
        throw apiError('InvalidVpnConnectionInstanceId.NotFound')
      requireReadyGateway(owner, await readProgress(trx, owner.id), busyCode)
      return { owner, row, tunnels: await tunnelsOf(trx, row.id) }
    },

    /** @param gateway ready for a change */
    async create(
      trx: Trx,
      call: Call,
      changed: Changed,
      gateway: VpnGateway,
      wanted: WantedConnection,
    ): Promise<VpnConnection> {
      const scope = scopeOf(call)
      const dual = wanted.tunnels.length === 2
      checkBothSubnets(wanted)
      const tags = checkTags(wanted.Tags ?? [], quotas.tagsPerResource)
      const others = await connectionsOfGateway(trx, gateway.id)
      if (others.length >= quotas.connectionsPerGateway) throw apiError('Resource.QuotaFull')

      const check = dual ? undefined : wanted.HealthCheckConfig
      const id = newId('vco', call.region)
      const row: VpnConnection = {
        seq: await db.nextSeq(trx),
        id,
        account_id: scope.accountId,
        region: scope.region,
        name: wanted.Name ?? '',
        created_at: call.now,
        version: 1,
        vpn_gateway_id: gateway.id,
        local_subnet: wanted.LocalSubnet,
        remote_subnet: wanted.RemoteSubnet,
        effect_immediately: Number(wanted.EffectImmediately),
        auto_config_route: Number(wanted.AutoConfigRoute),
        hc_enable: Number(check?.Enable ?? false),
        hc_dip: check?.Dip ?? '',
        hc_sip: check?.Sip ?? '',
        ...healthCheckTimes(check?.Enable ?? false, check),
        hc_policy: check?.Policy ?? 'revoke_route',
        bgp_enable: Number(wanted.bgp),
        dual: Number(dual),
        resource_group_id: gateway.resource_group_id,
        deleted_at: null,
      }
      checkHealthCheck(row, [gateway.internet_ip, gateway.second_internet_ip])
      const tunnels: VpnTunnel[] = []
      for (const [index, options] of wanted.tunnels.entries()) {
        const place = {
          id: dual ? newId('tun', call.region) : id,
          connection_id: id,
          position: index + 1,
          slot: index === 0 ? row.seq : await db.nextSeq(trx),
        }
        const tunnel = await newTunnel(trx, call, place, gateway, options)
        tunnels.push(wanted.bgp ? { ...tunnel, ...bgpDefaults(tunnel) } : tunnel)
      }
      const siblings = await tunnelsOfGateway(trx, gateway.id)
      const { local_subnet, remote_subnet, bgp_enable } = row
      const added = tunnels.map((tunnel) => ({ ...tunnel, local_subnet, remote_subnet, bgp_enable }))
      for (const tunnel of added) checkBeside(siblings, tunnel)
      await checkBgp(trx, call, tunnels, wanted.bgp, [...siblings, ...added])
      await insertConnection(trx, row, tunnels)
      await configureRoutes(trx, gateway, row, call.now)
      await putTags(trx, scope, 'vpnconnection', id, tags)
      for (const tunnel of tunnels) changed(`tunnel:${tunnel.id}`)
      return row
    },

    /** Tunnels that nothing is asked of are left running as they are. */
    async modify(
      trx: Trx,
      call: Call,
      changed: Changed,
      { owner, row, tunnels }: LockedConnection,
      wanted: ChangedConnection,
    ): Promise<void> {
      checkBothSubnets(wanted)
      const check = row.dual === 1 ? undefined : wanted.HealthCheckConfig
      const change = differing(row, {
        local_subnet: wanted.LocalSubnet,
        remote_subnet: wanted.RemoteSubnet,
        effect_immediately: flag(wanted.EffectImmediately),
        name: wanted.Name,
        auto_config_route: flag(wanted.AutoConfigRoute),
        hc_enable: flag(check?.Enable),
        hc_dip: check?.Dip,
        hc_sip: check?.Sip,
        ...healthCheckTimes(check?.Enable ?? row.hc_enable === 1, check, row),
        hc_policy: check?.Policy,
        bgp_enable: flag(wanted.bgp),
      })
      const after = { ...row, ...change }
      checkHealthCheck(after, [owner.internet_ip, owner.second_internet_ip])
      const isBgpOn = after.bgp_enable === 1
      const touches = (...columns: (keyof VpnConnection)[]) => columns.some((column) => column in change)
      const concernsAll =
        touches('local_subnet', 'remote_subnet', 'effect_immediately', 'bgp_enable', 'hc_enable') ||
        (after.hc_enable === 1 && touches('hc_dip', 'hc_sip', 'hc_interval', 'hc_retry', 'hc_policy'))
      const changes = new Map<VpnTunnel, Partial<VpnTunnel>>()
      if (concernsAll) for (const tunnel of tunnels) changes.set(tunnel, {})
      for (const { tunnel, options } of matchTunnels(tunnels, wanted.tunnels)) {
        const columns = await changeOf(trx, call, tunnel, options)
        if (Object.keys(columns).length > 0) changes.set(tunnel, columns)
      }
      if (isBgpOn) {
        for (const tunnel of tunnels) {
          const missing = bgpDefaults({ ...tunnel, ...changes.get(tunnel) })
          if (Object.keys(missing).length > 0) changes.set(tunnel, { ...changes.get(tunnel), ...missing })
        }
      }
      if (Object.keys(change).length === 0 && changes.size === 0) return
      await checkChangedBgp(trx, call, after, tunnels, changes)
      await changeConnection(trx, row.id, change)
      await applyChanges(trx, changed, after, changes, concernsAll)
      if (touches('auto_config_route', 'local_subnet', 'remote_subnet')) {
        await configureRoutes(trx, owner, after, call.now)
        if (!concernsAll) await routesChanged(trx, changed, row.id)
      }
    },

    /** Marks the connection; it goes when the engine has let go of its tunnels. */
    async remove(trx: Trx, call: Call, changed: Changed, { row, tunnels }: LockedConnection): Promise<void> {
      await changeConnection(trx, row.id, { deleted_at: call.now })
      for (const tunnel of tunnels) {
        await changeTunnel(trx, tunnel.id, {}, true)
        changed(`tunnel:${tunnel.id}`)
      }
    },
  }
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
