/** `suidao keys`: accounts and access keys, straight in the store. A running server sees changes within a second. */
import { parseArgs } from 'node:util'
import { firstAccount } from '../resources/access-key/model.ts'
import {
  createAccessKey,
  createAccount,
  deleteAccessKey,
  listAccessKeys,
  listAccounts,
  rotateAccessKey,
  setAccessKeyPolicy,
  setAccessKeyStatus,
} from '../resources/access-key/store.ts'
import type { Secret } from '../secret.ts'
import { positionals, readPolicy, runVerb, type Verbs } from './store.ts'
import { type Invocation, type Terminal, UsageError } from './terminal.ts'

export const keysUsage: readonly (readonly [string, string])[] = [
  ['create [--account <id>]', `a root key of the account, which is made when missing (${firstAccount.id})`],
  ['       [--user <name> --policy <file>]', 'a key of a RAM user instead, with what it may do'],
  ['       [--expires <seconds>]', 'a temporary key with a security token (STS)'],
  ['       [--json]', 'answer in JSON'],
  ['list [--account <id>] [--json]', 'all keys, without their secrets'],
  [
    'rotate <key> [--json]',
    'a second key with the same rights; disable and delete the first when it is replaced',
  ],
  ['disable <key>, enable <key>', 'a disabled key is refused and can be enabled again'],
  ['delete <key>', 'revoke it for good'],
  ['policy <key> <file>', 'replace what the key may do: {"Version":"1","Statement":[...]} as in RAM'],
]

export const runKeys = (invocation: Invocation): Promise<number> =>
  runVerb('keys', verbs, 'create', invocation)

const verbs: Verbs = {
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
      printKey(terminal, values.json, { ...key, accountId: account, userName: user, expiresAt })
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
      for (const { id, accountId, userName, roleName, status, statements, expiresAt } of keys) {
        const rules = statements.length === 0 ? '' : `, ${statements.length} policy statements`
        const end = expiresAt === null ? '' : `, until ${new Date(expiresAt).toISOString()}`
        const who = roleName === undefined ? (userName ?? 'root') : `role ${roleName} as ${userName}`
        terminal.print(`${id.padEnd(29)} ${status.padEnd(8)}  account ${accountId}, ${who}${rules}${end}`)
      }
    }
  },

  rotate: (args, terminal) => {
    const { values, positionals: ids } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    if (ids.length !== 1) throw new UsageError('usage: suidao keys rotate <key>')
    return async ({ db, sealer }) => {
      printKey(terminal, values.json, await rotateAccessKey(db, sealer, ids[0]!, Date.now()))
      if (!values.json) terminal.print(`${ids[0]} goes on until: suidao keys delete ${ids[0]}`)
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
}

/** The one time that a secret is shown. */
function printKey(
  terminal: Terminal,
  json: boolean,
  key: {
    readonly accountId: string
    readonly userName?: string
    readonly id: string
    readonly secret: Secret
    readonly securityToken?: Secret
    readonly expiresAt?: number
  },
): void {
  const members: Record<string, string> = {
    AccountId: key.accountId,
    ...(key.userName !== undefined && { UserName: key.userName }),
    AccessKeyId: key.id,
    AccessKeySecret: key.secret.reveal(),
    ...(key.securityToken && { SecurityToken: key.securityToken.reveal() }),
    ...(key.expiresAt !== undefined && { Expiration: new Date(key.expiresAt).toISOString() }),
  }
  if (json) terminal.print(JSON.stringify(members))
  else for (const [name, value] of Object.entries(members)) terminal.print(`${name.padEnd(16)} ${value}`)
}
