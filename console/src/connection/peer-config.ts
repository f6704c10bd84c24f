/**
 * What the device at the other end needs, in its own words. Each side's "local" is the other's "remote". Pure.
 *
 * Forms: swanctl.conf(5) of strongSwan 5.9; Cisco IOS XE "Configuring Internet Key Exchange Version 2" and "Internet Key Exchange for IPsec
 * VPNs" (17.x); FortiOS 7.4 CLI reference, vpn ipsec; Huawei USG6000 configuration guide, IPSec.
 */
import type { TunnelView } from './tunnels.ts'

export interface PeerInput {
  readonly tunnel: TunnelView
  /** Address of the device itself. */
  readonly peerAddress: string
  /** Networks behind the VPN gateway, and behind the device. */
  readonly gatewaySubnets: readonly string[]
  readonly peerSubnets: readonly string[]
  /** What stands where the key goes. */
  readonly psk: string
}

export const devices = ['strongswan', 'cisco', 'fortigate', 'huawei'] as const
export type Device = (typeof devices)[number]

export const deviceNames: Readonly<Record<Device, string>> = {
  strongswan: 'strongSwan (swanctl.conf)',
  cisco: 'Cisco IOS XE',
  fortigate: 'Fortinet FortiGate',
  huawei: 'Huawei USG / AR',
}

export function peerConfig(device: Device, input: PeerInput): string {
  switch (device) {
    case 'strongswan':
      return strongswan(input)
    case 'cisco':
      return cisco(input)
    case 'fortigate':
      return fortigate(input)
    case 'huawei':
      return huawei(input)
  }
}

const groupNumber = (group: string | undefined) => (group ?? '').replace('group', '')
const modp: Readonly<Record<string, string>> = {
  group1: 'modp768',
  group2: 'modp1024',
  group5: 'modp1536',
  group14: 'modp2048',
}
const keyBits: Readonly<Record<string, number>> = { aes: 128, aes192: 192, aes256: 256 }
const aesName = (algorithm: string | undefined) => (algorithm === 'aes' ? 'aes128' : (algorithm ?? ''))

function strongswan({ tunnel, peerAddress, gatewaySubnets, peerSubnets, psk }: PeerInput): string {
  const { ike, ipsec } = tunnel
  const pfs = ipsec.IpsecPfs === 'disabled' ? '' : `-${modp[ipsec.IpsecPfs ?? '']}`
  const child = (name: string, local: string, remote: string) => `      ${name} {
        local_ts = ${local}
        remote_ts = ${remote}
        esp_proposals = ${aesName(ipsec.IpsecEncAlg)}-${ipsec.IpsecAuthAlg}${pfs}
        rekey_time = ${ipsec.IpsecLifetime}s
        start_action = trap
        dpd_action = restart
      }`
  // IKEv1 has one pair of networks in each SA.
  const pairs = peerSubnets.flatMap((local) => gatewaySubnets.map((remote) => [local, remote] as const))
  const children =
    ike.IkeVersion === 'ikev1'
      ? pairs.map(([local, remote], index) => child(`net${index + 1}`, local, remote))
      : [child('net', peerSubnets.join(', '), gatewaySubnets.join(', '))]
  return `connections {
  suidao {
    version = ${ike.IkeVersion === 'ikev2' ? 2 : 1}${ike.IkeVersion === 'ikev1' && ike.IkeMode === 'aggressive' ? '\n    aggressive = yes' : ''}
    local_addrs = ${peerAddress}
    remote_addrs = ${tunnel.internetIp}
    proposals = ${aesName(ike.IkeEncAlg)}-${ike.IkeAuthAlg}-${modp[ike.IkePfs ?? '']}
    rekey_time = ${ike.IkeLifetime}s
    dpd_delay = ${tunnel.dpd ? '30s' : '0s'}
    local {
      auth = psk
      id = ${ike.RemoteId}
    }
    remote {
      auth = psk
      id = ${ike.LocalId}
    }
    children {
${children.join('\n')}
    }
  }
}
secrets {
  ike-suidao {
    id-1 = ${ike.RemoteId}
    id-2 = ${ike.LocalId}
    secret = "${psk}"
  }
}`
}

