import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { eachDatabase } from '../../../test/support/postgres.ts'
import type { Database } from '../../db/open.ts'
import { createSealer, loadMasterKey } from '../../seal.ts'
import { Secret } from '../../secret.ts'
import { AccessKeyError } from './model.ts'
import {
  createAccessKey,
  createAccount,
  createCredentialSource,
  deleteAccessKey,
  listAccessKeys,
  setAccessKeyPolicy,
  setAccessKeyStatus,
} from './store.ts'

const sealer = createSealer(loadMasterKey('unused', new Secret('ab'.repeat(32))))
const start = 1_795_396_405_742
const accountId = '1234567890123456'
const describeOnly = [{ Effect: 'Allow', Action: ['vpc:Describe*'], Resource: ['*'] }] as const

const message = Buffer.from('x')
const hmacOf = (algorithm: string, secret: string) =>
  createHmac(algorithm, secret).update(message).digest('hex')

eachDatabase((kind, open) => {
  const withAccount = async (): Promise<Database> => {
    const db = await open()
    assert.equal(await createAccount(db, { id: accountId, name: 'main' }, start), true)
    return db
  }

  test('an account is created once', async () => {
    const db = await withAccount()
    assert.equal(await createAccount(db, { id: accountId, name: 'other' }, start + 1), false)
    await assert.rejects(createAccount(db, { id: 'a:b', name: '' }, start), AccessKeyError)
    const rows = await db.kysely.selectFrom('account').selectAll().execute()
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [{ id: accountId, name: 'main', created_at: start }],
    )
  })

  test('a key is listed as it was made, without its secret', async () => {
    const db = await withAccount()
    const root = await createAccessKey(db, sealer, { accountId }, start)
    const user = await createAccessKey(
      db,
      sealer,
      { accountId, userName: 'ann', statements: describeOnly },
      start + 1,
    )
    const listed = await listAccessKeys(db, accountId)
    assert.deepEqual(listed, [
      {
        id: root.id,
        accountId,
        userName: null,
        status: 'Active',
        statements: [],
        expiresAt: null,
        createdAt: start,
      },
      {
        id: user.id,
        accountId,
        userName: 'ann',
        status: 'Active',
        statements: describeOnly,
        expiresAt: null,
        createdAt: start + 1,
      },
    ])
    const rows = await db.kysely.selectFrom('access_key').selectAll().execute()
    for (const { secret } of [root, user]) {
      assert.ok(!JSON.stringify([listed, rows]).includes(secret.reveal()))
      assert.ok(!inspect([root, user]).includes(secret.reveal()))
    }
    assert.deepEqual(await listAccessKeys(db, 'other'), [])
  })

  test('a key that cannot be is refused and leaves nothing', async () => {
    const db = await withAccount()
    const known = { id: 'known-key', secret: new Secret('known-secret') }
    await createAccessKey(db, sealer, { accountId, known }, start)
    const refused = [
      { key: { accountId: 'nobody' }, want: /account nobody does not exist/ },
      { key: { accountId, known }, want: /access key known-key exists already/ },
      { key: { accountId, known: { ...known, id: 'a key' } }, want: /"a key" cannot name an access key/ },
      {
        key: { accountId, known: { id: 'k', secret: new Secret('a secret') } },
        want: /secret is 1 to 128 printable/,
      },
      { key: { accountId, userName: 'ann/bob' }, want: /"ann\/bob" cannot name an user/ },
    ]
    for (const { key, want } of refused) {
      await assert.rejects(
        createAccessKey(db, sealer, key, start),
        (error) => error instanceof AccessKeyError && want.test(error.message),
      )
    }
    for (const change of [
      () => setAccessKeyStatus(db, 'none', 'Inactive'),
      () => setAccessKeyPolicy(db, 'none', []),
      () => deleteAccessKey(db, 'none'),
    ]) {
      await assert.rejects(change, /access key none does not exist/)
    }
    assert.deepEqual(
      (await listAccessKeys(db, accountId)).map((key) => [key.id, key.status]),
      [['known-key', 'Active']],
    )
  })

  test('a credential holds what the signature check needs', async () => {
    const db = await withAccount()
    const find = createCredentialSource(db, sealer, () => start)
    const { id, secret } = await createAccessKey(
      db,
      sealer,
      { accountId, userName: 'ann', statements: describeOnly },
      start,
    )
    const credential = await find(id)
    assert.ok(credential)
    const { keyV1, keyV3, ...rest } = credential
    assert.deepEqual(rest, {
      accessKeyId: id,
      accountId,
      userName: 'ann',
      statements: describeOnly,
      active: true,
    })
    assert.equal(keyV1.sign(message, 'hex'), hmacOf('sha1', `${secret.reveal()}&`))
    assert.equal(keyV3.sign(message, 'hex'), hmacOf('sha256', secret.reveal()))
    assert.ok(!inspect(credential).includes(secret.reveal()))
  })

  test('a temporary key carries its token and its end', async () => {
    const db = await withAccount()
    const made = await createAccessKey(db, sealer, { accountId, expiresAt: start + 3_600_000 }, start)
    assert.match(made.id, /^STS\./)
    const credential = await createCredentialSource(db, sealer, () => start)(made.id)
    assert.deepEqual(credential?.securityToken, {
      value: made.securityToken!.reveal(),
      expiresAt: start + 3_600_000,
    })
    const rows = await db.kysely.selectFrom('access_key').selectAll().execute()
    assert.ok(!JSON.stringify(rows).includes(made.securityToken!.reveal()))
  })

  test('a change to a key is seen within a second, and until then no question is asked', async () => {
    const db = await withAccount()
    const { id } = await createAccessKey(db, sealer, { accountId }, start)
    let now = start
    const find = createCredentialSource(db, sealer, () => now)
    const first = await find(id)
    assert.equal(first?.active, true)

    await setAccessKeyStatus(db, id, 'Inactive')
    now = start + 999
    assert.equal(find(id), first)
    now = start + 1_000
    assert.equal((await find(id))?.active, false)

    await setAccessKeyStatus(db, id, 'Active')
    await setAccessKeyPolicy(db, id, [{ Effect: 'Deny', Action: ['*'], Resource: ['*'] }])
    now = start + 2_000
    const changed = await find(id)
    assert.equal(changed?.active, true)
    assert.equal(changed?.statements[0]?.Effect, 'Deny')
    now = start + 3_000
    assert.equal(await find(id), changed, 'unchanged keys are not prepared anew')

    now = start
    await deleteAccessKey(db, id)
    assert.equal(await find(id), undefined, 'a clock set back does not prolong the life of a key')
  })

  test('an unknown key is asked for each time, so a new one works at once', async () => {
    const db = await withAccount()
    const find = createCredentialSource(db, sealer, () => start)
    const known = { id: 'soon', secret: new Secret('soon-there') }
    assert.equal(await find('soon'), undefined)
    assert.equal(await find(''), undefined)
    assert.equal(await find("' or 1=1 --"), undefined)
    assert.equal(await find('x'.repeat(100_000)), undefined)
    await createAccessKey(db, sealer, { accountId, known }, start)
    assert.equal((await find('soon'))?.accessKeyId, 'soon')
  })

  test(
    kind === 'sqlite' ? 'a look-up answers at once' : 'look-ups that come together share one question',
    async () => {
      const db = await withAccount()
      const { id } = await createAccessKey(db, sealer, { accountId }, start)
      const find = createCredentialSource(db, sealer, () => start)
      const [one, other] = [find(id), find(id)]
      assert.equal(one, other)
      assert.equal(one instanceof Promise, kind === 'postgres')
      assert.equal((await one)?.accessKeyId, id)
      assert.ok(!(find(id) instanceof Promise), 'what is kept is answered at once on both')
    },
  )
})
