/** Stored rows -> a connection as its device has to know it. */
import type { ResultValues } from '../../rpc/spec.ts'
import type { Sealer } from '../../seal.ts'
import type { Scope } from '../counts.ts'
import { authKeyContext } from '../customer-gateway/model.ts'
import { peerBgpIp } from '../vpn-connection/model.ts'
import type { downloadVpnConnectionConfig } from '../vpn-connection/spec.ts'
import { pskContext, type VpnConnection } from '../vpn-connection/store.ts'
import type { Source } from '../write.ts'
import type { PeerSettings, PeerTunnel } from './model.ts'

async function readTunnels(source: Source, connectionId: string) {
  return source
    .selectFrom('vpn_tunnel as t')
    .innerJoin('vpn_connection as c', 'c.id', 't.connection_id')
    .innerJoin('vpn_gateway as g', 'g.id', 'c.vpn_gateway_id')
    .innerJoin('customer_gateway as p', 'p.id', 't.customer_gateway_id')
    .selectAll('t')
    .select([
      'g.internet_ip',
      'g.second_internet_ip',
      'p.ip_address',
      'p.asn as peer_asn',
      'p.auth_key_sealed',
    ])
    .where('t.connection_id', '=', connectionId)
    .orderBy('t.position')
    .execute()
}

type TunnelRow = Awaited<ReturnType<typeof readTunnels>>[number]

export interface PeerRows {
  readonly connection: VpnConnection
  /** In the order of their positions. */
  readonly tunnels: readonly TunnelRow[]
}

/** @param scope absent for who may see every account: the command on the machine itself */
export async function findPeerRows(source: Source, id: string, scope?: Scope): Promise<PeerRows | undefined> {
  let query = source.selectFrom('vpn_connection').selectAll().where('id', '=', id)
  if (scope) {
    query = query.where('account_id', '=', scope.accountId).where('region', '=', scope.region)
  }
  const connection = await query.executeTakeFirst()
  return connection && { connection, tunnels: await readTunnels(source, connection.id) }
}

/** Whoever has it can read the keys. */
export function peerSettings({ connection, tunnels }: PeerRows, sealer: Sealer): PeerSettings {
  const ordered = tunnels.toSorted((a, b) => Number(a.role === 'slave') - Number(b.role === 'slave'))
  const [first, ...others] = ordered.map((row) => peerTunnel(connection, row, sealer))
  if (!first) throw new Error(`connection ${connection.id} has no tunnel`)
  return {
    connectionId: connection.id,
    name: connection.name,
    localSubnets: networks(connection.remote_subnet),
    remoteSubnets: networks(connection.local_subnet),
    tunnels: [first, ...others],
  }
}

const networks = (text: string) => text.split(',').map((network) => network.trim())

function peerTunnel(connection: VpnConnection, row: TunnelRow, sealer: Sealer): PeerTunnel {
  const hasBgp = connection.bgp_enable === 1 && row.bgp_local_asn !== null && row.peer_asn !== null
  return {
    id: row.id,
    local: row.ip_address,
    remote: (row.position === 1 ? row.internet_ip : row.second_internet_ip) ?? row.internet_ip,
    // Columns hold what the spec of the parameters allows.
    ike: {
      version: row.ike_version as PeerTunnel['ike']['version'],
      mode: row.ike_mode as PeerTunnel['ike']['mode'],
      encryption: row.ike_enc_alg as PeerTunnel['ike']['encryption'],
      authentication: row.ike_auth_alg as PeerTunnel['ike']['authentication'],
      dhGroup: row.ike_pfs as PeerTunnel['ike']['dhGroup'],
      lifetime: row.ike_lifetime,
      localId: row.remote_id,
      remoteId: row.local_id,
      psk: sealer.open(row.psk_sealed, pskContext(row.id)).reveal(),
    },
    ipsec: {
      encryption: row.ipsec_enc_alg as PeerTunnel['ipsec']['encryption'],
      authentication: row.ipsec_auth_alg as PeerTunnel['ipsec']['authentication'],
      pfs: row.ipsec_pfs as PeerTunnel['ipsec']['pfs'],
      lifetime: row.ipsec_lifetime,
    },
    dpd: row.enable_dpd === 1,
    natTraversal: row.enable_nat_traversal === 1,
    certificate: row.remote_ca_certificate !== null && row.remote_ca_certificate !== '',
    ...(hasBgp && {
      bgp: {
        localAsn: row.peer_asn!,
        peerAsn: row.bgp_local_asn!,
        localIp: peerBgpIp(row.bgp_tunnel_cidr, row.bgp_local_ip),
        peerIp: row.bgp_local_ip ?? '',
        ...(row.auth_key_sealed !== null && {
          authKey: sealer.open(row.auth_key_sealed, authKeyContext(row.customer_gateway_id)).reveal(),
        }),
      },
    }),
  }
}

type Answer = ResultValues<(typeof downloadVpnConnectionConfig)['result']>['VpnConnectionConfig']

/** The vendor's form: one tunnel stands at the top, two stand in a list. */
export function viewPeerConfig(settings: PeerSettings, { tunnels: rows }: PeerRows): Answer {
  const { tunnels, localSubnets, remoteSubnets } = settings
  const BgpConfigs = tunnels.flatMap(({ id, bgp }) =>
    bgp
      ? [
          {
            LocalAsn: bgp.localAsn,
            LocalBgpIp: bgp.localIp,
            PeerAsn: bgp.peerAsn,
            PeerBgpIp: bgp.peerIp,
            TunnelCidr: rows.find((row) => row.id === id)?.bgp_tunnel_cidr ?? '',
            TunnelId: id,
          },
        ]
      : [],
  )
  return {
    BgpConfigs,
    ...(tunnels.length === 1 ? viewEnds(tunnels[0]) : {}),
    LocalSubnet: localSubnets.join(','),
    RemoteSubnet: remoteSubnets.join(','),
    TunnelsConfig:
      tunnels.length === 1 ? [] : tunnels.map((tunnel) => ({ ...viewEnds(tunnel), TunnelId: tunnel.id })),
  }
}

const viewEnds = ({ ike, ipsec, local, remote }: PeerTunnel) => ({
  IkeConfig: {
    IkeAuthAlg: ike.authentication,
    IkeEncAlg: ike.encryption,
    IkeLifetime: ike.lifetime,
    IkeMode: ike.mode,
    IkePfs: ike.dhGroup,
    IkeVersion: ike.version,
    LocalId: ike.localId,
    Psk: ike.psk,
    RemoteId: ike.remoteId,
  },
  IpsecConfig: {
    IpsecAuthAlg: ipsec.authentication,
    IpsecEncAlg: ipsec.encryption,
    IpsecLifetime: ipsec.lifetime,
    IpsecPfs: ipsec.pfs,
  },
  Local: local,
  Remote: remote,
})