const ciscoCipher = (algorithm: string | undefined) => {
  const bits = keyBits[algorithm ?? '']
  return bits ? `aes ${bits}` : (algorithm ?? '')
}
const ciscoHash = (algorithm: string | undefined) => (algorithm === 'sha1' ? 'sha' : (algorithm ?? ''))

/** `10.0.0.0/8` -> `10.0.0.0 0.255.255.255` or, with `plain`, `10.0.0.0 255.0.0.0`. */
function withMask(network: string, kind: 'wildcard' | 'plain'): string {
  const [address = '', length = '32'] = network.split('/')
  const mask = Number(length) === 0 ? 0 : (0xffffffff << (32 - Number(length))) >>> 0
  const shown = kind === 'plain' ? mask : ~mask >>> 0
  return `${address} ${[24, 16, 8, 0].map((shift) => (shown >>> shift) & 255).join('.')}`
}

function cisco({ tunnel, gatewaySubnets, peerSubnets, psk }: PeerInput): string {
  const { ike, ipsec } = tunnel
  const peer = tunnel.internetIp
  const phase1 =
    ike.IkeVersion === 'ikev2'
      ? `crypto ikev2 proposal SUIDAO
 encryption ${ciscoCipher(ike.IkeEncAlg).replace('aes ', 'aes-cbc-')}
 integrity ${ike.IkeAuthAlg}
 group ${groupNumber(ike.IkePfs)}
crypto ikev2 policy SUIDAO
 proposal SUIDAO
crypto ikev2 keyring SUIDAO
 peer SUIDAO
  address ${peer}
  pre-shared-key ${psk}
crypto ikev2 profile SUIDAO
 match identity remote ${idOf(ike.LocalId, 'cisco')}
 identity local ${idOf(ike.RemoteId, 'cisco')}
 authentication remote pre-share
 authentication local pre-share
 keyring local SUIDAO
 lifetime ${ike.IkeLifetime}${tunnel.dpd ? '\n dpd 30 5 periodic' : ''}`
      : `crypto isakmp policy 10
 encryption ${ciscoCipher(ike.IkeEncAlg)}
 hash ${ciscoHash(ike.IkeAuthAlg)}
 authentication pre-share
 group ${groupNumber(ike.IkePfs)}
 lifetime ${ike.IkeLifetime}
crypto isakmp key ${psk} address ${peer}${tunnel.dpd ? '\ncrypto isakmp keepalive 30 5 periodic' : ''}`
  const hmac = `esp-${ipsec.IpsecAuthAlg === 'sha1' ? 'sha' : ipsec.IpsecAuthAlg}-hmac`
  const acl = peerSubnets.flatMap((local) =>
    gatewaySubnets.map(
      (remote) => ` permit ip ${withMask(local, 'wildcard')} ${withMask(remote, 'wildcard')}`,
    ),
  )
  return `${phase1}
crypto ipsec transform-set SUIDAO esp-${ciscoCipher(ipsec.IpsecEncAlg)} ${hmac}
 mode tunnel
ip access-list extended SUIDAO
${acl.join('\n')}
crypto map SUIDAO 10 ipsec-isakmp
 set peer ${peer}
 set transform-set SUIDAO${ipsec.IpsecPfs === 'disabled' ? '' : `\n set pfs ${ipsec.IpsecPfs}`}
 set security-association lifetime seconds ${ipsec.IpsecLifetime}${ike.IkeVersion === 'ikev2' ? '\n set ikev2-profile SUIDAO' : ''}
 match address SUIDAO
! on the interface that faces the internet:
interface GigabitEthernet1
 crypto map SUIDAO`
}

/** An identity that is no address is a name. */
function idOf(id: string | undefined, device: 'cisco'): string {
  const text = id ?? ''
  const isAddress = /^\d+\.\d+\.\d+\.\d+$/.test(text)
  return device === 'cisco' && isAddress ? `address ${text}` : `fqdn ${text}`
}

