/**
 * Stores of a wanted size, filled as they would be after use: every row follows from its number alone, so that the load
 * generator knows what to ask for and a check knows what the answer must say.
 *
 * Ten connections per VPN gateway, five per customer gateway, all in one account and region; ids are spread evenly, as
 * real ones are. Every connection has a sealed key of its own and a report of the engine.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Transaction } from 'kysely'
import { type Database, openDatabase } from '../src/db/open.ts'
import type { NewRow, Schema } from '../src/db/schema.ts'
import { createAccessKey, createAccount } from '../src/resources/access-key/store.ts'
import { pskContext } from '../src/resources/vpn-connection/store.ts'
import { createSealer, loadMasterKey, type Sealer } from '../src/seal.ts'
import { Secret } from '../src/secret.ts'

export const accountId = '1234567890123456'
export const region = 'cn-hangzhou'

export interface BenchKey {
  readonly id: string
  readonly secret: string
}

/** A key of the account itself: nothing is asked of it but its signature. */
export const rootKey: BenchKey = { id: 'LTAIbenchmarkRoot0000001', secret: 'benchmarkRootSecret00000000001' }
/** A key of a RAM user whose policy has to be evaluated: patterns in both members, and a Deny that does not match. */
export const userKey: BenchKey = { id: 'LTAIbenchmarkUser0000001', secret: 'benchmarkUserSecret00000000001' }
const userPolicy = [
  { Effect: 'Deny', Action: ['vpc:Delete*'], Resource: ['*'] },
  {
    Effect: 'Allow',
    Action: ['vpc:Describe*'],
    Resource: [
      `acs:vpc:*:${accountId}:vpngateway/*`,
      `acs:vpc:*:${accountId}:vpnconnection/*`,
      `acs:vpc:*:${accountId}:vpc/*`,
    ],
  },
] as const

const perGateway = 10
const perCustomerGateway = 5
const gatewaysPerVpc = 100

/** 18 characters of `[a-z0-9]`, spread evenly. */
function spread(kind: string, index: number): string {
  const digest = createHash('sha256').update(`${kind}/${index}`).digest()
  let text = ''
  for (let at = 0; at < 18; at++) text += (digest[at]! % 36).toString(36)
  return text
}

export const connectionId = (index: number) => `vco-bp1${spread('connection', index)}`
export const gatewayId = (index: number) => `vpn-bp1${spread('gateway', index)}`
const customerGatewayId = (index: number) => `cgw-bp1${spread('customer gateway', index)}`
const vpcId = (index: number) => `vpc-bp1${spread('vpc', index)}`
const vSwitchId = (index: number) => `vsw-bp1${spread('vswitch', index)}`

const address = (first: number, index: number) =>
  `${first}.${index >> 16}.${(index >> 8) & 255}.${index & 255}`

export type ConnectionStatus = 'ipsec_sa_established' | 'ike_sa_not_established' | 'ipsec_sa_not_established'

/** What an answer about connection number `index` must say. */
export interface Expected {
  readonly VpnConnectionId: string
  readonly VpnGatewayId: string
  readonly CustomerGatewayId: string
  readonly Name: string
  readonly LocalSubnet: string
  readonly RemoteSubnet: string
  readonly Status: ConnectionStatus
  readonly State: 'active'
  readonly Psk: string
  readonly InternetIp: string
  readonly tags: readonly { readonly Key: string; readonly Value: string }[]
}

export function expected(index: number): Expected {
  const gateway = Math.floor(index / perGateway)
  return {
    VpnConnectionId: connectionId(index),
    VpnGatewayId: gatewayId(gateway),
    CustomerGatewayId: customerGatewayId(Math.floor(index / perCustomerGateway)),
    Name: `branch-${index}`,
    LocalSubnet: `10.${gateway & 255}.0.0/16`,
    RemoteSubnet: `172.${16 + (index & 15)}.${(index >> 4) & 255}.0/24`,
    Status:
      index % 10 === 7
        ? 'ike_sa_not_established'
        : index % 10 === 8
          ? 'ipsec_sa_not_established'
          : 'ipsec_sa_established',
    State: 'active',
    Psk: spread('psk', index),
    InternetIp: address(47, gateway),
    tags:
      index % 5 === 0
        ? [
            { Key: 'env', Value: index % 10 === 0 ? 'production' : 'staging' },
            { Key: 'owner', Value: `team-${index % 40}` },
          ]
        : [],
  }
}

