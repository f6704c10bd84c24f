/**
 * The past of tunnels. The vendor shows it in other products (CloudMonitor, ActionTrail), which Suidao does not serve: these
 * actions are Suidao's own, and their names say so.
 */
import { defineAction } from '../../rpc/spec.ts'
import { regionId } from '../fields.ts'

export const suidaoListTunnelChanges = defineAction({
  name: 'SuidaoListTunnelChanges',
  summary: 'List what the Status and the reason of tunnels changed to, newest first.',
  kind: 'list',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string' },
    TunnelId: { type: 'string' },
    MaxResults: { type: 'integer', min: 1, max: 100, default: 50 },
    NextToken: { type: 'string', pattern: /^\d{1,16}$/ },
  },
  result: {
    Changes: {
      type: 'list',
      wrapper: 'Change',
      item: {
        type: 'object',
        fields: {
          At: { type: 'number', note: 'Epoch milliseconds' },
          Evidence: { type: 'list', wrapper: 'Line', item: { type: 'string' } },
          ReasonCode: { type: 'string', note: 'docs/reasons.md; empty when nothing was wrong' },
          Status: { type: 'string', note: 'As in DescribeVpnConnection' },
          TunnelId: { type: 'string' },
          VpnConnectionId: { type: 'string' },
        },
      },
    },
    NextToken: { type: 'string', note: 'Empty on the last page' },
  },
  errors: ['Forbbiden.SubUser', 'Forbidden'],
  source: "Suidao's own",
})

const traffic = {
  BytesIn: { type: 'number' },
  BytesOut: { type: 'number' },
  PacketsIn: { type: 'number' },
  PacketsOut: { type: 'number' },
} as const

export const suidaoListTunnelSamples = defineAction({
  name: 'SuidaoListTunnelSamples',
  summary:
    'List what the tunnels of a connection carried, how long they were up and how their health checks fared, in spans of time.',
  kind: 'list',
  resources: ['vpnconnection/{VpnConnectionId}'],
  params: {
    RegionId: regionId,
    VpnConnectionId: { type: 'string', required: true },
    From: { type: 'integer', required: true, min: 0, note: 'Epoch seconds, at most 31 days ago' },
    To: { type: 'integer', min: 0, note: 'Epoch seconds; now when not given' },
  },
  result: {
    Samples: {
      type: 'list',
      wrapper: 'Sample',
      item: {
        type: 'object',
        fields: {
          At: { type: 'number', note: 'Begin of the span, epoch milliseconds' },
          ...traffic,
          ObservedMs: { type: 'number', note: 'For how much of the span the state is known' },
          ProbesLost: { type: 'number', note: 'Of the health check, without an answer in time' },
          ProbesSent: { type: 'number' },
          Rtt: {
            type: 'number',
            note: 'Milliseconds, the mean of the answered probes; absent when none was',
          },
          TunnelId: { type: 'string' },
          UpMs: { type: 'number', note: 'Of it, with a CHILD_SA' },
        },
      },
    },
    Span: { type: 'number', note: 'Seconds: 60, 600 or 3600, the finest that is still kept for From' },
  },
  errors: ['Forbbiden.SubUser', 'Forbidden', 'InvalidVpnConnectionInstanceId.NotFound'],
  source: "Suidao's own",
})
