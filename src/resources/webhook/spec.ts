/**
 * Where events of tunnels are sent to. The vendor does this in other products (CloudMonitor, EventBridge), which Suidao does
 * not serve: these actions are Suidao's own, and their names say so.
 */
import { defineAction } from '../../rpc/spec.ts'
import { regionId } from '../fields.ts'
import { clientToken } from '../patterns.ts'
import { eventNames } from './events.ts'

export const suidaoCreateWebhook = defineAction({
  name: 'SuidaoCreateWebhook',
  summary: 'Have events of the tunnels of this region sent to an address.',
  kind: 'write',
  resources: ['webhook/*'],
  params: {
    RegionId: regionId,
    Url: { type: 'string', required: true, maxLength: 2048, note: 'http or https, without a user name' },
    Secret: {
      type: 'string',
      secret: true,
      pattern: /^[\x21-\x7e]{16,128}$/,
      note: 'Signs what is sent; made when it is not given',
    },
    Events: {
      type: 'list',
      maxItems: eventNames.length,
      item: { type: 'string', enum: eventNames },
      note: 'All of them when not given',
    },
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: {
    Secret: { type: 'string', note: 'Shown this one time' },
    WebhookId: { type: 'string' },
  },
  errors: ['Resource.QuotaFull', 'Forbbiden.SubUser', 'Forbidden'],
  source: "Suidao's own",
})

export const suidaoListWebhooks = defineAction({
  name: 'SuidaoListWebhooks',
  summary: 'List where events are sent to, and how that goes.',
  kind: 'list',
  resources: ['webhook/*'],
  params: { RegionId: regionId },
  result: {
    Webhooks: {
      type: 'list',
      wrapper: 'Webhook',
      item: {
        type: 'object',
        fields: {
          CreateTime: { type: 'number', note: 'Epoch milliseconds' },
          Delivered: { type: 'number', observed: true },
          Dropped: { type: 'number', observed: true, note: 'Given up, or pushed out of a full queue' },
          Events: { type: 'list', wrapper: 'Event', item: { type: 'string' } },
          LastStatus: {
            type: 'string',
            observed: true,
            note: 'HTTP status or error of the last attempt; empty before it',
          },
          LastTime: {
            type: 'number',
            observed: true,
            note: 'Epoch milliseconds of the last attempt; 0 before it',
          },
          Url: { type: 'string' },
          Waiting: { type: 'number', observed: true, note: 'Events in the queue' },
          WebhookId: { type: 'string' },
        },
      },
    },
  },
  errors: ['Forbbiden.SubUser', 'Forbidden'],
  source: "Suidao's own",
})

export const suidaoUpdateWebhook = defineAction({
  name: 'SuidaoUpdateWebhook',
  shownBy: { read: 'SuidaoListWebhooks', by: [] },
  summary: 'Change where events are sent to, which, or what signs them; what is not given stays as it is.',
  kind: 'write',
  resources: ['webhook/{WebhookId}'],
  params: {
    RegionId: regionId,
    WebhookId: { type: 'string', required: true },
    Url: {
      ...suidaoCreateWebhook.params.Url,
      required: false,
      note: 'What waits in the queue goes there too',
    },
    Secret: { ...suidaoCreateWebhook.params.Secret, note: 'Signs what is sent from now on' },
    Events: { ...suidaoCreateWebhook.params.Events, note: 'In place of the former ones' },
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: {},
  errors: ['InvalidWebhookId.NotFound', 'Forbbiden.SubUser', 'Forbidden'],
  source: "Suidao's own",
})

export const suidaoDeleteWebhook = defineAction({
  name: 'SuidaoDeleteWebhook',
  summary: 'Send no more events there; what waits is dropped.',
  kind: 'write',
  resources: ['webhook/{WebhookId}'],
  params: {
    RegionId: regionId,
    WebhookId: { type: 'string', required: true },
    ClientToken: { type: 'string', pattern: clientToken },
  },
  result: {},
  errors: ['InvalidWebhookId.NotFound', 'Forbbiden.SubUser', 'Forbidden'],
  source: "Suidao's own",
})

export const suidaoTestWebhook = defineAction({
  name: 'SuidaoTestWebhook',
  summary:
    'Send one event of the type vpn:Suidao:WebhookTest at once, past the queue, and say what came back.',
  kind: 'write',
  resources: ['webhook/{WebhookId}'],
  params: { RegionId: regionId, WebhookId: { type: 'string', required: true } },
  result: {
    DurationMs: { type: 'number' },
    Status: { type: 'string', note: 'HTTP status, or what was in the way' },
    Succeeded: { type: 'boolean' },
  },
  errors: ['InvalidWebhookId.NotFound', 'Forbbiden.SubUser', 'Forbidden'],
  source: "Suidao's own",
})
