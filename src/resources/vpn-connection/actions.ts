import { randomBytes } from 'node:crypto'
import { type ReasonCode, reasons } from '../../engine/reason.ts'
import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import { createPacker, type PackedResult } from '../../rpc/render.ts'
import type { ResultValues } from '../../rpc/spec.ts'
import type { Sealer } from '../../seal.ts'
import type { ResourceContext } from '../context.ts'
import { authKeyContext } from '../customer-gateway/model.ts'
import { findCustomerGateway } from '../customer-gateway/store.ts'
import { newId } from '../ids.ts'
import { createKept } from '../kept.ts'
import { scopeOf } from '../scope.ts'
import { checkTagFilters, checkTags, type Tag } from '../tag/model.ts'
import { putTags } from '../tag/store.ts'
import { requireReadyGateway } from '../vpn-gateway/model.ts'
import { findGateway, readProgress } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import { type connectionResult, ikeParams, ipsecParams } from './fields.ts'
import {
  checkSubnets,
  checkSupported,
  clashingKeys,
  defaultsOf,
  defined,
  generatePsk,
  ikeColumns,
  ipsecColumns,
  peerBgpIp,
  sameSubnets,
} from './model.ts'
import {
  createVpnConnection,
  deleteVpnConnection,
  describeVpnConnection,
  describeVpnConnections,
  modifyVpnConnectionAttribute,
} from './spec.ts'
import {
  deriveBgpStatus,
  deriveConnectionState,
  deriveConnectionStatus,
  deriveFreshness,
  deriveHealthCheckStatus,
} from './status.ts'
import {
  changeConnection,
  connectionsOfGateway,
  type DescribedConnection,
  type Evidence,
  findConnection,
  insertConnection,
  listDescribed,
  prepareFindDescribed,
  prepareFindEvidence,
  pskContext,
  type VpnConnection,
} from './store.ts'

const noTags: readonly Tag[] = []

const tagsIn = (json: string): readonly Tag[] =>
  json === '[]' ? noTags : (JSON.parse(json) as [string, string][]).map(([Key, Value]) => ({ Key, Value }))

/** A connection on a VPN gateway as the reads show it, without its tags: both reads name them differently. */
function view(row: DescribedConnection, sealer: Sealer): ResultValues<typeof connectionResult> {
  return {
    AttachType: 'VPNGW',
    CreateTime: row.created_at,
    CrossAccountAuthorized: false,
    CustomerGatewayId: row.customer_gateway_id,
    EffectImmediately: row.effect_immediately === 1,
    EnableDpd: row.enable_dpd === 1,
    EnableNatTraversal: row.enable_nat_traversal === 1,
    IkeConfig: {
      IkeAuthAlg: row.ike_auth_alg,
      IkeEncAlg: row.ike_enc_alg,
      IkeLifetime: row.ike_lifetime,
      IkeMode: row.ike_mode,
      IkePfs: row.ike_pfs,
      IkeVersion: row.ike_version,
      LocalId: row.local_id,
      Psk: sealer.open(row.psk_sealed, pskContext(row.id)).reveal(),
      RemoteId: row.remote_id,
    },
    InternetIp: row.internet_ip,
    IpsecConfig: {
      IpsecAuthAlg: row.ipsec_auth_alg,
      IpsecEncAlg: row.ipsec_enc_alg,
      IpsecLifetime: row.ipsec_lifetime,
      IpsecPfs: row.ipsec_pfs,
    },
    LocalSubnet: row.local_subnet,
    Name: row.name,
    NetworkType: row.network_type,
    RemoteCaCertificate: row.remote_ca_certificate ?? '',
    RemoteSubnet: row.remote_subnet,
    ResourceGroupId: row.resource_group_id,
    Spec: `${row.bandwidth}M`,
    State: deriveConnectionState(row, row),
    Status: deriveConnectionStatus(row),
    VcoHealthCheck: {
      Dip: row.hc_dip,
      Enable: row.hc_enable === 1,
      Interval: row.hc_interval,
      Policy: row.hc_policy,
      Retry: row.hc_retry,
      Sip: row.hc_sip,
      Status: deriveHealthCheckStatus(row.hc_enable === 1, row.probe_succeeding),
    },
    VpnBgpConfig: {
      ...(row.auth_key_sealed === null
        ? {}
        : { AuthKey: sealer.open(row.auth_key_sealed, authKeyContext(row.customer_gateway_id)).reveal() }),
      EnableBgp: row.bgp_enable === 1,
      LocalAsn: row.bgp_local_asn ?? undefined,
      LocalBgpIp: row.bgp_local_ip ?? '',
      PeerAsn: row.bgp_local_asn === null ? undefined : (row.peer_asn ?? undefined),
      PeerBgpIp: peerBgpIp(row.bgp_tunnel_cidr, row.bgp_local_ip),
      Status: deriveBgpStatus(row.bgp_established),
      TunnelCidr: row.bgp_tunnel_cidr ?? '',
    },
    VpnConnectionId: row.id,
    VpnGatewayId: row.vpn_gateway_id,
  }
}

