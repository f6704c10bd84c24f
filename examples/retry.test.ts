import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import openapi from '@alicloud/openapi-core'
import vpc from '@alicloud/vpc20160428'
import { type StartedEmulator, startEmulator } from 'suidao/testing'

let emulator: StartedEmulator
before(async () => {
  emulator = await startEmulator()
})
after(() => emulator.stop())

test('a create whose answer is lost makes one VPC when it is tried again with its token', async () => {
  const { endpoint, accessKeyId, accessKeySecret, regionId, control } = emulator
  const config = new openapi.$OpenApiUtil.Config({ endpoint, accessKeyId, accessKeySecret, protocol: 'HTTP' })
  const client = new vpc.default(config as never)
  const request = new vpc.CreateVpcRequest({ regionId, cidrBlock: '10.0.0.0/8', clientToken: 'once-only' })

  await control.arm({ layer: 'api', kind: 'answer-lost', action: 'CreateVpc', times: 1 })
  await assert.rejects(client.createVpc(request))
  await client.createVpc(request)

  const { body } = await client.describeVpcs(new vpc.DescribeVpcsRequest({ regionId }))
  assert.equal(body?.totalCount, 1)
  assert.equal((await control.report()).duplicates, 0)
})
