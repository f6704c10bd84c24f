/** Both languages are whole, and no page writes a word that is in neither. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scenarios } from '../../src/emulator/scenarios.ts'
import { reasons } from '../../src/engine/reason.ts'
import { messages } from './messages.ts'

const folder = import.meta.dirname
const sources = globSync('**/*.{ts,tsx}', { cwd: folder })
  .filter((file) => !file.endsWith('.test.ts') && file !== 'messages.ts')
  .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }))

/** Names that are the same in every language. */
const sameInBoth = new Set([
  'signIn.id',
  'signIn.secret',
  'tunnel.children',
  'access.key',
  'access.sts.AccessKeyId',
  'access.sts.AccessKeySecret',
  'field.ike',
  'server.kernelMode',
  'tab.api',
  'settings.used',
  'list.found',
])

const entries = Object.entries(messages) as [string, readonly [string, string]][]

test('every message is in both languages, with the same places to fill in', () => {
  const wrong: string[] = []
  const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
  for (const [key, [en, zh]] of entries) {
    if (en.trim() === '' || zh.trim() === '') wrong.push(`${key}: empty`)
    if (/\p{Script=Han}/u.test(en)) wrong.push(`${key}: Chinese in the English text`)
    if (!/\p{Script=Han}/u.test(zh) && !sameInBoth.has(key))
      wrong.push(`${key}: no Chinese in the Chinese text`)
    if (places(en).join() !== places(zh).join()) wrong.push(`${key}: other places`)
  }
  const others = [
    ...Object.entries(reasons).flatMap(([code, { title, remedy }]) => [
      [code, title] as const,
      [code, remedy] as const,
    ]),
    ...Object.entries(scenarios).map(([name, { summary }]) => [name, summary] as const),
  ]
  for (const [name, text] of others) {
    if (!/\p{Script=Han}/u.test(text.zh) || /\p{Script=Han}/u.test(text.en)) wrong.push(`${name}: ${text.en}`)
  }
  assert.deepEqual(wrong, [])
})

test('every message is used, and every key that is used exists', () => {
  const all = sources.map(({ text }) => text).join('\n')
  const used = new Set([...all.matchAll(/'([a-zA-Z]+(?:\.[a-zA-Z0-9]+)+)'/g)].map(([, key]) => key!))
  const families = [...all.matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)*\.)\$\{/g)].map(([, family]) => family!)
  const unused = entries
    .map(([key]) => key)
    .filter((key) => !used.has(key) && !families.some((family) => key.startsWith(family)))
  assert.deepEqual(unused, [])
  // A family of keys is made at run time; its members must be there for every value that can come.
  const members = (family: string) => entries.filter(([key]) => key.startsWith(family)).length
  for (const family of families) assert.ok(members(family) > 1, family)
})

test('no page writes words of its own', () => {
  const found: string[] = []
  for (const { file, text } of sources) {
    if (!file.endsWith('.tsx')) continue
    for (const [, words] of text.matchAll(/>\s*([^<>{}()=;]*\p{L}{2,}[^<>{}()=;]*?)\s*<\//gu)) {
      // The name of the product, and a command.
      if (!/^(Suidao|node bin\/suidao\.mjs keys)$/.test(words!)) found.push(`${file}: ${words}`)
    }
    for (const [attribute] of text.matchAll(
      /\b(?:title|label|placeholder|aria-label|alt)="[^"]*\p{L}{2,}[^"]*"/gu,
    )) {
      if (
        !/"(IKE|ESP|BGP|Describe\*|DeleteVpnConnection|VpnConnectionId=vco-…|https:\/\/alerts.example\/hook)"/.test(
          attribute,
        )
      )
        found.push(`${file}: ${attribute}`)
    }
  }
  assert.deepEqual(found, [])
})