/** Extra facts, only for callers who ask: how fresh the answer is, why the tunnel is not up, what was negotiated. */
function extra(row: DescribedConnection, evidence: Evidence | undefined, now: number, staleAfter: number) {
  const code = row.reason_code
  const reason = code === null ? undefined : reasons[code as ReasonCode]
  const { ikeSas, childSas, childrenWanted, pendingReconnect } = JSON.parse(evidence?.facts ?? '{}')
  return {
    'X-Suidao': {
      Freshness: deriveFreshness(row.reported_at, now, staleAfter),
      ...(row.reported_at === null ? {} : { AsOf: row.reported_at }),
      Generation: row.generation,
      ...(row.observed_generation === null ? {} : { ObservedGeneration: row.observed_generation }),
      ...(reason
        ? {
            Reason: {
              Code: code,
              FailedReasonCode: reason.vendorCode,
              Severity: reason.severity,
              Phase: reason.phase,
              Since: row.reason_since,
              Title: reason.title,
              Remedy: reason.remedy,
              Evidence: JSON.parse(evidence?.reason_evidence ?? '[]'),
            },
          }
        : {}),
      PendingReconnect: pendingReconnect ?? false,
      ChildSasWanted: childrenWanted ?? 0,
      IkeSas: ikeSas ?? [],
      ChildSas: childSas ?? [],
    },
  }
}

