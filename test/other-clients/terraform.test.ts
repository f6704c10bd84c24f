/**
 * Terraform with the provider alicloud, unmodified, over the configurations of examples/terraform: apply, an empty second
 * plan, changes in place, changes by somebody else, import, destroy.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { popCore, startTestApp, type TestApp, until } from '../support/app.ts'
import { type Ask, plain } from '../support/official-clients.ts'
import { holdGiven } from './given.ts'
import {
  createWorkspace,
  examples,
  type Plan,
  prepareTerraform,
  type Resource,
  type Variables,
  type Workspace,
} from './terraform-workspace.ts'

interface Scenario {
  /** Folder of examples/terraform. */
  readonly name: string
  readonly accountId: string
  readonly outputs: Record<string, unknown>
  /** Variables other than before, and the resources that change by them, in place. */
  readonly change: Variables
  readonly changes: Record<string, readonly string[]>
  /** What somebody else does, and what the next plan makes of it. */
  drift(ask: Ask, id: (address: string) => string): Promise<void>
  readonly drifted: Plan
  /** What an import cannot read: the provider itself never does. */
  readonly unread: Record<string, readonly string[]>
}

const connectionActive = (ask: Ask, VpnConnectionId: string) =>
  until('the connection is active', async () => {
    const { State } = await ask('DescribeVpnConnection', { VpnConnectionId })
    return State === 'active'
  })

const update = (...attributes: string[]) => ({ actions: ['update'], attributes })
const create = { actions: ['create'], attributes: [] }

const scenarios: Scenario[] = [
  {
    name: 'one-tunnel',
    accountId: '1000000000000011',
    outputs: {
      found: {
        connection: 'ike_sa_not_established',
        customer: '198.51.100.20',
        gateway: /^203\.0\.113\.\d+$/,
        policy_routes: 1,
      },
    },
    change: { stage: 'production', ike_lifetime: 7200, route_weight: 0, remote_subnets: ['192.168.0.0/16'] },
    changes: {
      'alicloud_vpc.office': ['tags', 'vpc_name'],
      'alicloud_vpn_connection.branch': ['ike_config', 'remote_subnet', 'tags'],
      'alicloud_vpn_customer_gateway.branch': ['tags'],
      'alicloud_vpn_gateway.office': ['tags'],
      'alicloud_vpn_pbr_route_entry.branch': ['weight'],
      'alicloud_vpn_route_entry.branch': ['weight'],
      'alicloud_vswitch.office': ['tags'],
    },
    async drift(ask, id) {
      const VpnConnectionId = id('alicloud_vpn_connection.branch')
      const VpnGatewayId = id('alicloud_vpn_gateway.office')
      await ask('ModifyVpnConnectionAttribute', {
        VpnConnectionId,
        Name: 'by hand',
        IkeConfig: '{"Psk":"another"}',
      })
      await connectionActive(ask, VpnConnectionId)
      await ask('ModifyVpnGatewayAttribute', { VpnGatewayId, Description: 'by hand' })
      await ask('UnTagResources', {
        ResourceType: 'CUSTOMERGATEWAY',
        ResourceId: [id('alicloud_vpn_customer_gateway.branch')],
        All: true,
      })
      await ask('DeleteVpnRouteEntry', {
        VpnGatewayId,
        NextHop: VpnConnectionId,
        RouteDest: '192.168.0.0/24',
        Weight: 0,
      })
    },
    drifted: {
      'alicloud_vpn_connection.branch': update('ike_config', 'vpn_connection_name'),
      'alicloud_vpn_customer_gateway.branch': update('tags'),
      'alicloud_vpn_gateway.office': update('description'),
      'alicloud_vpn_route_entry.branch': create,
    },
    unread: { 'alicloud_vpn_connection.branch': ['auto_config_route'] },
  },
  {
    name: 'two-tunnels',
    accountId: '1000000000000012',
    outputs: { zones: 11 },
    change: { stage: 'production', psk: 'another' },
    changes: { 'alicloud_vpn_connection.branch': ['tags', 'tunnel_options_specification'] },
    async drift(ask, id) {
      const VpnConnectionId = id('alicloud_vpn_connection.branch')
      await ask('DeleteVpnConnection', { VpnConnectionId })
      await ask('ModifyVpnGatewayAttribute', {
        VpnGatewayId: id('alicloud_vpn_gateway.office'),
        AutoPropagate: false,
      })
    },
    drifted: {
      'alicloud_vpn_connection.branch': create,
      'alicloud_vpn_gateway.office': update('auto_propagate'),
    },
    unread: {},
  },
  {
    name: 'attachments',
    accountId: '1000000000000013',
    outputs: { found: { attachments: 2, routes: ['192.168.10.0/24'] } },
    // The provider knows a tunnel of an attachment by its number and customer gateway: what changes beside them in a tunnel it
    // plans not, whoever answers.
    change: { stage: 'production', ipsec_lifetime: 7200, peers: [2, 1] },
    changes: {
      'alicloud_vpn_gateway_vpn_attachment.one': ['ipsec_config', 'tags'],
      'alicloud_vpn_gateway_vpn_attachment.two': ['tags', 'tunnel_options_specification'],
    },
    async drift(ask, id) {
      const VpnConnectionId = id('alicloud_vpn_gateway_vpn_attachment.one')
      await ask('ModifyVpnAttachmentAttribute', { VpnConnectionId, Name: 'by hand' })
      await ask('DeleteVcoRouteEntry', {
        VpnConnectionId,
        NextHop: VpnConnectionId,
        RouteDest: '192.168.10.0/24',
        Weight: 100,
      })
    },
    drifted: {
      'alicloud_vpn_gateway_vpn_attachment.one': update('vpn_attachment_name'),
      'alicloud_vpn_gateway_vco_route.branch': create,
    },
    unread: {},
  },
]

