import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { createLiveness, type Liveness } from './liveness.ts'
import type { ObservedIkeSa } from './observe.ts'
import { parseRecording } from './testdata/recording.ts'

const began = 1_800_000_000_000

const ikeSa = (change: Partial<ObservedIkeSa> = {}): ObservedIkeSa => ({
  uniqueId: '1',
  state: 'established',
  version: 'ikev2',
  initiator: true,
  ...change,
})

/** Lines of one IKE_SA, each `<ms> <text>`; `-` before the text stands for a line that names no IKE_SA. */
function take(liveness: Liveness, ...lines: readonly string[]): void {
  for (const line of lines) {
    const [, at, nobody, text] = /^(\d+) (- )?(.*)$/.exec(line)!
    liveness.line({
      at: began + Number(at),
      text: text!,
      level: 1,
      group: 'ENC',
      ...(nobody ? {} : { ikeUniqueId: '1', ikeName: 'vco-1' }),
    })
  }
}

/** What is known of the only IKE_SA, in milliseconds since the beginning. */
function seen(liveness: Liveness, at: number, change: Partial<ObservedIkeSa> = {}) {
  const [{ heardAt, dpdAnsweredAt }] = liveness.seen('vco-1', [ikeSa(change)], began + at) as [ObservedIkeSa]
  const since = (time: number | undefined) => time && time - began
  return { heard: since(heardAt), answered: since(dpdAnsweredAt) }
}

const up = '10 IKE_SA vco-1[1] established between 198.51.100.1[198.51.100.1]...198.51.100.2[198.51.100.2]'

function watching(...lines: readonly string[]): Liveness {
  const liveness = createLiveness(began)
  take(liveness, up, ...lines)
  return liveness
}

describe('what the daemon logs (recorded)', () => {
  for (const kind of ['main', 'aggressive', 'ikev2']) {
    test(`a peer that has died is not heard any more, whatever is sent to it, ${kind}`, () => {
      const file = new URL(`testdata/b-dies-${kind}-a.txt`, import.meta.url)
      const lines = parseRecording(readFileSync(file, 'utf8')).recorded.filter((each) => each.kind === 'line')
      const isLater = lines.filter(({ at }) => at > 500)
      assert(isLater.some(({ text }) => text === 'sending DPD request'))
      const liveness = createLiveness(0)
      for (const line of lines) liveness.line(line)
      const established = lines.find(({ text }) => text.includes('] established between '))!
      const [known] = liveness.seen('peer', [ikeSa({ uniqueId: established.ikeUniqueId! })], 5_000)
      assert(known!.heardAt! >= established.at && known!.heardAt! < 500, `${known!.heardAt}`)
      assert.equal(known!.dpdAnsweredAt, undefined)
      // It is known of the tunnel when its IKE_SA has gone, and of no other one.
      assert.equal(liveness.heardAt('peer', [established.ikeUniqueId!], 5_000), known!.heardAt)
      assert.equal(liveness.heardAt('another', [established.ikeUniqueId!], 5_000), undefined)
    })
  }

  test('the answer to a DELETE is a sign, and none of DPD; the new IKE_SA has signs of its own', () => {
    const file = new URL('testdata/rekey-of-ike-ikev2-a.txt', import.meta.url)
    const liveness = createLiveness(0)
    for (const each of parseRecording(readFileSync(file, 'utf8')).recorded) {
      if (each.kind === 'line') liveness.line(each)
    }
    const sas = liveness.seen('peer', [ikeSa({ uniqueId: '78' }), ikeSa({ uniqueId: '79' })], 100)
    assert.deepEqual(
      sas.map(({ heardAt, dpdAnsweredAt }) => [heardAt, dpdAnsweredAt]),
      [
        [32, undefined],
        [29, undefined],
      ],
    )
  })

  test('DPD of IKEv2: our request and its answer; the request of the peer', () => {
    const liveness = watching(
      '1086 sending DPD request',
      '1086 generating INFORMATIONAL request 4 [ ]',
      '1086 sending packet: from 198.51.100.1[4500] to 198.51.100.2[4500] (76 bytes)',
    )
    assert.deepEqual(seen(liveness, 2_000), { heard: 10, answered: undefined })
    take(
      liveness,
      '2087 received packet: from 198.51.100.2[4500] to 198.51.100.1[4500] (76 bytes)',
      '2087 parsed INFORMATIONAL response 4 [ ]',
    )
    assert.deepEqual(seen(liveness, 2_087), { heard: 2_087, answered: 2_087 })
    take(liveness, '3000 parsed INFORMATIONAL request 0 [ ]', '3000 generating INFORMATIONAL response 0 [ ]')
    assert.deepEqual(seen(liveness, 3_000), { heard: 3_000, answered: 2_087 })
  })

  test('DPD of IKEv1 counts when nothing has been said against it', () => {
    const liveness = watching(
      '1665 sending DPD request',
      '1665 generating INFORMATIONAL_V1 request 1845603422 [ HASH N(DPD) ]',
      '1665 sending packet: from 198.51.100.1[4500] to 198.51.100.2[4500] (92 bytes)',
      '1666 received packet: from 198.51.100.2[4500] to 198.51.100.1[4500] (92 bytes)',
      '1666 parsed INFORMATIONAL_V1 request 3442283372 [ HASH N(DPD_ACK) ]',
    )
    assert.deepEqual(seen(liveness, 1_700), { heard: 10, answered: undefined })
    assert.deepEqual(seen(liveness, 2_200), { heard: 1_666, answered: 1_666 })
    take(liveness, '4000 parsed INFORMATIONAL_V1 request 7 [ HASH N(DPD) ]')
    assert.deepEqual(seen(liveness, 5_000), { heard: 4_000, answered: 1_666 })
  })

  const unprotected = [
    '1404 received packet: from 198.51.100.2[34503] to 198.51.100.1[4500] (28 bytes)',
    '1404 parsed INFORMATIONAL_V1 request 77777 [ ]',
    '1404 ignoring unprotected INFORMATIONAL from 198.51.100.2',
    '1404 message verification failed',
    '1404 ignore malformed INFORMATIONAL request',
    '1404 INFORMATIONAL_V1 request with message ID 77777 processing failed',
  ]
  const forged = [
    '1500 parsed INFORMATIONAL_V1 request 4294967295 [ HASH N(DPD) ]',
    '1500 received HASH payload does not match',
    '1500 integrity check failed',
    '1501 INFORMATIONAL_V1 request with message ID 4294967295 processing failed',
  ]
  const replayed = [
    '1600 parsed INFORMATIONAL_V1 request 3442283372 [ HASH N(DPD_ACK) ]',
    '1600 received invalid DPD sequence number 7 (expected 8), ignored',
  ]
  const cases: readonly { readonly name: string; readonly lines: readonly string[] }[] = [
    {
      name: 'IKEv2, without encryption: it belongs to nobody',
      lines: [
        '1924 - received unencrypted informational: from 198.51.100.2[54673] to 198.51.100.1[4500]',
        '1924 - parsed INFORMATIONAL request 0 [ ]',
        '1924 - at least one required payload was missing from the connectivity check',
      ],
    },
    {
      name: 'IKEv2, a message that is not due',
      lines: [
        '1900 received packet: from 198.51.100.2[4500] to 198.51.100.1[4500] (76 bytes)',
        '1900 received message ID 3, expected 7, ignored',
        '1950 received retransmit of request with ID 2, retransmitting response',
      ],
    },
    { name: 'IKEv1, unprotected', lines: unprotected },
    { name: 'IKEv1, unprotected, the lines in another order', lines: unprotected.toReversed() },
    { name: 'IKEv1, with a wrong HASH', lines: forged },
    { name: 'IKEv1, with a wrong HASH, the lines in another order', lines: forged.toReversed() },
    { name: 'IKEv1, an old answer', lines: replayed },
    { name: 'IKEv1, an old answer, the lines in another order', lines: replayed.toReversed() },
    { name: 'lines above level 1 are not read', lines: [] },
  ]
  for (const { name, lines } of cases) {
    test(`no sign of the peer: ${name}`, () => {
      const liveness = watching(...lines)
      liveness.line({
        at: began + 2_000,
        text: 'parsed INFORMATIONAL response 4 [ ]',
        level: 2,
        group: 'ENC',
        ikeUniqueId: '1',
      })
      assert.deepEqual(seen(liveness, 9_000), { heard: 10, answered: undefined })
    })
  }

  test('a forged message does not undo a true one of the same moment', () => {
    const liveness = watching('1500 parsed QUICK_MODE request 12 [ HASH SA No ID ID ]', ...forged)
    assert.equal(seen(liveness, 9_000).heard, 1_500)
  })

  test('before the peer has proven who it is, nobody was heard', () => {
    const liveness = createLiveness(began)
    take(
      liveness,
      '4 parsed IKE_SA_INIT response 0 [ SA KE No ]',
      '5 parsed INFORMATIONAL response 4 [ ]',
      '6 parsed INFORMATIONAL_V1 request 77777 [ HASH N(DPD) ]',
    )
    assert.equal(seen(liveness, 2_000, { state: 'connecting', establishedFor: 1 }).heard, undefined)
  })
})

