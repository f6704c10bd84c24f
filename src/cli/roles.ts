/** `suidao roles`: rights that RAM users take on for a while, by AssumeRole of STS. */
import { parseArgs } from 'node:util'
import { firstAccount } from '../resources/access-key/model.ts'
import { createRole, deleteRole, listRoles } from '../resources/role/store.ts'
import { readPolicy, readText, runVerb, type Verbs } from './store.ts'
import { type Invocation, UsageError } from './terminal.ts'

export const rolesUsage: readonly (readonly [string, string])[] = [
  ['create <name> --policy <file>', 'a role; a user needs sts:AssumeRole on acs:ram::<account>:role/<name>'],
  [
    '       [--trust <file>]',
    'who may take it on: AssumeRolePolicyDocument as in RAM; the whole account unless said',
  ],
  ['       [--account <id>] [--max-session <seconds>]', '3600 to 43200, 3600 unless said'],
  ['list [--json]', 'all roles'],
  ['delete <name> [--account <id>]', 'and every session of it'],
]

export const runRoles = (invocation: Invocation): Promise<number> =>
  runVerb('roles', verbs, undefined, invocation)

const account = { type: 'string', default: firstAccount.id } as const

const verbs: Verbs = {
  create: (args, terminal) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        account,
        policy: { type: 'string' },
        trust: { type: 'string' },
        'max-session': { type: 'string', default: '3600' },
      },
      allowPositionals: true,
    })
    const [name, ...more] = positionals
    if (name === undefined || more.length > 0 || values.policy === undefined) {
      throw new UsageError('usage: suidao roles create <name> --policy <file>')
    }
    const role = {
      accountId: values.account,
      name,
      statements: readPolicy(values.policy),
      maxSession: Number(values['max-session']),
      ...(values.trust !== undefined && { trust: readText(values.trust) }),
    }
    return async ({ db }) => {
      await createRole(db, role, Date.now())
      terminal.print(`acs:ram::${role.accountId}:role/${name}`)
    }
  },

  list: (args, terminal) => {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } })
    return async ({ db }) => {
      const roles = await listRoles(db)
      if (values.json) terminal.print(JSON.stringify(roles))
      else if (roles.length === 0) terminal.print('no roles')
      else {
        for (const { accountId, name, statements, maxSession } of roles) {
          terminal.print(
            `acs:ram::${accountId}:role/${name}  ${statements.length} policy statements, sessions of ${maxSession} s`,
          )
        }
      }
    }
  },

  delete: (args, terminal) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { account },
      allowPositionals: true,
    })
    const [name, ...more] = positionals
    if (name === undefined || more.length > 0) throw new UsageError('usage: suidao roles delete <name>')
    return async ({ db }) => {
      await deleteRole(db, values.account, name)
      terminal.print(`role ${name} and its sessions are deleted`)
    }
  },
}