export function vpnConnectionActions({
  db,
  sealer,
  write,
  paging,
  quotas,
  staleAfter,
}: ResourceContext): Action[] {
  const findDescribed = prepareFindDescribed(db)
  const findEvidence = prepareFindEvidence(db)
  const kept = createKept<PackedResult>()
  const pack = createPacker(describeVpnConnection)

  function answer(row: DescribedConnection | undefined) {
    if (!row) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
    const shown: ResultValues<(typeof describeVpnConnection)['result']> = view(row, sealer)
    return Object.assign(shown, { Tags: tagsIn(row.tags) })
  }

  async function answerWithExtra(row: DescribedConnection | undefined, call: Call) {
    const shown = answer(row)
    return { ...shown, ...extra(row!, await findEvidence(row!.id), call.now, staleAfter) }
  }

  const keyOf = (row: VpnConnection) => sealer.open(row.psk_sealed, pskContext(row.id)).reveal()

  /** What may not be true of two connections of one gateway. */
  function checkBeside(others: readonly VpnConnection[], row: VpnConnection, psk: string): void {
    for (const other of others) {
      if (other.id === row.id || other.customer_gateway_id !== row.customer_gateway_id) continue
      if (
        sameSubnets(other.local_subnet, row.local_subnet) &&
        sameSubnets(other.remote_subnet, row.remote_subnet)
      ) {
        throw apiError('InvalidVpnConnection.AlreadyExists')
      }
      if (clashingKeys({ ...other, psk: keyOf(other) }, { ...row, psk })) {
        throw apiError('IllegalParam.Psk', {
          reason: `With ikev1 in main mode the key must equal that of ${other.id}, which has the same two addresses.`,
        })
      }
    }
  }

  async function lockedConnection(trx: Trx, call: Call, id: string) {
    const scope = scopeOf(call)
    const row = await findConnection(trx, scope, id)
    if (!row) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
    const gateway = await findGateway(trx, scope, row.vpn_gateway_id)
    if (!gateway) throw new Error(`connection ${id} is on ${row.vpn_gateway_id}, which does not exist`)
    return { row, gateway, progress: await readProgress(trx, gateway.id) }
  }

  return [
    action(createVpnConnection, (input, call) =>
      write(createVpnConnection, input, call, async (trx, changed) => {
        const scope = scopeOf(call)
        const gateway = await findGateway(trx, scope, input.VpnGatewayId)
        if (!gateway) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
        checkSupported(input)
        if (input.CustomerGatewayId === undefined) throw apiError('MissingCustomerGatewayId')
        const peer = await findCustomerGateway(trx, scope, input.CustomerGatewayId)
        if (!peer) throw apiError('InvalidCustomerGatewayInstanceId.NotFound')
        requireReadyGateway(gateway, await readProgress(trx, gateway.id), 'VpnGateway.Configuring')
        checkSubnets('LocalSubnet', input.LocalSubnet, quotas.subnetsPerSide)
        checkSubnets('RemoteSubnet', input.RemoteSubnet, quotas.subnetsPerSide)
        const tags = checkTags(input.Tags ?? [], quotas.tagsPerResource)

        const others = await connectionsOfGateway(trx, gateway.id)
        if (others.length >= quotas.connectionsPerGateway) throw apiError('Resource.QuotaFull')

        const ike = { ...defaultsOf(ikeParams), ...input.IkeConfig }
        const ipsec = { ...defaultsOf(ipsecParams), ...input.IpsecConfig }
        const check = input.HealthCheckConfig
        const bgp = input.BgpConfig
        const psk = ike.Psk ?? generatePsk(randomBytes(64))
        const id = newId('vco', call.region)
        const seq = await db.nextSeq(trx)
        const row: VpnConnection = {
          ...(ikeColumns(ike) as Required<ReturnType<typeof ikeColumns>>),
          ...(ipsecColumns(ipsec) as Required<ReturnType<typeof ipsecColumns>>),
          seq,
          id,
          account_id: scope.accountId,
          region: scope.region,
          name: input.Name ?? '',
          created_at: call.now,
          version: 1,
          vpn_gateway_id: gateway.id,
          customer_gateway_id: peer.id,
          local_subnet: input.LocalSubnet,
          remote_subnet: input.RemoteSubnet,
          effect_immediately: Number(input.EffectImmediately),
          enable_dpd: Number(input.EnableDpd),
          enable_nat_traversal: Number(input.EnableNatTraversal),
          auto_config_route: Number(input.AutoConfigRoute),
          local_id: ike.LocalId ?? gateway.internet_ip,
          remote_id: ike.RemoteId ?? peer.ip_address,
          psk_sealed: sealer.seal(psk, pskContext(id)),
          hc_enable: 0,
          hc_dip: check?.Dip ?? '',
          hc_sip: check?.Sip ?? '',
          hc_interval: check?.Interval ?? 0,
          hc_retry: check?.Retry ?? 0,
          hc_policy: 'revoke_route',
          bgp_enable: 0,
          bgp_local_asn: null,
          bgp_tunnel_cidr: bgp?.TunnelCidr ?? null,
          bgp_local_ip: bgp?.LocalBgpIp ?? null,
          remote_ca_certificate: null,
          resource_group_id: gateway.resource_group_id,
          slot: seq,
          deleted_at: null,
          generation: 1,
        }
        checkBeside(others, row, psk)
        await insertConnection(trx, row)
        await putTags(trx, scope, 'vpnconnection', id, tags)
        changed(`connection:${id}`)
        return { CreateTime: row.created_at, Name: row.name, VpnConnectionId: id }
      }),
    ),

    action(describeVpnConnection, ({ VpnConnectionId }, call) => {
      const { accountId } = call.principal
      const owner = `${accountId}/${call.region}`
      const stamp = call.wantsExtra ? undefined : db.changeStamp()
      const known = stamp === undefined ? undefined : kept.find(stamp, owner, VpnConnectionId)
      if (known) return known
      const found = findDescribed(accountId, call.region, VpnConnectionId)
      if (call.wantsExtra) return Promise.resolve(found).then((row) => answerWithExtra(row, call))
      if (found instanceof Promise) return found.then(answer)
      const shown = answer(found)
      // Under the id of the row: that of the request may be a part of a long text, which would be kept with it.
      if (stamp !== undefined) kept.keep(stamp, owner, found!.id, pack(shown))
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
      return {
        PageNumber,
        PageSize,
        TotalCount: total,
        VpnConnections: rows.map((row) => ({ ...view(row, sealer), Tag: tagsIn(row.tags) })),
      }
    }),

    action(modifyVpnConnectionAttribute, async (input, call) => {
      await write(modifyVpnConnectionAttribute, input, call, async (trx, changed) => {
        const { row, gateway, progress } = await lockedConnection(trx, call, input.VpnConnectionId)
        requireReadyGateway(gateway, progress, 'VpnGateway.Configuring')
        checkSupported(input)
        if (input.LocalSubnet !== undefined)
          checkSubnets('LocalSubnet', input.LocalSubnet, quotas.subnetsPerSide)
        if (input.RemoteSubnet !== undefined)
          checkSubnets('RemoteSubnet', input.RemoteSubnet, quotas.subnetsPerSide)

        const psk = input.IkeConfig?.Psk
        const forEngine = defined({
          ...ikeColumns(input.IkeConfig ?? {}),
          ...ipsecColumns(input.IpsecConfig ?? {}),
          local_subnet: input.LocalSubnet,
          remote_subnet: input.RemoteSubnet,
          effect_immediately: flag(input.EffectImmediately),
          enable_dpd: flag(input.EnableDpd),
          enable_nat_traversal: flag(input.EnableNatTraversal),
          psk_sealed:
            psk !== undefined && psk !== keyOf(row) ? sealer.seal(psk, pskContext(row.id)) : undefined,
        })
        const otherwise = defined({
          name: input.Name,
          auto_config_route: flag(input.AutoConfigRoute),
          hc_dip: input.HealthCheckConfig?.Dip,
          hc_sip: input.HealthCheckConfig?.Sip,
          hc_interval: input.HealthCheckConfig?.Interval,
          hc_retry: input.HealthCheckConfig?.Retry,
          bgp_tunnel_cidr: input.BgpConfig?.TunnelCidr,
          bgp_local_ip: input.BgpConfig?.LocalBgpIp,
        })
        const wanted: VpnConnection = { ...row, ...forEngine, ...otherwise }
        const differs = (change: object) =>
          Object.entries(change).some(([column, value]) => row[column as keyof VpnConnection] !== value)
        if (!differs(forEngine) && !differs(otherwise)) return {}
        checkBeside(await connectionsOfGateway(trx, gateway.id), wanted, psk ?? keyOf(row))
        await changeConnection(trx, row.id, { ...forEngine, ...otherwise }, differs(forEngine))
        if (differs(forEngine)) changed(`connection:${row.id}`)
        return {}
      })
      const { AttachType: _, ...shown } = answer(
        await findDescribed(call.principal.accountId, call.region, input.VpnConnectionId),
      )
      return shown
    }),

    action(deleteVpnConnection, (input, call) =>
      write(deleteVpnConnection, input, call, async (trx, changed) => {
        const { row, gateway, progress } = await lockedConnection(trx, call, input.VpnConnectionId)
        requireReadyGateway(gateway, progress, 'VpnGateway.Configuring')
        await changeConnection(trx, row.id, { deleted_at: call.now }, true)
        changed(`connection:${row.id}`)
        return {}
      }),
    ),
  ]
}

const flag = (value: boolean | undefined) => (value === undefined ? undefined : Number(value))
