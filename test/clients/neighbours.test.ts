/** What clients ask beside VPN gateways: other products on the same port, and the route table of a VPC. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { popCore, startTestApp, type TestApp } from '../support/app.ts'
import { eachDatabase } from '../support/postgres.ts'

const RegionId = 'cn-hangzhou'

eachDatabase((kind, _open, place) => {
  describe(`neighbours on ${kind}`, () => {
    let app: TestApp
    const ask = async (version: string, action: string, params: object = {}): Promise<Record<string, any>> =>
      JSON.parse(
        JSON.stringify(await popCore(app.host, app.root, version).request(action, { RegionId, ...params })),
      )
    const vpc = (action: string, params: object = {}) => ask('2016-04-28', action, params)

    before(async () => {
      const config = await place()
      app = await startTestApp({
        database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
        settings: { ROLES: 'api' },
      })
    })
    after(() => app.close())

    test('a product answers where it was asked', async () => {
      const { Endpoints, Success } = await ask('2015-06-12', 'DescribeEndpoints', {
        Id: RegionId,
        ServiceCode: 'vpc',
      })
      assert.equal(Success, true)
      assert.deepEqual(Endpoints.Endpoint, [
        {
          Endpoint: app.host,
          Id: RegionId,
          Namespace: '',
          Protocols: { Protocols: ['HTTP', 'HTTPS'] },
          SerivceCode: 'vpc',
          Type: 'openAPI',
        },
      ])
    })

    test('nothing has been bought, which Terraform asks at its start', async () => {
      const params = { ProductCode: 'vipcloudfw', PageSize: 20 }
      const { RequestId: _, ...answer } = await ask('2017-12-14', 'QueryAvailableInstances', params)
      assert.deepEqual(answer, {
        Code: 'Success',
        Data: { InstanceList: [], PageNum: 1, PageSize: 20, TotalCount: 0 },
        Message: 'Successful!',
        Success: true,
      })
    })

    test('resource groups are those that resources are in', async () => {
      const groups = async (params: object = {}) => {
        const answer = await ask('2020-03-31', 'ListResourceGroups', params)
        return [answer['TotalCount'], answer['ResourceGroups'].ResourceGroup.map((group: any) => group.Id)]
      }
      assert.deepEqual(await groups(), [0, []])
      for (const [IpAddress, ResourceGroupId] of [
        ['198.51.100.1', 'rg-b'],
        ['198.51.100.2', 'rg-a'],
        ['198.51.100.3', 'rg-a'],
      ]) {
        const { CustomerGatewayId } = await vpc('CreateCustomerGateway', { IpAddress })
        await vpc('MoveVpnResourceGroup', {
          InstanceId: CustomerGatewayId,
          ResourceType: 'CustomerGateway',
          NewResourceGroupId: ResourceGroupId,
        })
      }
      assert.deepEqual(await groups(), [2, ['rg-a', 'rg-b']])
      assert.deepEqual(await groups({ PageNumber: 2, PageSize: 1 }), [2, ['rg-b']])
      assert.deepEqual(await groups({ ResourceGroupId: 'rg-b' }), [1, ['rg-b']])
      assert.deepEqual(await groups({ Status: 'Deleting' }), [0, []])
    })

    test('zones, and which of them can have a gateway', async () => {
      const zones = (await vpc('DescribeZones'))['Zones'].Zone.map((zone: any) => zone.ZoneId)
      assert.equal(new Set(zones).size, zones.length)
      const available = (await vpc('DescribeVpnGatewayAvailableZones', { Spec: '5M' }))['AvailableZoneIdList']
      // Two tunnels need two of them.
      assert.ok(available.length >= 2)
      for (const { ZoneId } of available) assert.ok(zones.includes(ZoneId), ZoneId)
    })

    test('one vSwitch, with the route table of its VPC', async () => {
      const { VpcId, RouteTableId } = await vpc('CreateVpc', { CidrBlock: '10.0.0.0/8' })
      const network = { VpcId, CidrBlock: '10.1.0.0/24', ZoneId: 'cn-hangzhou-h' }
      const { VSwitchId } = await vpc('CreateVSwitch', network)
      const shown = await vpc('DescribeVSwitchAttributes', { VSwitchId })
      assert.deepEqual(
        [
          shown['VSwitchId'],
          shown['VpcId'],
          shown['CidrBlock'],
          shown['Status'],
          shown['RouteTable'].RouteTableId,
        ],
        [VSwitchId, VpcId, network.CidrBlock, 'Available', RouteTableId],
      )
      await vpc('DeleteVSwitch', { VSwitchId })
      await vpc('DeleteVpc', { VpcId })
    })

    test('names, descriptions and tags of VPCs and vSwitches', async () => {
      const tagged = (...pairs: [string, string][]) =>
        Object.fromEntries(
          pairs.flatMap(([key, value], index) => [
            [`Tag.${index + 1}.Key`, key],
            [`Tag.${index + 1}.Value`, value],
          ]),
        )
      const { VpcId } = await vpc('CreateVpc', { CidrBlock: '10.0.0.0/8', ...tagged(['stage', 'test']) })
      const network = { VpcId, CidrBlock: '10.1.0.0/24', ZoneId: 'cn-hangzhou-h' }
      const { VSwitchId } = await vpc('CreateVSwitch', { ...network, ...tagged(['stage', 'test']) })
      for (const { type, id, read, list, found, change } of [
        {
          type: 'VPC',
          id: { VpcId },
          read: 'DescribeVpcAttribute',
          list: 'DescribeVpcs',
          found: (answer: any) => answer.Vpcs.Vpc,
          change: ['ModifyVpcAttribute', 'VpcName'],
        },
        {
          type: 'VSWITCH',
          id: { VSwitchId },
          read: 'DescribeVSwitchAttributes',
          list: 'DescribeVSwitches',
          found: (answer: any) => answer.VSwitches.VSwitch,
          change: ['ModifyVSwitchAttribute', 'VSwitchName'],
        },
      ]) {
        const [modify, name] = change as [string, string]
        const ResourceId = Object.values(id)[0]
        const of = { ResourceType: type, 'ResourceId.1': ResourceId }
        const tags = async () => (await vpc(read, id))['Tags'].Tag.map((tag: any) => [tag.Key, tag.Value])
        const listed = async (...filter: [string, string][]) => {
          const answer = await vpc(list, tagged(...filter))
          return [answer['TotalCount'], found(answer).map((one: any) => one.Tags.Tag.length)]
        }
        assert.deepEqual(await tags(), [['stage', 'test']])
        assert.deepEqual(await listed(['stage', 'test']), [1, [1]])
        await vpc('TagResources', { ...of, ...tagged(['stage', 'production'], ['owner', 'net']) })
        assert.deepEqual(await tags(), [
          ['owner', 'net'],
          ['stage', 'production'],
        ])
        assert.deepEqual(await listed(['stage', 'test']), [0, []])
        assert.equal((await vpc('ListTagResources', of))['TagResources'].TagResource.length, 2)
        await vpc('UnTagResources', { ...of, 'TagKey.1': 'stage' })
        assert.deepEqual(await tags(), [['owner', 'net']])

        await vpc(modify, { ...id, [name]: 'renamed', Description: 'told' })
        await vpc(modify, { ...id, Description: '' })
        const shown = await vpc(read, id)
        assert.deepEqual([shown[name], shown['Description']], ['renamed', ''])
      }
      await vpc('ModifyVpcAttribute', { VpcId, CidrBlock: '10.0.0.0/8' })
      await assert.rejects(vpc('ModifyVpcAttribute', { VpcId, CidrBlock: '10.0.0.0/9' }), {
        code: 'IllegalParam.CidrBlock',
      })
      await vpc('DeleteVSwitch', { VSwitchId })
      await vpc('DeleteVpc', { VpcId })
      assert.deepEqual(
        (await vpc('ListTagResources', { ResourceType: 'VPC', ...tagged(['owner', 'net']) }))['TagResources']
          .TagResource,
        [],
      )
      await assert.rejects(
        vpc('TagResources', { ResourceType: 'VPC', 'ResourceId.1': VpcId, ...tagged(['a', 'b']) }),
        {
          code: 'InvalidVpcId.NotFound',
        },
      )
    })

    test('a VPC has one route table, found by each of its ids', async () => {
      const made = await vpc('CreateVpc', { CidrBlock: '10.0.0.0/8' })
      await vpc('CreateVpc', { CidrBlock: '10.0.0.0/8' })
      const { VSwitchId } = await vpc('CreateVSwitch', {
        VpcId: made['VpcId'],
        CidrBlock: '10.1.0.0/24',
        ZoneId: 'cn-hangzhou-h',
      })
      const list = async (params: object) => {
        const answer = await vpc('DescribeRouteTableList', params)
        return [answer['TotalCount'], answer['RouterTableList'].RouterTableListType]
      }
      const [count, [table]] = await list({ VpcId: made['VpcId'] })
      assert.equal(count, 1)
      assert.deepEqual(
        [table.RouteTableId, table.RouterId, table.RouteTableType, table.VpcId, table.VSwitchIds],
        [made['RouteTableId'], made['VRouterId'], 'System', made['VpcId'], { VSwitchId: [VSwitchId] }],
      )
      assert.deepEqual(await list({ RouteTableId: made['RouteTableId'] }), [1, [table]])
      assert.deepEqual(await list({ RouterId: made['VRouterId'] }), [1, [table]])
      assert.deepEqual(await list({ RouteTableId: made['VRouterId'] }), [0, []])
      assert.deepEqual(await list({ RouteTableType: 'Custom' }), [0, []])
      assert.equal((await list({}))[0], 2)
      assert.equal((await list({ PageSize: 1, PageNumber: 2 }))[1].length, 1)
    })
  })
})