function fortigate({ tunnel, gatewaySubnets, peerSubnets, psk }: PeerInput): string {
  const { ike, ipsec } = tunnel
  const phase2 = peerSubnets.flatMap((local, l) =>
    gatewaySubnets.map(
      (remote, r) => `  edit "suidao-${l + 1}-${r + 1}"
    set phase1name "suidao"
    set proposal ${aesName(ipsec.IpsecEncAlg)}-${ipsec.IpsecAuthAlg}
    ${ipsec.IpsecPfs === 'disabled' ? 'set pfs disable' : `set pfs enable\n    set dhgrp ${groupNumber(ipsec.IpsecPfs)}`}
    set keylifeseconds ${ipsec.IpsecLifetime}
    set src-subnet ${withMask(local, 'plain')}
    set dst-subnet ${withMask(remote, 'plain')}
  next`,
    ),
  )
  const routes = gatewaySubnets.map(
    (remote) => `  edit 0
    set dst ${withMask(remote, 'plain')}
    set device "suidao"
  next`,
  )
  return `config vpn ipsec phase1-interface
  edit "suidao"
    set interface "wan1"
    set ike-version ${ike.IkeVersion === 'ikev2' ? 2 : 1}${ike.IkeVersion === 'ikev1' ? `\n    set mode ${ike.IkeMode}` : ''}
    set peertype any
    set proposal ${aesName(ike.IkeEncAlg)}-${ike.IkeAuthAlg}
    set dhgrp ${groupNumber(ike.IkePfs)}
    set keylife ${ike.IkeLifetime}
    set localid "${ike.RemoteId}"
    set dpd ${tunnel.dpd ? 'on-idle' : 'disable'}
    set nattraversal ${tunnel.natTraversal ? 'enable' : 'disable'}
    set remote-gw ${tunnel.internetIp}
    set psksecret "${psk}"
  next
end
config vpn ipsec phase2-interface
${phase2.join('\n')}
end
config router static
${routes.join('\n')}
end`
}

function huawei({ tunnel, gatewaySubnets, peerSubnets, psk }: PeerInput): string {
  const { ike, ipsec } = tunnel
  const cipher = (algorithm: string | undefined) => {
    const bits = keyBits[algorithm ?? '']
    return bits ? `aes-${bits}` : (algorithm ?? '')
  }
  const digest = (algorithm: string | undefined) => (algorithm ?? '').replace(/^sha(256|384|512)$/, 'sha2-$1')
  const rules = peerSubnets.flatMap((local) =>
    gatewaySubnets.map(
      (remote) =>
        ` rule permit ip source ${withMask(local, 'wildcard')} destination ${withMask(remote, 'wildcard')}`,
    ),
  )
  const identity = (side: 'local' | 'remote', id: string | undefined) =>
    /^\d+\.\d+\.\d+\.\d+$/.test(id ?? '')
      ? `${side}-id-type ip${side === 'local' ? `\n local-id ${id}` : `\n remote-id ${id}`}`
      : `${side}-id-type fqdn\n ${side}-id ${id}`
  return `acl number 3999
${rules.join('\n')}
ike proposal 10
 encryption-algorithm ${cipher(ike.IkeEncAlg)}
 dh ${ike.IkePfs}
 authentication-algorithm ${digest(ike.IkeAuthAlg)}
 authentication-method pre-share
 sa duration ${ike.IkeLifetime}
ike peer suidao
 version ${ike.IkeVersion === 'ikev2' ? 2 : 1}${ike.IkeVersion === 'ikev1' ? `\n exchange-mode ${ike.IkeMode}` : ''}
 ike-proposal 10
 pre-shared-key ${psk}
 remote-address ${tunnel.internetIp}
 ${identity('local', ike.RemoteId)}
 ${identity('remote', ike.LocalId)}${tunnel.dpd ? '\n dpd type periodic' : ''}
ipsec proposal suidao
 encapsulation-mode tunnel
 transform esp
 esp encryption-algorithm ${cipher(ipsec.IpsecEncAlg)}
 esp authentication-algorithm ${digest(ipsec.IpsecAuthAlg)}
ipsec policy suidao 10 isakmp
 security acl 3999
 ike-peer suidao
 proposal suidao${ipsec.IpsecPfs === 'disabled' ? '' : `\n pfs dh-${ipsec.IpsecPfs}`}
 sa duration time-based ${ipsec.IpsecLifetime}
# on the interface that faces the internet:
interface GigabitEthernet0/0/1
 ipsec policy suidao`
}
