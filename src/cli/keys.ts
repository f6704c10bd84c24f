/** `suidao keys`: accounts and access keys, straight in the store. A running server sees changes within a second. */
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Config } from '../config.ts'
import { type Database, openDatabase } from '../db/open.ts'
import { firstAccount } from '../main.ts'
import { parsePolicy } from '../resources/access-key/model.ts'
import {
  createAccessKey,
  createAccount,
  deleteAccessKey,
  listAccessKeys,
  listAccounts,
  setAccessKeyPolicy,
  setAccessKeyStatus,
} from '../resources/access-key/store.ts'
import { checkMasterKey, createSealer, loadMasterKey, type Sealer } from '../seal.ts'
import { exitCodes, type Invocation, type Terminal, UsageError } from './terminal.ts'

export const keysUsage: readonly (readonly [string, string])[] = [
  ['create [--account <id>]', `a root key of the account, which is made when missing (${firstAccount.id})`],
  ['       [--user <name> --policy <file>]', 'a key of a RAM user instead, with what it may do'],
  ['       [--expires <seconds>]', 'a temporary key with a security token (STS)'],
  ['       [--json]', 'answer in JSON'],
  ['list [--account <id>] [--json]', 'all keys, without their secrets'],
  ['disable <key>, enable <key>', 'a disabled key is refused and can be enabled again'],
  ['delete <key>', 'for good'],
  ['policy <key> <file>', 'replace what the key may do: {"Version":"1","Statement":[...]} as in RAM'],
]

export async function runKeys({ args, terminal, config }: Invocation): Promise<number> {
  const [what, ...rest] = args
  if (what === undefined || !Object.hasOwn(verbs, what)) {
    throw new UsageError(`keys: say one of ${Object.keys(verbs).join(', ')}`)
  }
  // Read before the store is opened: a mistake on the command line opens nothing.
  const perform = verbs[what as keyof typeof verbs](rest, terminal)
  const settings = config()
  const { database } = settings
  if (what !== 'create' && database.kind === 'sqlite' && !existsSync(database.file)) {
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

interface Store {
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

type Perform = (store: Store) => Promise<void>

/** Each reads its part of the command line at once and gives back what is then done with the store. */
const verbs = {
  create: (args, terminal) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        account: { type: 'string', default: firstAccount.id },
        user: { type: 'string' },
        policy: { type: 'string' },
        expires: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const { account, user, policy, expires } = values
    if (expires !== undefined && !/^[1-9]\d{0,8}$/.test(expires)) {
      throw new UsageError(`--expires ${expires}: must be a whole number of seconds`)
    }
    const statements = policy === undefined ? undefined : readPolicy(policy)
    return async ({ db, sealer }) => {
      const now = Date.now()
      await createAccount(
        db,
        { id: account, name: account === firstAccount.id ? firstAccount.name : account },
        now,
      )
      const expiresAt = expires === undefined ? undefined : now + Number(expires) * 1_000
      const key = await createAccessKey(
        db,
        sealer,
        { accountId: account, ...(user && { userName: user }), ...(statements && { statements }), expiresAt },
        now,
      )
      const members: [string, string][] = [
        ['AccountId', account],
        ...(user === undefined ? [] : [['UserName', user] as [string, string]]),
        ['AccessKeyId', key.id],
        ['AccessKeySecret', key.secret.reveal()],
        ...(key.securityToken ? [['SecurityToken', key.securityToken.reveal()] as [string, string]] : []),
        ...(expiresAt === undefined
          ? []
          : [['Expiration', new Date(expiresAt).toISOString()] as [string, string]]),
      ]
      if (values.json) terminal.print(JSON.stringify(Object.fromEntries(members)))
      else for (const [name, value] of members) terminal.print(`${name.padEnd(16)} ${value}`)
      if (user !== undefined && statements === undefined) {
        terminal.complain(
          `warning: ${user} may do nothing yet; give it a policy: suidao keys policy ${key.id} <file>`,
        )
      }
    }
  },

  list: (args, terminal) => {
    const { values } = parseArgs({
      args: [...args],
      options: { account: { type: 'string' }, json: { type: 'boolean', default: false } },
    })
    return async ({ db }) => {
      const accounts = values.account === undefined ? await listAccounts(db) : [values.account]
      const keys = (await Promise.all(accounts.map((account) => listAccessKeys(db, account)))).flat()
      if (values.json) {
        terminal.print(JSON.stringify(keys))
        return
      }
      if (keys.length === 0) terminal.print('no keys')
      for (const { id, accountId, userName, status, statements, expiresAt } of keys) {
        const rules = statements.length === 0 ? '' : `, ${statements.length} policy statements`
        const end = expiresAt === null ? '' : `, until ${new Date(expiresAt).toISOString()}`
        terminal.print(
          `${id.padEnd(29)} ${status.padEnd(8)}  account ${accountId}, ${userName ?? 'root'}${rules}${end}`,
        )
      }
    }
  },

  disable: (args, terminal) => {
    const [id] = positionals(args, 'keys disable <key>', 1)
    return async ({ db }) => {
      await setAccessKeyStatus(db, id!, 'Inactive')
      terminal.print(`${id} is disabled`)
    }
  },

  enable: (args, terminal) => {
    const [id] = positionals(args, 'keys enable <key>', 1)
    return async ({ db }) => {
      await setAccessKeyStatus(db, id!, 'Active')
      terminal.print(`${id} is enabled`)
    }
  },

  delete: (args, terminal) => {
    const [id] = positionals(args, 'keys delete <key>', 1)
    return async ({ db }) => {
      await deleteAccessKey(db, id!)
      terminal.print(`${id} is deleted`)
    }
  },

  policy: (args, terminal) => {
    const [id, file] = positionals(args, 'keys policy <key> <file>', 2)
    const statements = readPolicy(file!)
    return async ({ db }) => {
      await setAccessKeyPolicy(db, id!, statements)
      terminal.print(`${id} has a policy of ${statements.length} statements`)
    }
  },
} satisfies Record<string, (args: readonly string[], terminal: Terminal) => Perform>

function positionals(args: readonly string[], usage: string, count: number): readonly string[] {
  const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true })
  if (positionals.length !== count) throw new UsageError(`usage: suidao ${usage}`)
  return positionals
}

function readPolicy(file: string) {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`the policy file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  return parsePolicy(text)
}
