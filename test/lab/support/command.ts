import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/**
 * Runs a program without a shell and returns its standard output. `LAB_ECHO=1` prints every command.
 *
 * @throws Error with the command and what it said
 */
export async function command(program: string, ...args: readonly string[]): Promise<string> {
  if (process.env['LAB_ECHO']) console.error(`+ ${[program, ...args].join(' ')}`)
  try {
    return (await execute(program, args)).stdout
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    throw new Error(`${[program, ...args].join(' ')}: ${(stderr || stdout).trim()}`, { cause: error })
  }
}
