import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CharonConf, defaultRetransmit, renderCharonConf } from './charon-conf.ts'

const conf: CharonConf = {
  mode: 'X',
  runDir: '/data/engines/sden1',
  aggressive: false,
  retransmit: defaultRetransmit,
}
const plugins = (text: string) => /^ {2}load = (.*)$/m.exec(text)?.[1]?.split(' ') ?? []

test('userspace ESP comes before the kernel, and only in mode U', () => {
  const userspace = plugins(renderCharonConf({ ...conf, mode: 'U' }))
  assert(userspace.indexOf('kernel-libipsec') >= 0)
  assert(userspace.indexOf('kernel-libipsec') < userspace.indexOf('kernel-netlink'))
  for (const mode of ['X', 'V'] as const) {
    assert(!plugins(renderCharonConf({ ...conf, mode })).includes('kernel-libipsec'), mode)
  }
})

test('aggressive mode with a key is answered only where it is asked for', () => {
  const line = /i_dont_care_about_security_and_use_aggressive_mode_psk = (\w+)/
  assert.equal(line.exec(renderCharonConf(conf))?.[1], 'no')
  assert.equal(line.exec(renderCharonConf({ ...conf, aggressive: true }))?.[1], 'yes')
})

test('no log level that prints keys', () => {
  assert.deepEqual(
    [...renderCharonConf(conf).matchAll(/^ +(?:default|[a-z]{3}) = (-?\d+)$/gm)].map((found) => found[1]),
    ['1'],
  )
})

test('sections close', () => {
  const text = renderCharonConf(conf)
  assert.equal(text.split('{').length, text.split('}').length)
})
