/**
 * Calls every built action on a real server, so that the documents say what it answers and not what it should.
 *
 * The store is a file of its own, the engine one of memory: nothing of this needs root or a daemon.
 */
import { createActionTable } from '../../src/resources/index.ts'
import { createPaging } from '../../src/resources/paging.ts'
import { trustOfAccount } from '../../src/resources/ram.ts'
import { regionIds } from '../../src/resources/region/model.ts'
import { refusedActions, refusedOnGateway } from '../../src/resources/remote-access/spec.ts'
import { createRole } from '../../src/resources/role/store.ts'
import type { ActionTable } from '../../src/rpc/action.ts'
import { type ActionSpec, type FieldSpec, type ResultFields, vpcProduct } from '../../src/rpc/spec.ts'
import { accountId, type Key, popCore, startTestApp, type TestApp, until } from '../../test/support/app.ts'

/** A part of a built action that this version refuses. */
export interface Refusal {
  readonly action: string
  readonly part: string
  readonly status: number
  readonly code: string
  readonly message: string
}

export interface Exercise {
  readonly table: ActionTable
  /** Fields of the answer that the spec names and a full example does not fill, by action. */
  readonly unfilled: ReadonlyMap<string, readonly string[]>
  /** Parameters that were given and understood, by action: paths without the numbers of lists. */
  readonly given: ReadonlyMap<string, ReadonlySet<string>>
  readonly refusals: readonly Refusal[]
}

type Params = Readonly<Record<string, unknown>>
type Answer = Readonly<Record<string, any>>

const RegionId = 'cn-hangzhou'

/** @throws when a built action is not called here, or answers otherwise than expected */
export async function exercise(): Promise<Exercise> {
  const app = await startTestApp()
  try {
    const table = tableOf(app)
    const calls = createCalls(app, table)
    await identities(app, calls)
    const refusals = await tour(calls)
    const called = new Set([...calls.unfilled.keys(), ...refusedActions.map(({ name }) => name)])
    for (const { name } of refusedOnGateway) called.add(name)
    const missed = [...table.values()].filter((one) => 'run' in one && !called.has(one.spec.name))
    if (missed.length > 0) {
      throw new Error(`scripts/coverage/exercise.ts does not call ${missed.map((one) => one.spec.name)}`)
    }
    return { table, unfilled: calls.unfilled, given: calls.given, refusals }
  } finally {
    await app.close()
  }
}

function tableOf({ app }: TestApp): ActionTable {
  const context = {
    db: app.db,
    sealer: app.sealer,
    write: () => Promise.reject(new Error('only the specs of this table are read')),
    paging: createPaging(),
    audit: {
      append: () => undefined,
      find: () => Promise.reject(new Error('only the specs of this table are read')),
      close: () => Promise.resolve(),
    },
    quotas: {
      vpnGateways: 0,
      connectionsPerGateway: 0,
      customerGateways: 0,
      destinationRoutesPerGateway: 0,
      policyRoutesPerGateway: 0,
      networksPerBgpSession: 0,
      subnetsPerSide: 0,
      tagsPerResource: 0,
    },
    addressPool: { first: 0, last: 0 },
    staleAfter: 0,
  }
  return createActionTable(context, regionIds, '')
}

// --- Calls and what is noted of them -------------------------------------------------------------------------

interface Calls {
  readonly unfilled: Map<string, readonly string[]>
  readonly given: Map<string, Set<string>>
  /** Calls an action that must succeed, and notes which fields of its spec are not in the answer. */
  ask(action: string, params?: Params, key?: Key): Promise<Answer>
  /** Calls an action that must be refused. */
  refused(action: string, part: string, params: Params): Promise<Refusal>
  /** Waits until the past of a connection has begun. */
  recorded(connectionId: string): Promise<void>
}

