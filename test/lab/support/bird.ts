/** The BGP router of a customer: a BIRD of the test's own. Its configuration shares nothing with our renderer. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from './command.ts'
import { until } from './until.ts'

/** Why no BIRD can be started here, or `undefined`. */
export const birdMissing = () =>
  existsSync('/usr/sbin/bird') ? undefined : 'needs BIRD: no /usr/sbin/bird (apt-get install bird2)'

export interface RouterSession {
  readonly local: string
  readonly localAsn: number
  readonly peer: string
  readonly peerAsn: number
  readonly password?: string
  /** Seconds. */
  readonly holdTime?: number
  /** Prefers what it learns here, as a router with two lines does. */
  readonly localPref?: number
}

export interface RouterSettings {
  readonly id: string
  readonly sessions: readonly RouterSession[]
  /** Networks that it announces. A BIRD attribute list may follow, e.g. `{ bgp_community.add((1,2)); }`. */
  readonly networks: readonly string[]
}

const render = ({ id, sessions, networks }: RouterSettings) => `
log stderr all;
router id ${id};
protocol device { scan time 5; }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol static lan { ipv4; ${networks.map((network) => `route ${network.replace(/ |$/, ' blackhole ').trimEnd()};`).join(' ')} }
${sessions
  .map(
    (session, index) => `protocol bgp line${index + 1} {
  local ${session.local} as ${session.localAsn};
  neighbor ${session.peer} as ${session.peerAsn};
  hold time ${session.holdTime ?? 30}; connect delay time 1; connect retry time 1; error wait time 1, 2;
  ${session.password === undefined ? '' : `password "${session.password}";`}
  ipv4 {
    import ${session.localPref === undefined ? 'all' : `filter { bgp_local_pref = ${session.localPref}; accept; }`};
    export where proto = "lan";
  };
}`,
  )
  .join('\n')}
`

export class Router {
  readonly #netns: string
  readonly #directory: string
  readonly #onExit = () => this.#endNow()
  #process: ChildProcess | undefined

  private constructor(netns: string, directory: string) {
    this.#netns = netns
    this.#directory = directory
    process.on('exit', this.#onExit)
  }

  static async start(netns: string, settings: RouterSettings): Promise<Router> {
    const router = new Router(netns, await mkdtemp(join(tmpdir(), `bird-${netns}-`)))
    await router.configure(settings)
    return router
  }

  /** With these settings from now on; starts it when it does not run. */
  async configure(settings: RouterSettings): Promise<void> {
    await writeFile(this.#file('bird.conf'), render(settings))
    if (this.#process) await this.ask('configure')
    else await this.restart()
  }

  /** Starts it anew, whether it runs or not. */
  async restart(): Promise<void> {
    await this.kill()
    await rm(this.#file('bird.ctl'), { force: true })
    this.#process = spawn(
      'ip',
      [
        'netns',
        'exec',
        this.#netns,
        '/usr/sbin/bird',
        '-f',
        '-c',
        this.#file('bird.conf'),
        '-s',
        this.#file('bird.ctl'),
      ],
      { stdio: process.env['LAB_ECHO'] ? ['ignore', 'inherit', 'inherit'] : 'ignore' },
    )
    await until('a BIRD that answers', () => this.ask('show status').catch(() => undefined))
  }

  /** What `birdc` prints. */
  ask(question: string): Promise<string> {
    return command('/usr/sbin/birdc', '-s', this.#file('bird.ctl'), ...question.split(' '))
  }

  /** Networks that it has learned. */
  async learned(): Promise<string[]> {
    const said = await this.ask('show route where source = RTS_BGP')
    return [...said.matchAll(/^(\d\S+)\s/gm)].map(([, network]) => network!).sort()
  }

  /** Dies without a word. */
  async kill(): Promise<void> {
    const process = this.#process
    this.#process = undefined
    if (!process || process.exitCode !== null) return
    const exited = once(process, 'exit')
    process.kill('SIGKILL')
    await exited
  }

  async close(): Promise<void> {
    await this.kill()
    process.off('exit', this.#onExit)
    await rm(this.#directory, { recursive: true })
  }

  #endNow(): void {
    this.#process?.kill('SIGKILL')
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #file(name: string): string {
    return join(this.#directory, name)
  }
}
