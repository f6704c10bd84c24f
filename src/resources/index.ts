/** Every action name of the product -> its definition, or what is missing for it. */
import type { Action, ActionTable, NotYet } from '../rpc/action.ts'
import type { ActionSpec } from '../rpc/spec.ts'
import { accessKeyActions } from './access-key/actions.ts'
import { auditEventActions } from './audit-event/actions.ts'
import type { ResourceContext } from './context.ts'
import { customerGatewayActions } from './customer-gateway/actions.ts'
import { diagnosisActions } from './diagnosis/actions.ts'
import * as diagnosis from './diagnosis/spec.ts'
import { historyActions } from './history/actions.ts'
import { identityActions } from './identity/actions.ts'
import { neighbourActions } from './neighbour/actions.ts'
import { peerConfigActions } from './peer-config/actions.ts'
import { policyActions } from './policy/actions.ts'
import { regionActions } from './region/actions.ts'
import { remoteAccessActions } from './remote-access/actions.ts'
import { resourceGroupActions } from './resource-group/actions.ts'
import * as resourceGroup from './resource-group/spec.ts'
import { rightsActions } from './rights/actions.ts'
import { roleActions } from './role/actions.ts'
import { routeEntryActions } from './route-entry/actions.ts'
import { tagActions } from './tag/actions.ts'
import { tunnelControlActions } from './tunnel-control/actions.ts'
import { userActions } from './user/actions.ts'
import { vcoRouteEntryActions } from './vco-route-entry/actions.ts'
import * as vcoRouteEntry from './vco-route-entry/spec.ts'
import { vpcActions } from './vpc/actions.ts'
import { vpnAttachmentActions } from './vpn-attachment/actions.ts'
import * as vpnAttachment from './vpn-attachment/spec.ts'
import { vpnConnectionActions } from './vpn-connection/actions.ts'
import * as vpnConnection from './vpn-connection/spec.ts'
import { vpnConnectionLogActions } from './vpn-connection-log/actions.ts'
import { vpnGatewayActions } from './vpn-gateway/actions.ts'
import * as vpnGateway from './vpn-gateway/spec.ts'
import { vpnPbrRouteEntryActions } from './vpn-pbr-route-entry/actions.ts'
import * as vpnPbrRouteEntry from './vpn-pbr-route-entry/spec.ts'
import { vpnRouteEntryActions } from './vpn-route-entry/actions.ts'
import * as vpnRouteEntry from './vpn-route-entry/spec.ts'
import { vSwitchActions } from './vswitch/actions.ts'
import { webhookActions } from './webhook/actions.ts'

export function createActionTable(
  context: ResourceContext,
  served: ReadonlySet<string>,
  endpoint: string,
): ActionTable {
  const built: readonly Action[] = [
    ...regionActions(served, endpoint),
    ...vpcActions(context),
    ...vSwitchActions(context),
    ...vpnGatewayActions(context),
    ...customerGatewayActions(context),
    ...vpnConnectionActions(context),
    ...vpnAttachmentActions(context),
    ...tunnelControlActions(context),
    ...vcoRouteEntryActions(context),
    ...resourceGroupActions(context),
    ...vpnRouteEntryActions(context),
    ...routeEntryActions(context),
    ...vpnPbrRouteEntryActions(context),
    ...vpnConnectionLogActions(context),
    ...peerConfigActions(context),
    ...diagnosisActions(context),
    ...webhookActions(context),
    ...tagActions(context),
    ...remoteAccessActions(context),
    ...neighbourActions(context),
    ...identityActions(context),
    ...userActions(context),
    ...accessKeyActions(context),
    ...policyActions(context),
    ...roleActions(context),
    ...rightsActions(context),
    ...auditEventActions(context.audit),
    ...historyActions(context),
  ]
  const specified: readonly ActionSpec[] = [
    vpnGateway,
    vpnConnection,
    vpnRouteEntry,
    vpnPbrRouteEntry,
    vcoRouteEntry,
    vpnAttachment,
    diagnosis,
    resourceGroup,
  ].flatMap((specs) => Object.values(specs))
  const table = new Map<string, Action | NotYet>()
  for (const spec of specified) table.set(spec.name, { spec, notYet: 'not built yet' })
  for (const one of built) table.set(one.spec.name, one)
  return table
}
