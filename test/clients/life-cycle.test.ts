/** The whole life of every resource, driven by the official clients over HTTP, on both databases. */
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../support/app.ts'
import { lifeCycle } from '../support/life-cycle.ts'
import { type Ask, officialClients } from '../support/official-clients.ts'
import { eachDatabase } from '../support/postgres.ts'

eachDatabase((kind, _open, place) => {
  for (const { name, make } of officialClients) {
    describe(`${name} on ${kind}`, () => {
      let app: TestApp
      let ask: Ask

      before(async () => {
        const config = await place()
        app = await startTestApp({
          database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
        })
        ask = make(app)
      })
      after(() => app.close())

      test('a VPN is built, changed, seen and taken down', () => lifeCycle(app, ask))
    })
  }
})
