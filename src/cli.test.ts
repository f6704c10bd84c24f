import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { judgeKernel, renderFindings } from './cli/doctor.ts'
import { runCli } from './cli.ts'
import { settings } from './config.ts'
import { variableName } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'suidao-cli-'))
after(() => rmSync(folder, { recursive: true }))

/** Runs a command as a shell would and answers what it printed. */
async function suidao(args: readonly string[], env: Record<string, string> = {}) {
  const out: string[] = []
  const err: string[] = []
  const terminal = {
    print: (line: string) => out.push(line),
    complain: (line: string) => err.push(line),
    isInteractive: false,
  }
  const code = await runCli(args, terminal, { SUIDAO_DATA_DIR: join(folder, 'data'), ...env })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

test('help names every command, every setting and its variable', async () => {
  const { code, out } = await suidao(['--help'])
  assert.equal(code, 0)
  for (const word of [
    'start',
    'doctor',
    'keys',
    'roles',
    'peer-config',
    'ca',
    'rotate',
    'down',
    'create',
    'list',
    'disable',
    'enable',
    'delete',
    'policy',
  ]) {
    assert.match(out, new RegExp(`^  ${word}\\b|, ${word} `, 'm'), word)
  }
  for (const { name } of settings) {
    assert.ok(out.includes(`${variableName(name)}=<`), name)
    assert.ok(out.includes(`file: ${name} `), name)
  }
  assert.equal((await suidao(['keys', '--help'])).out, out)
  assert.equal((await suidao(['help'])).out, out)
  const without = await suidao([])
  assert.deepEqual([without.code, without.out, without.err], [2, '', out])
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  assert.match((await suidao(['--version'])).out, new RegExp(`^suidao ${version} \\(Node `))
})

test('a wrong command line ends with code 2 and says what is wrong', async (t) => {
  const cases: [args: string[], sentence: RegExp][] = [
    [
      ['strat'],
      /there is no command "strat"; there are start, doctor, keys, roles, peer-config, ca, emulator, env, down/,
    ],
    [['__proto__'], /there is no command/],
    [['start', 'now'], /Unexpected argument 'now'/],
    [['doctor', '--fast'], /Unknown option '--fast'/],
    [['doctor', '--config'], /--config needs the name of a file/],
    [['doctor', '--config', '/nowhere.json'], /configuration file \/nowhere\.json cannot be read \(ENOENT\)/],
    [['keys'], /say one of create, list, rotate, disable, enable, delete, policy/],
    [['keys', 'constructor'], /say one of/],
    [['keys', 'disable'], /usage: suidao keys disable <key>/],
    [['keys', 'policy', 'LTAIx'], /usage: suidao keys policy <key> <file>/],
    [['keys', 'create', '--expires', 'soon'], /--expires soon: must be a whole number of seconds/],
    [['keys', 'create', '--policy', '/nowhere.json'], /policy file \/nowhere\.json cannot be read/],
    [['peer-config', 'netgear', 'vco-1'], /say one of strongswan, vyos, cisco-ios, fortios, junos/],
    [['peer-config', 'vyos'], /usage: suidao peer-config vyos <connection>/],
    [['keys', 'list'], /there is no store at .*suidao\.db/],
  ]
  for (const [args, sentence] of cases) {
    await t.test(args.join(' '), async () => {
      const { code, out, err } = await suidao(args)
      assert.equal(code, 2)
      assert.equal(out, '')
      assert.match(err, sentence)
    })
  }
})

test('a configuration with problems ends with code 2 and names them all', async () => {
  const { code, err } = await suidao(['doctor'], { SUIDAO_LISTEN: 'x', SUIDAO_COLOR: 'red' })
  assert.equal(code, 2)
  assert.match(err, /the configuration has 2 problems:/)
  assert.match(err, /SUIDAO_LISTEN "x"/)
  assert.match(err, /SUIDAO_COLOR is not a setting/)
})

test('a key is created, listed, disabled, enabled, given a policy and deleted', async () => {
  const data = { SUIDAO_DATA_DIR: join(folder, 'keys') }
  const policy = join(folder, 'policy.json')
  const statement = { Effect: 'Allow', Action: ['vpc:Describe*'], Resource: ['*'] }
  writeFileSync(policy, JSON.stringify({ Version: '1', Statement: [statement] }))
  const keys = (...args: string[]) => suidao(['keys', ...args], data)
  const listed = async () => JSON.parse((await keys('list', '--json')).out)

  const root = JSON.parse((await keys('create', '--json')).out)
  assert.deepEqual(Object.keys(root), ['AccountId', 'AccessKeyId', 'AccessKeySecret'])
  assert.match(root.AccessKeySecret, /^\w{30}$/)

  const user = await keys('create', '--user', 'alice')
  assert.match(user.out, /^UserName +alice$/m)
  assert.match(user.err, /alice may do nothing yet/)
  const userKey = /^AccessKeyId +(\S+)$/m.exec(user.out)![1]!

  const temporary = JSON.parse((await keys('create', '--expires', '900', '--json')).out)
  assert.ok(temporary.SecurityToken)
  assert.ok(Date.parse(temporary.Expiration) > Date.now())

  assert.equal((await listed()).length, 3)
  assert.doesNotMatch((await keys('list', '--json')).out, new RegExp(root.AccessKeySecret))
  assert.match((await keys('list')).out, new RegExp(`${userKey} +Active +account ${root.AccountId}, alice`))

  const keyNow = async () => (await listed()).find((key: { id: string }) => key.id === userKey)
  assert.equal((await keys('disable', userKey)).code, 0)
  assert.equal((await keyNow()).status, 'Inactive')
  assert.equal((await keys('enable', userKey)).code, 0)
  assert.equal((await keyNow()).status, 'Active')
  assert.equal((await keys('policy', userKey, policy)).code, 0)
  assert.deepEqual((await keyNow()).statements, [statement])

  const second = JSON.parse((await keys('rotate', userKey, '--json')).out)
  assert.equal(second.UserName, 'alice')
  assert.notEqual(second.AccessKeyId, userKey)
  const rotated = (await listed()).find((key: { id: string }) => key.id === second.AccessKeyId)
  assert.deepEqual(rotated.statements, [statement])
  assert.equal((await keyNow()).status, 'Active')
  assert.match((await keys('rotate', userKey)).out, new RegExp(`${userKey} goes on until`))
  assert.match((await keys('rotate', temporary.AccessKeyId)).err, /is temporary and ends by itself/)

  assert.equal((await keys('delete', userKey)).code, 0)
  assert.equal(await keyNow(), undefined)

  const gone = await keys('delete', userKey)
  assert.equal(gone.code, 2)
  assert.match(gone.err, new RegExp(`access key ${userKey} does not exist`))
  assert.equal(statSync(join(data.SUIDAO_DATA_DIR, 'master.key')).mode & 0o077, 0)
})

test('a role is created, listed and deleted', async () => {
  const data = { SUIDAO_DATA_DIR: join(folder, 'roles') }
  const policy = join(folder, 'role-policy.json')
  writeFileSync(policy, '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}')
  const roles = (...args: string[]) => suidao(['roles', ...args], data)
  assert.match((await roles('list')).err, /there is no store/)
  const { AccountId } = JSON.parse((await suidao(['keys', 'create', '--json'], data)).out)
  assert.equal((await roles('list')).out, 'no roles')
  const created = await roles('create', 'reader', '--policy', policy, '--max-session', '7200')
  assert.equal(created.out, `acs:ram::${AccountId}:role/reader`)
  assert.match((await roles('create', 'reader', '--policy', policy)).err, /role reader exists already/)
  assert.match((await roles('create', 'a/b', '--policy', policy)).err, /cannot name an? role/)
  assert.match((await roles('create', 'x', '--policy', policy, '--max-session', '60')).err, /3600 to 43200/)
  assert.match((await roles('create', 'x')).err, /usage: suidao roles create/)
  const [listed] = JSON.parse((await roles('list', '--json')).out)
  assert.deepEqual([listed.name, listed.maxSession], ['reader', 7200])
  assert.match(listed.trust, new RegExp(`"acs:ram::${AccountId}:root"`))
  assert.match((await roles('create', 'x', '--policy', policy, '--trust', policy)).err, /Resource/)
  const trust = join(folder, 'role-trust.json')
  writeFileSync(trust, listed.trust.replace(':root', ':user/ann'))
  assert.equal((await roles('create', 'x', '--policy', policy, '--trust', trust)).code, 0)
  assert.equal((await roles('delete', 'x')).code, 0)
  assert.equal((await roles('delete', 'reader')).code, 0)
  assert.match((await roles('delete', 'reader')).err, /role reader does not exist/)
})

test('the CAs of the deployment are made once and printed', async () => {
  const data = { SUIDAO_DATA_DIR: join(folder, 'ca') }
  const ca = (...args: string[]) => suidao(['ca', ...args], data)
  assert.match((await ca('list')).err, /there is no store/)
  await suidao(['keys', 'create'], data)
  const { out } = await ca('list')
  for (const kind of ['rsa', 'ecdsa']) {
    const { out: pem } = await ca(kind)
    const certificate = new X509Certificate(pem)
    assert(certificate.ca)
    assert.ok(out.includes(`SHA-256 ${certificate.fingerprint256}`))
    assert.match(pem, /^-----BEGIN CERTIFICATE-----\n[\s\S]*\n-----END CERTIFICATE-----$/)
  }
  assert.match((await ca('sm2')).err, /say one of list, rsa, ecdsa/)
})

test('the doctor ends with one command that installs everything missing', () => {
  const report = renderFindings(
    [
      { what: 'system', verdict: 'ok', text: 'Debian' },
      {
        what: 'charon',
        verdict: 'missing',
        text: 'not installed',
        packages: ['strongswan-charon', 'libstrongswan'],
      },
      { what: 'nft', verdict: 'missing', text: 'not installed', packages: ['nftables', 'libstrongswan'] },
    ],
    false,
  )
  assert.deepEqual(report, [
    'ok       system  Debian',
    'MISSING  charon  not installed',
    'MISSING  nft     not installed',
    '',
    'To install what is missing, as root:',
    '    apt-get update && apt-get install --no-install-recommends strongswan-charon libstrongswan nftables',
    'Suidao cannot run here as configured: charon, nft.',
  ])
  const fine = renderFindings([{ what: 'system', verdict: 'note', text: 'Debian', details: ['more'] }], false)
  assert.deepEqual(fine, [
    'note     system  Debian',
    '                 more',
    '',
    'Suidao can run here as configured.',
  ])
})

test('the doctor judges the kernel by its trials and by what is asked for', () => {
  const trials = [
    { name: 'esp', works: false, evidence: 'Requested type not found' },
    { name: 'tun', works: true, evidence: 'ip tuntap add' },
  ] as const
  const [auto] = judgeKernel({ usable: ['U'], trials }, 'auto')
  assert.equal(auto!.verdict, 'ok')
  assert.match(auto!.text, /^U: /)
  assert.deepEqual(auto!.details, ['fails  esp: Requested type not found', 'works  tun: ip tuntap add'])
  const [forced] = judgeKernel({ usable: ['U'], trials }, 'X')
  assert.deepEqual([forced!.verdict, forced!.text], ['missing', 'X was asked for and does not work here'])
  const [none] = judgeKernel({ usable: [], trials }, 'auto')
  assert.equal(none!.verdict, 'missing')
})
