/** A gateway and a tunnel for tests, and the settings of a peer that agree with a tunnel. */
import { Secret } from '../../../secret.ts'
import type { Gateway, Tunnel } from '../../engine.ts'
import { type PeerSettings, peerOf } from '../peer.ts'

export const gateway: Gateway = {
  id: 'vpn-1',
  slot: 1,
  address: '198.51.100.1',
  vpcId: 'vpc-1',
  insideAddress: '10.1.0.254/24',
  vpcCidr: '10.1.0.0/16',
}

export const tunnel: Tunnel = {
  id: 'vco-1',
  connectionId: 'vco-1',
  gatewayId: 'vpn-1',
  slot: 1,
  generation: 1,
  localAddress: '198.51.100.1',
  remoteAddress: '198.51.100.2',
  ike: {
    version: 'ikev1',
    mode: 'main',
    encryption: 'aes',
    authentication: 'sha1',
    dhGroup: 'group2',
    lifetime: 86_400,
    localId: '198.51.100.1',
    remoteId: '198.51.100.2',
    psk: new Secret('a key'),
  },
  ipsec: { encryption: 'aes', authentication: 'sha1', pfs: 'group2', lifetime: 86_400 },
  localSubnets: ['10.1.0.0/24'],
  remoteSubnets: ['10.2.0.0/24'],
  dpd: true,
  natTraversal: true,
  effectImmediately: true,
}

/** All of them, so that the peer keeps them when the tunnel changes. */
export const settingsOfPeer = (wanted: Tunnel): PeerSettings => peerOf(wanted, [])
