/** Where a command writes, and how it ends. */
import type { Config } from '../config.ts'

export interface Terminal {
  /** A line for whoever called. */
  print(line: string): void
  /** A line about what went wrong. */
  complain(line: string): void
  /** Whether a person is reading: colours, and secrets that are shown once. */
  readonly isInteractive: boolean
}

/** What a command is given: its own arguments, and the configuration, read when it is asked for. */
export interface Invocation {
  readonly args: readonly string[]
  readonly terminal: Terminal
  /** @throws ConfigError */
  config(): Config
}

export const exitCodes = {
  done: 0,
  /** What was asked for did not succeed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
} as const

/** The caller has named something that does not exist or left something out. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}
