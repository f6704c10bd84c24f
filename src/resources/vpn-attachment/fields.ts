import { ikeParams, ipsecParams } from '../vpn-connection/fields.ts'

/** Defaults of the two tunnels of an attachment differ from those elsewhere (help page of CreateVpnAttachment, 2026). */
export const pairIkeParams = {
  ...ikeParams,
  IkeVersion: { ...ikeParams.IkeVersion, default: 'ikev2' },
  IkeAuthAlg: { ...ikeParams.IkeAuthAlg, default: 'sha1' },
} as const
export const pairIpsecParams = {
  ...ipsecParams,
  IpsecAuthAlg: { ...ipsecParams.IpsecAuthAlg, default: 'sha1' },
} as const
