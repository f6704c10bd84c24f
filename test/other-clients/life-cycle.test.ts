/** The official clients in Python, Go and Java through the same life cycle as those in Node. */
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../support/app.ts'
import { lifeCycle } from '../support/life-cycle.ts'
import { type Driver, otherClients, prepare } from './driver.ts'

for (const client of otherClients) {
  const missing = await prepare(client)
  describe(client.name, { skip: missing }, () => {
    let app: TestApp
    let driver: Driver
    before(async () => {
      app = await startTestApp()
      driver = client.start(app)
    })
    after(async () => {
      await driver.close()
      await app.close()
    })

    test('a VPN is built, changed, seen and taken down', () => lifeCycle(app, driver.ask))
  })
}
