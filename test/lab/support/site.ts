/**
 * The customer's end of route-based tunnels: one router with a line for each tunnel, each line a charon of its own.
 *
 *     bridge ── <site>l1: charon ══ line1 ┐
 *                                         ├── <site>: BIRD, LAN on lo
 *     bridge ── <site>l2: charon ══ line2 ┘
 *
 * A charon with ESP in userspace carries one tunnel with selectors 0.0.0.0/0, so each line has its own and its TUN is
 * moved to the router.
 */
import { command } from './command.ts'
import type { Lab } from './lab.ts'
import type { Peer } from './peer.ts'

export interface Line {
  readonly peer: Peer
  /** Puts its interface in place again, after its charon was started again. */
  plug(): Promise<void>
}

export class Site {
  readonly netns: string
  readonly lines: readonly Line[]

  private constructor(netns: string, lines: readonly Line[]) {
    this.netns = netns
    this.lines = lines
  }

  /** @param lines outside address and inside address with its length of each, the first one first */
  static async create(
    lab: Lab,
    suffix: string,
    lan: readonly string[],
    lines: readonly { readonly outside: string; readonly inside: string }[],
  ): Promise<Site> {
    const netns = await lab.namespace(suffix)
    await lab.in(
      netns,
      'sysctl',
      '-qw',
      'net.ipv4.ip_forward=1',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.default.rp_filter=0',
    )
    for (const address of lan) await command('ip', '-n', netns, 'addr', 'add', address, 'dev', 'lo')
    const made: Line[] = []
    for (const [index, { outside, inside }] of lines.entries()) {
      const name = `line${index + 1}`
      const peer = await lab.peer(`${suffix}l${index + 1}`, `${outside}/24`, [], {
        routing_table_prio: '40000',
      })
      const plug = async () => {
        const isAgain =
          (await command('ip', '-n', peer.netns, '-br', 'link', 'show', 'type', 'bridge')) !== ''
        if (isAgain) await command('ip', '-n', peer.netns, 'link', 'del', 'ipsec0')
        await command('ip', '-n', peer.netns, 'link', 'set', 'ipsec0', 'netns', netns, 'name', name)
        // Its routes want an interface of this name.
        await command('ip', '-n', peer.netns, 'link', 'add', 'ipsec0', 'type', 'bridge')
        await command('ip', '-n', peer.netns, 'link', 'set', 'ipsec0', 'up')
        await command('ip', '-n', netns, 'addr', 'add', inside, 'dev', name)
        await command('ip', '-n', netns, 'link', 'set', name, 'up', 'mtu', '1400')
      }
      await plug()
      made.push({ peer, plug })
    }
    return new Site(netns, made)
  }
}
