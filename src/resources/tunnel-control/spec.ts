/**
 * What an operator does to running tunnels. The vendor has no action for it: these are Suidao's own, and their names say
 * so. What is wanted of the tunnels in the settings stays as it is.
 */
import { defineAction } from '../../rpc/spec.ts'
import { regionId } from '../fields.ts'
import { clientToken } from '../patterns.ts'

const params = {
  RegionId: regionId,
  VpnConnectionId: { type: 'string', required: true },
  TunnelId: { type: 'string', note: 'One tunnel; every tunnel of the connection when not given' },
  ClientToken: { type: 'string', pattern: clientToken },
  DryRun: { type: 'boolean', default: false },
} as const

const result = {
  TunnelIds: {
    type: 'list',
    wrapper: 'TunnelId',
    item: { type: 'string' },
    note: 'Those that were changed; none when all are so already',
  },
} as const

const common = {
  kind: 'write',
  resources: ['vpnconnection/{VpnConnectionId}'],
  result,
  source: "Suidao's own",
} as const

const errors = [
  'InvalidVpnConnectionInstanceId.NotFound',
  'InvalidTunnelId.NotFound',
  'VpnGateway.Configuring',
  'DryRunOperation',
  'Forbbiden.SubUser',
  'Forbidden',
] as const

export const suidaoRenegotiateTunnel = defineAction({
  ...common,
  name: 'SuidaoRenegotiateTunnel',
  summary: 'Give tunnels new keys now, or have them negotiated from the start.',
  params: {
    ...params,
    Mode: {
      type: 'string',
      enum: ['rekey', 'restart'],
      anyCase: true,
      default: 'rekey',
      note: 'rekey: new keys for ESP beside the old ones, no packet is lost. restart: the SAs are ended and negotiated anew',
    },
  },
  errors: [...errors, 'IncorrectStatus.VpnConnection'],
})

export const suidaoStopTunnel = defineAction({
  ...common,
  name: 'SuidaoStopTunnel',
  summary: 'Take tunnels down and keep them down, whatever the peer does, until they are started.',
  params,
  errors,
})

export const suidaoStartTunnel = defineAction({
  ...common,
  name: 'SuidaoStartTunnel',
  summary: 'Negotiate stopped tunnels again.',
  params,
  errors,
})
