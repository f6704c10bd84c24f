import openapi from '@alicloud/openapi-core'
import vpc from '@alicloud/vpc20160428'
import { type StartedEmulator, startEmulator } from 'suidao/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectionsThatAreDown } from './alert.ts'

let emulator: StartedEmulator
beforeAll(async () => {
  emulator = await startEmulator({ scenario: 'one-up' })
})
afterAll(() => emulator.stop())

test('one tunnel is down: the alert names it', async () => {
  const { endpoint, accessKeyId, accessKeySecret, regionId, fixture } = emulator
  const config = new openapi.$OpenApiUtil.Config({ endpoint, accessKeyId, accessKeySecret, protocol: 'HTTP' })
  const down = await connectionsThatAreDown(new vpc.default(config as never), regionId)
  expect(down.map(({ vpnConnectionId }) => vpnConnectionId)).toEqual([fixture?.vpnConnectionIds[1]])
})
