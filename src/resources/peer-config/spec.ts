/** Suidao's own: the vendor gives the settings of the other end as fields, not as the text of a device. */
import { defineAction } from '../../rpc/spec.ts'
import { regionId } from '../fields.ts'

export const suidaoListPeerConfigurations = defineAction({
  name: 'SuidaoListPeerConfigurations',
  summary:
    'List the configuration of the other end as text, for each kind of device, with stars for keys. With the keys: DownloadVpnConnectionConfig.',
  kind: 'list',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: { RegionId: regionId, VpnConnectionId: { type: 'string', required: true } },
  result: {
    PeerConfigurations: {
      type: 'list',
      wrapper: 'PeerConfiguration',
      item: {
        type: 'object',
        fields: { Device: { type: 'string', note: 'docs/peers.md' }, Text: { type: 'string' } },
      },
    },
  },
  errors: ['InvalidVpnConnectionInstanceId.NotFound', 'Forbbiden.SubUser', 'Forbidden'],
  source: "Suidao's own",
})
