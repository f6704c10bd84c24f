/** What has been acknowledged over HTTP is there after `kill -9`, on both databases. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { popCore } from '../support/app.ts'
import { eachDatabase } from '../support/postgres.ts'
import { ServerProcess } from '../support/server-process.ts'

const RegionId = 'cn-hangzhou'
const writes = 1000
/** Requests under way at the same time. */
const lanes = 16

eachDatabase((kind, _open, place) => {
  describe(`a server on ${kind}`, () => {
    test(`killed in the middle of ${writes} writes it loses nothing that it has acknowledged`, async (t) => {
      const config = await place()
      const server = new ServerProcess({
        ROLES: 'api',
        QUOTAS_CUSTOMER_GATEWAYS: '100000',
        DATABASE: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
      })
      t.after(() => server.remove())
      await server.start()
      const client = popCore(server.host, server.root)
      const acknowledged = new Map<string, string>()
      let sent = 0
      let killed = false
      // Somewhere in the middle, a different place each time.
      const killAt = Math.floor(writes * (0.3 + 0.4 * Math.random()))

      const lane = async () => {
        while (sent < writes && !killed) {
          const number = sent++
          const IpAddress = `11.0.${number >> 8}.${number & 255}`
          try {
            const { CustomerGatewayId } = await client.request<{ CustomerGatewayId: string }>(
              'CreateCustomerGateway',
              {
                RegionId,
                IpAddress,
                Name: `n${number}`,
                'Tags.1.Key': 'number',
                'Tags.1.Value': `${number}`,
              },
              { method: 'POST' },
            )
            acknowledged.set(CustomerGatewayId, IpAddress)
          } catch (error) {
            // Only the death of the server may refuse a write.
            assert.ok(killed, String(error))
          }
          if (acknowledged.size >= killAt && !killed) {
            killed = true
            await server.stop('SIGKILL')
          }
        }
      }
      await Promise.all(Array.from({ length: lanes }, lane))
      assert.ok(killed)

      await server.start()
      const reader = popCore(server.host, server.root)
      const found = new Map<string, string>()
      let total = 0
      for (let PageNumber = 1; ; PageNumber++) {
        const page = await reader.request<any>('DescribeCustomerGateways', {
          RegionId,
          PageNumber,
          PageSize: 50,
        })
        total = page.TotalCount
        for (const { CustomerGatewayId, IpAddress, Tags } of page.CustomerGateways.CustomerGateway) {
          found.set(CustomerGatewayId, IpAddress)
          // A write is there whole or not at all.
          assert.equal(Tags.Tag.length, 1)
        }
        if (page.CustomerGateways.CustomerGateway.length < 50) break
      }
      const lost = [...acknowledged].filter(([id, address]) => found.get(id) !== address)
      assert.deepEqual(lost, [])
      // At most those that were under way may be there without a word, and the count knows them.
      assert.ok(found.size - acknowledged.size <= lanes)
      assert.equal(total, found.size)
      t.diagnostic(`${sent} sent, ${acknowledged.size} acknowledged, ${found.size} found, 0 lost`)
    })
  })
})