const missing = await prepareTerraform().then(
  () => undefined,
  (error: Error) => error.message,
)

// Each waits half a minute and more where the provider sleeps: all of them at once.
describe('Terraform, provider alicloud', { skip: missing }, () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ settings: { TLS_LISTEN: '127.0.0.1:0' } })
  })
  after(() => app.close())

  describe('over HTTP and TLS', { concurrency: true }, () => {
    for (const scenario of scenarios) {
      describe(scenario.name, { concurrency: false }, () => {
        let workspace: Workspace
        let ask: Ask
        let made: Resource[]
        const id = (address: string): string =>
          made.find((resource) => resource.address === address)!.values.id
        const open = async (name: string) => {
          const key = await app.rootKeyOf(scenario.accountId)
          ask = plain(popCore(app.host, key), 'POST')
          return createWorkspace(name, join(examples, scenario.name), { app, key })
        }

        test('apply, and the second plan is empty', async () => {
          workspace = await open(scenario.name)
          await workspace.apply()
          made = await workspace.resources()
          assert.deepEqual(await workspace.plan(), {})
          const outputs = await workspace.output()
          for (const [name, value] of Object.entries(scenario.outputs)) meets(outputs[name], value)
        })

        test('changes are made in place', async () => {
          const planned = await workspace.plan(scenario.change)
          assert.deepEqual(
            planned,
            Object.fromEntries(
              Object.entries(scenario.changes).map(([address, attributes]) => [
                address,
                update(...attributes),
              ]),
            ),
          )
          await workspace.apply(scenario.change)
          assert.deepEqual(await workspace.plan(scenario.change), {})
          const ids = (resources: Resource[]) => resources.map(({ address, values }) => [address, values.id])
          assert.deepEqual(ids(await workspace.resources()), ids(made))
        })

        test('what somebody else has changed is seen and put right', async () => {
          await scenario.drift(ask, id)
          assert.deepEqual(await workspace.plan(scenario.change), scenario.drifted)
          await workspace.apply(scenario.change)
          assert.deepEqual(await workspace.plan(scenario.change), {})
          made = await workspace.resources()
        })

        test('import, and the plan is empty', async () => {
          const another = await open(`${scenario.name}-imported`)
          const imports = made.map(
            ({ address, values }) => `import {\n  to = ${address}\n  id = "${values.id}"\n}\n`,
          )
          const found = await another.importing(imports.join(''), scenario.change)
          assert.deepEqual(
            found,
            Object.fromEntries(
              Object.entries(scenario.unread).map(([address, attributes]) => [
                address,
                update(...attributes),
              ]),
            ),
          )
        })

        test('destroy', async () => {
          await workspace.destroy()
          assert.deepEqual(await workspace.resources(), [])
          for (const [action, wrapper, list] of [
            ['DescribeVpnConnections', 'VpnConnections', 'VpnConnection'],
            ['DescribeVpnGateways', 'VpnGateways', 'VpnGateway'],
            ['DescribeCustomerGateways', 'CustomerGateways', 'CustomerGateway'],
            ['DescribeVpcs', 'Vpcs', 'Vpc'],
          ] as const) {
            assert.deepEqual((await ask(action))[wrapper][list], [], action)
          }
        })
      })
    }

    const small = (resource: string) => ({
      'provider.tf': readFileSync(join(examples, 'one-tunnel/provider.tf'), 'utf8'),
      'main.tf': resource,
    })

    test('over TLS, trusting the CA of the server', async () => {
      const key = await app.rootKeyOf('1000000000000015')
      const peer = small(
        'resource "alicloud_vpn_customer_gateway" "one" {\n  ip_address = "198.51.100.50"\n}\n',
      )
      const workspace = await createWorkspace('secure', peer, { app, key, secure: true })
      await workspace.apply()
      assert.deepEqual(await workspace.plan(), {})
      await workspace.destroy()
    })

    test('what is not built is refused by the code of the vendor', async () => {
      const key = await app.rootKeyOf('1000000000000014')
      const ask = plain(popCore(app.host, key), 'POST')
      const { VpcId } = await ask('CreateVpc', { CidrBlock: '10.0.0.0/8' })
      const network = { VpcId, CidrBlock: '10.0.0.0/24', ZoneId: 'cn-hangzhou-h' }
      const { VSwitchId } = await ask('CreateVSwitch', network)
      const { VpnGatewayId } = await ask('CreateVpnGateway', { VpcId, VSwitchId, Bandwidth: 10 })
      const refused = {
        ssl: [
          'VpnGateway.SslVpnDisabled',
          'alicloud_ssl_vpn_server',
          'client_ip_pool = "10.9.0.0/24"\nlocal_subnet = "10.0.0.0/24"',
        ],
        ipsec: [
          'OperationUnsupported.IPsecServer',
          'alicloud_vpn_ipsec_server',
          'client_ip_pool = "10.9.0.0/24"\nlocal_subnet = "10.0.0.0/24"\neffect_immediately = true',
        ],
      } as const
      for (const [name, [code, type, attributes]] of Object.entries(refused)) {
        const files = small(
          `resource "${type}" "none" {\nvpn_gateway_id = "${VpnGatewayId}"\n${attributes}\n}\n`,
        )
        const workspace = await createWorkspace(`refused-${name}`, files, { app, key })
        await assert.rejects(workspace.apply(), new RegExp(code.replaceAll('.', '\\.')))
      }
    })
  })

  test('it has given what docs/fidelity.md says', () => holdGiven('Terraform', app.given))
})

/** Equal, where a pattern stands for what matches it. */
function meets(found: any, expected: any): void {
  if (expected instanceof RegExp) assert.match(found, expected)
  else if (typeof expected === 'object' && !Array.isArray(expected)) {
    assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort())
    for (const [name, value] of Object.entries(expected)) meets(found[name], value)
  } else assert.deepEqual(found, expected)
}
