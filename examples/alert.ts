/** An alert as many have it in production: which IPsec connections are down, and for how long nobody knows yet. */
import vpc from '@alicloud/vpc20160428'

export interface Down {
  readonly vpnConnectionId: string
  readonly name: string
  readonly status: string
}

/** @param client the official SDK, pointed at the cloud or at an emulator */
export async function connectionsThatAreDown(
  client: InstanceType<(typeof vpc)['default']>,
  regionId: string,
): Promise<readonly Down[]> {
  const { body } = await client.describeVpnConnections(
    new vpc.DescribeVpnConnectionsRequest({ regionId, pageSize: 50 }),
  )
  return (body?.vpnConnections?.vpnConnection ?? [])
    .filter(({ status }) => status !== 'ipsec_sa_established')
    .map(({ vpnConnectionId = '', name = '', status = '' }) => ({ vpnConnectionId, name, status }))
}
