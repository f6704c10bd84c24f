import { type Action, action, type Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { newId } from '../ids.ts'
import { formatIpv4, parseNetworkList } from '../ipv4.ts'
import { pageOf } from '../route-entry/store.ts'
import { scopeOf } from '../scope.ts'
import { tagsOf } from '../tag/store.ts'
import { defaultsOf, singleTunnel, type TunnelOptions } from '../vpn-connection/model.ts'
import { createConnectionReader } from '../vpn-connection/reader.ts'
import { bandwidthName, tunnelBandwidths } from '../vpn-connection/view.ts'
import { createConnectionWriter, type LockedConnection } from '../vpn-connection/writer.ts'
import { chooseInsideAddress, chooseOutsideAddress, noEnd } from '../vpn-gateway/model.ts'
import { changeGateway, insertGateway, takenAddresses, type VpnGateway } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import { pairIkeParams, pairIpsecParams } from './fields.ts'
import {
  createVpnAttachment,
  deleteVpnAttachment,
  describeVpnAttachments,
  modifyVpnAttachmentAttribute,
} from './spec.ts'
import { attachmentsOf } from './store.ts'

/** What the writes on attachments answer beside the usual fields. */
const successful = { Code: '200', Message: 'successful', Success: true } as const

/** Behind an attachment whose `LocalSubnet` is everything. */
const anyInside = '10.0.0.0/8'

type IndexedOptions = TunnelOptions & { readonly TunnelIndex?: number }

/** Both tunnels in the order of their indices; without indices in the order given. */
function pairByIndex(options: readonly IndexedOptions[]): readonly TunnelOptions[] {
  const [first, second] = options
  if (!first || !second || options.length !== 2) {
    throw apiError('VpnConnection.InvalidCreateTunnelOptions', { reason: 'A pair has exactly two tunnels.' })
  }
  if (first.TunnelIndex !== undefined && first.TunnelIndex === second.TunnelIndex) {
    throw apiError('VpnConnection.InvalidCreateTunnelOptions', {
      reason: 'Both tunnels have the same index.',
    })
  }
  const inOrder = first.TunnelIndex === 2 || second.TunnelIndex === 1 ? [second, first] : [first, second]
  return inOrder.map((tunnel, index) => ({
    ...tunnel,
    Role: index === 0 ? 'master' : 'slave',
    TunnelIkeConfig: { ...defaultsOf(pairIkeParams), ...tunnel.TunnelIkeConfig },
    TunnelIpsecConfig: { ...defaultsOf(pairIpsecParams), ...tunnel.TunnelIpsecConfig },
  }))
}

/** Which tunnels a change is for: by id, else by index, else by place. */
function withIds(
  { tunnels }: LockedConnection,
  options: readonly IndexedOptions[],
): readonly TunnelOptions[] {
  return options.map(({ TunnelIndex, ...tunnel }, index) => ({
    TunnelId: tunnels[(TunnelIndex ?? index + 1) - 1]?.id,
    ...tunnel,
  }))
}

export function vpnAttachmentActions(context: ResourceContext): Action[] {
  const { db, write, addressPool } = context
  const writer = createConnectionWriter(context)
  const reader = createConnectionReader(context)

  /** What stands in the place of a VPN gateway: addresses of its own, and an inside of its own. */
  async function newOwner(
    trx: Trx,
    call: Call,
    input: {
      readonly LocalSubnet: string
      readonly NetworkType: string
      readonly TunnelBandwidth: keyof typeof tunnelBandwidths
      readonly ResourceGroupId?: string
    },
    dual: boolean,
  ): Promise<VpnGateway> {
    const { outside } = await takenAddresses(trx, '')
    const first = chooseOutsideAddress(addressPool, outside)
    const second = first && dual ? chooseOutsideAddress(addressPool, outside.add(first)) : undefined
    if (!first || (dual && !second)) {
      throw apiError('Resource.QuotaFull', { reason: 'The pool of outside addresses is used up.' })
    }
    const [local] = parseNetworkList(input.LocalSubnet) ?? []
    const roomy = local && local.prefixLength > 0 && local.prefixLength <= 29
    const inside = roomy ? `${formatIpv4(local.address)}/${local.prefixLength}` : anyInside
    const id = newId('vpn', call.region)
    const seq = await db.nextSeq(trx)
    const scope = scopeOf(call)
    const owner: VpnGateway = {
      kind: 'attachment',
      seq,
      id,
      account_id: scope.accountId,
      region: scope.region,
      name: '',
      created_at: call.now,
      version: 1,
      description: '',
      vpc_id: `vpc-${id}`,
      vswitch_id: '',
      second_vswitch_id: null,
      second_internet_ip: second ?? null,
      bandwidth: tunnelBandwidths[input.TunnelBandwidth],
      network_type: input.NetworkType,
      vpn_type: 'Normal',
      charge_type: 'PostpayByFlow',
      auto_propagate: 0,
      enable_ipsec: 1,
      enable_ssl: 0,
      ssl_connections: 0,
      resource_group_id: input.ResourceGroupId ?? '',
      internet_ip: first,
      inside_address: chooseInsideAddress(inside, new Set())!,
      slot: seq,
      order_id: seq,
      business_status: 'Normal',
      end_time: noEnd,
      deleted_at: null,
      generation: 1,
    }
    await insertGateway(trx, owner)
    return owner
  }

  const lock = (trx: Trx, call: Call, id: string) =>
    writer.lock(trx, call, id, 'attachment', 'VpnConnection.Configuring')

  return [
    action(createVpnAttachment, (input, call) =>
      write(createVpnAttachment, input, call, async (trx, changed) => {
        const pair = input.TunnelOptionsSpecification ?? []
        const tunnels =
          pair.length > 0
            ? pairByIndex(pair)
            : [
                {
                  ...singleTunnel(input),
                  // The parameter has another name than on the connections of a gateway.
                  RemoteCaCertificate: input.RemoteCaCert,
                  CustomerGatewayId: input.CustomerGatewayId,
                  // The identity of ours reads empty here, and means the address.
                  TunnelIkeConfig: { LocalId: '', ...input.IkeConfig },
                },
              ]
        for (const { CustomerGatewayId } of tunnels) await writer.requirePeer(trx, call, CustomerGatewayId)
        const owner = await newOwner(trx, call, input, tunnels.length === 2)
        const row = await writer.create(trx, call, changed, owner, {
          ...input,
          bgp: (tunnels.length === 2 ? input.EnableTunnelsBgp : input.BgpConfig?.EnableBgp) ?? false,
          tunnels,
        })
        changed(`gateway:${owner.id}`)
        return { ...successful, CreateTime: row.created_at, Name: row.name, VpnConnectionId: row.id }
      }),
    ),

    // NOTE: nothing here attaches to a transit router, so this lists those that could be.
    action(describeVpnAttachments, async (input, call) => {
      const scope = scopeOf(call)
      const rows = await attachmentsOf(db.kysely, scope, input.VpnConnectionId)
      const shown = pageOf(rows, input)
      const tags = await tagsOf(
        db.kysely,
        scope,
        'vpnconnection',
        shown.map(({ id }) => id),
      )
      return {
        PageNumber: input.PageNumber,
        PageSize: input.PageSize,
        TotalCount: rows.length,
        VpnAttachments: shown.map((row) => ({
          AttachType: 'NO_ASSOCIATED',
          CrossAccountAuthorized: false,
          Description: '',
          InstanceId: row.id,
          Name: row.name,
          Tag: attachmentCapabilities,
          Tags: tags.get(row.id) ?? [],
          TransitRouterId: '',
          TransitRouterName: '',
          TunnelBandwidth: bandwidthName(row.bandwidth),
        })),
      }
    }),

    action(modifyVpnAttachmentAttribute, async (input, call) => {
      await write(modifyVpnAttachmentAttribute, input, call, async (trx, changed) => {
        const locked = await lock(trx, call, input.VpnConnectionId)
        await writer.modify(trx, call, changed, locked, {
          ...input,
          bgp: locked.row.dual === 1 ? input.EnableTunnelsBgp : input.BgpConfig?.EnableBgp,
          tunnels:
            locked.row.dual === 1
              ? withIds(locked, input.TunnelOptionsSpecification ?? [])
              : [
                  {
                    ...singleTunnel(input),
                    RemoteCaCertificate: input.RemoteCaCert,
                    CustomerGatewayId: input.CustomerGatewayId,
                  },
                ],
        })
        if (input.NetworkType !== undefined) {
          await changeGateway(trx, locked.owner.id, { network_type: input.NetworkType }, false)
        }
        return {}
      })
      const {
        CrossAccountAuthorized: _,
        InternetIp: __,
        RemoteCaCertificate: ___,
        State: ____,
        TunnelBandwidth: _____,
        Tags: ______,
        TunnelOptionsSpecification: pair,
        VcoHealthCheck: check,
        VpnBgpConfig: bgp,
        ...shown
      } = reader.answer(await reader.described(call, input.VpnConnectionId))
      return {
        ...shown,
        TunnelOptionsSpecification: pair?.map(
          ({ Status, RemoteCaCertificate, ZoneNo, TunnelBgpConfig, ...tunnel }) => ({
            ...tunnel,
            TunnelBgpConfig: TunnelBgpConfig && {
              LocalAsn: Number(TunnelBgpConfig.LocalAsn),
              LocalBgpIp: TunnelBgpConfig.LocalBgpIp,
              PeerAsn: TunnelBgpConfig.PeerAsn === undefined ? undefined : Number(TunnelBgpConfig.PeerAsn),
              PeerBgpIp: TunnelBgpConfig.PeerBgpIp,
              TunnelCidr: TunnelBgpConfig.TunnelCidr,
            },
          }),
        ),
        VcoHealthCheck: check && { ...check, Status: undefined },
        VpnBgpConfig: bgp && { ...bgp, AuthKey: undefined },
      }
    }),

    action(deleteVpnAttachment, (input, call) =>
      write(deleteVpnAttachment, input, call, async (trx, changed) => {
        const locked = await lock(trx, call, input.VpnConnectionId)
        await writer.remove(trx, call, changed, locked)
        await changeGateway(trx, locked.owner.id, { deleted_at: call.now }, true)
        changed(`gateway:${locked.owner.id}`)
        return successful
      }),
    ),
  ]
}

/** The capabilities that clients read from the text field `Tag` of an attachment; all members are texts. */
const attachmentCapabilities = JSON.stringify({
  BGPSupport: 'true',
  VisuallySsl: 'false',
  PbrPriority: 'false',
  IDaaSNewVersion: 'false',
  description: '',
})
