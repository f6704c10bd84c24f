/** The lab itself, two peers against each other, and our VICI client against the real daemon. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { carriesTraffic } from '../../src/engine/strongswan/observe.ts'
import { ViciError, ViciSession } from '../../src/engine/strongswan/vici/session.ts'
import { Lab } from './support/lab.ts'
import type { PeerSettings } from './support/peer.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? false
const lab = skip ? undefined : await Lab.create()
after(() => lab?.close())

const a: PeerSettings = {
  version: 1,
  local: '198.51.100.1',
  remote: '198.51.100.2',
  psk: 'same at both ends',
  localSubnets: ['10.1.0.0/24'],
  remoteSubnets: ['10.2.0.0/24'],
}
const b: PeerSettings = {
  ...a,
  local: a.remote,
  remote: a.local,
  localSubnets: a.remoteSubnets,
  remoteSubnets: a.localSubnets,
}

test('two peers negotiate in every version and mode, and packets pass', { skip }, async (t) => {
  const left = await lab!.peer('a', '198.51.100.1/24', ['10.1.0.1/24'])
  const right = await lab!.peer('b', '198.51.100.2/24', ['10.2.0.1/24'])
  for (const [name, change] of [
    ['IKEv1 main mode', {}],
    ['IKEv1 aggressive mode', { aggressive: true }],
    ['IKEv2', { version: 2 }],
  ] as const) {
    await t.test(name, async () => {
      await right.load({ ...b, ...change })
      await left.load({ ...a, ...change })
      await left.initiate()
      // The initiator of IKEv1 is ready a message before the other end.
      await until('a CHILD_SA at both ends', async () =>
        (await Promise.all([left.sas(), right.sas()])).every(({ childSas }) => childSas.some(carriesTraffic)),
      )
      assert.deepEqual(await lab!.ping(left.netns, '10.1.0.1', '10.2.0.1'), { sent: 3, received: 3 })
      await left.terminate()
      await until('no SA', async () => (await right.sas()).ikeSas.length === 0)
    })
  }
})

test('our VICI client against the daemon', { skip }, async (t) => {
  const peer = await lab!.peer('v', '198.51.100.9/24', [])
  const session = await ViciSession.connect(peer.charon.socket)

  await t.test('version', async () => {
    assert.equal((await session.request('version'))['daemon'], 'charon')
  })
  await t.test('a refusal is an answer', async () => {
    const answer = await session.request('load-conn', { x: { version: '1', foo: 'bar', children: {} } })
    assert.equal(answer['success'], 'no')
    assert.match(String(answer['errmsg']), /unknown option: foo/)
  })
  await t.test('an unknown command is an error, and the session goes on', async () => {
    await assert.rejects(session.request('no-such-command'), (error: unknown) => {
      return error instanceof ViciError && error.kind === 'unknown-command'
    })
    assert.equal((await session.request('version'))['daemon'], 'charon')
  })
  await t.test('the event "alert" is unknown before 6.0.3 and reported, "log" works', async () => {
    const unknown = await session.subscribe(['alert', 'log'], () => {})
    assert(unknown.every((event) => event === 'alert'))
  })
  await t.test('a stream without results is empty', async () => {
    assert.deepEqual(await session.stream('list-sas', 'list-sa'), [])
  })
  await t.test('killing the daemon fails what waits and ends the session', async () => {
    const waiting = session.request('initiate', { ike: 'none', child: 'none', timeout: '0' })
    const outcome = Promise.race([waiting, session.closed]).catch((error) => error)
    await peer.kill()
    assert((await session.closed) instanceof ViciError)
    await outcome
    await assert.rejects(session.request('version'), ViciError)
  })
})
