/**
 * Running the system's network commands: argument arrays, no shell, bounded time, errors that name the command.
 */
import { execFile } from 'node:child_process'
import { EngineError } from '../engine.ts'

const defaultTimeoutMs = 15_000
const maxOutputBytes = 64 * 1024 * 1024

export interface RunOptions {
  /** Written to the standard input. */
  readonly input?: string
  readonly timeoutMs?: number
}

/**
 * Runs a command and returns its standard output.
 *
 * @throws EngineError with the command line, the exit and what the command said. Arguments must hold no secret.
 */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const timeout = options.timeoutMs ?? defaultTimeoutMs
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { timeout, killSignal: 'SIGKILL', maxBuffer: maxOutputBytes, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        const said = stderr.trim().split('\n').slice(0, 5).join(' | ')
        const line = [file, ...args].join(' ')
        if (error.code === 'ENOENT') {
          return reject(new EngineError(`${file}: not installed`, { retry: false, cause: error }))
        }
        const exit = error.killed ? `no end within ${timeout} ms` : `exit ${error.code ?? error.signal}`
        const denied = /operation not permitted|permission denied/i.test(said)
        reject(new EngineError(`${line}: ${exit}: ${said || 'no message'}`, { retry: !denied, cause: error }))
      },
    )
    if (options.input !== undefined) {
      // A command that ends before it has read everything says why on its standard error.
      child.stdin?.on('error', () => {})
      child.stdin?.end(options.input)
    }
  })
}
