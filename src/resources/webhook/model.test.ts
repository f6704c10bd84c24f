import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '../../secret.ts'
import { eventNames } from './events.ts'
import { checkUrl, renderEvent, retryAfter, sign } from './model.ts'

test('a signature covers the time and the body', () => {
  const mac = createHmac('sha256', 'a secret').update('1764115200.{"a":1}').digest('hex')
  assert.equal(sign('{"a":1}', new Secret('a secret'), 1_764_115_200_999), `t=1764115200,v1=${mac}`)
})

test('attempts come later each time and end within a day', () => {
  const waits: number[] = []
  for (let attempts = 1; ; attempts++) {
    const wait = retryAfter(attempts)
    if (wait === undefined) break
    waits.push(wait)
  }
  assert.deepEqual(
    waits,
    waits.toSorted((a, b) => a - b),
  )
  const sum = waits.reduce((a, b) => a + b)
  assert.ok(sum > 12 * 3_600_000 && sum < 24 * 3_600_000)
})

test('every event has its type under the name of who defined it', () => {
  for (const name of eventNames) {
    const facts = {
      accountId: '1',
      region: 'cn-hangzhou',
      resource: 'vpnconnection/vco-1',
      instanceName: '',
      at: 0,
    }
    const { type, data } = JSON.parse(renderEvent({ name, content: {}, ...facts }).body)
    assert.equal(type, `vpn:${name.startsWith('Bgp') ? 'Suidao' : 'CloudMonitor'}:${name}`)
    assert.equal(data.level, name.endsWith('Failed') || name.endsWith('Lost') ? 'WARN' : 'INFO')
  }
})

for (const [text, isGood] of [
  ['https://192.0.2.1/hook?token=1', true],
  ['http://monitor.example:8080', true],
  ['ftp://192.0.2.1/', false],
  ['https://user@192.0.2.1/', false],
  ['https://192.0.2.1/#x', false],
  ['not an address', false],
] as const) {
  test(`an address to send to: ${text}`, () => {
    if (isGood) assert.equal(checkUrl(text), new URL(text).href)
    else assert.throws(() => checkUrl(text), { code: 'IllegalParam.Url' })
  })
}
