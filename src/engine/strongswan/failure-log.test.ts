import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../../secret.ts'
import type { Tunnel } from '../engine.ts'
import { createFailureLog, type LogLine, parseLogEvent } from './failure-log.ts'
import { parseRecording, type Recorded, renderRecording, replay } from './testdata/recording.ts'
import { decodeMessage, encodeMessage } from './vici/message.ts'

const directory = new URL('testdata/', import.meta.url)

const tunnel: Tunnel = {
  id: 'vco-1',
  connectionId: 'vco-1',
  gatewayId: 'vpn-1',
  slot: 1,
  generation: 1,
  localAddress: '198.51.100.1',
  remoteAddress: '198.51.100.2',
  ike: {
    version: 'ikev1',
    mode: 'main',
    encryption: 'aes',
    authentication: 'sha1',
    dhGroup: 'group2',
    lifetime: 86_400,
    localId: '198.51.100.1',
    remoteId: '198.51.100.2',
    psk: new Secret('not to be seen'),
  },
  ipsec: { encryption: 'aes', authentication: 'sha1', pfs: 'group2', lifetime: 86_400 },
  localSubnets: ['10.1.0.0/24'],
  remoteSubnets: ['10.2.0.0/24'],
  dpd: true,
  natTraversal: true,
  effectImmediately: true,
}

/** A log that takes `uniqueId text` lines, one a millisecond. */
function attempt(...tunnels: readonly Tunnel[]) {
  const log = createFailureLog()
  for (const each of tunnels) log.watch(each)
  let now = 0
  const say = (uniqueId: string | undefined, text: string, more: Partial<LogLine> = {}) =>
    log.line({ group: 'IKE', level: 1, ikeUniqueId: uniqueId, text, at: ++now, ...more })
  const wait = (ms: number) => {
    now += ms
    return now
  }
  return { log, say, wait }
}

const mine = { ikeName: 'vco-1' }
const initiate = 'generating ID_PROT request 0 [ SA V ]'

for (const file of readdirSync(directory).filter((name) => name.endsWith('.txt'))) {
  const { header, recorded } = parseRecording(readFileSync(new URL(file, directory), 'utf8'))
  const of = (name: string) => header.find((line) => line.startsWith(`${name}: `))!.slice(name.length + 2)
  const settings = JSON.parse(of('tunnel')) as Tunnel
  const expected = of('expected')

  test(`recorded: ${file} gives ${expected}`, () => {
    const { shown } = replay(recorded, settings)
    const last = shown.at(-1)
    assert.equal(last?.code ?? 'none', expected)
    if (last) {
      const lines = recorded.map((entry) => (entry.kind === 'line' ? entry.text : ''))
      assert(lines.includes(last.evidence[0]!), 'the evidence begins with a line of the daemon')
      assert(recorded.some((entry) => entry.at === last.since))
    }
  })

  test(`recorded: ${file} gives the same when lines come in the wrong order`, () => {
    // Lines and events wait in different queues of the daemon: neighbours change places.
    const swapped = [...recorded]
    for (let index = 1; index < swapped.length; index += 2) {
      const [first, second] = [swapped[index - 1]!, swapped[index]!]
      if (first.kind !== 'line' || second.kind !== 'line') continue
      swapped[index - 1] = second
      swapped[index] = first
    }
    assert.equal(replay(swapped, settings).shown.at(-1)?.code ?? 'none', expected)
  })

  test(`recorded: ${file} gives the same whenever it is seen that it was up`, () => {
    // The daemon's list is on its way while more lines come.
    for (const [from, entry] of recorded.entries()) {
      if (entry.kind !== 'sas' || !entry.up) continue
      const rest = recorded.toSpliced(from, 1)
      const established = rest.findIndex(
        (one) => one.kind === 'line' && /CHILD_SA \S+ established /.test(one.text),
      )
      const later = rest.findIndex(({ kind }, index) => kind === 'sas' && index >= from)
      for (let to = established + 1; to <= (later < 0 ? rest.length : later); to++) {
        const moved: Recorded[] = rest.toSpliced(to, 0, entry)
        assert.equal(replay(moved, settings).shown.at(-1)?.code ?? 'none', expected, `${from} to ${to}`)
      }
    }
  })
}

