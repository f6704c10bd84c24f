import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Secret } from '../../secret.ts'
import type { LogLine } from './failure-log.ts'
import { parseRecording } from './testdata/recording.ts'
import { createTunnelLog, renderLine } from './tunnel-log.ts'

const line = (text: string, more: Partial<LogLine> = {}): LogLine => ({
  group: 'IKE',
  level: 1,
  ikeUniqueId: '1',
  text,
  at: 0,
  ...more,
})
const kept = (texts: readonly string[]) => {
  const log = createTunnelLog()
  return texts.flatMap((text) => log.line(line(text))).map(({ text }) => text)
}
const sent = 'sending packet: from 198.51.100.1[4500] to 198.51.100.2[4500] (76 bytes)'
const received = 'received packet: from 198.51.100.2[4500] to 198.51.100.1[4500] (76 bytes)'

const quiet: readonly (readonly [name: string, texts: readonly string[]])[] = [
  [
    'dead peer detection that we ask for, IKEv2',
    [
      'sending DPD request',
      'generating INFORMATIONAL request 4 [ ]',
      sent,
      received,
      'parsed INFORMATIONAL response 4 [ ]',
    ],
  ],
  [
    'dead peer detection that the peer asks for, IKEv2',
    [received, 'parsed INFORMATIONAL request 7 [ ]', 'generating INFORMATIONAL response 7 [ ]', sent],
  ],
  [
    'dead peer detection, IKEv1',
    [
      'sending DPD request',
      'generating INFORMATIONAL_V1 request 2895119547 [ HASH N(DPD) ]',
      sent,
      received,
      'parsed INFORMATIONAL_V1 request 991 [ HASH N(DPD_ACK) ]',
    ],
  ],
  ['keep-alives of a NAT', ['sending keep alive to 198.51.100.2[4500]']],
]
for (const [name, texts] of quiet) {
  test(`${name}: nothing is kept`, () => assert.deepEqual(kept(texts), []))
}

test('a probe that is not answered shows from its first retransmission on', () => {
  const again = 'retransmit 1 of request with message ID 4'
  assert.deepEqual(
    kept(['sending DPD request', 'generating INFORMATIONAL request 4 [ ]', sent, again, sent]),
    [again, sent],
  )
})

test('a message with something in it is kept with its packets, in order', () => {
  const texts = [
    received,
    'parsed INFORMATIONAL request 3 [ D ]',
    'received DELETE for IKE_SA vco-1[1]',
    sent,
  ]
  assert.deepEqual(kept(texts), texts)
})

test('what one IKE_SA has under way does not touch another', () => {
  const log = createTunnelLog()
  log.line(line('generating INFORMATIONAL request 4 [ ]'))
  assert.equal(log.line(line(sent, { ikeUniqueId: '2' })).length, 1)
  assert.equal(log.line(line(sent)).length, 0)
})

test('of the recorded negotiations only empty answers are left out', () => {
  const folder = new URL('testdata/', import.meta.url)
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
    const { recorded } = parseRecording(readFileSync(new URL(file, folder), 'utf8'))
    const texts = recorded.flatMap((entry) => (entry.kind === 'line' ? [line(entry.text, entry)] : []))
    const log = createTunnelLog()
    const shown = new Set(texts.flatMap((entry) => log.line(entry)).map(({ text }) => text))
    for (const { text } of texts.slice(0, -1)) {
      if (!shown.has(text))
        assert.match(
          text,
          /INFORMATIONAL (request|response) \d+ \[ \]$|DPD|^(sending|received) packet: /,
          file,
        )
    }
  }
})

test('lines above level 1 are never kept', () => {
  assert.deepEqual(createTunnelLog().line(line('shared Diffie Hellman secret => ...', { level: 4 })), [])
})

test('a key is taken out of a line, control characters too', () => {
  const keys = [new Secret('a key of somebody'), undefined, new Secret('aes')]
  assert.equal(renderLine('no a key of somebody for aes', keys), 'no ****** for aes')
  assert.equal(renderLine("IDir 'x\r\n\u0007y' does not match", keys), "IDir 'x y' does not match")
  assert.equal(renderLine('x'.repeat(5_000), keys).length, 1_000)
})
