import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase } from '../../test/support/postgres.ts'
import type { Credential } from '../rpc/authorize.ts'
import { HmacKey } from '../rpc/hmac.ts'
import { createSessions, idleLife, longestLife } from './sessions.ts'

const start = 1_795_396_405_742

const credential = (secret: string, more: Partial<Credential> = {}): Credential => ({
  accessKeyId: 'key',
  accountId: '1000',
  userName: null,
  statements: [],
  active: true,
  keyV1: new HmacKey('sha1', `${secret}&`),
  keyV3: new HmacKey('sha256', secret),
  ...more,
})

eachDatabase((_, open) => {
  const begin = async (first = credential('secret')) => {
    const world = { now: start, credential: first as Credential | undefined }
    const sessions = createSessions(
      await open(),
      (id) => (id === 'key' ? world.credential : undefined),
      () => world.now,
    )
    const signIn = (form: object = {}) =>
      sessions.signIn({ accessKeyId: 'key', secret: 'secret', securityToken: '', ...form }, '192.0.2.1')
    const token = async () => {
      const result = await signIn()
      assert.equal(result.outcome, 'opened')
      return result.outcome === 'opened' ? result.token : ''
    }
    return { world, sessions, signIn, token }
  }

  test('a session nobody uses ends, one in use goes on, and none for ever', async () => {
    const { world, sessions, token } = await begin()
    const idle = await token()
    world.now += idleLife - 1
    assert.ok(await sessions.find(idle))
    world.now += idleLife + 1
    assert.equal(await sessions.find(idle), undefined)

    const used = await token()
    const begun = world.now
    while (world.now - begun < longestLife - idleLife / 2) {
      world.now += idleLife / 2
      assert.ok(await sessions.find(used), `after ${world.now - begun} ms`)
    }
    world.now = begun + longestLife
    assert.equal(await sessions.find(used), undefined)
  })

  test('a session ends with its key: gone, disabled, or made again with another secret', async () => {
    const { world, sessions, token } = await begin()
    const one = await token()
    assert.ok(await sessions.find(one))
    for (const other of [undefined, credential('secret', { active: false }), credential('another')]) {
      world.credential = other
      assert.equal(await sessions.find(one), undefined)
    }
    world.credential = credential('secret')
    assert.ok(await sessions.find(one))
    assert.equal(await sessions.find(`${one.slice(0, -1)}_`), undefined)
    assert.equal(await sessions.find(''), undefined)
    assert.equal(await sessions.endAll('key'), 1)
    assert.equal(await sessions.find(one), undefined)
  })

  test('a temporary key needs its token, and its sessions end no later than it', async () => {
    const securityToken = { value: 'token', expiresAt: start + 60_000 }
    const { world, sessions, signIn } = await begin(credential('secret', { securityToken }))
    assert.equal((await signIn()).outcome, 'refused')
    assert.equal((await signIn({ securityToken: 'wrong' })).outcome, 'refused')
    const result = await signIn({ securityToken: 'token' })
    assert.ok(result.outcome === 'opened' && result.session.expiresAt === start + 60_000)
    world.now += 60_000
    assert.equal(await sessions.find(result.token), undefined)
  })

  test('who guesses waits longer each time, and time makes it good', async () => {
    const { world, signIn } = await begin()
    const outcomes: string[] = []
    for (let attempt = 0; attempt < 7; attempt++) {
      const result = await signIn({ secret: 'wrong' })
      outcomes.push(result.outcome)
      if (result.outcome === 'slow-down') assert.equal(result.retryAfter, 1_000)
    }
    assert.deepEqual(outcomes, [...Array(6).fill('refused'), 'slow-down'])
    assert.equal((await signIn()).outcome, 'slow-down', 'the right secret waits as well')
    world.now += 1_000
    assert.equal((await signIn()).outcome, 'opened')
  })
})
