/** Rows put into a store as they would be after use, for tests that need exact ids and states. */
import type { NewRow } from '../../src/db/schema.ts'
import { insertCustomerGateway } from '../../src/resources/customer-gateway/store.ts'
import { insertVpc } from '../../src/resources/vpc/store.ts'
import { insertConnection, pskContext } from '../../src/resources/vpn-connection/store.ts'
import { insertGateway } from '../../src/resources/vpn-gateway/store.ts'
import { insertVSwitch } from '../../src/resources/vswitch/store.ts'
import { accountId, type TestApp } from './app.ts'

export interface Ids {
  readonly region: string
  readonly vpnGatewayId: string
  readonly customerGatewayId: string
}

/** A VPC, a vSwitch, an observed VPN gateway and a customer gateway. */
export async function seedEnds(
  { app }: TestApp,
  ids: Ids,
  peer: { ipAddress: string; asn: number | null },
): Promise<void> {
  const common = {
    account_id: accountId,
    region: ids.region,
    created_at: 1,
    version: 1,
    name: '',
    description: '',
  }
  await app.db.transaction(async (trx) => {
    const vpc = { ...common, seq: await app.db.nextSeq(trx), id: 'vpc-seed', cidr: '10.0.0.0/8' }
    await insertVpc(trx, vpc)
    const vSwitch = {
      ...common,
      seq: await app.db.nextSeq(trx),
      id: 'vsw-seed',
      vpc_id: vpc.id,
      zone: '',
      cidr: '10.0.0.0/24',
    }
    await insertVSwitch(trx, vSwitch)
    const seq = await app.db.nextSeq(trx)
    await insertGateway(trx, {
      ...common,
      kind: 'gateway',
      seq,
      id: ids.vpnGatewayId,
      vpc_id: vpc.id,
      vswitch_id: vSwitch.id,
      bandwidth: 10,
      network_type: 'public',
      vpn_type: 'Normal',
      charge_type: 'PostpayByFlow',
      auto_propagate: 0,
      enable_ipsec: 1,
      enable_ssl: 0,
      ssl_connections: 5,
      resource_group_id: '',
      second_vswitch_id: null,
      second_internet_ip: null,
      internet_ip: '8.211.0.192',
      inside_address: '10.0.0.251/24',
      slot: seq,
      order_id: seq,
      business_status: 'Normal',
      end_time: 1,
      deleted_at: null,
      generation: 1,
    })
    await trx
      .insertInto('gateway_observation')
      .values({ gateway_id: ids.vpnGatewayId, observed_generation: 1, at: 1 })
      .execute()
    await insertCustomerGateway(trx, {
      ...common,
      seq: await app.db.nextSeq(trx),
      id: ids.customerGatewayId,
      ip_address: peer.ipAddress,
      asn: peer.asn,
      auth_key_sealed: null,
      resource_group_id: '',
    })
  })
}

/** A connection with the given columns, the vendor's defaults elsewhere. */
export async function seedConnection(
  { app }: TestApp,
  ids: Ids,
  id: string,
  psk: string,
  columns: Partial<NewRow<'vpn_connection'>> = {},
  tunnel: Partial<NewRow<'vpn_tunnel'>> = {},
): Promise<void> {
  await app.db.transaction(async (trx) => {
    const seq = await app.db.nextSeq(trx)
    const connection = {
      seq,
      id,
      account_id: accountId,
      region: ids.region,
      name: '',
      created_at: 1,
      version: 1,
      vpn_gateway_id: ids.vpnGatewayId,
      local_subnet: '10.0.0.0/8',
      remote_subnet: '192.168.0.0/16',
      effect_immediately: 0,
      auto_config_route: 1,
      hc_enable: 0,
      hc_dip: '',
      hc_sip: '',
      hc_interval: 0,
      hc_retry: 0,
      hc_policy: 'revoke_route',
      bgp_enable: 0,
      dual: 0,
      resource_group_id: '',
      ...columns,
    }
    await insertConnection(trx, connection, [
      {
        id,
        connection_id: id,
        position: 1,
        role: 'master',
        customer_gateway_id: ids.customerGatewayId,
        enable_dpd: 1,
        enable_nat_traversal: 1,
        ike_version: 'ikev1',
        ike_mode: 'main',
        ike_enc_alg: 'aes',
        ike_auth_alg: 'md5',
        ike_pfs: 'group2',
        ike_lifetime: 86400,
        local_id: '8.211.0.192',
        remote_id: '8.211.0.146',
        psk_sealed: app.sealer.seal(psk, pskContext(id)),
        ipsec_enc_alg: 'aes',
        ipsec_auth_alg: 'md5',
        ipsec_pfs: 'group2',
        ipsec_lifetime: 86400,
        restarts: 0,
        rekeys: 0,
        slot: seq,
        generation: 1,
        ...tunnel,
      },
    ])
  })
}
