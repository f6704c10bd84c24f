/** The official clients in Python, Go and Java through the same life cycle as those in Node, over HTTP and TLS. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../support/app.ts'
import { lifeCycle, twoTunnelLife } from '../support/life-cycle.ts'
import { refused } from '../support/official-clients.ts'
import { type Driver, otherClients, prepare } from './driver.ts'
import { holdGiven } from './given.ts'

for (const client of otherClients) {
  const missing = await prepare(client)
  describe(client.name, { skip: missing }, () => {
    let app: TestApp
    let driver: Driver
    before(async () => {
      app = await startTestApp({ settings: { TLS_LISTEN: '127.0.0.1:0' } })
      driver = client.start(app)
    })
    after(async () => {
      await driver.close()
      await app.close()
    })

    test('a VPN is built, changed, seen and taken down', () => lifeCycle(app, driver.ask))

    const unknown = client.twoTunnels ? false : 'the models of this version know one tunnel alone'
    test('two tunnels and tags', { skip: unknown }, () => twoTunnelLife(driver.ask))

    const { kept } = client
    if (kept) test('it has given what docs/fidelity.md says', () => holdGiven(kept, app.given))

    test('over TLS, trusting the CA of the server', async () => {
      const secure = client.start(app, app.tls)
      try {
        assert.equal(typeof (await secure.ask('DescribeVpnConnections')).TotalCount, 'number')
        await refused(
          secure.ask('DescribeVpnConnection', { VpnConnectionId: 'vco-none' }),
          'InvalidVpnConnectionInstanceId.NotFound',
        )
      } finally {
        await secure.close()
      }
    })
  })
}
