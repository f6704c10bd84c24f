/** Suidao as operators run it: a process of its own, configured by its environment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Key, until } from './app.ts'

export class ServerProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'suidao-process-'))
  readonly #settings: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  #host = ''
  #output = ''
  readonly #onExit = () => this.#child?.kill('SIGKILL')

  /** `settings` as in the environment, without the prefix `SUIDAO_`. */
  constructor(settings: Readonly<Record<string, string>>) {
    this.#settings = settings
    process.on('exit', this.#onExit)
  }

  get dataDir(): string {
    return join(this.folder, 'data')
  }

  /** `127.0.0.1:port` */
  get host(): string {
    return this.#host
  }

  /** Address of the metrics; needs the setting METRICS_LISTEN. */
  get metricsUrl(): string {
    const url = /^metrics +(\S+)$/m.exec(this.#output)?.[1]
    if (url === undefined) throw new Error('the server does not say where its metrics are')
    return url
  }

  get pid(): number {
    if (!this.#child?.pid) throw new Error('the server does not run')
    return this.#child.pid
  }

  get root(): Key {
    const { AccessKeyId, AccessKeySecret } = JSON.parse(
      readFileSync(join(this.dataDir, 'root-access-key.json'), 'utf8'),
    )
    return { id: AccessKeyId, secret: AccessKeySecret }
  }

  get log(): string {
    const file = join(this.folder, 'log')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  async start(): Promise<void> {
    const env: Record<string, string> = {
      PATH: process.env['PATH'] ?? '',
      SUIDAO_LISTEN: '127.0.0.1:0',
      SUIDAO_DATA_DIR: this.dataDir,
      SUIDAO_LOG_FILE: join(this.folder, 'log'),
      SUIDAO_ADDRESS_POOL: '198.51.100.10-198.51.100.250',
    }
    for (const [name, value] of Object.entries(this.#settings)) env[`SUIDAO_${name}`] = value
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../bin/suidao.mjs'), 'start'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (this.#output += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (this.#output += text))
    this.#host = await until(
      'the server says where it answers',
      async () => {
        if (child.exitCode !== null)
          throw new Error(`the server has ended (${child.exitCode}): ${this.#output}`)
        return /^endpoint +http:\/\/(\S+)$/m.exec(this.#output)?.[1]
      },
      20_000,
    )
  }

  /** Ends it in an orderly way, or at once and without a word. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  async remove(): Promise<void> {
    await this.stop()
    process.off('exit', this.#onExit)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
