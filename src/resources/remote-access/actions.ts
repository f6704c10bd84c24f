import { type Action, action } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResourceContext } from '../context.ts'
import { scopeOf } from '../scope.ts'
import { findGateway } from '../vpn-gateway/store.ts'
import {
  describeSslVpnClientCerts,
  describeSslVpnClients,
  describeSslVpnServers,
  listIpsecServers,
  listVpnCertificateAssociations,
  refusedActions,
  refusedOnGateway,
} from './spec.ts'

export function remoteAccessActions({ db }: ResourceContext): Action[] {
  const nothing = { TotalCount: 0 }
  return [
    action(describeSslVpnServers, ({ PageNumber, PageSize }) => ({
      ...nothing,
      PageNumber,
      PageSize,
      SslVpnServers: [],
    })),
    action(describeSslVpnClientCerts, ({ PageNumber, PageSize }) => ({
      ...nothing,
      PageNumber,
      PageSize,
      SslVpnClientCertKeys: [],
    })),
    action(describeSslVpnClients, async ({ PageNumber, PageSize, VpnGatewayId }, call) => {
      if (!(await findGateway(db.kysely, scopeOf(call), VpnGatewayId))) {
        throw apiError('InvalidVpnGatewayInstanceId.NotFound')
      }
      return { ...nothing, PageNumber, PageSize, ClientInfoList: [], RegionId: call.region, VpnGatewayId }
    }),
    action(listIpsecServers, ({ MaxResults }) => ({ ...nothing, MaxResults, IpsecServers: [] })),
    action(listVpnCertificateAssociations, ({ MaxResults }) => ({
      ...nothing,
      MaxResults,
      VpnCertificateRelations: [],
    })),

    ...refusedActions.map((spec) =>
      action(spec, () => {
        throw apiError(spec.errors[0]!)
      }),
    ),
    ...refusedOnGateway.map((spec) =>
      action(spec, async (input, call) => {
        const { VpnGatewayId } = input as { VpnGatewayId: string }
        if (!(await findGateway(db.kysely, scopeOf(call), VpnGatewayId))) {
          throw apiError('InvalidVpnGatewayInstanceId.NotFound')
        }
        throw apiError(spec.errors[0]!, { action: spec.name })
      }),
    ),
  ]
}
