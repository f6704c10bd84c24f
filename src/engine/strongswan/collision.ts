/** What keeps two tunnels between the same two addresses from living in one charon. Pure. */

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
  if (keyKnown && tunnel.ike.psk.reveal() !== other.ike.psk.reveal()) {
    if (isMainMode(tunnel) && isMainMode(other)) {
      return 'in IKEv1 main mode the key is chosen by the addresses, so both need the same key'
    }
    if (tunnel.ike.localId === other.ike.localId && tunnel.ike.remoteId === other.ike.remoteId) {
      return 'the key is chosen by the identities, so with the same identities both need the same key'
    }
  }
  if (!userspace) return undefined
  const pairs = new Set(selectorPairs(other))
  const shared = selectorPairs(tunnel).find((pair) => pairs.has(pair))
  return shared && `both have the selectors ${shared}, which userspace ESP cannot keep apart`
}

const isMainMode = ({ ike }: Tunnel) => ike.version === 'ikev1' && ike.mode === 'main'

const selectorPairs = (tunnel: Tunnel): string[] =>
  tunnel.localSubnets.flatMap((local) =>
    tunnel.remoteSubnets.map((remote) => `${networkOf(local)} === ${networkOf(remote)}`),
  )
