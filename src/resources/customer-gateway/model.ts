import { apiError } from '../../rpc/errors.ts'
import { contains, parseIpv4, parseNetwork } from '../ipv4.ts'

/** API description of CreateCustomerGateway: what `IpAddress` must not be in. */
const refusedNetworks = [
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '255.0.0.0/8',
  '0.0.0.0/8',
].map((text) => parseNetwork(text)!)

export function checkAddress(ipAddress: string): void {
  const address = parseIpv4(ipAddress)
  if (
    address === undefined ||
    refusedNetworks.some((network) => contains(network, { address, prefixLength: 32 }))
  ) {
    throw apiError('InvalidIpAddress.WrongFormat')
  }
}

/** The number of an ASN written plainly or in two halves (`123.456`), or `undefined` when it is none. */
export function parseAsn(text: string): number | undefined {
  const [high, low] = text.split('.')
  if (low !== undefined && (Number(high) > 65535 || Number(low) > 65535)) return undefined
  const asn = low === undefined ? Number(high) : Number(high) * 65536 + Number(low)
  return asn >= 1 && asn <= 4294967295 ? asn : undefined
}

/** The vendor's own ASN; a customer gateway may have any other. */
export const cloudAsn = 45104

/** The place a BGP key is sealed for. */
export const authKeyContext = (customerGatewayId: string) => `customer_gateway/${customerGatewayId}/auth_key`
