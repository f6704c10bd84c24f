import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { inspect, promisify } from 'node:util'
import { eachDatabase } from '../test/support/postgres.ts'
import { openDatabase } from './db/open.ts'
import { checkMasterKey, createSealer, loadMasterKey, SealError } from './seal.ts'
import { Secret } from './secret.ts'

const hex = (digit: string) => digit.repeat(64)
const sealerOf = (digit: string) => createSealer(loadMasterKey('unused', new Secret(hex(digit))))
const flip = (text: string, at: number) =>
  text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)

describe('a sealed value', () => {
  const sealer = sealerOf('1')

  test('opens again, whatever text it holds', () => {
    for (const clear of ['', 'p', 'pre-shared key', '隧道 ключ 🔑', 'x'.repeat(10_000), '\0\n"']) {
      const sealed = sealer.seal(clear, 'vpn_connection/vco-1/psk')
      assert.match(sealed, /^v1\.[\w-]{8}\.[\w-]+$/)
      assert.equal(sealer.open(sealed, 'vpn_connection/vco-1/psk').reveal(), clear)
      assert.equal(sealerOf('1').open(sealed, 'vpn_connection/vco-1/psk').reveal(), clear)
    }
  })

  test('is another one each time, and does not show what it holds', () => {
    const sealed = Array.from({ length: 100 }, () => sealer.seal('pre-shared key', 'c'))
    assert.equal(new Set(sealed).size, 100)
    for (const text of sealed) assert.doesNotMatch(text + Buffer.from(text, 'base64'), /shared/)
  })

  test('does not open where it does not belong, damaged, or under another key', () => {
    const sealed = sealer.seal('pre-shared key', 'vpn_connection/vco-1/psk')
    const body = sealed.lastIndexOf('.') + 1
    const cases: { name: string; open: () => unknown; want: RegExp }[] = [
      {
        name: 'another row',
        open: () => sealer.open(sealed, 'vpn_connection/vco-2/psk'),
        want: /vco-2\/psk is damaged or belongs to another place/,
      },
      {
        name: 'another row, after it has been opened in its own',
        open: () => {
          sealer.open(sealed, 'vpn_connection/vco-1/psk')
          return sealer.open(sealed, 'vpn_connection/vco-2/psk')
        },
        want: /belongs to another place/,
      },
      ...[body, body + 20, sealed.length - 5].map((at) => ({
        name: `letter ${at} changed`,
        open: () => sealer.open(flip(sealed, at), 'vpn_connection/vco-1/psk'),
        want: /is damaged/,
      })),
      {
        name: 'cut',
        open: () => sealer.open(sealed.slice(0, body + 30), 'c'),
        want: /value of c is cut short/,
      },
      { name: 'in clear', open: () => sealer.open('pre-shared key', 'c'), want: /value of c is not sealed/ },
      {
        name: 'a later form',
        open: () => sealer.open(sealed.replace('v1', 'v2'), 'c'),
        want: /not sealed in a form/,
      },
      {
        name: 'another key',
        open: () => sealerOf('2').open(sealed, 'c'),
        want: /^SealError: c is sealed with master key [\w-]{8}, but SUIDAO_MASTER_KEY holds [\w-]{8}$/,
      },
    ]
    for (const { name, open, want } of cases) {
      assert.throws(
        open,
        (error) => {
          assert.ok(error instanceof SealError, name)
          assert.match(String(error), want, name)
          assert.doesNotMatch(inspect(error), /pre-shared/, name)
          return true
        },
        name,
      )
    }
  })

  test('stays open for a while, but not without limit', () => {
    const first = sealer.seal('first', 'c')
    const opened = sealer.open(first, 'c')
    assert.equal(sealer.open(first, 'c'), opened)
    for (let i = 0; i < 5_000; i++) sealer.open(sealer.seal(String(i), 'c'), 'c')
    assert.notEqual(sealer.open(first, 'c'), opened)
    assert.equal(sealer.open(first, 'c').reveal(), 'first')
  })
})

test('a fingerprint depends on the text and on the key, and on nothing else', () => {
  assert.equal(sealerOf('1').fingerprint('a'), sealerOf('1').fingerprint('a'))
  assert.notEqual(sealerOf('1').fingerprint('a'), sealerOf('1').fingerprint('b'))
  assert.notEqual(sealerOf('1').fingerprint('a'), sealerOf('2').fingerprint('a'))
})