describe('what the daemon counts', () => {
  test('a packet of ESP, to the second and never later than it was', () => {
    const liveness = watching()
    assert.equal(seen(liveness, 60_700, { establishedFor: 60, quietFor: 3 }).heard, 56_700)
    assert.equal(seen(liveness, 70_000, { establishedFor: 70, quietFor: 0 }).heard, 69_000)
  })

  test('whole seconds do not look like new packets', () => {
    const liveness = watching()
    const { heard } = seen(liveness, 60_100, { quietFor: 3 })
    for (let at = 60_100; at < 90_000; at += 130) {
      // The daemon subtracts whole seconds from whole seconds of its own clock.
      const quietFor = Math.floor(at / 1_000) - 57
      assert.equal(seen(liveness, at, { quietFor }).heard, heard)
    }
  })

  test('an IKE_SA that came up under our eyes, and whose line was late', () => {
    assert.equal(seen(createLiveness(began), 5_500, { establishedFor: 2 }).heard, 2_500)
  })

  test('one that was there before is not known until the peer is heard', () => {
    const liveness = createLiveness(began)
    assert.equal(seen(liveness, 100, { establishedFor: 86_000, quietFor: 7_000 }).heard, undefined)
    assert.equal(seen(liveness, 5_000, { establishedFor: 86_005, quietFor: 2 }).heard, 2_000)
    const other = createLiveness(began)
    assert.equal(seen(other, 100, { establishedFor: 86_000 }).heard, undefined)
    take(other, '9000 parsed INFORMATIONAL response 9 [ ]')
    assert.equal(seen(other, 9_100, { establishedFor: 86_009 }).heard, 9_000)
  })

  test('what it is made of is not told on', () => {
    const [told] = createLiveness(began).seen('vco-1', [ikeSa({ quietFor: 3 })], began)
    assert.deepEqual(told, ikeSa())
  })
})