test('a phase-2 failure counts on the newest IKE_SA only, until the tunnel is up', () => {
  const recording = parseRecording(readFileSync(new URL('subnets-ikev2-a.txt', directory), 'utf8'))
  const settings = JSON.parse(recording.header[1]!.slice('tunnel: '.length)) as Tunnel
  const { log } = replay(recording.recorded, settings)
  assert.equal(log.phase2Failed('peer'), true)
  log.observed('peer', { up: false, newestIke: '4711' }, 9_000)
  assert.equal(log.phase2Failed('peer'), false)
})

test('proposals are shown from both sides', () => {
  const recording = parseRecording(readFileSync(new URL('ike-encryption-main-b.txt', directory), 'utf8'))
  const settings = JSON.parse(recording.header[1]!.slice('tunnel: '.length)) as Tunnel
  assert.deepEqual(replay(recording.recorded, settings).shown.at(-1)?.evidence, [
    'no proposal found',
    'received proposals: IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
    'configured proposals: IKE:AES_CBC_256/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024',
  ])
})

test('the same cause again keeps the time of the first; another cause starts anew', () => {
  const { log, say, wait } = attempt(tunnel)
  say('1', 'sending packet: from 198.51.100.1[500] to 198.51.100.2[500] (180 bytes)', mine)
  say('1', initiate, mine)
  say('1', 'received NO_PROPOSAL_CHOSEN error notify', mine)
  const { since } = log.failure('vco-1')!
  wait(60_000)
  say('2', initiate, mine)
  say('2', 'received NO_PROPOSAL_CHOSEN error notify', mine)
  assert.deepEqual(log.failure('vco-1'), {
    code: 'IKE_PROPOSAL_OR_UNKNOWN_PEER',
    since,
    evidence: ['received NO_PROPOSAL_CHOSEN error notify', 'offered: ikev1 aes-sha1-group2'],
  })
  wait(120_000)
  say('3', initiate, mine)
  say('3', 'received AUTHENTICATION_FAILED error notify', mine)
  assert.equal(log.failure('vco-1')!.code, 'PEER_REJECTED_AUTH')
  assert(log.failure('vco-1')!.since > since)
})

test('of two attempts at the same time, one from each end, the more exact one is shown, in either order', () => {
  for (const order of ['initiator first', 'responder first']) {
    const { log, say } = attempt({ ...tunnel, ike: { ...tunnel.ike, version: 'ikev2' } })
    const asInitiator = () => {
      say('1', 'generating IKE_SA_INIT request 0 [ SA KE No ]', mine)
      say('1', 'received AUTHENTICATION_FAILED notify error', mine)
    }
    const asResponder = () => {
      say('2', 'received packet: from 198.51.100.2[500] to 198.51.100.1[500] (336 bytes)')
      say('2', 'parsed IKE_SA_INIT request 0 [ SA KE No ]')
      say('2', "tried 1 shared key for 'a' - 'b', but MAC mismatched", mine)
    }
    for (const act of order === 'initiator first' ? [asInitiator, asResponder] : [asResponder, asInitiator])
      act()
    assert.equal(log.failure('vco-1')!.code, 'PSK_MISMATCH', order)
  }
})

test('an old, more exact attempt does not hide what fails now', () => {
  const { log, say, wait } = attempt(tunnel)
  say('1', 'received packet: from 198.51.100.2[500] to 198.51.100.1[500] (336 bytes)')
  say('1', 'parsed ID_PROT request 0 [ SA V ]')
  say('1', 'no shared key found for 198.51.100.1 - 198.51.100.2')
  assert.equal(log.failure('vco-1')!.code, 'PSK_MISSING')
  wait(61_000)
  say('2', initiate, mine)
  say('2', 'giving up after 4 retransmits', mine)
  assert.equal(log.failure('vco-1')!.code, 'PEER_SILENT')
})

