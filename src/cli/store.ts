/** What the commands share that work on accounts, keys and roles, straight in the store. */
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Config } from '../config.ts'
import { type Database, openDatabase } from '../db/open.ts'
import { parsePolicy } from '../resources/access-key/model.ts'
import { checkMasterKey, createSealer, loadMasterKey, type Sealer } from '../seal.ts'
import { exitCodes, type Invocation, type Terminal, UsageError } from './terminal.ts'

export interface Store {
  readonly db: Database
  readonly sealer: Sealer
}

async function openStore({ database, masterKeyFile, masterKey }: Config): Promise<Store> {
  const sealer = createSealer(loadMasterKey(masterKeyFile, masterKey))
  const db = await openDatabase(
    database.kind === 'sqlite' ? database : { kind: 'postgres', url: database.url.reveal() },
  )
  try {
    await checkMasterKey(db, sealer)
    return { db, sealer }
  } catch (error) {
    await db.close()
    throw error
  }
}

export type Perform = (store: Store) => Promise<void>

/** Each reads its part of the command line at once and gives back what is then done with the store. */
export type Verbs = Readonly<Record<string, (args: readonly string[], terminal: Terminal) => Perform>>

/** Runs `suidao <command> <verb> ...`; a store is made where there is none by `makes` alone. */
export async function runVerb(
  command: string,
  verbs: Verbs,
  makes: string | undefined,
  { args, terminal, config }: Invocation,
): Promise<number> {
  const [what, ...rest] = args
  if (what === undefined || !Object.hasOwn(verbs, what)) {
    throw new UsageError(`${command}: say one of ${Object.keys(verbs).join(', ')}`)
  }
  // Read before the store is opened: a mistake on the command line opens nothing.
  const perform = verbs[what]!(rest, terminal)
  const settings = config()
  const { database } = settings
  if (what !== makes && database.kind === 'sqlite' && !existsSync(database.file)) {
    throw new UsageError(`there is no store at ${database.file}; name another by SUIDAO_DATA_DIR or --config`)
  }
  const store = await openStore(settings)
  try {
    await perform(store)
    return exitCodes.done
  } finally {
    await store.db.close()
  }
}

export function positionals(args: readonly string[], usage: string, count: number): readonly string[] {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true })
  if (positionals.length !== count) throw new UsageError(`usage: suidao ${usage}`)
  return positionals
}

export const readPolicy = (file: string) => parsePolicy(readText(file))

/** The text of a policy file. @throws UsageError when it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`the policy file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
