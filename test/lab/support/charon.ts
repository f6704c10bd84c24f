/** A real charon for tests: its own directory, network namespace and mount namespace. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ViciSession } from '../../../src/engine/strongswan/vici/session.ts'
import { until } from './until.ts'

const binary = '/usr/lib/ipsec/charon'

/** Why no charon can be started here, or `undefined` when one can. Tests skip with these words. */
export function charonMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root (network namespaces, TUN)'
  if (!existsSync(binary)) return `needs strongSwan: no ${binary} (apt-get install strongswan-charon)`
  if (!existsSync('/dev/net/tun')) return 'needs TUN: no /dev/net/tun'
  return undefined
}

/** Silence is noticed after 4 s instead of the 165 s of the daemon's own defaults. */
export const quickRetransmission = { retransmit_timeout: '1', retransmit_base: '1', retransmit_tries: '3' }

const plugins =
  'random nonce aes sha1 sha2 hmac md5 gmp curve25519 pem pkcs1 pkcs8 x509 pubkey constraints openssl kdf ' +
  'counters kernel-libipsec kernel-netlink socket-default vici updown'

export class Charon {
  readonly #netns: string
  readonly #directory: string
  #process: ChildProcess | undefined

  private constructor(netns: string, directory: string) {
    this.#netns = netns
    this.#directory = directory
  }

  /** `settings` go into the `charon` section of strongswan.conf. */
  static async start(netns: string, settings: Readonly<Record<string, string>> = {}): Promise<Charon> {
    const directory = await mkdtemp(join(tmpdir(), `charon-${netns}-`))
    await mkdir(join(directory, 'run'))
    const options = Object.entries({ ...quickRetransmission, ...settings })
    await writeFile(
      join(directory, 'strongswan.conf'),
      `charon {
  load = ${plugins}
  install_virtual_ip = no
  block_threshold = 1000
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
${options.map(([name, value]) => `  ${name} = ${value}`).join('\n')}
  filelog {
    main {
      path = ${directory}/charon.log
      default = 1
      ike_name = yes
      time_format = %b %e %T
      flush_line = yes
    }
  }
  plugins {
    vici {
      socket = unix://${directory}/vici.sock
    }
  }
}
`,
    )
    const charon = new Charon(netns, directory)
    await charon.restart()
    return charon
  }

  get socket(): string {
    return join(this.#directory, 'vici.sock')
  }

  get pid(): number {
    if (!this.#process?.pid) throw new Error('charon does not run')
    return this.#process.pid
  }

  /** Starts it again after `kill` or `stop`, with the same settings. */
  async restart(): Promise<void> {
    await rm(this.socket, { force: true })
    const output = openSync(join(this.#directory, 'output'), 'a')
    // Each program replaces the one before, so the process keeps its id and is charon in the end.
    // Debian's AppArmor profile of charon would keep it from this directory.
    const unconfine = '{ printf "exec unconfined" > /proc/self/attr/apparmor/exec; } 2>/dev/null'
    const mountAndRun = `mount --bind ${this.#directory}/run /var/run || exit; ${unconfine}; exec ${binary}`
    const process = spawn('ip', ['netns', 'exec', this.#netns, 'unshare', '-m', 'sh', '-c', mountAndRun], {
      env: { ...globalThis.process.env, STRONGSWAN_CONF: join(this.#directory, 'strongswan.conf') },
      stdio: ['ignore', output, output],
    })
    this.#process = process
    const session = await until('a charon that answers', async () => {
      if (process.exitCode !== null) throw new Error(`charon exited: ${await this.log()}`)
      return ViciSession.connect(this.socket).catch(() => undefined)
    })
    session.close()
  }

  /** The log so far. */
  async log(): Promise<string> {
    const read = (name: string) => readFile(join(this.#directory, name), 'utf8').catch(() => '')
    return (await read('charon.log')) || (await read('output'))
  }

  /** Kills it without warning: nobody is told, SAs just end. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Stops it orderly: SAs are deleted and the peers are told. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async close(): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true })
  }

  /** As `close`, for the end of the process: does not wait. */
  closeNow(): void {
    this.#process?.kill('SIGKILL')
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const process = this.#process
    this.#process = undefined
    if (!process || process.exitCode !== null || process.signalCode !== null) return
    const exited = once(process, 'exit')
    process.kill(signal)
    await exited
  }
}
