import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasons } from './reason.ts'

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
