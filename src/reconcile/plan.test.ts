import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planGateway, planTunnel } from './plan.ts'

const row = (generation: number, deleted_at: number | null = null) => ({ generation, deleted_at })

test('gateway: the step that leads from what is to what is wanted', () => {
  const cases = [
    ['new', row(1), false, undefined, 0, 'apply'],
    ['after a start, the engine still has it', row(1), true, undefined, 2, 'apply'],
    ['as wanted', row(1), true, 1, 2, 'none'],
    ['changed', row(2), true, 1, 2, 'apply'],
    ['lost by the engine', row(1), false, 1, 2, 'apply'],
    ['deleted while connections remain', row(2, 9), true, 1, 1, 'wait'],
    ['deleted', row(2, 9), true, 1, 0, 'remove'],
    ['deleted and let go', row(2, 9), false, undefined, 0, 'forget'],
    ['an orphan', undefined, true, undefined, 0, 'remove'],
    ['gone on both sides', undefined, false, undefined, 0, 'none'],
  ] as const
  for (const [name, wanted, inEngine, made, connections, want] of cases) {
    assert.equal(planGateway(wanted, inEngine, made, connections).step, want, name)
  }
})

test('tunnel: the step that leads from what is to what is wanted', () => {
  const cases = [
    ['new, gateway not in place', row(1), undefined, false, false, 'wait'],
    ['new', row(1), undefined, false, true, 'apply'],
    ['after a start, running as wanted', row(1), 1, false, true, 'apply'],
    ['as wanted', row(1), 1, true, true, 'none'],
    ['changed', row(2), 1, true, true, 'apply'],
    ['lost by the engine', row(1), undefined, true, true, 'apply'],
    ['deleted', row(2, 9), 1, true, true, 'remove'],
    ['deleted and let go', row(2, 9), undefined, true, true, 'forget'],
    ['deleted before its gateway was in place', row(2, 9), undefined, false, false, 'forget'],
    ['an orphan', undefined, 3, false, false, 'remove'],
    ['gone on both sides', undefined, undefined, false, false, 'none'],
  ] as const
  for (const [name, wanted, held, handedOver, ready, want] of cases) {
    assert.equal(planTunnel(wanted, held, handedOver, ready).step, want, name)
  }
})

test('a tunnel that is as wanted is handed over again when its certificate has to be renewed', () => {
  const wanted = { deleted_at: null, generation: 3 }
  assert.equal(planTunnel(wanted, 3, true, true, true).step, 'apply')
  assert.equal(planTunnel(wanted, 3, true, false, true).step, 'wait')
  assert.equal(planTunnel({ ...wanted, deleted_at: 1 }, 3, true, true, true).step, 'remove')
})
