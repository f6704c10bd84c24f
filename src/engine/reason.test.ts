import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasons, tellingOf } from './reason.ts'

test('every reason says what is wrong and what to do, in both languages, within a line or two', () => {
  for (const [code, reason] of Object.entries(reasons)) {
    for (const text of [reason.title, reason.remedy]) {
      assert.match(text.en, /^[A-Z][\x20-\x7e]+$/, `${code}: English is plain ASCII`)
      assert.match(text.zh, /[\u4e00-\u9fff]/, `${code}: Chinese is Chinese`)
      assert(text.en.length <= 160, `${code}: ${text.en.length} characters`)
      assert(text.zh.length <= 70, `${code}: ${text.zh.length} characters`)
    }
    assert.match(reason.remedy.en, /\.$/, `${code}: the remedy is a sentence`)
    assert.match(reason.remedy.zh, /。$/, `${code}: the remedy is a sentence`)
  }
})

test('no two reasons have the same title', () => {
  const titles = Object.values(reasons).flatMap(({ title }) => [title.en, title.zh])
  assert.equal(new Set(titles).size, titles.length)
})

test('what is normal is no exception for the vendor, and the other way round', () => {
  for (const [code, reason] of Object.entries(reasons)) {
    assert.equal(reason.vendorCode === 'NoExceptionFound', reason.severity === 'Normal', code)
  }
})

test('of two ends the latest tells, unless the other one of the same time and phase knows more', () => {
  const refused = { code: 'PEER_REJECTED_AUTH', at: 50_000 } as const
  const exact = { code: 'PSK_MISMATCH', at: 10_000 } as const
  const otherPhase = { code: 'SUBNET_MISMATCH', at: 10_000 } as const
  const alsoExact = { code: 'ID_MISMATCH', at: 50_000 } as const
  assert.equal(tellingOf([undefined, undefined]), undefined)
  assert.equal(tellingOf([undefined, refused]), refused)
  assert.equal(tellingOf([refused, exact]), exact)
  assert.equal(tellingOf([exact, refused]), exact)
  assert.equal(tellingOf([refused, { ...exact, at: -10_001 }]), refused)
  assert.equal(tellingOf([refused, otherPhase]), refused)
  assert.equal(tellingOf([exact, alsoExact]), alsoExact)
})
