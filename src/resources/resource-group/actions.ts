import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { changeCustomerGateway, findCustomerGateway } from '../customer-gateway/store.ts'
import { scopeOf } from '../scope.ts'
import { changeConnection, connectionsOfGateway, findConnection } from '../vpn-connection/store.ts'
import { changeGateway, findGateway, findOwner } from '../vpn-gateway/store.ts'
import type { Trx } from '../write.ts'
import { moveVpnResourceGroup } from './spec.ts'

/** A gateway, or what stands in its place, with the connections on it: they are always in the same group. */
async function moveWithConnections(trx: Trx, ownerId: string, resource_group_id: string): Promise<void> {
  await changeGateway(trx, ownerId, { resource_group_id }, false)
  for (const { id } of await connectionsOfGateway(trx, ownerId)) {
    await changeConnection(trx, id, { resource_group_id })
  }
}

/** A group is a name that callers have chosen; none has to exist. */
export function resourceGroupActions({ write }: ResourceContext): Action[] {
  return [
    action(moveVpnResourceGroup, (input, call) =>
      write(moveVpnResourceGroup, input, call, async (trx) => {
        const scope = scopeOf(call)
        const { InstanceId: id, NewResourceGroupId: group } = input
        switch (input.ResourceType) {
          case 'VpnGateway': {
            if (!(await findGateway(trx, scope, id))) throw apiError('InvalidVpnGatewayInstanceId.NotFound')
            await moveWithConnections(trx, id, group)
            return {}
          }
          case 'CustomerGateway': {
            if (!(await findCustomerGateway(trx, scope, id))) {
              throw apiError('InvalidCustomerGatewayInstanceId.NotFound')
            }
            await changeCustomerGateway(trx, id, { resource_group_id: group })
            return {}
          }
          case 'VpnAttachment': {
            const row = await findConnection(trx, scope, id)
            const owner = row && (await findOwner(trx, scope, row.vpn_gateway_id))
            // A connection on a gateway is moved with the gateway alone.
            if (owner?.kind !== 'attachment') throw apiError('InvalidVpnConnectionInstanceId.NotFound')
            await moveWithConnections(trx, owner.id, group)
            return {}
          }
        }
      }),
    ),
  ]
}
