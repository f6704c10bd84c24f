import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { connections, refreshChanged } from './data.ts'

const region = 'cn-hangzhou'
interface Asked {
  readonly VpnConnectionId?: string
  readonly PageNumber?: number
}

/** A server with connections `vco-0` to `vco-59`, which answers when it is let. */
const stated = new Map<string, string>()
let asked: Asked[]
let hold: ((of: Asked) => Promise<void> | undefined) | undefined
let cache: QueryClient
let stop: () => void

beforeEach(async () => {
  for (let number = 0; number < 60; number++) stated.set(`vco-${number}`, 'old')
  asked = []
  hold = undefined
  mock.method(globalThis, 'fetch', async (_: string, { body }: { body: string }) => {
    const params = JSON.parse(body) as Asked
    asked.push(params)
    const { VpnConnectionId: one, PageNumber = 1 } = params
    const ids = one === undefined ? [...stated.keys()].slice(50 * (PageNumber - 1), 50 * PageNumber) : [one]
    const VpnConnection = ids.map((id) => ({ VpnConnectionId: id, Status: stated.get(id) }))
    await hold?.(params)
    return Response.json({ TotalCount: stated.size, VpnConnections: { VpnConnection } })
  })
  cache = new QueryClient()
  stop = new QueryObserver(cache, connections(region)).subscribe(() => {})
  await until(() => rows()?.length === 60)
  asked = []
})
afterEach(() => {
  stop()
  cache.clear()
  mock.restoreAll()
})

const rows = () => cache.getQueryData(connections(region).queryKey)
const statusOf = (id: string) => rows()?.find((row) => row.VpnConnectionId === id)?.Status
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    assert.ok(turn < 1_000)
    await new Promise(setImmediate)
  }
}

test('of what has changed, the changed rows alone are read, and the others stay the same objects', async () => {
  const before = rows()!
  stated.set('vco-7', 'new')
  await refreshChanged(cache, region, ['connection:vco-7'])
  assert.deepEqual(
    asked.map(({ VpnConnectionId }) => VpnConnectionId),
    ['vco-7'],
  )
  assert.deepEqual(
    rows()!.map((row, index) => row === before[index]),
    before.map(({ VpnConnectionId }) => VpnConnectionId !== 'vco-7'),
  )
  assert.equal(statusOf('vco-7'), 'new')
})

test('a list of which rows change all the time is read whole all the same, every 15 seconds', async () => {
  const begin = Date.now()
  mock.timers.enable({ apis: ['Date'], now: begin })
  try {
    stated.set('vco-50', 'silent')
    for (let second = 1; second <= 16; second++) {
      mock.timers.setTime(begin + second * 1_000)
      await refreshChanged(cache, region, ['connection:vco-7'])
    }
    assert.deepEqual(
      asked.filter(({ PageNumber }) => PageNumber !== undefined).map(({ PageNumber }) => PageNumber),
      [1, 2],
    )
    assert.equal(statusOf('vco-50'), 'silent')
  } finally {
    mock.timers.reset()
  }
})

test('a whole list that was read before a row does not bring back what the row was', async () => {
  let answer = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  hold = ({ PageNumber }) => (PageNumber === 2 ? held : undefined)
  const whole = cache.refetchQueries({ queryKey: connections(region).queryKey })
  await until(() => asked.some(({ PageNumber }) => PageNumber === 2))
  stated.set('vco-7', 'new')
  await refreshChanged(cache, region, ['connection:vco-7'])
  assert.equal(statusOf('vco-7'), 'new')
  answer()
  await whole
  assert.equal(statusOf('vco-7'), 'new')
})
