/** Users, roles, temporary keys, conditions, the audit trail and rates, through an official client on both databases. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import ram from '@alicloud/ram20150501'
import vpc from '@alicloud/vpc20160428'
import { realClock } from '../../src/clock.ts'
import { createRole, deleteRole } from '../../src/resources/role/store.ts'
import type { PolicyStatement } from '../../src/rpc/authorize.ts'
import {
  accountId,
  type Key,
  popCore,
  ramClient,
  startTestApp,
  type TestApp,
  vpcClient,
} from '../support/app.ts'
import { eachDatabase } from '../support/postgres.ts'

const versions = { vpc: '2016-04-28', sts: '2015-04-01', ram: '2015-05-01', trail: '2020-07-06' }
const RegionId = 'cn-hangzhou'
const readerArn = `acs:ram::${accountId}:role/reader`

const allow = (
  action: string,
  resource = '*',
  condition?: PolicyStatement['Condition'],
): PolicyStatement => ({
  Effect: 'Allow',
  Action: [action],
  Resource: [resource],
  ...(condition && { Condition: condition }),
})

eachDatabase((kind, _open, place) => {
  describe(`rights on ${kind}`, () => {
    let app: TestApp
    let now = Date.now()

    const ask = async (
      product: keyof typeof versions,
      key: Key,
      action: string,
      params: Record<string, unknown> = {},
    ): Promise<Record<string, any>> =>
      JSON.parse(
        JSON.stringify(
          await popCore(app.host, key, versions[product]).request(action, { RegionId, ...params }),
        ),
      )
    const codeOf = (...args: Parameters<typeof ask>) =>
      ask(...args).then(
        () => 'OK',
        (error: { code: string }) => error.code,
      )
    const assume = async (key: Key, params: Record<string, unknown> = {}): Promise<Key> => {
      const { Credentials } = await ask('sts', key, 'AssumeRole', {
        RoleArn: readerArn,
        RoleSessionName: 'ann@work',
        ...params,
      })
      return {
        id: Credentials.AccessKeyId,
        secret: Credentials.AccessKeySecret,
        token: Credentials.SecurityToken,
      }
    }

    before(async () => {
      const config = await place()
      app = await startTestApp({
        database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
        settings: { THROTTLING: 'on' },
        clock: { ...realClock, now: () => now },
      })
      const role = { accountId, name: 'reader', statements: [allow('vpc:Describe*')], maxSession: 3600 }
      await createRole(app.app.db, role, now)
    })
    after(() => app.close())

    test('everybody may ask who they are', async () => {
      const { RequestId: _, ...root } = await ask('sts', app.root, 'GetCallerIdentity')
      assert.deepEqual(root, {
        AccountId: accountId,
        Arn: `acs:ram::${accountId}:root`,
        IdentityType: 'Account',
        PrincipalId: accountId,
        UserId: accountId,
      })
      const nobody = await ask('sts', await app.userKey('nobody', []), 'GetCallerIdentity')
      assert.equal(nobody['Arn'], `acs:ram::${accountId}:user/nobody`)
      assert.equal(nobody['IdentityType'], 'RAMUser')
    })

    test('users, their keys and their policies, through the official SDK', async () => {
      const sdk = ramClient(app.host, app.root)
      const refused = (work: Promise<unknown>, code: string) =>
        assert.rejects(work, (error: { code?: string }) => {
          assert.equal(error.code, code)
          return true
        })
      const userName = 'dora'
      const made = await sdk.createUser(new ram.CreateUserRequest({ userName, comments: 'night shift' }))
      assert.equal(made.body!.user!.comments, 'night shift')
      const changed = new ram.UpdateUserRequest({ userName, newComments: 'day shift' })
      assert.equal((await sdk.updateUser(changed)).body!.user!.comments, 'day shift')
      const emptied = new ram.UpdateUserRequest({ userName, newComments: '' })
      assert.equal((await sdk.updateUser(emptied)).body!.user!.comments, '')
      await refused(sdk.createUser(new ram.CreateUserRequest({ userName })), 'EntityAlreadyExists.User')
      await refused(
        sdk.createUser(new ram.CreateUserRequest({ userName: 'a b' })),
        'InvalidParameter.UserName.InvalidChars',
      )
      const newKey = async (): Promise<Key> => {
        const { body } = await sdk.createAccessKey(new ram.CreateAccessKeyRequest({ userName }))
        return { id: body!.accessKey!.accessKeyId!, secret: body!.accessKey!.accessKeySecret! }
      }
      const first = await newKey()
      assert.equal(await codeOf('vpc', first, 'DescribeVpcs'), 'Forbbiden.SubUser')

      const policyDocument = (action: string) =>
        JSON.stringify({ Version: '1', Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }] })
      const policyName = 'look-at-networks'
      await sdk.createPolicy(
        new ram.CreatePolicyRequest({ policyName, policyDocument: policyDocument('vpc:DescribeVpcs') }),
      )
      await refused(
        sdk.createPolicy(new ram.CreatePolicyRequest({ policyName: 'broken', policyDocument: '{}' })),
        'InvalidParameter.PolicyDocument',
      )
      const given = { policyName, policyType: 'Custom', userName }
      await sdk.attachPolicyToUser(new ram.AttachPolicyToUserRequest(given))
      await refused(
        sdk.attachPolicyToUser(new ram.AttachPolicyToUserRequest(given)),
        'EntityAlreadyExists.User.Policy',
      )
      now += 1_000
      assert.equal(await codeOf('vpc', first, 'DescribeVpcs'), 'OK')
      assert.equal(await codeOf('vpc', first, 'DescribeVSwitches'), 'Forbbiden.SubUser')
      assert.equal(await codeOf('ram', first, 'ListUsers'), 'Forbbiden.SubUser')
      await sdk.createPolicyVersion(
        new ram.CreatePolicyVersionRequest({
          policyName,
          policyDocument: policyDocument('vpc:DescribeVSwitches'),
          setAsDefault: true,
        }),
      )
      now += 1_000
      assert.equal(await codeOf('vpc', first, 'DescribeVpcs'), 'Forbbiden.SubUser')
      assert.equal(await codeOf('vpc', first, 'DescribeVSwitches'), 'OK')
      const { body: shown } = await sdk.getPolicy(
        new ram.GetPolicyRequest({ policyName, policyType: 'Custom' }),
      )
      assert.deepEqual([shown!.policy!.attachmentCount, shown!.policy!.defaultVersion], [1, 'v2'])
      assert.match(shown!.defaultPolicyVersion!.policyDocument!, /DescribeVSwitches/)
      const { body: versions } = await sdk.listPolicyVersions(
        new ram.ListPolicyVersionsRequest({ policyName, policyType: 'Custom' }),
      )
      assert.deepEqual(
        versions!.policyVersions!.policyVersion!.map((version) => version.versionId),
        ['v2'],
      )
      const { body: custom } = await sdk.listPolicies(new ram.ListPoliciesRequest({ policyType: 'Custom' }))
      assert.deepEqual(
        custom!.policies!.policy!.map((policy) => policy.policyName),
        [policyName],
      )

      // A key is replaced by another: both at once, then the old one is disabled, then it goes.
      const second = await newKey()
      await refused(newKey(), 'LimitExceeded.User.AccessKey')
      const keyOf = (key: Key) => ({ userName, userAccessKeyId: key.id })
      await sdk.updateAccessKey(new ram.UpdateAccessKeyRequest({ ...keyOf(first), status: 'Inactive' }))
      now += 1_000
      assert.equal(await codeOf('vpc', first, 'DescribeVSwitches'), 'InvalidAccessKeyId.Inactive')
      assert.equal(await codeOf('vpc', second, 'DescribeVSwitches'), 'OK')
      await sdk.deleteAccessKey(new ram.DeleteAccessKeyRequest(keyOf(first)))
      const { body: keys } = await sdk.listAccessKeys(new ram.ListAccessKeysRequest({ userName }))
      assert.deepEqual(
        keys!.accessKeys!.accessKey!.map(({ accessKeyId }) => accessKeyId),
        [second.id],
      )
      await refused(
        sdk.deleteAccessKey(new ram.DeleteAccessKeyRequest({ userName, userAccessKeyId: app.root.id })),
        'EntityNotExist.User.AccessKey',
      )

      // One policy lets a user administer others, and nobody gives what a resource name does not allow.
      const chief = await app.userKey('chief', [
        allow('ram:*', `acs:ram:*:${accountId}:user/dora`),
        allow('ram:*', `acs:ram:*:${accountId}:policy/look-*`),
      ])
      const asChief = ramClient(app.host, chief)
      await asChief.detachPolicyFromUser(new ram.DetachPolicyFromUserRequest(given))
      await refused(
        asChief.attachPolicyToUser(
          new ram.AttachPolicyToUserRequest({
            userName,
            policyName: 'AdministratorAccess',
            policyType: 'System',
          }),
        ),
        'Forbbiden.SubUser',
      )
      await refused(
        asChief.createAccessKey(new ram.CreateAccessKeyRequest({ userName: 'chief' })),
        'Forbbiden.SubUser',
      )
      await sdk.attachPolicyToUser(
        new ram.AttachPolicyToUserRequest({
          userName,
          policyName: 'AliyunVPNGatewayReadOnlyAccess',
          policyType: 'System',
        }),
      )
      now += 1_000
      assert.equal(await codeOf('vpc', second, 'DescribeVpnGateways'), 'OK')
      assert.equal(await codeOf('vpc', second, 'CreateVpc'), 'Forbbiden.SubUser')

      const { body: page } = await sdk.listUsers(new ram.ListUsersRequest({ maxItems: 1 }))
      assert.equal(page!.isTruncated, true)
      const { body: rest } = await sdk.listUsers(new ram.ListUsersRequest({ marker: page!.marker! }))
      assert.ok(rest!.users!.user!.some((user) => user.userName === userName))

      const named = { userName }
      await refused(sdk.deleteUser(new ram.DeleteUserRequest(named)), 'DeleteConflict.User.AccessKey')
      await sdk.deleteAccessKey(new ram.DeleteAccessKeyRequest(keyOf(second)))
      await refused(sdk.deleteUser(new ram.DeleteUserRequest(named)), 'DeleteConflict.User.Policy')
      const { body: attached } = await sdk.listPoliciesForUser(new ram.ListPoliciesForUserRequest(named))
      for (const { policyName, policyType } of attached!.policies!.policy!) {
        await sdk.detachPolicyFromUser(
          new ram.DetachPolicyFromUserRequest({ userName, policyName, policyType }),
        )
      }
      await sdk.deleteUser(new ram.DeleteUserRequest(named))
      await refused(sdk.getUser(new ram.GetUserRequest(named)), 'EntityNotExist.User')
      await sdk.deletePolicy(new ram.DeletePolicyRequest({ policyName }))

      const { Events } = await ask('trail', app.root, 'LookupEvents', {
        'LookupAttribute.1.Key': 'ServiceName',
        'LookupAttribute.1.Value': 'Ram',
        MaxResults: 50,
      })
      const written = Events.map((event: any) => event.eventName)
      for (const name of ['CreateUser', 'CreateAccessKey', 'UpdateAccessKey', 'AttachPolicyToUser'])
        assert.ok(written.includes(name), name)
      assert.ok(!JSON.stringify(Events).includes(second.secret))
    })

    test('a user takes on a role for a while, and has its rights alone', async () => {
      const ann = await app.userKey('ann', [allow('sts:AssumeRole', readerArn), allow('vpc:CreateVpc')])
      const session = await assume(ann)
      assert.match(session.id, /^STS\./)
      const who = await ask('sts', session, 'GetCallerIdentity')
      assert.deepEqual(
        [who['IdentityType'], who['Arn'], who['RoleId']],
        ['AssumedRoleUser', `acs:ram::${accountId}:assumed-role/reader/ann@work`, 'reader'],
      )
      assert.equal(await codeOf('vpc', session, 'DescribeVpcs'), 'OK')
      assert.equal(await codeOf('vpc', session, 'CreateVpc'), 'Forbbiden.SubUser')
      assert.equal(await codeOf('vpc', ann, 'DescribeVpcs'), 'Forbbiden.SubUser')
      // The other signature, which sends the token in a header.
      const request = new vpc.DescribeVpcsRequest({ regionId: RegionId })
      const { body } = await vpcClient(app.host, session).describeVpcs(request)
      assert.equal(body!.totalCount, 0)

      const { token: _, ...bare } = session
      assert.equal(await codeOf('vpc', bare, 'DescribeVpcs'), 'MissingSecurityToken')
      const forged = { ...session, token: `${session.token!.slice(0, -1)}!` }
      assert.equal(await codeOf('vpc', forged, 'DescribeVpcs'), 'InvalidSecurityToken.MismatchWithAccessKey')
      assert.equal(
        await codeOf('sts', session, 'AssumeRole', { RoleArn: readerArn, RoleSessionName: 'on' }),
        'Forbbiden.SubUser',
      )
    })

    test('a session may be given less than its role', async () => {
      const ann = await app.userKey('ann', [allow('sts:*')])
      const within = (statements: readonly PolicyStatement[]) => ({
        Policy: JSON.stringify({ Version: '1', Statement: statements }),
      })
      const less = await assume(ann, within([allow('vpc:DescribeVpcs')]))
      assert.equal(await codeOf('vpc', less, 'DescribeVpcs'), 'OK')
      assert.equal(await codeOf('vpc', less, 'DescribeVSwitches'), 'Forbbiden.SubUser')
      const more = await assume(ann, within([allow('*')]))
      assert.equal(await codeOf('vpc', more, 'CreateVpc'), 'Forbbiden.SubUser')
    })

    test('what a key may do is told with the policy that says so', async () => {
      const condition = { IpAddress: { 'acs:SourceIp': ['127.0.0.0/8'] } }
      const gina = await app.userKey('gina', [allow('vpc:DescribeVpcs', '*', condition), allow('sts:*')])
      const sdk = ramClient(app.host, app.root)
      const policy = { policyName: 'switches', policyType: 'Custom' }
      const policyDocument = JSON.stringify({
        Version: '1',
        Statement: [{ Effect: 'Deny', Action: 'vpc:DescribeVSwitches', Resource: ['acs:vpc:*:*:vswitch/*'] }],
      })
      await sdk.createPolicy(new ram.CreatePolicyRequest({ policyName: policy.policyName, policyDocument }))
      await sdk.attachPolicyToUser(new ram.AttachPolicyToUserRequest({ ...policy, userName: 'gina' }))
      const readOnly = { policyName: 'AliyunVPNGatewayReadOnlyAccess', policyType: 'System' }
      await sdk.attachPolicyToUser(new ram.AttachPolicyToUserRequest({ ...readOnly, userName: 'gina' }))
      now += 1_000

      const short = (statements: Record<string, any>) =>
        statements['Statement'].map((one: Record<string, any>) =>
          [
            one['GivenTo'],
            one['PolicyType'],
            one['PolicyName'],
            one['Effect'],
            one['Actions'].Action[0],
          ].join(' '),
        )
      const wanted = [
        'Key   Allow vpc:DescribeVpcs',
        'Key   Allow sts:*',
        'User System AliyunVPNGatewayReadOnlyAccess Allow vpc:Describe*',
        'User System AliyunVPNGatewayReadOnlyAccess Allow vpc:SuidaoList*',
        'User Custom switches Deny vpc:DescribeVSwitches',
      ]
      const ofGina = { UserName: 'gina', UserAccessKeyId: gina.id }
      const seen = await ask('ram', app.root, 'SuidaoGetAccessKeyRights', ofGina)
      assert.deepEqual(short(seen['Statements']), wanted)
      assert.deepEqual(
        [seen['AccessKeyId'], seen['Everything'], seen['Within'].Statement],
        [gina.id, false, []],
      )
      const [first, , , , last] = seen['Statements'].Statement
      assert.deepEqual(JSON.parse(first.Condition), condition)
      assert.deepEqual([last.Condition, last.Resources.Resource], ['', ['acs:vpc:*:*:vswitch/*']])
      // Of oneself without any right to ask for others.
      const own = await ask('ram', gina, 'SuidaoGetCallerRights')
      assert.deepEqual(short(own['Statements']), wanted)
      assert.equal(await codeOf('ram', gina, 'SuidaoGetAccessKeyRights', ofGina), 'Forbbiden.SubUser')
      const root = await ask('ram', app.root, 'SuidaoGetCallerRights')
      assert.deepEqual([root['Everything'], root['Statements'].Statement], [true, []])
      const cases: [params: Record<string, string>, code: string][] = [
        [{ UserName: 'gina', UserAccessKeyId: app.root.id }, 'EntityNotExist.User.AccessKey'],
        [{ UserName: 'nobody-at-all', UserAccessKeyId: gina.id }, 'EntityNotExist.User'],
        [{ UserName: 'gina' }, 'MissingUserAccessKeyId'],
      ]
      for (const [params, code] of cases)
        assert.equal(await codeOf('ram', app.root, 'SuidaoGetAccessKeyRights', params), code)

      const Policy = JSON.stringify({ Version: '1', Statement: [allow('vpc:DescribeVpcs')] })
      const session = await assume(gina, { Policy })
      const ofSession = await ask('ram', session, 'SuidaoGetCallerRights')
      assert.deepEqual(short(ofSession['Statements']), ['Key   Allow vpc:Describe*'])
      assert.deepEqual(short(ofSession['Within']), ['Key   Allow vpc:DescribeVpcs'])
      const ofRole = () => ask('ram', app.root, 'SuidaoGetRoleRights', { RoleName: 'reader' })
      assert.deepEqual(short((await ofRole())['Statements']), ['Role   Allow vpc:Describe*'])
      await sdk.attachPolicyToRole(new ram.AttachPolicyToRoleRequest({ ...policy, roleName: 'reader' }))
      assert.deepEqual(short((await ofRole())['Statements']), [
        'Role   Allow vpc:Describe*',
        'Role Custom switches Deny vpc:DescribeVSwitches',
      ])
      assert.equal(
        await codeOf('ram', app.root, 'SuidaoGetRoleRights', { RoleName: 'none' }),
        'EntityNotExist.Role',
      )
      await sdk.deletePolicy(
        new ram.DeletePolicyRequest({ policyName: policy.policyName, cascadingDelete: true }),
      )
    })

    test('what a role is refused to', async () => {
      const bob = await app.userKey('bob', [allow('sts:AssumeRole')])
      const other = await app.userKey('other', [allow('sts:AssumeRole', `acs:ram::${accountId}:role/writer`)])
      const name = { RoleSessionName: 'bob' }
      const cases: [key: Key, params: Record<string, unknown>, code: string][] = [
        [app.root, { RoleArn: readerArn, ...name }, 'NoPermission'],
        [other, { RoleArn: readerArn, ...name }, 'Forbbiden.SubUser'],
        [bob, { RoleArn: `acs:ram::${accountId}:role/none`, ...name }, 'EntityNotExist.Role'],
        [bob, { RoleArn: 'acs:ram::1:role/reader', ...name }, 'EntityNotExist.Role'],
        [bob, { RoleArn: 'reader', ...name }, 'InvalidParameter.RoleArn'],
        [bob, { RoleArn: readerArn }, 'MissingRoleSessionName'],
        [bob, { RoleArn: readerArn, RoleSessionName: 'b o b' }, 'InvalidParameter.RoleSessionName'],
        [bob, { RoleArn: readerArn, ...name, DurationSeconds: 60 }, 'IllegalParam.DurationSeconds'],
        [bob, { RoleArn: readerArn, ...name, DurationSeconds: 7200 }, 'IllegalParam.DurationSeconds'],
        [bob, { RoleArn: readerArn, ...name, Policy: '{}' }, 'InvalidParameter.PolicyGrammar'],
      ]
      for (const [key, params, code] of cases) {
        assert.equal(await codeOf('sts', key, 'AssumeRole', params), code, JSON.stringify(params))
      }
    })

    test('a role is made, given a policy and taken on by whom it trusts, through the official SDK', async () => {
      const sdk = ramClient(app.host, app.root)
      const trust = (...names: string[]) =>
        JSON.stringify({
          Version: '1',
          Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { RAM: names } }],
        })
      const roleName = 'operator'
      const { body } = await sdk.createRole(
        new ram.CreateRoleRequest({
          roleName,
          assumeRolePolicyDocument: trust(`acs:ram::${accountId}:user/eve`),
          maxSessionDuration: 7200,
        }),
      )
      assert.equal(body!.role!.arn, `acs:ram::${accountId}:role/operator`)
      const asOperator = { RoleArn: body!.role!.arn!, RoleSessionName: 'shift' }
      const eve = await app.userKey('eve', [allow('sts:AssumeRole')])
      const finn = await app.userKey('finn', [allow('*')])
      assert.equal(await codeOf('sts', finn, 'AssumeRole', asOperator), 'NoPermission')
      const session = await assume(eve, asOperator)
      assert.equal(await codeOf('vpc', session, 'DescribeVpcs'), 'Forbbiden.SubUser')

      // A policy that comes later is one of the session that is there.
      const given = { roleName, policyType: 'System', policyName: 'AliyunVPNGatewayReadOnlyAccess' }
      await sdk.attachPolicyToRole(new ram.AttachPolicyToRoleRequest(given))
      now += 1_000
      assert.equal(await codeOf('vpc', session, 'DescribeVpcs'), 'OK')
      const entities = await sdk.listEntitiesForPolicy(new ram.ListEntitiesForPolicyRequest(given))
      assert.deepEqual(
        entities.body!.roles!.role!.map((role) => role.roleName),
        [roleName],
      )
      const { body: policies } = await sdk.listPoliciesForRole(
        new ram.ListPoliciesForRoleRequest({ roleName }),
      )
      assert.deepEqual(
        policies!.policies!.policy!.map((policy) => policy.policyName),
        [given.policyName],
      )

      // Another account, as soon as it is trusted; before, it is not told that there is such a role.
      const guestAccount = '3333333333333333'
      const guest = await app.rootKeyOf(guestAccount)
      const guestSdk = ramClient(app.host, guest)
      await guestSdk.createUser(new ram.CreateUserRequest({ userName: 'gil' }))
      await guestSdk.attachPolicyToUser(
        new ram.AttachPolicyToUserRequest({
          userName: 'gil',
          policyName: 'AdministratorAccess',
          policyType: 'System',
        }),
      )
      const made = await guestSdk.createAccessKey(new ram.CreateAccessKeyRequest({ userName: 'gil' }))
      const gil = { id: made.body!.accessKey!.accessKeyId!, secret: made.body!.accessKey!.accessKeySecret! }
      assert.equal(await codeOf('sts', gil, 'AssumeRole', asOperator), 'EntityNotExist.Role')
      await sdk.updateRole(
        new ram.UpdateRoleRequest({
          roleName,
          newAssumeRolePolicyDocument: trust(`acs:ram::${guestAccount}:root`),
        }),
      )
      for (const newDescription of ['while others sleep', '']) {
        const { body } = await sdk.updateRole(new ram.UpdateRoleRequest({ roleName, newDescription }))
        assert.equal(body!.role!.description, newDescription)
      }
      const { body: role } = await sdk.getRole(new ram.GetRoleRequest({ roleName }))
      assert.equal(role!.role!.assumeRolePolicyDocument, trust(`acs:ram::${guestAccount}:root`))
      const { body: roles } = await sdk.listRoles(new ram.ListRolesRequest({}))
      assert.ok(roles!.roles!.role!.some((one) => one.roleName === roleName))
      const visit = await assume(gil, asOperator)
      const who = await ask('sts', visit, 'GetCallerIdentity')
      assert.deepEqual([who['AccountId'], who['RoleId']], [accountId, roleName])
      assert.equal(await codeOf('sts', eve, 'AssumeRole', asOperator), 'NoPermission')

      assert.equal(
        await codeOf('ram', app.root, 'DeleteRole', { RoleName: roleName }),
        'DeleteConflict.Role.Policy',
      )
      const broken = { RoleName: roleName, NewAssumeRolePolicyDocument: '{}' }
      assert.equal(
        await codeOf('ram', app.root, 'UpdateRole', broken),
        'InvalidParameter.AssumeRolePolicyDocument',
      )
      await sdk.detachPolicyFromRole(new ram.DetachPolicyFromRoleRequest(given))
      await sdk.deleteRole(new ram.DeleteRoleRequest({ roleName }))
      now += 1_000
      assert.equal(await codeOf('vpc', visit, 'DescribeVpcs'), 'InvalidAccessKeyId.NotFound')
    })

    test('a condition on the source address', async () => {
      const from = (source: string) => ({ IpAddress: { 'acs:SourceIp': [source] } })
      const near = await app.userKey('near', [allow('*', '*', from('127.0.0.0/8'))])
      const far = await app.userKey('far', [allow('*', '*', from('10.0.0.0/8'))])
      assert.equal(await codeOf('vpc', near, 'DescribeVpcs'), 'OK')
      assert.equal(await codeOf('vpc', far, 'DescribeVpcs'), 'Forbbiden.SubUser')
    })

    test('what is done is written down, with who and from where, and without secrets', async () => {
      const clerk = await app.userKey('clerk', [allow('vpc:*CustomerGateway*'), allow('sts:AssumeRole')])
      const AuthKey = 'never-to-be-seen'
      const made = await ask('vpc', clerk, 'CreateCustomerGateway', {
        IpAddress: '198.51.100.7',
        Name: 'the office',
        Asn: '65001',
        AuthKey,
      })
      const { CustomerGatewayId } = made
      const after = { Name: 'the shop', AuthKey: `${AuthKey}-again` }
      await ask('vpc', clerk, 'ModifyCustomerGatewayAttribute', { CustomerGatewayId, ...after })
      await ask('vpc', clerk, 'DescribeCustomerGateways')
      assert.equal(await codeOf('vpc', clerk, 'DescribeVpcs'), 'Forbbiden.SubUser')
      const session = await assume(clerk)
      assert.equal(
        await codeOf('vpc', session, 'DeleteCustomerGateway', { CustomerGatewayId }),
        'Forbbiden.SubUser',
      )
      await ask('vpc', clerk, 'DeleteCustomerGateway', { CustomerGatewayId })

      const find = (Key: string, Value: string, more = {}) =>
        ask('trail', app.root, 'LookupEvents', {
          'LookupAttribute.1.Key': Key,
          'LookupAttribute.1.Value': Value,
          ...more,
        })
      const { Events } = await find('User', 'clerk', { Direction: 'FORWARD' })
      assert.deepEqual(
        Events.map((event: any) => [event.eventName, event.eventRW, event.errorCode ?? 'OK']),
        [
          ['CreateCustomerGateway', 'Write', 'OK'],
          ['ModifyCustomerGatewayAttribute', 'Write', 'OK'],
          ['DescribeVpcs', 'Read', 'Forbbiden.SubUser'],
          ['AssumeRole', 'Write', 'OK'],
          ['DeleteCustomerGateway', 'Write', 'OK'],
        ],
      )
      const [created, changed] = Events
      assert.equal(created.requestId, made['RequestId'])
      assert.equal(created.sourceIpAddress, '127.0.0.1')
      assert.deepEqual(created.userIdentity, {
        accessKeyId: clerk.id,
        accountId,
        principalId: 'clerk',
        type: 'ram-user',
        userName: 'clerk',
      })
      assert.equal(created.resourceType, 'customergateway')
      assert.equal(created.resourceName, CustomerGatewayId)
      assert.equal(JSON.parse(created.requestParameterJson).AuthKey, '******')
      assert.deepEqual(JSON.parse(changed.requestParameterJson), {
        RegionId,
        CustomerGatewayId,
        Name: 'the shop',
        AuthKey: '******',
      })
      assert.equal(created.changesJson, undefined)
      assert.deepEqual(JSON.parse(changed.changesJson), {
        Name: { before: 'the office', after: 'the shop' },
        AuthKey: { before: '******', after: '******' },
      })

      const ofGateway = await find('ResourceName', CustomerGatewayId)
      assert.deepEqual(
        ofGateway['Events'].map((event: any) => [event.userIdentity.type, event.eventName]),
        [
          ['ram-user', 'DeleteCustomerGateway'],
          ['assumed-role', 'DeleteCustomerGateway'],
          ['ram-user', 'ModifyCustomerGatewayAttribute'],
          ['ram-user', 'CreateCustomerGateway'],
        ],
      )

      const walked: string[] = []
      let NextToken: string | undefined
      do {
        const page: Record<string, any> = await find('User', 'clerk', {
          MaxResults: 2,
          ...(NextToken && { NextToken }),
        })
        walked.push(...page['Events'].map((event: any) => event.eventId))
        NextToken = page['NextToken']
      } while (NextToken)
      assert.deepEqual(
        walked.reverse(),
        Events.map((event: any) => event.eventId),
      )

      // Accounts see their own, and the disk holds no secret either.
      const stranger = await ask('trail', await app.rootKeyOf('2222222222222222'), 'LookupEvents')
      assert.deepEqual(stranger['Events'], [])
      assert.equal(await codeOf('trail', clerk, 'LookupEvents'), 'Forbbiden.SubUser')
      const folder = join(app.folder, 'audit')
      const onDisk = readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('')
      assert.ok(onDisk.includes('"eventName":"CreateCustomerGateway"'))
      for (const secret of [AuthKey, session.secret, session.token!, clerk.secret]) {
        assert.ok(!onDisk.includes(secret))
      }
    })

    test('what LookupEvents refuses', async () => {
      const cases: [params: Record<string, unknown>, code: string][] = [
        [{ StartTime: 'yesterday' }, 'InvalidParameter'],
        [{ StartTime: '2026-11-02T00:00:00Z', EndTime: '2026-11-01T00:00:00Z' }, 'InvalidParameter'],
        [{ NextToken: 'x' }, 'InvalidNextToken'],
        [{ MaxResults: 51 }, 'IllegalParam.MaxResults'],
        [{ 'LookupAttribute.1.Key': 'Colour', 'LookupAttribute.1.Value': 'red' }, 'IllegalParam.Key'],
        [{ 'LookupAttribute.1.Value': 'red' }, 'InvalidParameter'],
      ]
      for (const [params, code] of cases) {
        assert.equal(await codeOf('trail', app.root, 'LookupEvents', params), code, JSON.stringify(params))
      }
      const empty = await ask('trail', app.root, 'LookupEvents', { EndTime: '2020-01-01T00:00:00Z' })
      assert.deepEqual([empty['Events'], empty['StartTime']], [[], '2019-12-25T00:00:00Z'])
    })

    test('a rate is kept by the account, with all its users, and told when to come again', async () => {
      now += 60_000
      const statements = [allow('*')]
      const [one, two] = [await app.userKey('one', statements), await app.userKey('two', statements)]
      const calls = Array.from({ length: 61 }, (_, at) =>
        codeOf('vpc', at % 2 ? one : two, 'CreateVpnGateway', {}),
      )
      const codes = await Promise.all(calls)
      assert.equal(codes.filter((code) => code === 'Throttling.User').length, 1)
      assert.equal(await codeOf('vpc', app.root, 'DescribeVpcs'), 'OK')
      now += 60_000
      assert.notEqual(await codeOf('vpc', one, 'CreateVpnGateway', {}), 'Throttling.User')
    })

    test('a session ends: by its time, and with its role', async () => {
      const cleo = await app.userKey('cleo', [allow('sts:AssumeRole')])
      const short = await assume(cleo, { DurationSeconds: 900 })
      const long = await assume(cleo)
      // Clients sign with the real time, which cannot be turned on by a quarter of an hour.
      await app.app.db.kysely
        .updateTable('access_key')
        .set({ expires_at: now + 500 })
        .where('id', '=', short.id)
        .execute()
      now += 1_000
      assert.equal(await codeOf('vpc', short, 'DescribeVpcs'), 'InvalidSecurityToken.Expired')
      assert.equal(await codeOf('vpc', long, 'DescribeVpcs'), 'OK')
      await deleteRole(app.app.db, accountId, 'reader')
      now += 1_000
      assert.equal(await codeOf('vpc', long, 'DescribeVpcs'), 'InvalidAccessKeyId.NotFound')
    })
  })
})
