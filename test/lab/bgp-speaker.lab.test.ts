/** The BGP speaker alone, between two namespaces with a cable for a tunnel: real BIRD on both ends. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { isSameMoment } from '../../src/engine/bird/observe.ts'
import { BgpSpeaker, defaultSpeakerTimes, type WantedSession } from '../../src/engine/bird/speaker.ts'
import type { TunnelBgp } from '../../src/engine/engine.ts'
import { Secret } from '../../src/secret.ts'
import { birdMissing, Router, type RouterSettings } from './support/bird.ts'
import { command } from './support/command.ts'
import { Lab } from './support/lab.ts'
import { until } from './support/until.ts'

const limits = { holdTime: 30, importLimit: 5 }
const gateway = { routerId: '198.51.100.1', source: '10.1.0.254', ownNetworks: ['10.1.0.0/16'] }

const bgp: TunnelBgp = {
  localAsn: 65_001,
  peerAsn: 65_002,
  localIp: '169.254.10.1',
  peerIp: '169.254.10.2',
  advertised: ['10.1.0.0/16'],
  preference: 200,
}

const settings: RouterSettings = {
  id: '169.254.10.2',
  sessions: [{ local: '169.254.10.2', localAsn: 65_002, peer: '169.254.10.1', peerAsn: 65_001 }],
  networks: ['10.2.0.0/24 { bgp_community.add((65002,7)); bgp_large_community.add((65002,1,2)); }'],
}
const with_ = (session: Partial<RouterSettings['sessions'][number]>, more: Partial<RouterSettings> = {}) => ({
  ...settings,
  sessions: [{ ...settings.sessions[0]!, ...session }],
  ...more,
})

describe('the BGP speaker of a gateway', { skip: Lab.missing() ?? birdMissing() ?? false }, () => {
  let lab: Lab
  let runDir: string
  let netns: string
  let peer: string
  let router: Router
  let speaker: BgpSpeaker
  let hints: string[]
  let logged: string[]
  let published: (readonly string[])[]

  const create = () =>
    new BgpSpeaker({ gatewayId: 'vpn-1', netns, runDir }, gateway, {
      times: { ...defaultSpeakerTimes, respawnDelays: [50, 200] },
      limits,
      log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
      hint: (id) => hints.push(id),
      learned: (networks) => published.push(networks),
    })
  const want = (sessions: Record<string, Partial<WantedSession>>) =>
    speaker.update(
      { gatewayId: 'vpn-1', netns, runDir },
      gateway,
      new Map(
        Object.entries(sessions).map(([id, session]) => [
          id,
          { slot: 1, connectionId: 'vco-1', bgp, up: true, open: true, ...session },
        ]),
      ),
    )
  const when = (
    what: string,
    is: (report: NonNullable<ReturnType<BgpSpeaker['report']>>) => boolean,
    id = 'a',
  ) =>
    until(what, () => {
      const report = speaker.report(id)
      return report && is(report) && report
    })
  const established = (id = 'a') =>
    when('established', ({ state, learned }) => state === 'established' && learned.length > 0, id)
  const kernelRoutes = async () => (await command('ip', '-n', netns, 'route', 'show', 'proto', 'bird')).trim()
  const link = async (slot: number) => {
    const near = `vco${slot}`
    await command(
      'ip',
      '-n',
      netns,
      ...`link add ${near} type veth peer name line${slot} netns ${peer}`.split(' '),
    )
    for (const [where, name, address] of [
      [netns, near, `169.254.${9 + slot}.1/30`],
      [peer, `line${slot}`, `169.254.${9 + slot}.2/30`],
    ] as const) {
      await command('ip', '-n', where, 'addr', 'add', address, 'dev', name)
      await command('ip', '-n', where, 'link', 'set', name, 'up')
    }
  }

  beforeEach(async () => {
    lab = await Lab.create()
    netns = await lab.namespace('g')
    peer = await lab.namespace('p')
    await command('ip', '-n', netns, 'addr', 'add', '10.1.0.254/32', 'dev', 'lo')
    runDir = await mkdtemp(join(tmpdir(), 'speaker-'))
    hints = []
    logged = []
    published = []
    await link(1)
    router = await Router.start(peer, settings)
    speaker = create()
  })
  afterEach(async () => {
    await speaker.remove()
    await router.close()
    await lab.close()
    await rm(runDir, { recursive: true, force: true })
  })

  test('a session comes up; what is learned, announced and in the kernel is so', async () => {
    want({ a: {} })
    const { learned, lastError, since } = await established()
    assert.deepEqual(learned, [
      { prefix: '10.2.0.0/24', asPath: '65002', communities: '65002:7 65002:1:2', best: true },
    ])
    assert.equal(lastError, undefined)
    assert(Math.abs(Date.now() - since) < 5_000, `${since}`)
    await when('announced', ({ advertised }) => advertised.join() === '10.1.0.0/16')
    await until('the peer has it', async () => (await router.learned()).includes('10.1.0.0/16'))
    assert.match(
      await kernelRoutes(),
      /^10\.2\.0\.0\/24 via 169\.254\.10\.2 dev vco1 src 10\.1\.0\.254 metric 1500000000$/,
    )
    assert.deepEqual(published.at(-1), ['10.2.0.0/24'])
    assert(hints.includes('a'))
  })

  test('what a peer must not announce is not taken, and beyond the limit nothing more', async () => {
    await router.configure(
      with_(
        {},
        {
          networks: [
            '0.0.0.0/0',
            '169.254.77.0/24',
            '10.1.5.0/24',
            '10.1.0.0/16',
            '127.1.0.0/16',
            '10.2.0.0/24',
          ],
        },
      ),
    )
    want({ a: {} })
    assert.deepEqual(
      (await established()).learned.map(({ prefix }) => prefix),
      ['10.2.0.0/24'],
    )
    const many = Array.from({ length: 9 }, (_, index) => `10.20.${index}.0/24`)
    await router.configure(with_({}, { networks: many }))
    const full = await when('the limit', ({ lastError }) => lastError !== undefined)
    assert.equal(full.state, 'established')
    assert.equal(full.lastError, 'the peer announces more than 5 networks; the others are not taken')
    assert.equal(full.learned.length, 5)
  })

  test('a change at the peer shows within a second, without a poll', async () => {
    want({ a: {} })
    await established()
    await router.configure(with_({}, { networks: ['10.2.0.0/24', '10.22.0.0/24'] }))
    const begun = performance.now()
    await when('the new network', ({ learned }) => learned.length === 2)
    assert(performance.now() - begun < 500)
    await router.kill()
    const killed = performance.now()
    await when('down', ({ state, learned }) => state !== 'established' && learned.length === 0)
    console.log(`peer killed -> session reported down: ${(performance.now() - killed).toFixed(0)} ms`)
    assert(performance.now() - killed < 1_000)
    assert.equal(await kernelRoutes(), '')
    assert.deepEqual(published.at(-1), [])
    await router.restart()
    await established()
  })

  test('a wrong ASN is named; put right it comes up', async () => {
    want({ a: { bgp: { ...bgp, peerAsn: 65_099 } } })
    const wrong = await when('refused', ({ lastError }) => /Bad peer AS/.test(lastError ?? ''))
    assert.equal(wrong.lastError, 'Bad peer AS: 65002')
    want({ a: {} })
    assert.equal((await established()).lastError, undefined)
  })

  test('with a key it comes up, with another it does not, and the key is where BIRD reads it alone', async () => {
    await router.configure(with_({ password: 'not-to-be-seen' }))
    want({ a: { bgp: { ...bgp, authKey: new Secret('another-key') } } })
    await until('tries', () => ['connect', 'active'].includes(speaker.report('a')?.state ?? ''))
    want({ a: { bgp: { ...bgp, authKey: new Secret('not-to-be-seen') } } })
    await established()
    assert.equal((await stat(runDir)).mode & 0o077, 0)
    for (const name of await readdir(runDir)) {
      if (name === 'bird.ctl') continue
      assert.equal((await stat(join(runDir, name))).mode & 0o077, 0, name)
    }
    const texts = [
      logged.join('\n'),
      JSON.stringify(speaker.report('a')),
      await readFile(join(runDir, 'bird.log'), 'utf8'),
      await readFile(join(runDir, 'speaker.json'), 'utf8'),
    ]
    for (const text of texts) assert.doesNotMatch(text, /not-to-be-seen|another-key/)
  })

  test('only what changes is begun anew', async () => {
    await link(2)
    const second = { ...bgp, localIp: '169.254.11.1', peerIp: '169.254.11.2', preference: 100 }
    await router.configure({
      ...settings,
      sessions: [
        settings.sessions[0]!,
        { ...settings.sessions[0]!, local: '169.254.11.2', peer: '169.254.11.1' },
      ],
    })
    want({ a: {}, b: { slot: 2, bgp: second } })
    const first = await established()
    assert.deepEqual((await established('b')).learned[0]?.best, false)
    const meds = async () => {
      const announced = await router.ask('show route all for 10.1.0.0/16')
      return [...announced.matchAll(/BGP\.med: (\d+)/g)].map(([, med]) => med).join()
    }
    await until('the better one announced with the lower MED', async () => (await meds()) === '800,900')

    // The better one closes: its routes go, the other's take their place, and it is not touched.
    const before = (await established('b')).since
    want({ a: { up: false, open: false }, b: { slot: 2, bgp: second } })
    await when('closed', ({ state }) => state === 'idle')
    const other = await when('in use', ({ learned }) => learned[0]?.best === true, 'b')
    assert.equal(other.since, before)
    // The peer could hold the dead one for alive: what the other announces is the better one from now on.
    await until('the other announced in its place', async () => /\b799$/.test(await meds()))
    assert.match(
      await kernelRoutes(),
      /^10\.2\.0\.0\/24 via 169\.254\.11\.2 dev vco2 src 10\.1\.0\.254 metric 1500000000$/,
    )
    want({ a: {}, b: { slot: 2, bgp: { ...second, advertised: ['10.1.0.0/16', '10.3.0.0/16'] } } })
    const back = await established()
    assert.notEqual(back.since, first.since)
    await until('as before', async () => (await meds()) === '800,900')
    await when('more announced', ({ advertised }) => advertised.length === 2, 'b')
    assert.equal(speaker.report('b')?.since, before)
    want({ b: { slot: 2, bgp: second } })
    await until('the first is gone', async () => !(await kernelRoutes()).includes('vco1'))
    assert.equal(speaker.report('a'), undefined)
    assert.equal(speaker.report('b')?.since, before)
  })

  test('one that BIRD cannot be told harms no other', async () => {
    want({
      a: {},
      b: {
        slot: 2,
        bgp: { ...bgp, localIp: '169.254.11.1', peerIp: '169.254.11.2', authKey: new Secret('a"b') },
      },
    })
    await established()
    assert.match(speaker.report('b')?.lastError ?? '', /the key of the session must be/)
  })

  test('a new speaker takes BIRD over without touching its sessions, also one that does not know the key', async () => {
    await router.configure(with_({ password: 'not-to-be-seen' }))
    want({ a: { bgp: { ...bgp, authKey: new Secret('not-to-be-seen') } } })
    const before = await established()
    await speaker.close()
    speaker = create()
    want({ a: { bgp: { ...bgp, authKey: new Secret('') } } })
    const after = await established()
    assert(isSameMoment(after.since, before.since))
    assert.equal(logged.filter((line) => line.includes('started a BGP daemon')).length, 1)
    await when('announced', ({ advertised }) => advertised.length === 1)
    want({ a: { bgp: { ...bgp, authKey: new Secret('not-to-be-seen') } } })
    await until('settled', () => logged.length > 0)
    assert(isSameMoment((await established()).since, before.since))

    // Without the file that has the key there is no session until the key is known, and none without it.
    await speaker.close()
    await rm(join(runDir, 'bird.conf'))
    speaker = create()
    want({ a: { bgp: { ...bgp, authKey: new Secret('') } } })
    await when('refused', ({ lastError }) => /is not known until its tunnel/.test(lastError ?? ''))
    want({ a: { bgp: { ...bgp, authKey: new Secret('not-to-be-seen') } } })
    await established()
  })

  test('a BIRD that is killed is started again; its routes do not outlive it', async () => {
    want({ a: {} })
    await established()
    const pid = Number(/"pid":(\d+)/.exec(logged.find((line) => line.includes('started a BGP daemon'))!)![1])
    process.kill(pid, 'SIGSTOP')
    process.kill(pid, 'SIGKILL')
    const down = await when('down', ({ state }) => state === 'idle')
    assert.match(down.lastError ?? '', /the BGP daemon has ended/)
    await until(
      'no routes, or new ones',
      async () => (await kernelRoutes()) === '' || speaker.report('a')?.state === 'established',
    )
    await established()
  })

  test('one that hangs is killed and started again', async () => {
    await speaker.remove()
    speaker = new BgpSpeaker({ gatewayId: 'vpn-1', netns, runDir }, gateway, {
      times: { pollEvery: 100, answerLimit: 300, respawnDelays: [50] },
      limits,
      log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
      hint: (id) => hints.push(id),
      learned: () => {},
    })
    want({ a: {} })
    await established()
    const pids = () =>
      [...logged.join('\n').matchAll(/started a BGP daemon \{"gateway":"vpn-1","pid":(\d+)/g)].map(
        ([, pid]) => Number(pid),
      )
    process.kill(pids().at(-1)!, 'SIGSTOP')
    await until('another', () => pids().length === 2)
    await established()
  })

  test('without sessions nothing is left', async () => {
    want({ a: {} })
    await established()
    want({})
    await until(
      'gone',
      async () =>
        (await kernelRoutes()) === '' && (await readdir(runDir).catch(() => undefined)) === undefined,
    )
    assert.equal((await command('ip', 'netns', 'pids', netns)).trim(), '')
    want({ a: {} })
    await established()
  })
})