test('coming up forgets what failed before; going down shows only what came with it', () => {
  const { log, say, wait } = attempt(tunnel)
  say('1', initiate, mine)
  say('1', 'received NO_PROPOSAL_CHOSEN error notify', mine)
  say('2', initiate, mine)
  say('2', 'IKE_SA vco-1[2] established between 198.51.100.1[x]...198.51.100.2[y]', mine)
  log.observed('vco-1', { up: true, newestIke: '2' }, wait(1))
  assert.equal(log.failure('vco-1'), undefined)

  say('2', 'received DELETE for ESP CHILD_SA with SPI 59c6ba49', mine)
  assert.equal(log.failure('vco-1'), undefined, 'it belongs to a re-key')
  log.observed('vco-1', { up: false, newestIke: '2' }, wait(60_000))
  assert.equal(log.failure('vco-1'), undefined, 'the old DELETE is not why it went down')

  log.observed('vco-1', { up: true, newestIke: '2' }, wait(1))
  say('2', 'received DELETE for IKE_SA vco-1[2]', mine)
  log.observed('vco-1', { up: false }, wait(20))
  assert.equal(log.failure('vco-1')?.code, 'PEER_CLOSED', 'line before event')

  log.observed('vco-1', { up: true, newestIke: '3' }, wait(1))
  log.observed('vco-1', { up: false }, wait(1))
  say('3', 'DPD check timed out, enforcing DPD action', mine)
  assert.equal(log.failure('vco-1')?.code, 'DPD_TIMEOUT', 'event before line')
})

test('the answer of the peer to our own DELETE is not a failure', () => {
  const { log, say, wait } = attempt(tunnel)
  log.observed('vco-1', { up: true, newestIke: '1' }, wait(1))
  say('1', 'sending DELETE for ESP CHILD_SA with SPI 79e0f7c8', mine)
  say('1', 'received DELETE for ESP CHILD_SA with SPI e1717fd9', mine)
  log.observed('vco-1', { up: false }, wait(1))
  assert.equal(log.failure('vco-1'), undefined)
})

test('a daemon that was running before we watched: silence on its SA is a dead peer', () => {
  const { log, say, wait } = attempt(tunnel)
  log.observed('vco-1', { up: true, newestIke: '7' }, wait(1))
  say('7', 'giving up after 4 retransmits', mine)
  log.observed('vco-1', { up: false }, wait(1))
  assert.equal(log.failure('vco-1')?.code, 'DPD_TIMEOUT')
})

test('a re-key that fails is shown when the tunnel is down, and is over when a later one succeeds', () => {
  const { log, say, wait } = attempt(tunnel)
  log.observed('vco-1', { up: true, newestIke: '1' }, wait(1))
  say('1', 'CHILD_SA rekeying failed, trying again in 9 seconds', mine)
  assert.equal(log.failure('vco-1'), undefined)
  log.observed('vco-1', { up: false, newestIke: '1' }, wait(300_000))
  assert.equal(log.failure('vco-1')?.code, 'REKEY_FAILED')

  log.observed('vco-1', { up: true, newestIke: '1' }, wait(1))
  say('1', 'CHILD_SA rekeying failed, trying again in 9 seconds', mine)
  log.rekeyed('vco-1')
  log.observed('vco-1', { up: false, newestIke: '1' }, wait(1))
  assert.equal(log.failure('vco-1'), undefined)
})

test('what fails later on the same IKE_SA takes the place of what failed before', () => {
  const { log, say, wait } = attempt(tunnel)
  say('1', 'IKE_SA vco-1[1] established between 198.51.100.1[x]...198.51.100.2[y]', mine)
  say('1', 'received NO_PROPOSAL_CHOSEN error notify', mine)
  wait(2_000)
  say('1', 'received INVALID_ID_INFORMATION error notify', mine)
  assert.equal(log.failure('vco-1')?.code, 'SUBNET_MISMATCH')
})

test('a NAT in between is named where NAT traversal is off', () => {
  const { log, say } = attempt({ ...tunnel, natTraversal: false })
  say('1', initiate, mine)
  say('1', 'received packet: from 198.51.100.2[500] to 198.51.100.1[500] (160 bytes)', mine)
  say('1', 'local host is behind NAT, sending keep alives', mine)
  say('1', 'giving up after 4 retransmits', mine)
  assert.equal(log.failure('vco-1')?.code, 'NAT_T_DISABLED')
})

