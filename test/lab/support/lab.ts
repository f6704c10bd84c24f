/**
 * A network of namespaces for tests with real daemons:
 *
 *     peer A ── wan0 ─┐                          ┌─ wan0 ── peer B (its LAN on lo)
 *                     ├── br0 in namespace <lab>wan
 *     router ── wan0 ─┘                          └─ whatever the engine under test attaches
 *        └─ lan0 ── peer C, behind NAT
 *
 * Names carry the process id, so that labs run side by side. `close` removes everything, and so does the end of
 * the process, however it ends short of SIGKILL.
 */
import { execFileSync } from 'node:child_process'
import { charonMissing } from './charon.ts'
import { command } from './command.ts'
import { Peer } from './peer.ts'

let count = 0

/** A test that is told to end ends through the exit handlers, which clean up. */
export function endOrderly(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    if (process.listenerCount(signal) === 0) process.once(signal, () => process.exit(1))
  }
}

export interface PingResult {
  readonly sent: number
  readonly received: number
}

export class Lab {
  readonly name: string
  readonly #peers: Peer[] = []
  readonly #namespaces: string[] = []
  readonly #onExit = () => this.#removeNow()

  private constructor(name: string) {
    this.name = name
    endOrderly()
    process.on('exit', this.#onExit)
  }

  /** Why no lab can be built here, or `undefined`. */
  static missing(): string | undefined {
    return charonMissing()
  }

  static async create(): Promise<Lab> {
    const lab = new Lab(`lab${process.pid}x${++count}`)
    await lab.namespace('wan')
    await command('ip', '-n', lab.wan.netns, 'link', 'add', 'br0', 'type', 'bridge')
    await command('ip', '-n', lab.wan.netns, 'link', 'set', 'br0', 'up')
    return lab
  }

  /** The bridge that stands for the internet. */
  get wan(): { readonly netns: string; readonly bridge: string } {
    return { netns: `${this.name}wan`, bridge: 'br0' }
  }

  /** Makes a namespace of this lab and returns its name. */
  async namespace(suffix: string): Promise<string> {
    const name = `${this.name}${suffix}`
    await command('ip', 'netns', 'add', name)
    this.#namespaces.push(name)
    await command('ip', '-n', name, 'link', 'set', 'lo', 'up')
    return name
  }

  /** Makes a namespace with `wan0` on the bridge and the given address, e.g. `198.51.100.2/24`. */
  async host(suffix: string, address: string): Promise<string> {
    const netns = await this.namespace(suffix)
    await command(
      'ip',
      'link',
      'add',
      'wan0',
      'netns',
      netns,
      'type',
      'veth',
      'peer',
      'name',
      suffix,
      'netns',
      this.wan.netns,
    )
    await command('ip', '-n', this.wan.netns, 'link', 'set', 'dev', suffix, 'master', this.wan.bridge, 'up')
    await command('ip', '-n', netns, 'addr', 'add', address, 'dev', 'wan0')
    await command('ip', '-n', netns, 'link', 'set', 'wan0', 'up')
    return netns
  }

  /** A peer on the bridge. `lan` are addresses of its inside, put on `lo`. */
  async peer(
    suffix: string,
    address: string,
    lan: readonly string[],
    settings?: Readonly<Record<string, string>>,
  ): Promise<Peer> {
    return this.startPeer(await this.host(suffix, address), lan, settings)
  }

  /**
   * A peer that reaches the bridge through a router which masquerades it, and the router's namespace.
   * The peer has 192.168.77.2 and the outside sees `address`.
   */
  async peerBehindNat(
    suffix: string,
    address: string,
    lan: readonly string[],
    settings?: Readonly<Record<string, string>>,
  ): Promise<{ peer: Peer; router: string }> {
    const router = await this.host(`${suffix}r`, address)
    const netns = await this.namespace(suffix)
    await command(
      'ip',
      'link',
      'add',
      'wan0',
      'netns',
      netns,
      'type',
      'veth',
      'peer',
      'name',
      'lan0',
      'netns',
      router,
    )
    await command('ip', '-n', router, 'addr', 'add', '192.168.77.1/24', 'dev', 'lan0')
    await command('ip', '-n', router, 'link', 'set', 'lan0', 'up')
    await command('ip', '-n', netns, 'addr', 'add', '192.168.77.2/24', 'dev', 'wan0')
    await command('ip', '-n', netns, 'link', 'set', 'wan0', 'up')
    await command('ip', '-n', netns, 'route', 'add', 'default', 'via', '192.168.77.1')
    await this.in(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    await this.in(
      router,
      'nft',
      'add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oifname "wan0" masquerade',
    )
    return { peer: await this.startPeer(netns, lan, settings), router }
  }

  /** Starts a peer in a namespace that is there already. */
  async startPeer(
    netns: string,
    lan: readonly string[] = [],
    settings?: Readonly<Record<string, string>>,
  ): Promise<Peer> {
    for (const address of lan) await command('ip', '-n', netns, 'addr', 'add', address, 'dev', 'lo')
    const peer = await Peer.start(netns, settings)
    this.#peers.push(peer)
    return peer
  }

  /** Ends a peer, and its namespaces, before the lab ends. */
  async end(peer: Peer): Promise<void> {
    await peer.close()
    this.#peers.splice(this.#peers.indexOf(peer), 1)
    for (const namespace of this.#namespaces.filter(
      (name) => name === peer.netns || name === `${peer.netns}r`,
    )) {
      await command('ip', 'netns', 'del', namespace)
      this.#namespaces.splice(this.#namespaces.indexOf(namespace), 1)
    }
  }

  /** Runs a program inside a namespace. */
  in(netns: string, program: string, ...args: readonly string[]): Promise<string> {
    return command('ip', 'netns', 'exec', netns, program, ...args)
  }

  /** Drops what matches (nftables, e.g. `udp dport 4500`) on its way into and out of a namespace. Returns the undo. */
  async drop(netns: string, match: string): Promise<() => Promise<void>> {
    await this.in(
      netns,
      'nft',
      'add table inet lab; ' +
        'add chain inet lab in { type filter hook prerouting priority -300; }; ' +
        'add chain inet lab out { type filter hook output priority -300; }; ' +
        `add rule inet lab in ${match} drop; add rule inet lab out ${match} drop`,
    )
    return async () => {
      await this.in(netns, 'nft', 'delete table inet lab')
    }
  }

  /**
   * Sends `count` echo requests, one every 200 ms or every `interval` seconds, and counts the replies. A reply may take
   * a second, or `patience` seconds: `ping` would wait at the end for no more than twice the longest round trip so far, and count the last few
   * as lost when a busy machine is slow all of a sudden.
   */
  async ping(
    netns: string,
    from: string,
    to: string,
    {
      count = 3,
      interval = 0.2,
      patience = 1,
    }: { count?: number; interval?: number; patience?: number } = {},
  ): Promise<PingResult> {
    // fping ends with 1 when replies are missing; that is a result, not an error.
    const output = await this.in(
      netns,
      'sh',
      '-c',
      'fping -4 -q -i 1 -t "$4" -c "$0" -p "$1" -S "$2" "$3" 2>&1 || test $? = 1',
      `${count}`,
      `${Math.round(interval * 1_000)}`,
      from,
      to,
      `${Math.round(patience * 1_000)}`,
    )
    const [, sent, received] = /xmt\/rcv\/%loss = (\d+)\/(\d+)\//.exec(output) ?? []
    if (!sent || !received) throw new Error(`fping said: ${output}`)
    return { sent: Number(sent), received: Number(received) }
  }

  /** Whether one echo is answered within a quarter of a second: for loops that wait, and where none may be. */
  async reaches(netns: string, from: string, to: string): Promise<boolean> {
    const { received } = await this.ping(netns, from, to, { count: 1, patience: 0.25 })
    return received === 1
  }

  async close(): Promise<void> {
    await Promise.all(this.#peers.splice(0).map((peer) => peer.close()))
    process.off('exit', this.#onExit)
    this.#removeNow()
  }

  /** Synchronous, for the end of the process. Only processes of this lab's own namespaces are ended. */
  #removeNow(): void {
    for (const peer of this.#peers.splice(0)) peer.charon.closeNow()
    for (const namespace of this.#namespaces.splice(0)) {
      try {
        execFileSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' })
      } catch {
        // It is gone already.
      }
    }
  }
}