function connectionRow(index: number, seq: number, now: number): NewRow<'vpn_connection'> {
  const wanted = expected(index)
  return {
    seq,
    id: wanted.VpnConnectionId,
    account_id: accountId,
    region,
    name: wanted.Name,
    created_at: now,
    version: 1,
    vpn_gateway_id: wanted.VpnGatewayId,
    local_subnet: wanted.LocalSubnet,
    remote_subnet: wanted.RemoteSubnet,
    effect_immediately: 1,
    auto_config_route: 1,
    hc_enable: 0,
    hc_dip: '',
    hc_sip: '',
    hc_interval: 0,
    hc_retry: 0,
    hc_policy: 'revoke_route',
    bgp_enable: 0,
    dual: 0,
    resource_group_id: 'rg-acfmzs372yr****',
  }
}

function tunnelRow(index: number, slot: number, sealer: Sealer): NewRow<'vpn_tunnel'> {
  const wanted = expected(index)
  return {
    id: wanted.VpnConnectionId,
    connection_id: wanted.VpnConnectionId,
    position: 1,
    role: 'master',
    customer_gateway_id: wanted.CustomerGatewayId,
    enable_dpd: 1,
    enable_nat_traversal: 1,
    ike_version: index % 3 === 0 ? 'ikev1' : 'ikev2',
    ike_mode: 'main',
    ike_enc_alg: 'aes256',
    ike_auth_alg: 'sha256',
    ike_pfs: 'group14',
    ike_lifetime: 86400,
    local_id: wanted.InternetIp,
    remote_id: address(81, Math.floor(index / perCustomerGateway)),
    psk_sealed: sealer.seal(wanted.Psk, pskContext(wanted.VpnConnectionId)),
    ipsec_enc_alg: 'aes256',
    ipsec_auth_alg: 'sha256',
    ipsec_pfs: 'group14',
    ipsec_lifetime: 86400,
    restarts: 0,
    rekeys: 0,
    slot,
    generation: 1,
  }
}

function observationRow(index: number, now: number): NewRow<'tunnel_observation'> {
  const wanted = expected(index)
  const peer = address(81, Math.floor(index / perCustomerGateway))
  const up = wanted.Status === 'ipsec_sa_established'
  const half = wanted.Status === 'ipsec_sa_not_established'
  const ikeSa = {
    uniqueId: String(index + 1),
    state: 'established',
    version: index % 3 === 0 ? 'ikev1' : 'ikev2',
    initiator: true,
    localId: wanted.InternetIp,
    remoteId: peer,
    remoteEndpoint: `${peer}:4500`,
    proposal: 'aes256-sha256-modp2048',
    establishedFor: 3600,
    rekeyIn: 80_000,
    natBetween: false,
  }
  const childSa = {
    uniqueId: String(index + 1),
    ikeUniqueId: String(index + 1),
    state: 'installed',
    spiIn: (0xc0000000 + index).toString(16),
    spiOut: (0xd0000000 + index).toString(16),
    proposal: 'aes256-sha256-modp2048',
    localSelectors: [wanted.LocalSubnet],
    remoteSelectors: [wanted.RemoteSubnet],
    bytesIn: index * 1024,
    bytesOut: index * 2048,
    packetsIn: index * 8,
    packetsOut: index * 16,
    rekeyIn: 78_000,
    expiresIn: 82_800,
  }
  return {
    tunnel_id: wanted.VpnConnectionId,
    connection_id: wanted.VpnConnectionId,
    observed_generation: 1,
    facts: JSON.stringify({
      ikeSas: up || half ? [ikeSa] : [],
      childSas: up ? [childSa] : [],
      childrenWanted: 1,
      pendingReconnect: false,
    }),
    ike_established: up || half ? 1 : 0,
    child_installed: up ? 1 : 0,
    phase2_failed: half ? 1 : 0,
    reason_code: up ? null : half ? 'SUBNET_MISMATCH' : 'PSK_MISMATCH',
    reason_since: up ? null : now,
    reason_evidence: up ? null : JSON.stringify([`received from ${peer}[500]`, 'the daemon gave up']),
    reported_at: now,
    version: 1,
  }
}

const rowsAtOnce = 200

/** Inserts rows `0 .. count - 1` of a table, many in one statement. */
async function fill<T extends keyof Schema>(
  trx: Transaction<Schema>,
  table: T,
  count: number,
  row: (index: number) => NewRow<T>,
): Promise<void> {
  for (let from = 0; from < count; from += rowsAtOnce) {
    const rows = Array.from({ length: Math.min(rowsAtOnce, count - from) }, (_, at) => row(from + at))
    await trx.insertInto(table).values(rows).execute()
  }
}