describe('the master key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'suidao-key-'))
  after(() => rmSync(folder, { recursive: true }))

  test('is made at the first start, for its owner alone, and found at the next', () => {
    const place = join(folder, 'new/data')
    const first = createSealer(loadMasterKey(join(place, 'master.key')))
    assert.deepEqual(readdirSync(place), ['master.key'])
    assert.equal(statSync(join(place, 'master.key')).mode & 0o777, 0o600)
    assert.equal(statSync(place).mode & 0o777, 0o700)
    const second = createSealer(loadMasterKey(join(place, 'master.key')))
    assert.equal(second.open(first.seal('x', 'c'), 'c').reveal(), 'x')
  })

  test('is one and the same for processes that start at once', async () => {
    const place = join(folder, 'race')
    const module = new URL('./seal.ts', import.meta.url).href
    const script = `
      const { createSealer, loadMasterKey } = await import(${JSON.stringify(module)})
      console.log(createSealer(loadMasterKey(${JSON.stringify(join(place, 'master.key'))})).fingerprint('x'))`
    const starts = Array.from({ length: 6 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]),
    )
    const prints = (await Promise.all(starts)).map(({ stdout }) => stdout)
    assert.equal(new Set(prints).size, 1)
    assert.match(prints[0]!, /^[\w-]{43}\n$/)
    assert.deepEqual(readdirSync(place), ['master.key'])
  })

  test('can be given in hexadecimal or base64, and then no file is made', () => {
    const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 8))
    const given = ['hex', 'base64', 'base64url'] as const
    const prints = given.map((form) => {
      const key = loadMasterKey(join(folder, 'none'), new Secret(`${bytes.toString(form)}\n`))
      assert.doesNotMatch(inspect(key), new RegExp(bytes.toString(form).slice(0, 20)))
      return createSealer(key).fingerprint('x')
    })
    assert.equal(new Set(prints).size, 1)
    assert.ok(!readdirSync(folder).includes('none'))
  })

  test('that is no key, or not private, stops the start and is left alone', () => {
    const file = join(folder, 'master.key')
    const cases: { text: string; mode: number; want: RegExp }[] = [
      { text: '', mode: 0o600, want: /master\.key holds no master key: 32 bytes are expected/ },
      { text: 'secret', mode: 0o600, want: /holds no master key/ },
      { text: hex('1').slice(2), mode: 0o600, want: /holds no master key/ },
      { text: `${hex('1')}00`, mode: 0o400, want: /holds no master key/ },
      { text: hex('1'), mode: 0o644, want: /can be read by others \(mode 644\): run chmod 600/ },
      { text: hex('1'), mode: 0o620, want: /can be read by others/ },
    ]
    for (const { text, mode, want } of cases) {
      writeFileSync(file, text)
      chmodSync(file, mode)
      assert.throws(() => loadMasterKey(file), want)
      assert.equal(readFileSync(file, 'utf8'), text)
      rmSync(file)
    }
    assert.throws(() => loadMasterKey(folder, new Secret('short')), /SUIDAO_MASTER_KEY holds no master key/)
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('master')),
      [],
    )
  })
})

eachDatabase((kind, open, place) => {
  test('a database is tied to the master key of its first start', async () => {
    const db = await open()
    await checkMasterKey(db, sealerOf('1'))
    await checkMasterKey(db, sealerOf('1'))
    await assert.rejects(
      checkMasterKey(db, sealerOf('2')),
      /is sealed with master key .* but SUIDAO_MASTER_KEY holds/,
    )
  })

  if (kind === 'sqlite') {
    test('the files of a database do not hold a sealed secret in clear', async () => {
      const config = await place()
      assert.ok(config.kind === 'sqlite')
      const db = await openDatabase(config)
      const secret = 'a-pre-shared-key-to-look-for'
      const values = { sealed: sealerOf('1').seal(secret, 'c'), clear: 'a-name-to-look-for' }
      for (const [name, value] of Object.entries(values)) {
        await db.kysely.insertInto('setting').values({ name, value }).execute()
      }
      const read = (name: string) => readFileSync(name, 'latin1')
      const files = read(config.file) + read(`${config.file}-wal`)
      assert.ok(files.includes(values.clear))
      assert.ok(!files.includes(secret))
      assert.ok(!files.includes(Buffer.from(secret).toString('base64url').slice(0, 30)))
      await db.close()
      assert.ok(!read(config.file).includes(secret))
    })
  }
})