function createCalls(app: TestApp, table: ActionTable): Calls {
  const unfilled = new Map<string, readonly string[]>()
  const given = new Map<string, Set<string>>()
  const call = (action: string, params: Params, key = app.root) => {
    const { version } = table.get(action)!.spec.product ?? vpcProduct
    return popCore(app.host, key, version).request<Answer>(
      action,
      { RegionId, ...params },
      { method: 'POST' },
    )
  }
  return {
    unfilled,
    given,
    async ask(action, params = {}, key) {
      const answer = await call(action, params, key)
      const spec: ActionSpec = table.get(action)!.spec
      const named = given.get(action) ?? new Set()
      given.set(action, named)
      for (const path of pathsOf({ RegionId, ...params })) named.add(path)
      const absent = absentFields(spec.result, answer, '')
      const before = unfilled.get(action)
      // A field that any of the calls has filled is filled.
      unfilled.set(action, before ? absent.filter((field) => before.includes(field)) : absent)
      return answer
    },
    async refused(action, part, params) {
      try {
        await call(action, params)
      } catch (error) {
        const { code, data, entry } = error as {
          code: string
          data?: { Message: string }
          entry?: { response: { statusCode: number } }
        }
        const status = entry?.response.statusCode
        if (data === undefined || status === undefined) throw error
        return { action, part, status, code, message: data.Message }
      }
      throw new Error(
        `${action} does not refuse ${part} any more: take it out of scripts/coverage/exercise.ts`,
      )
    },
    async recorded(connectionId) {
      const changes = app.app.db.kysely
        .selectFrom('tunnel_change')
        .select('seq')
        .where('connection_id', '=', connectionId)
      await until('the history is written', () => changes.executeTakeFirst())
    },
  }
}

/** `Tags.1.Key` is `Tags.Key`; a text that holds an object has its members below it. */
function* pathsOf(params: Params, prefix = ''): Generator<string> {
  for (const [name, value] of Object.entries(params)) {
    const path = prefix + name.replace(/\.\d+/g, '')
    const inner = typeof value === 'string' && value.startsWith('{') ? JSON.parse(value) : undefined
    if (inner) yield* pathsOf(inner, `${path}.`)
    else yield path
  }
}

function absentFields(fields: ResultFields, answer: Answer, path: string): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const value = answer[name]
    return value === undefined ? [path + name] : absentBelow(field, value, path + name)
  })
}

/** An empty list says nothing of its items. */
function absentBelow(field: FieldSpec, value: any, path: string): string[] {
  if (field.type === 'object') return absentFields(field.fields, value, `${path}.`)
  if (field.type !== 'list') return []
  const items: readonly any[] = field.wrapper === null ? value : value[field.wrapper]
  if (field.item.type !== 'object' || items.length === 0) return []
  const below = field.wrapper === null ? `${path}[].` : `${path}.${field.wrapper}[].`
  const { fields } = field.item
  const absent = items.map((item) => absentFields(fields, item, below))
  return absent[0]!.filter((name) => absent.every((names) => names.includes(name)))
}

// --- The tour ------------------------------------------------------------------------------------------------

/** Who calls, with what rights, and what of it is written down. */
/** Users, their keys and their policies. */
async function rights(ask: Calls['ask']): Promise<void> {
  const user = { UserName: 'carol' }
  const about = { Email: 'carol@example.com', MobilePhone: '86-1', Comments: 'x' }
  await ask('CreateUser', { ...user, DisplayName: 'Carol', ...about })
  await ask('GetUser', user)
  await ask('UpdateUser', { ...user, NewDisplayName: 'C.', NewComments: 'y' })
  await ask('ListUsers', { MaxItems: 1 })
  const { AccessKey } = await ask('CreateAccessKey', user)
  const key = { ...user, UserAccessKeyId: AccessKey.AccessKeyId }
  await ask('ListAccessKeys', user)
  await ask('SuidaoGetAccessKeyRights', key)
  await ask('UpdateAccessKey', { ...key, Status: 'Inactive' })
  const PolicyDocument = JSON.stringify({
    Version: '1',
    Statement: [{ Effect: 'Allow', Action: 'vpc:Describe*', Resource: '*' }],
  })
  const named = { PolicyName: 'look' }
  const custom = { ...named, PolicyType: 'Custom' }
  await ask('CreatePolicy', { ...named, PolicyDocument, Description: 'x' })
  await ask('CreatePolicyVersion', { ...named, PolicyDocument, SetAsDefault: true })
  await ask('GetPolicy', custom)
  await ask('ListPolicyVersions', custom)
  await ask('ListPolicies', { MaxItems: 1 })
  await ask('AttachPolicyToUser', { ...custom, ...user })
  await ask('ListPoliciesForUser', user)
  await ask('ListEntitiesForPolicy', custom)
  await ask('DetachPolicyFromUser', { ...custom, ...user })
  const role = { RoleName: 'shift' }
  const AssumeRolePolicyDocument = trustOfAccount(accountId)
  await ask('CreateRole', { ...role, AssumeRolePolicyDocument, Description: 'x', MaxSessionDuration: 3600 })
  await ask('GetRole', role)
  await ask('UpdateRole', { ...role, NewAssumeRolePolicyDocument: AssumeRolePolicyDocument })
  await ask('ListRoles', { MaxItems: 1 })
  await ask('AttachPolicyToRole', { ...custom, ...role })
  await ask('ListPoliciesForRole', role)
  await ask('SuidaoGetRoleRights', role)
  await ask('ListEntitiesForPolicy', custom)
  await ask('DetachPolicyFromRole', { ...custom, ...role })
  await ask('DeleteRole', role)
  await ask('DeletePolicy', named)
  await ask('DeleteAccessKey', key)
  await ask('DeleteUser', user)
}