test('further words of the daemon, and of other makers that it relays', () => {
  for (const [text, established, expected] of [
    ['received PAYLOAD_MALFORMED error notify', false, 'PSK_MISMATCH'],
    ['received INVALID_HASH_INFORMATION error notify', false, 'PSK_MISMATCH'],
    ['received INVALID_ID_INFORMATION error notify', false, 'ID_MISMATCH'],
    ['received INVALID_ID_INFORMATION error notify', true, 'SUBNET_MISMATCH'],
    ['received INVALID_MAJOR_VERSION notify error', false, 'IKE_VERSION_MISMATCH'],
    ['Aggressive Mode PSK disabled for security reasons', false, 'MODE_MISMATCH'],
    ['received INVALID_SYNTAX notify error', false, 'NEGOTIATION_FAILED'],
    ['constraint check failed: peer not authenticated by CA "C=CH, CN=ca"', false, 'CERT_WRONG_CA'],
    ["constraint check failed: identity 'a.example' required ", false, 'ID_MISMATCH'],
  ] as const) {
    const { log, say } = attempt(tunnel)
    say('1', initiate, mine)
    if (established) say('1', 'IKE_SA vco-1[1] established between 198.51.100.1[x]...198.51.100.2[y]', mine)
    say('1', text, mine)
    assert.equal(log.failure('vco-1')?.code, expected, text)
  }
})

test('lines without an IKE_SA find their tunnel', () => {
  const { log, say } = attempt(tunnel, { ...tunnel, id: 'vco-2', remoteAddress: '198.51.100.3' })
  const refused = 'ignoring IKE_SA setup from 198.51.100.3, per-IP half-open IKE_SA limit of 5 reached'
  assert.deepEqual(say(undefined, refused), ['vco-2'])
  assert.equal(log.failure('vco-2')?.code, 'HALF_OPEN_LIMIT')

  say('1', 'sending packet: from 198.51.100.1[500] to 198.51.100.2[500] (180 bytes)', mine)
  assert.deepEqual(say(undefined, 'error writing to socket: Network is unreachable'), ['vco-1'])
  assert.equal(log.failure('vco-1')?.code, 'NO_ROUTE')
  assert.deepEqual(say(undefined, "loaded IKE shared key with id 'vco-1' for: 'a', 'b'"), [])
})

test('a peer that is not identified yet is told by its address, at tunnels that are not up', () => {
  const { log, say, wait } = attempt(
    tunnel,
    { ...tunnel, id: 'vco-2' },
    { ...tunnel, id: 'vco-3', remoteAddress: '198.51.100.3' },
  )
  log.observed('vco-2', { up: true, newestIke: '1' }, wait(1))
  say('9', 'received packet: from 198.51.100.2[500] to 198.51.100.1[500] (180 bytes)')
  say('9', 'parsed ID_PROT request 0 [ SA V ]')
  assert.deepEqual(say('9', 'no peer config found'), ['vco-1'])
  assert.deepEqual(
    ['vco-1', 'vco-2', 'vco-3'].map((id) => log.failure(id)?.code),
    ['ID_MISMATCH', undefined, undefined],
  )
})

test('what was forgotten or watched anew has no failure', () => {
  const { log, say } = attempt(tunnel)
  say('1', initiate, mine)
  say('1', 'received NO_PROPOSAL_CHOSEN error notify', mine)
  log.watch({ ...tunnel, generation: 2 })
  assert.equal(log.failure('vco-1'), undefined)
  say('2', initiate, mine)
  say('2', 'received NO_PROPOSAL_CHOSEN error notify', mine)
  log.forget('vco-1')
  assert.equal(log.failure('vco-1'), undefined)
  assert.deepEqual(say('3', 'received NO_PROPOSAL_CHOSEN error notify', mine), [])
})

test('lines above level 1 are not kept: they may hold what keys are made of', () => {
  const { log, say } = attempt(tunnel)
  say('1', 'no shared key found for x', { ...mine, level: 2 })
  assert.equal(log.failure('vco-1'), undefined)
})

test('a long line is cut', () => {
  const { log, say } = attempt(tunnel)
  say('1', `no shared key found for ${'x'.repeat(10_000)}`, mine)
  assert(log.failure('vco-1')!.evidence.every((text) => text.length <= 400))
})

