import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const unit = readFileSync(join(import.meta.dirname, '../../../deploy/suidao.service'), 'utf8')
/** Capabilities of the service, in lower case. */
export const powers = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.toLowerCase().split(' ') ?? []

/** An engine in a namespace that plays a machine, with the powers that the unit file leaves a service. */
export class BoxEngine {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(box: string, config: object) {
    const program = join(import.meta.dirname, 'engine-server.ts')
    const bounding = ['-all', ...powers.map((power) => `+${power.replace(/^cap_/, '')}`)].join(',')
    this.#process = spawn(
      'nsenter',
      [
        `--net=/run/netns/${box}`,
        ...['setpriv', '--no-new-privs', `--bounding-set=${bounding}`, '--inh-caps=-all'],
        ...[process.execPath, program, JSON.stringify(config)],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const lines = createInterface({ input: this.#process.stdout! })
    this.#lines = lines[Symbol.asyncIterator]()
  }

  static async start(box: string, config: object): Promise<BoxEngine> {
    const engine = new BoxEngine(box, config)
    await engine.#answer()
    return engine
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the engine has ended')
    const { answer, error } = JSON.parse(value)
    if (error !== undefined) throw new Error(error)
    return answer
  }

  ask<T>(call: string, given: unknown = null): Promise<T> {
    this.#process.stdin!.write(`${JSON.stringify({ call, with: given })}\n`)
    return this.#answer<T>()
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exit = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exit
  }
}