async function identities(app: TestApp, { ask }: Calls): Promise<void> {
  const statements = [{ Effect: 'Allow' as const, Action: ['*'], Resource: ['*'] }]
  await createRole(app.app.db, { accountId, name: 'reader', statements, maxSession: 3600 }, Date.now())
  const alice = await app.userKey('alice', statements)
  await ask('GetCallerIdentity', {}, alice)
  const role = { RoleArn: `acs:ram::${accountId}:role/reader`, RoleSessionName: 'tour' }
  const { Credentials } = await ask('AssumeRole', role, alice)
  const session = {
    id: Credentials.AccessKeyId,
    secret: Credentials.AccessKeySecret,
    token: Credentials.SecurityToken,
  }
  await ask('GetCallerIdentity', {}, session)
  await ask('SuidaoGetCallerRights', {}, session)
  await ask('AssumeRole', role, alice)
  await rights(ask)
  await ask('LookupEvents', { MaxResults: 1 })
  await ask('DescribeEndpoints', { Id: RegionId, ServiceCode: 'vpc' })
  await ask('QueryAvailableInstances', { ProductCode: 'vipcloudfw' })
}

/** The life of every noun, and beside it everything that built actions refuse. */
async function tour({ ask, refused, recorded }: Calls): Promise<Refusal[]> {
  const refusals: Refusal[] = []
  const note = async (action: string, part: string, params: Params) => {
    refusals.push(await refused(action, part, params))
  }
  const Tags = { 'Tags.1.Key': 'stage', 'Tags.1.Value': 'test', 'Tags.2.Key': 'owner', 'Tags.2.Value': 'net' }

  await ask('DescribeRegions')
  await ask('DescribeZones')
  const Tag = { 'Tag.1.Key': 'stage', 'Tag.1.Value': 'test' }
  const home = { CidrBlock: '10.0.0.0/8', VpcName: 'home', Description: 'x', ...Tag }
  const { VpcId } = await ask('CreateVpc', home)
  const network = { VpcId, CidrBlock: '10.1.0.0/24', ZoneId: 'cn-hangzhou-h', VSwitchName: 'a', ...Tag }
  const { VSwitchId } = await ask('CreateVSwitch', network)
  await ask('ModifyVpcAttribute', { VpcId, VpcName: 'office', Description: 'y' })
  await ask('ModifyVSwitchAttribute', { VSwitchId, VSwitchName: 'b', Description: 'y' })
  await ask('DescribeVpcAttribute', { VpcId })
  await ask('DescribeVpcs')
  await ask('DescribeRouteTableList', { VpcId })
  await ask('DescribeVSwitchAttributes', { VSwitchId })
  await ask('DescribeVSwitches')

  // --- VPN gateway ---
  await ask('DescribeVpnGatewayAvailableZones', { Spec: '10M' })
  const place = { VpcId, VSwitchId, Bandwidth: 10 }
  await note('CreateVpnGateway', 'EnableSsl=true', { ...place, EnableSsl: true })
  await note('CreateVpnGateway', 'VpnType=NationalStandard', { ...place, VpnType: 'NationalStandard' })
  const { VpnGatewayId } = await ask('CreateVpnGateway', { ...place, Name: 'gate' })
  const active = (read: string, params: Params, word: 'Status' | 'State') =>
    until(`${read} says active`, async () => (await ask(read, params))[word] === 'active')
  const gatewayActive = (id = VpnGatewayId) => active('DescribeVpnGateway', { VpnGatewayId: id }, 'Status')
  await gatewayActive()
  await ask('ModifyVpnGatewayAttribute', { VpnGatewayId, Description: 'the gate' })
  await ask('TagResources', {
    ResourceType: 'VPNGATEWAY',
    'ResourceId.1': VpnGatewayId,
    'Tag.1.Key': 'stage',
    'Tag.1.Value': 'test',
  })
  await ask('DescribeVpnGateways')
  await ask('ListResourceGroups')
  await ask('DescribeSslVpnServers')
  await ask('DescribeSslVpnClientCerts')
  await ask('DescribeSslVpnClients', { VpnGatewayId })
  await ask('ListIpsecServers')
  await ask('ListVpnCertificateAssociations')
  await ask('CheckVpnBgpEnabled')

  // --- Customer gateway ---
  const office = { IpAddress: '198.51.100.9', Asn: '65535', AuthKey: 'key', Name: 'office', ...Tags }
  const { CustomerGatewayId } = await ask('CreateCustomerGateway', office)
  await ask('DescribeCustomerGateway', { CustomerGatewayId })
  await ask('DescribeCustomerGateways')
  await ask('ModifyCustomerGatewayAttribute', { CustomerGatewayId, Name: 'office 2' })

  // --- IPsec connection ---
  const ends = { VpnGatewayId, CustomerGatewayId, LocalSubnet: '10.1.0.0/24', RemoteSubnet: '192.168.0.0/16' }
  const unsupported: readonly (readonly [part: string, params: Params])[] = [
    [
      'a RemoteCaCertificate that is no RSA or ECDSA certificate of a CA, of SM2 for one',
      { RemoteCaCertificate: 'pem' },
    ],
  ]
  for (const [part, params] of unsupported) await note('CreateVpnConnection', part, { ...ends, ...params })
  const created = await ask('CreateVpnConnection', {
    ...ends,
    ...Tags,
    Name: 'to the office',
    IkeConfig: '{"Psk":"first-key"}',
    BgpConfig: '{"EnableBgp":"true","TunnelCidr":"169.254.10.0/30","LocalBgpIp":"169.254.10.1"}',
    HealthCheckConfig: '{"enable":"true","dip":"192.168.0.1","sip":"10.1.0.5"}',
  })
  const { VpnConnectionId } = created
  await active('DescribeVpnConnection', { VpnConnectionId }, 'State')
  await ask('DescribeVpnConnections')
  await ask('DescribeVpnConnectionLogs', { VpnConnectionId, MinutePeriod: 10 })
  await ask('DownloadVpnConnectionConfig', { VpnConnectionId })
  await ask('SuidaoListPeerConfigurations', { VpnConnectionId })
  await ask('DiagnoseVpnConnections', { 'VpnConnectionIds.1': VpnConnectionId })
  await gatewayActive()
  await ask('DiagnoseVpnGateway', { VpnGatewayId, ResourceId: VpnConnectionId, ResourceType: 'IPsec' })
  await until('the diagnosis is finished', async () => {
    const { FinishTime } = await ask('GetVpnGatewayDiagnoseResult', { VpnGatewayId })
    return FinishTime !== undefined
  })
  await gatewayActive()
  await note('CreateVpnConnection', 'a second key in IKEv1 main mode between the same two addresses', {
    ...ends,
    RemoteSubnet: '172.16.0.0/12',
    IkeConfig: '{"Psk":"second-key"}',
  })
  for (const [part, params] of unsupported) {
    await note('ModifyVpnConnectionAttribute', part, { VpnConnectionId, ...params })
  }
  await ask('ModifyVpnConnectionAttribute', { VpnConnectionId, Name: 'renamed' })

  // --- Routes into it ---
  const change = async (action: string, params: Params) => {
    await gatewayActive()
    return ask(action, { VpnGatewayId, NextHop: VpnConnectionId, ...params })
  }
  const byDestination = { RouteDest: '172.20.0.0/16', Weight: 100 }
  await change('CreateVpnRouteEntry', { ...byDestination, PublishVpc: true, Description: 'x' })
  await ask('DescribeVpnRouteEntries', { VpnGatewayId })
  await change('PublishVpnRouteEntry', { ...byDestination, PublishVpc: false, RouteType: 'dbr' })
  await change('ModifyVpnRouteEntryWeight', { ...byDestination, NewWeight: 0 })
  await change('DeleteVpnRouteEntry', { ...byDestination, Weight: 0 })
  const byPolicy = { RouteSource: '10.1.0.0/24', RouteDest: '172.20.0.0/16' }
  await change('CreateVpnPbrRouteEntry', { ...byPolicy, Weight: 100, PublishVpc: true, Description: 'x' })
  await ask('DescribeVpnPbrRouteEntries', { VpnGatewayId })
  await ask('SuidaoExplainRoute', { VpnGatewayId, SourceIp: '10.1.0.9', DestinationIp: '172.20.0.1' })
  await change('ModifyVpnPbrRouteEntryWeight', { ...byPolicy, Weight: 100, NewWeight: 0 })
  await change('ModifyVpnPbrRouteEntryPriority', { ...byPolicy, Weight: 0, NewPriority: 20 })
  const both20 = { ...byPolicy, Weight: 0, Priority: 20 }
  await change('ModifyVpnPbrRouteEntryAttribute', { ...both20, NewWeight: 100, NewPriority: 30 })
  await change('DeleteVpnPbrRouteEntry', { ...byPolicy, Weight: 100, Priority: 30 })
  await gatewayActive()
  await recorded(VpnConnectionId)
  await change('SuidaoRenegotiateTunnel', { VpnConnectionId })
  await change('SuidaoStopTunnel', { VpnConnectionId, TunnelId: VpnConnectionId })
  await change('SuidaoStartTunnel', { VpnConnectionId })
  await ask('SuidaoListTunnelChanges', { VpnConnectionId })
  await ask('SuidaoListTunnelSamples', { VpnConnectionId, From: Math.floor(Date.now() / 1000) - 3600 })
  const tagged = { ResourceType: 'VPNCONNECTION', 'ResourceId.1': VpnConnectionId }
  await ask('ListTagResources', { ...tagged, MaxResults: 1 })
  await ask('UnTagResources', { ...tagged, All: true })

  // --- A connection with two tunnels, on a gateway for them ---
  const pairGateway = await ask('CreateVpnGateway', { ...place, DisasterRecoveryVSwitchId: VSwitchId })
  await gatewayActive(pairGateway.VpnGatewayId)
  const pair = {
    ...ends,
    VpnGatewayId: pairGateway.VpnGatewayId,
    'TunnelOptionsSpecification.1.CustomerGatewayId': CustomerGatewayId,
    'TunnelOptionsSpecification.1.TunnelBgpConfig.TunnelCidr': '169.254.20.0/30',
    'TunnelOptionsSpecification.1.TunnelBgpConfig.LocalBgpIp': '169.254.20.1',
    'TunnelOptionsSpecification.2.CustomerGatewayId': CustomerGatewayId,
  }
  const both = { VpnConnectionId: (await ask('CreateVpnConnection', pair)).VpnConnectionId }
  const described = async () => active('DescribeVpnConnection', both, 'State')
  await described()
  const { TunnelOptionsSpecification } = await ask('DescribeVpnConnection', both)
  const [{ TunnelId }] = TunnelOptionsSpecification.TunnelOptions
  await ask('DownloadVpnConnectionConfig', both)
  await ask('DescribeVpnConnections')
  await gatewayActive(pairGateway.VpnGatewayId)
  const one = { ...both, TunnelId, 'TunnelOptionsSpecification.EnableDpd': false }
  await ask('ModifyTunnelAttribute', one)
  await described()
  await gatewayActive(pairGateway.VpnGatewayId)
  await ask('ModifyVpnConnectionAttribute', { ...both, Name: 'both' })
  await ask('DeleteVpnConnection', both)
  await gatewayActive(pairGateway.VpnGatewayId)
  await ask('DeleteVpnGateway', { VpnGatewayId: pairGateway.VpnGatewayId })

  // --- Attachments ---
  const attached = await ask('CreateVpnAttachment', {
    LocalSubnet: '10.1.0.0/24',
    RemoteSubnet: '192.168.0.0/16',
    Name: 'attached',
    ...Tags,
    'TunnelOptionsSpecification.1.CustomerGatewayId': CustomerGatewayId,
    'TunnelOptionsSpecification.1.TunnelBgpConfig.TunnelCidr': '169.254.30.0/30',
    'TunnelOptionsSpecification.1.TunnelBgpConfig.LocalBgpIp': '169.254.30.1',
    'TunnelOptionsSpecification.2.CustomerGatewayId': CustomerGatewayId,
  })
  const attachment = { VpnConnectionId: attached.VpnConnectionId }
  const isInit = () =>
    until(
      'the attachment is init',
      async () => (await ask('DescribeVpnConnection', attachment)).State === 'init',
    )
  await isInit()
  await ask('DescribeVpnAttachments')
  await ask('ModifyVpnAttachmentAttribute', { ...attachment, Name: 'renamed' })
  const vcoRoute = {
    ...attachment,
    NextHop: attached.VpnConnectionId,
    RouteDest: '172.16.0.0/16',
    Weight: 100,
  }
  await ask('CreateVcoRouteEntry', { ...vcoRoute, Description: 'x' })
  await isInit()
  await ask('DescribeVcoRouteEntries', attachment)
  await ask('ModifyVcoRouteEntryWeight', { ...vcoRoute, NewWeight: 0 })
  await ask('DeleteVcoRouteEntry', { ...vcoRoute, Weight: 0 })
  await isInit()
  await ask('DeleteVpnAttachment', attachment)
  const single = await ask('CreateVpnAttachment', {
    LocalSubnet: '10.1.0.0/24',
    RemoteSubnet: '192.168.0.0/16',
    CustomerGatewayId,
  })
  const alone = { VpnConnectionId: single.VpnConnectionId }
  await until('it is init', async () => (await ask('DescribeVpnConnection', alone)).State === 'init')
  await ask('ModifyVpnAttachmentAttribute', { ...alone, Name: 'alone' })
  await ask('DeleteVpnAttachment', alone)
  await until('both are gone', async () => (await ask('DescribeVpnAttachments')).TotalCount === 0)

  // --- An enhanced gateway, resource groups ---
  const enhanced = {
    VpcId,
    VSwitchId,
    GatewayType: 'Enhanced.SiteToSite',
    DisasterRecoveryVSwitchId: VSwitchId,
  }
  const enhancedId = { VpnGatewayId: (await ask('CreateEnhancedVpnGateway', enhanced)).VpnGatewayId }
  await gatewayActive(enhancedId.VpnGatewayId)
  await ask('UpdateEnhancedVpnGateway', { ...enhancedId, Name: 'enhanced' })
  await ask('DeleteEnhancedVpnGateway', enhancedId)
  await ask('DescribeVpnCrossAccountAuthorizations', { VpnConnectionId })
  const moved = { ResourceType: 'CustomerGateway', InstanceId: CustomerGatewayId, NewResourceGroupId: 'rg-x' }
  await ask('MoveVpnResourceGroup', moved)
  // --- Events ---
  const { WebhookId } = await ask('SuidaoCreateWebhook', { Url: 'http://127.0.0.1:9/' })
  await ask('SuidaoUpdateWebhook', {
    WebhookId,
    Url: 'http://127.0.0.1:9/other',
    'Events.1': 'BgpSessionLost',
  })
  await ask('SuidaoListWebhooks')
  await ask('SuidaoTestWebhook', { WebhookId })
  await ask('SuidaoDeleteWebhook', { WebhookId })

  // --- And everything goes again ---
  await ask('DeleteVpnConnection', { VpnConnectionId })
  await gatewayActive()
  await ask('DeleteVpnGateway', { VpnGatewayId })
  await ask('DeleteCustomerGateway', { CustomerGatewayId })
  await until('the gateway is gone', async () => (await ask('DescribeVpnGateways')).TotalCount === 0)
  await ask('DeleteVSwitch', { VSwitchId })
  await ask('DeleteVpc', { VpcId })
  return refusals
}
