/** What keeps two tunnels from living in one charon. Pure. */

import type { Tunnel } from '../engine.ts'
import { networkOf } from '../linux/address.ts'

/**
 * Says why not, or `undefined` when they can be kept apart.
 *
 * @param userspace ESP is carried by the daemon, which knows its tunnels by their selectors only; elsewhere each has
 *   its own interface, and selectors may repeat
 * @param keyKnown whether the key of `other` is known to this process
 */
export function collisionOf(
  tunnel: Tunnel,
  other: Tunnel,
  { userspace, keyKnown }: { readonly userspace: boolean; readonly keyKnown: boolean },
): string | undefined {
  const isSamePair =
    tunnel.localAddress === other.localAddress && tunnel.remoteAddress === other.remoteAddress
  if (
    keyKnown &&
    !tunnel.ike.certificate &&
    !other.ike.certificate &&
    tunnel.ike.psk.reveal() !== other.ike.psk.reveal()
  ) {
    if (isSamePair && isMainMode(tunnel) && isMainMode(other)) {
      return 'in IKEv1 main mode the key is chosen by the addresses, so both need the same key'
    }
    if (tunnel.ike.localId === other.ike.localId && tunnel.ike.remoteId === other.ike.remoteId) {
      return 'the key is chosen by the identities, so with the same identities both need the same key'
    }
  }
  if (!userspace) return undefined
  const pairs = new Set(selectorPairs(other))
  const shared = selectorPairs(tunnel).find((pair) => pairs.has(pair))
  if (shared !== undefined) return `both have the selectors ${shared}, which userspace ESP cannot keep apart`
  if (!isForEverything(tunnel) && !isForEverything(other)) return undefined
  return (
    `one of them is for everything (${everything}), and userspace ESP gives packets to whichever has the closer ` +
    'selectors, whatever the routes say: they need different peers or different addresses of the gateway'
  )
}

const everything = '0.0.0.0/0 === 0.0.0.0/0'
const isForEverything = (tunnel: Tunnel) => selectorPairs(tunnel).includes(everything)

const isMainMode = ({ ike }: Tunnel) => ike.version === 'ikev1' && ike.mode === 'main'

const selectorPairs = (tunnel: Tunnel): string[] =>
  tunnel.localSubnets.flatMap((local) =>
    tunnel.remoteSubnets.map((remote) => `${networkOf(local)} === ${networkOf(remote)}`),
  )