test('a failure ends with the SA that comes up after all, for every tunnel that shared the attempt', () => {
  const { log, say } = attempt(tunnel)
  log.watch({ ...tunnel, id: 'vco-2' })
  say('1', 'received packet: from 198.51.100.2[500] to 198.51.100.1[500] (100 bytes)')
  say('1', `no shared key found for 'a' - 'b'`)
  const failing = ['vco-1', 'vco-2'].filter((id) => log.failure(id))
  assert(failing.length > 0)
  say('1', 'IKE_SA vco-1[1] established between 198.51.100.1[a]...198.51.100.2[b]', { ikeName: 'vco-1' })
  for (const id of failing) assert.equal(log.failure(id), undefined, id)
})

test('any lines in any order are survived, and evidence never holds the key', () => {
  const texts = readdirSync(directory)
    .filter((name) => name.endsWith('.txt'))
    .flatMap((name) => parseRecording(readFileSync(new URL(name, directory), 'utf8')).recorded)
    .flatMap((entry) => (entry.kind === 'line' ? [entry.text] : []))
  const line = fc.record({
    uniqueId: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
    text: fc.oneof(fc.constantFrom(...new Set(texts)), fc.string()),
    ikeName: fc.option(fc.constantFrom('vco-1', 'other'), { nil: undefined }),
  })
  const observed = fc.record({
    up: fc.boolean(),
    newestIke: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
  })
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 9, arbitrary: line }, observed), { maxLength: 60 }),
      (entries) => {
        const { log, say, wait } = attempt(tunnel)
        for (const entry of entries) {
          if ('up' in entry) log.observed('vco-1', entry, wait(1))
          else say(entry.uniqueId, entry.text, { ikeName: entry.ikeName })
          const failure = log.failure('vco-1')
          if (!failure) continue
          assert(failure.evidence.length >= 1)
          assert.doesNotMatch(failure.evidence.join(), /not to be seen/)
        }
      },
    ),
  )
})

test('a log event is read as it comes over VICI', () => {
  const message = decodeMessage(
    encodeMessage({
      group: 'IKE',
      level: '1',
      thread: '5',
      'ikesa-name': '(unnamed)',
      'ikesa-uniqueid': '7',
      msg: 'no peer config found',
    }),
  )
  assert.deepEqual(parseLogEvent(message, 42), {
    group: 'IKE',
    level: 1,
    text: 'no peer config found',
    ikeUniqueId: '7',
    ikeName: undefined,
    at: 42,
  })
})

test('a recording survives writing and reading', () => {
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.txt'))) {
    const text = readFileSync(new URL(file, directory), 'utf8')
    const { header, recorded } = parseRecording(text)
    assert.equal(renderRecording(header, recorded), text)
  }
})

test('a line is of the tunnel that it names, and of every one with that peer while nobody is named', () => {
  const other = { ...tunnel, id: 'vco-2' }
  const elsewhere = { ...tunnel, id: 'vco-3', remoteAddress: '198.51.100.3' }
  const log = createFailureLog()
  for (const each of [tunnel, other, elsewhere]) log.watch(each)
  const tunnelsOf = (text: string, more: Partial<LogLine> = {}) => {
    const line = { group: 'NET', level: 1, ikeUniqueId: '7', text, at: 1, ...more }
    log.line(line)
    return log.tunnelsOf(line)
  }
  const packet = 'received packet: from 198.51.100.2[500] to 198.51.100.1[500] (336 bytes)'
  assert.deepEqual(tunnelsOf(packet), ['vco-1', 'vco-2'])
  assert.deepEqual(tunnelsOf('parsed IKE_AUTH request 1', { ikeName: 'vco-2' }), ['vco-2'])
  assert.deepEqual(tunnelsOf('a later line without a name'), ['vco-2'])
  assert.deepEqual(tunnelsOf('loaded a plugin', { ikeUniqueId: undefined }), [])
  // Whoever calls while all is up is shown as well.
  for (const { id } of [tunnel, other]) log.observed(id, { up: true }, 2)
  assert.deepEqual(tunnelsOf(packet, { ikeUniqueId: '8' }), ['vco-1', 'vco-2'])
})
