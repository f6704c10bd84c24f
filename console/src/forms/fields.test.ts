/** Every parameter of an action that makes or changes something is in a form, or docs/console.md says why it is not. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  createCustomerGateway,
  modifyCustomerGatewayAttribute,
} from '../../../src/resources/customer-gateway/spec.ts'
import {
  createVcoRouteEntry,
  modifyVcoRouteEntryWeight,
} from '../../../src/resources/vco-route-entry/spec.ts'
import { createVpc, modifyVpcAttribute } from '../../../src/resources/vpc/spec.ts'
import {
  createVpnAttachment,
  modifyVpnAttachmentAttribute,
} from '../../../src/resources/vpn-attachment/spec.ts'
import {
  createVpnConnection,
  modifyVpnConnectionAttribute,
} from '../../../src/resources/vpn-connection/spec.ts'
import {
  createEnhancedVpnGateway,
  createVpnGateway,
  modifyVpnGatewayAttribute,
  updateEnhancedVpnGateway,
} from '../../../src/resources/vpn-gateway/spec.ts'
import {
  createVpnPbrRouteEntry,
  modifyVpnPbrRouteEntryAttribute,
} from '../../../src/resources/vpn-pbr-route-entry/spec.ts'
import {
  createVpnRouteEntry,
  modifyVpnRouteEntryWeight,
} from '../../../src/resources/vpn-route-entry/spec.ts'
import { createVSwitch, modifyVSwitchAttribute } from '../../../src/resources/vswitch/spec.ts'
import type { ActionSpec, ParamFields } from '../../../src/rpc/spec.ts'

/** The forms, by the noun that they are for. */
const forms: readonly (readonly [files: readonly string[], actions: readonly ActionSpec[]])[] = [
  [['network-forms.tsx'], [createVpc, modifyVpcAttribute, createVSwitch, modifyVSwitchAttribute]],
  [
    ['gateway-form.tsx'],
    [createVpnGateway, modifyVpnGatewayAttribute, createEnhancedVpnGateway, updateEnhancedVpnGateway],
  ],
  [['customer-gateway-form.tsx'], [createCustomerGateway, modifyCustomerGatewayAttribute]],
  [
    ['connection-form.tsx', 'connection-fields.ts'],
    [createVpnConnection, modifyVpnConnectionAttribute, createVpnAttachment, modifyVpnAttachmentAttribute],
  ],
  [
    ['route-form.tsx'],
    [
      createVpnRouteEntry,
      modifyVpnRouteEntryWeight,
      createVpnPbrRouteEntry,
      modifyVpnPbrRouteEntryAttribute,
      createVcoRouteEntry,
      modifyVcoRouteEntryWeight,
    ],
  ],
]

/** Names of parameters, those of members of groups and lists included. */
const namesIn = (fields: ParamFields): readonly string[] =>
  Object.entries(fields).flatMap(([name, field]) => {
    const inner = field.type === 'list' ? field.item : field
    return [name, ...(inner.type === 'struct' || inner.type === 'json' ? namesIn(inner.fields) : [])]
  })

test('what no form holds stands in docs/console.md', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/console.md'), 'utf8')
  const said = docs.slice(
    docs.indexOf('### Not in the forms'),
    docs.indexOf('## ', docs.indexOf('### Not in the forms') + 4),
  )
  const read = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8')
  const missing = forms.flatMap(([files, actions]) => {
    // Tags are in every form of what carries them.
    const text = [...files, 'tags.ts'].map(read).join('\n')
    const has = (name: string) => new RegExp(`\\b${name}\\b`).test(text)
    return actions.flatMap(({ name: action, params }) =>
      namesIn(params)
        .filter((name) => !has(name) && !said.includes(`\`${name}\``))
        .map((name) => `${action} ${name}`),
    )
  })
  assert.deepEqual(missing, [])
})
