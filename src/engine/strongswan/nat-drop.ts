/**
 * EnableNatTraversal=false where the kernel carries ESP. charon has no switch for a single connection, so the
 * packets that would make it float to UDP 4500 are dropped in its namespace. Pure.
 *
 * Userspace ESP always runs in UDP 4500; there the setting cannot be obeyed.
 */
import type { Tunnel } from '../engine.ts'

const table = 'inet suidao_nat_t'

/** Why the setting has no effect, for the report of a tunnel. */
export const natTraversalRemark =
  'EnableNatTraversal is false, but ESP runs in userspace here and always in UDP 4500'

/** A peer of several tunnels is dropped only when none of them wants NAT traversal: the address is all there is to see. */
export function peersWithoutNatTraversal(tunnels: Iterable<Tunnel>): readonly string[] {
  const wanted = new Map<string, boolean>()
  for (const tunnel of tunnels) {
    const { remoteAddress, natTraversal } = tunnel
    wanted.set(remoteAddress, natTraversal || (wanted.get(remoteAddress) ?? false))
  }
  return [...wanted]
    .filter(([, isWanted]) => !isWanted)
    .map(([peer]) => peer)
    .toSorted()
}

/** Input of `nft -f -`: replaces the rules in one step. Without peers the table goes. */
export function renderNatDrop(peers: readonly string[]): string {
  // Adding it first lets the deletion pass when it is not there.
  const clear = `add table ${table}\ndelete table ${table}\n`
  if (peers.length === 0) return clear
  return `${clear}table ${table} {
  set peers { type ipv4_addr; elements = { ${peers.join(', ')} }; }
  chain input { type filter hook input priority 0; ip saddr @peers udp dport 4500 drop; }
  chain output { type filter hook output priority 0; ip daddr @peers udp dport 4500 drop; }
}
`
}
