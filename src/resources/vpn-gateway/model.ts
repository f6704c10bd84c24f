/** What a VPN gateway is: addresses it is given, and when it may be changed. Pure. */
import { apiError } from '../../rpc/errors.ts'
import { formatIpv4, networkSize, parseNetwork } from '../ipv4.ts'
import { deriveGatewayStatus } from '../vpn-connection/status.ts'
import type { GatewayProgress, VpnGateway } from './store.ts'

/**
 * One change at a time per gateway: a write is refused while the gateway, or a connection of it, is still being
 * changed, and while it is locked.
 *
 * @param busyCode what this call answers meanwhile: clients repeat a call only on the codes they know for it
 */
export function requireReadyGateway(
  gateway: VpnGateway,
  progress: GatewayProgress,
  busyCode: 'VpnGateway.Configuring' | 'IncorrectStatus.VpnGateway' | 'VpnConnection.Configuring',
): void {
  if (deriveGatewayStatus(gateway, progress) !== 'active') throw apiError(busyCode, { id: gateway.id })
  if (gateway.business_status === 'FinancialLocked') throw apiError('VpnGateway.FinancialLocked')
}

/** The lowest free address of the pool, or `undefined` when all are taken. */
export function chooseOutsideAddress(
  pool: { readonly first: number; readonly last: number },
  taken: ReadonlySet<string>,
): string | undefined {
  for (let address = pool.first; address <= pool.last; address++) {
    const text = formatIpv4(address)
    if (!taken.has(text)) return text
  }
  return undefined
}

/**
 * The gateway's address in its vSwitch with its prefix length, from the end: the last three addresses of a vSwitch are
 * the vendor's own, the first is the router's.
 */
export function chooseInsideAddress(vSwitchCidr: string, taken: ReadonlySet<string>): string | undefined {
  const network = parseNetwork(vSwitchCidr)!
  const first = network.address + 2
  for (let address = network.address + networkSize(network) - 5; address >= first; address--) {
    const text = `${formatIpv4(address)}/${network.prefixLength}`
    if (!taken.has(text)) return text
  }
  return undefined
}

/** No end: 2099-09-08T16:00:00Z, as the vendor writes it for pay-by-use gateways. */
export const noEnd = Date.UTC(2099, 8, 8, 16)

/** The capabilities that clients read from the text field `Tag`; all members are texts. */
export const capabilities = JSON.stringify({
  VpnEnableBgp: 'true',
  VisuallySsl: 'false',
  PbrPriority: 'false',
  VpnNewImage: 'true',
  VpnVersion: 'v1.0',
})
