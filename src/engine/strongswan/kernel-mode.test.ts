import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '../engine.ts'
import { chooseKernelMode, type KernelTrial, probeKernel, usableModes } from './kernel-mode.ts'

const trials = (...working: KernelTrial['name'][]): KernelTrial[] =>
  (['esp', 'xfrm-interface', 'vti', 'tun'] as const).map((name) => ({
    name,
    works: working.includes(name),
    evidence: `ip ${name}`,
  }))

test('the modes that work, the best first', () => {
  for (const [working, want] of [
    [['esp', 'xfrm-interface', 'vti', 'tun'], 'XVU'],
    [['esp', 'vti'], 'V'],
    [['xfrm-interface', 'vti', 'tun'], 'U'],
    [['esp', 'tun'], 'U'],
    [['esp'], ''],
    [[], ''],
  ] as [KernelTrial['name'][], string][]) {
    assert.equal(usableModes(trials(...working)).join(''), want, working.join(' '))
  }
})

test('the best is chosen unless another is asked for', () => {
  const modes = { usable: usableModes(trials('esp', 'xfrm-interface', 'tun')), trials: trials('esp') }
  assert.equal(chooseKernelMode(modes), 'X')
  assert.equal(chooseKernelMode(modes, 'U'), 'U')
})

test('what cannot work is refused with what was tried', () => {
  const none = { usable: [], trials: trials() }
  assert.throws(
    () => chooseKernelMode(none),
    (error: unknown) =>
      error instanceof EngineError &&
      !error.retry &&
      /cannot carry ESP; ip esp; .*ip tun/.test(error.message),
  )
  const userspace = { usable: usableModes(trials('tun')), trials: trials('tun') }
  assert.throws(() => chooseKernelMode(userspace, 'X'), /kernel mode X cannot work here; ip esp/)
})

test('the trials on this machine leave no namespace behind', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async () => {
  const { listNamespaces } = await import('../linux/namespace.ts')
  const { trials: tried, usable } = await probeKernel('kmt')
  assert.equal(tried.length, 4)
  assert.deepEqual(usable, usableModes(tried))
  for (const trial of tried) assert.match(trial.evidence, /^ip /)
  assert.deepEqual(
    (await listNamespaces()).filter((name) => name.startsWith('kmtprobe')),
    [],
  )
})