async function seed(db: Database, sealer: Sealer, count: number, now: number): Promise<void> {
  const gateways = Math.ceil(count / perGateway)
  const peers = Math.ceil(count / perCustomerGateway)
  const vpcs = Math.ceil(gateways / gatewaysPerVpc)
  const noun = { account_id: accountId, region, created_at: now, version: 1, name: '', description: '' }
  await createAccount(db, { id: accountId, name: 'benchmark' }, now)
  for (const { key, user } of [
    { key: rootKey, user: undefined },
    { key: userKey, user: 'auditor' },
  ]) {
    const known = { id: key.id, secret: new Secret(key.secret) }
    const statements = user === undefined ? [] : userPolicy
    await createAccessKey(db, sealer, { accountId, userName: user, statements, known }, now)
  }
  await db.transaction(async (trx) => {
    let seq = 0
    await fill(trx, 'vpc', vpcs, (index) => ({ ...noun, seq: ++seq, id: vpcId(index), cidr: '10.0.0.0/8' }))
    await fill(trx, 'vswitch', vpcs, (index) => ({
      ...noun,
      seq: ++seq,
      id: vSwitchId(index),
      vpc_id: vpcId(index),
      zone: `${region}-b`,
      cidr: '10.0.0.0/16',
    }))
    await fill(trx, 'vpn_gateway', gateways, (index) => ({
      ...noun,
      kind: 'gateway' as const,
      seq: ++seq,
      id: gatewayId(index),
      name: `gateway-${index}`,
      vpc_id: vpcId(Math.floor(index / gatewaysPerVpc)),
      vswitch_id: vSwitchId(Math.floor(index / gatewaysPerVpc)),
      bandwidth: 100,
      network_type: 'public',
      vpn_type: 'Normal',
      charge_type: 'PostpayByFlow',
      auto_propagate: 0,
      enable_ipsec: 1,
      enable_ssl: 0,
      ssl_connections: 5,
      resource_group_id: 'rg-acfmzs372yr****',
      internet_ip: address(47, index),
      inside_address: `${address(10, index)}/16`,
      slot: seq,
      order_id: seq,
      business_status: 'Normal',
      end_time: now + 365 * 86_400_000,
      generation: 1,
    }))
    await fill(trx, 'gateway_observation', gateways, (index) => ({
      gateway_id: gatewayId(index),
      observed_generation: 1,
      at: now,
    }))
    await fill(trx, 'customer_gateway', peers, (index) => ({
      ...noun,
      seq: ++seq,
      id: customerGatewayId(index),
      name: `peer-${index}`,
      ip_address: address(81, index),
      asn: 65_000 + (index % 500),
      resource_group_id: 'rg-acfmzs372yr****',
    }))
    const firstSlot = seq + 1
    await fill(trx, 'vpn_connection', count, (index) => connectionRow(index, ++seq, now))
    await fill(trx, 'vpn_tunnel', count, (index) => tunnelRow(index, firstSlot + index, sealer))
    await fill(trx, 'tunnel_observation', count, (index) => observationRow(index, now))
    await fill(trx, 'tag', Math.ceil(count / 5) * 2, (at) => {
      const { VpnConnectionId, tags } = expected(Math.floor(at / 2) * 5)
      const { Key, Value } = tags[at % 2]!
      const tag = { resource_type: 'vpnconnection', resource_id: VpnConnectionId, key: Key, value: Value }
      return { account_id: accountId, region, ...tag }
    })

    const counted = { account_id: accountId, region }
    const connectionsIn = (scope: string, size: number) => ({
      ...counted,
      kind: 'vpn_connection',
      scope,
      count: size,
    })
    const kept = [
      { ...counted, kind: 'vpc', scope: '', count: vpcs },
      { ...counted, kind: 'vswitch', scope: '', count: vpcs },
      { ...counted, kind: 'vpn_gateway', scope: '', count: gateways },
      { ...counted, kind: 'customer_gateway', scope: '', count: peers },
      connectionsIn('', count),
    ]
    await fill(trx, 'resource_count', kept.length, (index) => kept[index]!)
    await fill(trx, 'resource_count', gateways, (index) =>
      connectionsIn(gatewayId(index), Math.min(perGateway, count - index * perGateway)),
    )
    await trx.updateTable('creation').set({ last_seq: seq }).execute()
  })
}

/** A data folder whose store holds that many connections; one that is there already is used again. */
export async function seededFolder(parent: string, count: number): Promise<string> {
  const folder = join(parent, `store-${count}`)
  const done = join(folder, 'filled')
  if (existsSync(done)) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const sealer = createSealer(loadMasterKey(join(folder, 'master.key')))
  const db = await openDatabase({ kind: 'sqlite', file: join(folder, 'suidao.db') })
  await seed(db, sealer, count, Date.now())
  await db.close()
  mkdirSync(done)
  return folder
}
