import assert from 'node:assert/strict'
import { test } from 'node:test'
import { npmReason, parts, partsNamed, refusalToInstall } from './setup-plan.mjs'

test('npm ci runs exactly when what is installed differs from the lock file', async (t) => {
  const lock = {
    '': { name: 'suidao' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/a-darwin': { version: '1.0.0', optional: true },
  }
  const a = { version: '1.0.0' }
  const cases = [
    ['nothing is installed', undefined, 'node_modules is not there'],
    ['all is as locked', { 'node_modules/a': a }, undefined],
    ['an optional one is there too', { 'node_modules/a': a, 'node_modules/a-darwin': a }, undefined],
    ['one is missing', {}, 'a 1.0.0 is not there'],
    ['one is older', { 'node_modules/a': { version: '0.9.0' } }, 'a 1.0.0 is not there'],
    [
      'an optional one is older',
      { 'node_modules/a': a, 'node_modules/a-darwin': { version: '0.9.0' } },
      'a-darwin 1.0.0 is not there',
    ],
    [
      'one is too many',
      { 'node_modules/a': a, 'node_modules/b': a },
      'node_modules/b is not in package-lock.json',
    ],
  ]
  for (const [name, installed, want] of cases) {
    await t.test(name, () => assert.equal(npmReason(lock, installed), want))
  }
})

test('parts are named in a list, and an unknown one is refused with those there are', () => {
  assert.deepEqual(partsNamed(''), [])
  assert.deepEqual(partsNamed('lab,postgres'), [parts.lab, parts.postgres])
  assert.throws(
    () => partsNamed('lab,fun'),
    /there is no part "fun"; parts are strongswan, postgres, browser, lab/,
  )
  assert.throws(() => partsNamed('constructor'), /there is no part/)
})

test('packages are installed on Debian by root, and by nobody else anywhere else', () => {
  const missing = ['fping', 'nftables']
  const root = { missing, system: 'linux', hasApt: true, isRoot: true }
  assert.equal(refusalToInstall(root), undefined)
  assert.match(
    refusalToInstall({ ...root, isRoot: false }),
    /apt-get install --no-install-recommends fping nftables/,
  )
  assert.match(
    refusalToInstall({ ...root, hasApt: false }),
    /not a Debian system \(linux, no apt-get\).*fping nftables/,
  )
  assert.match(refusalToInstall({ ...root, system: 'darwin', hasApt: false }), /not a Debian system \(darwin/)
  assert.equal(refusalToInstall({ ...root, missing: [], isRoot: false, hasApt: false }), undefined)
})
