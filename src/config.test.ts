import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { type Config, ConfigError, readConfig, settings, showListen } from './config.ts'
import { formatIpv4 } from './resources/ipv4.ts'
import { variableName } from './settings.ts'

const surroundings = { workingDirectory: '/srv', defaultDataDir: './.suidao' }

const fromEnv = (env: Record<string, string>) => readConfig(env, undefined, surroundings)
const fromFile = (content: unknown, env: Record<string, string> = {}) =>
  readConfig(env, { path: '/etc/suidao.json', text: JSON.stringify(content) }, surroundings)

function problemsOf(read: () => Config): readonly string[] {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems
  }
  return []
}

test('without any setting everything has its default', () => {
  const config = fromEnv({})
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8480 })
  assert.equal(config.metricsListen, undefined)
  assert.equal(config.dataDir, '/srv/.suidao')
  assert.deepEqual(config.database, { kind: 'sqlite', file: '/srv/.suidao/suidao.db' })
  assert.equal(config.masterKeyFile, '/srv/.suidao/master.key')
  assert.deepEqual([...config.roles], ['api', 'gateway'])
  assert.equal(config.kernelMode, 'auto')
  assert.deepEqual(config.wan, {
    bridge: 'sdwan',
    ownBridge: true,
    netns: undefined,
    gateway: undefined,
  })
  assert.equal(config.defaultRegion, 'cn-hangzhou')
  assert.deepEqual(config.quotas, {
    vpnGateways: 30,
    customerGateways: 100,
    connectionsPerGateway: 10,
    destinationRoutesPerGateway: 20,
    policyRoutesPerGateway: 20,
    networksPerBgpSession: 50,
    subnetsPerSide: 10,
    tagsPerResource: 20,
  })
  assert.equal(config.bgpHoldTime, 30)
  assert.equal(config.logFile, undefined)
  assert.equal(config.logLevel, 'info')
})

test('every setting is reachable from the environment and from the file, and the environment wins', () => {
  const values: Record<(typeof settings)[number]['name'], [env: string, file: unknown]> = {
    listen: ['127.0.0.1:1', '127.0.0.1:2'],
    metricsListen: ['127.0.0.1:3', '127.0.0.1:4'],
    'tls.listen': ['127.0.0.1:5', '127.0.0.1:6'],
    'tls.certificate': ['/a/crt', '/b/crt'],
    'tls.key': ['/a/key', '/b/key'],
    'tls.names': ['a.example', ['b.example', '192.0.2.1']],
    dataDir: ['/a', '/b'],
    database: ['sqlite:/a/db', 'sqlite:/b/db'],
    masterKey: ['0'.repeat(64), '1'.repeat(64)],
    masterKeyFile: ['/a/key', '/b/key'],
    roles: ['api', ['api', 'gateway']],
    kernelMode: ['x', 'U'],
    prefix: ['aa', 'bb'],
    network: ['host', 'namespaces'],
    'wan.interface': ['eth0', 'eth1'],
    'wan.bridge': ['br-a', 'br-b'],
    'wan.netns': ['ns-a', 'ns-b'],
    'wan.gateway': ['192.0.2.1', '192.0.2.2'],
    addressPool: ['203.0.113.0/30', '203.0.113.8-203.0.113.9'],
    regions: ['cn-hangzhou,cn-beijing', ['cn-hangzhou', 'cn-shanghai']],
    defaultRegion: ['eu-central-1', 'us-west-1'],
    throttling: ['on', 'off'],
    auditFiles: ['1', 2],
    'quotas.vpnGateways': ['1', 2],
    'quotas.customerGateways': ['1', 2],
    'quotas.connectionsPerGateway': ['1', 2],
    'quotas.destinationRoutesPerGateway': ['1', 2],
    'quotas.policyRoutesPerGateway': ['1', 2],
    'quotas.networksPerBgpSession': ['1', 2],
    'quotas.subnetsPerSide': ['1', 2],
    'quotas.tagsPerResource': ['1', 2],
    'bgp.holdTime': ['3', 4],
    'webhook.url': ['http://192.0.2.1/', 'ftp://192.0.2.2/'],
    'webhook.secret': ['a secret with blanks', 'a-secret-without-them'],
    logFile: ['/a/log', '/b/log'],
    logLevel: ['DEBUG', 'error'],
  }
  const defaults = inspect(fromEnv({}))
  for (const { name } of settings) {
    const [envValue, fileValue] = values[name]
    const alone = (read: () => Config) => {
      // A few contradict the other defaults on purpose; what counts here is that the value was taken.
      try {
        return inspect(
          { ...read(), masterKey: (read().masterKey ?? { reveal: () => '' }).reveal() },
          { depth: 5 },
        )
      } catch (error) {
        return inspect((error as ConfigError).problems)
      }
    }
    const nested = name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), fileValue)
    const env = { [variableName(name)]: envValue }
    const byEnv = alone(() => fromEnv(env))
    assert.notEqual(byEnv, defaults, `${name} in the environment changes nothing`)
    assert.notEqual(
      alone(() => fromFile(nested)),
      byEnv,
      `${name} in the file changes nothing`,
    )
    assert.equal(
      alone(() => fromFile(nested, env)),
      byEnv,
      `${name} of the file wins over the environment`,
    )
  }
})

test('variable names follow from setting names', () => {
  assert.equal(variableName('listen'), 'SUIDAO_LISTEN')
  assert.equal(variableName('masterKeyFile'), 'SUIDAO_MASTER_KEY_FILE')
  assert.equal(variableName('quotas.vpnGateways'), 'SUIDAO_QUOTAS_VPN_GATEWAYS')
})

test('values are read', async (t) => {
  const cases: { given: Record<string, string>; want: (config: Config) => unknown; is: unknown }[] = [
    { given: { SUIDAO_LISTEN: '[::1]:0' }, want: (c) => c.listen, is: { host: '::1', port: 0 } },
    { given: { SUIDAO_LISTEN: 'localhost:80' }, want: (c) => c.listen, is: { host: 'localhost', port: 80 } },
    { given: { SUIDAO_LISTEN: '  ' }, want: (c) => c.listen.port, is: 8480 },
    { given: { SUIDAO_METRICS_LISTEN: 'off' }, want: (c) => c.metricsListen, is: undefined },
    { given: { SUIDAO_DATA_DIR: 'data' }, want: (c) => c.dataDir, is: '/srv/data' },
    { given: { SUIDAO_DATA_DIR: '/d' }, want: (c) => c.masterKeyFile, is: '/d/master.key' },
    {
      given: { SUIDAO_DATABASE: 'sqlite:x.db' },
      want: (c) => c.database,
      is: { kind: 'sqlite', file: '/srv/x.db' },
    },
    { given: { SUIDAO_PREFIX: 'lab' }, want: (c) => c.wan.bridge, is: 'labwan' },
    { given: { SUIDAO_ROLES: 'API, gateway' }, want: (c) => [...c.roles], is: ['api', 'gateway'] },
    { given: { SUIDAO_REGIONS: 'eu-west-1,eu-central-1' }, want: (c) => c.defaultRegion, is: 'eu-west-1' },
    { given: { SUIDAO_THROTTLING: 'auto' }, want: (c) => c.throttling, is: false },
    { given: { SUIDAO_LISTEN: '0.0.0.0:80' }, want: (c) => c.throttling, is: true },
    {
      given: { SUIDAO_LISTEN: '0.0.0.0:80', SUIDAO_THROTTLING: 'off' },
      want: (c) => c.throttling,
      is: false,
    },
    { given: { SUIDAO_ADDRESS_POOL: '203.0.113.0/29' }, want: poolOf, is: '203.0.113.1-203.0.113.6' },
    { given: { SUIDAO_ADDRESS_POOL: '203.0.113.4/31' }, want: poolOf, is: '203.0.113.4-203.0.113.5' },
    { given: { SUIDAO_ADDRESS_POOL: '203.0.113.4/32' }, want: poolOf, is: '203.0.113.4-203.0.113.4' },
    { given: { SUIDAO_ADDRESS_POOL: '10.0.0.9 - 10.0.1.3' }, want: poolOf, is: '10.0.0.9-10.0.1.3' },
  ]
  for (const { given, want, is } of cases) {
    await t.test(Object.entries(given).flat().join('='), () => assert.deepEqual(want(fromEnv(given)), is))
  }
})

const poolOf = ({ addressPool }: Config) => `${formatIpv4(addressPool.first)}-${formatIpv4(addressPool.last)}`

test('a value that cannot be is refused with a sentence that names the setting and the value', async (t) => {
  const cases: [variable: string, value: string, sentence: RegExp][] = [
    ['LISTEN', '8480', /SUIDAO_LISTEN "8480": must be host:port/],
    ['LISTEN', '127.0.0.1:70000', /port above 65535/],
    ['LISTEN', '::1:8480', /must be host:port/],
    ['METRICS_LISTEN', 'yes', /must be host:port/],
    ['TLS_LISTEN', 'yes', /must be host:port/],
    ['TLS_NAMES', 'a b', /has "a b", which is neither/],
    ['TLS_NAMES', '::1', /has "::1", which is neither/],
    ['DATABASE', 'mysql://x', /must be sqlite:<file> or postgres:/],
    ['DATABASE', 'sqlite:', /must be sqlite:<file> or postgres:/],
    ['DATABASE', 'postgres://[', /not a valid address/],
    ['MASTER_KEY', 'short', /SUIDAO_MASTER_KEY: must be 32 bytes/],
    ['ROLES', 'api,router', /must be one of api, gateway/],
    ['ROLES', ',', /at least one/],
    ['KERNEL_MODE', 'W', /must be one of auto, X, V, U/],
    ['PREFIX', 'SD', /2 to 5 lower-case letters and digits/],
    ['PREFIX', 'toolong', /2 to 5 lower-case letters and digits/],
    ['WAN_BRIDGE', 'sixteen-letters-', /at most 15/],
    ['WAN_BRIDGE', 'a/b', /at most 15/],
    ['WAN_NETNS', '../etc', /name of a network namespace/],
    ['WAN_GATEWAY', '192.0.2.256', /must be an IPv4 address/],
    ['ADDRESS_POOL', '203.0.113.1/24', /CIDR without host bits/],
    ['ADDRESS_POOL', '203.0.113.0/33', /CIDR without host bits/],
    ['ADDRESS_POOL', '203.0.113.9-203.0.113.1', /ends before it begins/],
    ['ADDRESS_POOL', '203.0.113.9-x', /range of two IPv4 addresses/],
    ['REGIONS', 'cn-hangzhuo', /"cn-hangzhuo" is not a region. Did you mean cn-hangzhou\?/],
    ['DEFAULT_REGION', '../..', /is not a region/],
    ['QUOTAS_VPN_GATEWAYS', '0', /whole number/],
    ['QUOTAS_VPN_GATEWAYS', '1e3', /whole number/],
    ['BGP_HOLD_TIME', '2', /SUIDAO_BGP_HOLD_TIME "2": must be a whole number of seconds from 3 to 65535/],
    ['BGP_HOLD_TIME', '65536', /3 to 65535/],
    ['BGP_HOLD_TIME', '3.5', /3 to 65535/],
    ['LOG_LEVEL', 'loud', /must be one of debug, info, warn, error/],
  ]
  for (const [variable, value, sentence] of cases) {
    await t.test(`${variable}=${value}`, () => {
      const problems = problemsOf(() => fromEnv({ [`SUIDAO_${variable}`]: value }))
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.match(problems[0]!, sentence)
    })
  }
})

test('all problems are named at once', () => {
  const problems = problemsOf(() =>
    fromFile(
      { listen: 5, quotas: 3, color: 'red', wan: { brigde: 'x' } },
      { SUIDAO_PREFIX: '!', SUIDAO_LISTNE: 'x' },
    ),
  )
  assert.deepEqual(problems, [
    'quotas in /etc/suidao.json must be an object with settings.',
    'color in /etc/suidao.json is not a setting of Suidao.',
    'wan.brigde in /etc/suidao.json is not a setting of Suidao. Did you mean wan.bridge?',
    'The environment variable SUIDAO_LISTNE is not a setting of Suidao. Did you mean SUIDAO_LISTEN?',
    'SUIDAO_PREFIX "!": must be 2 to 5 lower-case letters and digits, a letter first.',
    'listen in /etc/suidao.json "5": must be host:port, for example 127.0.0.1:8480 or [::1]:8480.',
  ])
})

test('a file that is no settings file is refused', async (t) => {
  const cases: [text: string, sentence: RegExp][] = [
    ['', /is not valid JSON/],
    ['{"masterKey": "hunter2', /is not valid JSON/],
    ['[]', /must hold one JSON object/],
    ['null', /must hold one JSON object/],
    ['{"listen": {"host": "x"}}', /must be a text, a number or a list/],
    ['{"listen": true}', /must be a text, a number or a list/],
    ['{"__proto__": {"listen": "x"}}', /not a setting/],
  ]
  for (const [text, sentence] of cases) {
    await t.test(text, () => {
      const problems = problemsOf(() => readConfig({}, { path: 'f.json', text }, surroundings))
      assert.match(problems.join('\n'), sentence)
      assert.doesNotMatch(problems.join('\n'), /hunter2/)
    })
  }
})

test('contradictions stop the start', async (t) => {
  const cases: [name: string, env: Record<string, string>, sentence: RegExp][] = [
    [
      'two master keys',
      { SUIDAO_MASTER_KEY: '0'.repeat(64), SUIDAO_MASTER_KEY_FILE: '/k' },
      /SUIDAO_MASTER_KEY and SUIDAO_MASTER_KEY_FILE both/,
    ],
    [
      'a default region that is not served',
      { SUIDAO_REGIONS: 'cn-beijing', SUIDAO_DEFAULT_REGION: 'cn-hangzhou' },
      /SUIDAO_DEFAULT_REGION is cn-hangzhou, which is not among the regions of SUIDAO_REGIONS \(cn-beijing\)/,
    ],
    [
      'the next hop inside the pool',
      { SUIDAO_ADDRESS_POOL: '203.0.113.0/24', SUIDAO_WAN_GATEWAY: '203.0.113.1' },
      /SUIDAO_WAN_GATEWAY 203.0.113.1 lies inside SUIDAO_ADDRESS_POOL/,
    ],
    [
      'a host without an outside',
      { SUIDAO_NETWORK: 'host', SUIDAO_ADDRESS_POOL: '203.0.113.5-203.0.113.5' },
      /SUIDAO_NETWORK is host: say in wan.interface/,
    ],
    ['an outside of no host', { SUIDAO_WAN_INTERFACE: 'eth0' }, /SUIDAO_WAN_INTERFACE is for network=host/],
    [
      'a host with a bridge',
      {
        SUIDAO_NETWORK: 'host',
        SUIDAO_WAN_INTERFACE: 'eth0',
        SUIDAO_WAN_BRIDGE: 'br0',
        SUIDAO_ADDRESS_POOL: '203.0.113.5-203.0.113.5',
      },
      /SUIDAO_WAN_BRIDGE is for VPN gateways in namespaces/,
    ],
    [
      'a host with a pool',
      { SUIDAO_NETWORK: 'host', SUIDAO_WAN_INTERFACE: 'eth0', SUIDAO_ADDRESS_POOL: '203.0.113.0/29' },
      /SUIDAO_ADDRESS_POOL has more than two addresses/,
    ],
    [
      'one port for two listeners',
      { SUIDAO_LISTEN: '127.0.0.1:9000', SUIDAO_METRICS_LISTEN: '0.0.0.0:9000' },
      /they need different ports/,
    ],
    [
      'one port with and without TLS',
      { SUIDAO_LISTEN: '127.0.0.1:9000', SUIDAO_TLS_LISTEN: '127.0.0.1:9000' },
      /SUIDAO_LISTEN and SUIDAO_TLS_LISTEN are both 127.0.0.1:9000/,
    ],
    [
      'a certificate and no listener',
      { SUIDAO_TLS_CERTIFICATE: '/c' },
      /SUIDAO_TLS_CERTIFICATE is for a listener/,
    ],
    [
      'a certificate without its key',
      { SUIDAO_TLS_LISTEN: '127.0.0.1:1', SUIDAO_TLS_CERTIFICATE: '/c' },
      /SUIDAO_TLS_CERTIFICATE is given and tls\.key is not/,
    ],
    [
      'a key without its certificate',
      { SUIDAO_TLS_LISTEN: '127.0.0.1:1', SUIDAO_TLS_KEY: '/k' },
      /SUIDAO_TLS_KEY is given and tls\.certificate is not/,
    ],
    [
      'names for a certificate that is given',
      {
        SUIDAO_TLS_LISTEN: '127.0.0.1:1',
        SUIDAO_TLS_CERTIFICATE: '/c',
        SUIDAO_TLS_KEY: '/k',
        SUIDAO_TLS_NAMES: 'a.example',
      },
      /SUIDAO_TLS_NAMES is for a certificate that is made/,
    ],
    [
      'TLS without API',
      { SUIDAO_ROLES: 'gateway', SUIDAO_DATABASE: 'postgres://h/d', SUIDAO_TLS_LISTEN: '127.0.0.1:1' },
      /SUIDAO_TLS_LISTEN is for a node that answers the API/,
    ],
    [
      'a bridge without tunnels',
      { SUIDAO_ROLES: 'api', SUIDAO_WAN_BRIDGE: 'br0' },
      /SUIDAO_WAN_BRIDGE is for a node/,
    ],
    [
      'events without tunnels',
      {
        SUIDAO_ROLES: 'api',
        SUIDAO_WEBHOOK_URL: 'https://192.0.2.1/',
        SUIDAO_WEBHOOK_SECRET: 'a-secret-of-the-settings',
      },
      /SUIDAO_WEBHOOK_URL is for a node that runs tunnels/,
    ],
    ['a data folder that daemons do not see', { SUIDAO_DATA_DIR: '/run/suidao' }, /lies under \/run/],
    ['the same by its old name', { SUIDAO_DATA_DIR: '/var/run/suidao' }, /lies under \/run/],
    ['a data folder too deep', { SUIDAO_DATA_DIR: `/${'d'.repeat(68)}` }, /has 69 bytes; more than 68/],
    [
      'events without a signature',
      { SUIDAO_WEBHOOK_URL: 'https://192.0.2.1/hook' },
      /SUIDAO_WEBHOOK_URL needs webhook.secret beside it/,
    ],
    ['nobody to ask', { SUIDAO_ROLES: 'gateway' }, /nobody could tell this node what to run/],
    [
      'a listener without API',
      { SUIDAO_ROLES: 'gateway', SUIDAO_DATABASE: 'postgres://h/d', SUIDAO_LISTEN: '127.0.0.1:1' },
      /SUIDAO_LISTEN is for a node that answers the API/,
    ],
  ]
  for (const [name, env, sentence] of cases) {
    await t.test(name, () => {
      const problems = problemsOf(() => fromEnv(env))
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.match(problems[0]!, sentence)
    })
  }
})

test('the host itself as the gateway', () => {
  const env = {
    SUIDAO_NETWORK: 'host',
    SUIDAO_WAN_INTERFACE: 'eth0',
    SUIDAO_WAN_GATEWAY: '203.0.113.1',
    SUIDAO_ADDRESS_POOL: '203.0.113.5-203.0.113.6',
  }
  assert.deepEqual(fromEnv(env).host, { interface: 'eth0', gateway: '203.0.113.1' })
  assert.equal(fromEnv({}).host, undefined)
})

test('a data folder without daemons may lie anywhere', () => {
  const api = { SUIDAO_ROLES: 'api' }
  assert.equal(fromEnv({ ...api, SUIDAO_DATA_DIR: '/run/suidao' }).dataDir, '/run/suidao')
  assert.equal(fromEnv({ SUIDAO_DATA_DIR: '/running' }).dataDir, '/running')
})

test('what is allowed and probably not meant is warned of', () => {
  const pool = { SUIDAO_ADDRESS_POOL: '203.0.113.0/24' }
  assert.deepEqual(fromEnv(pool).warnings, [])
  for (const host of ['localhost', '127.9.9.9', '[::1]']) {
    assert.deepEqual(fromEnv({ ...pool, SUIDAO_LISTEN: `${host}:1` }).warnings, [], host)
  }
  assert.match(fromEnv({ ...pool, SUIDAO_LISTEN: '0.0.0.0:1' }).warnings.join(), /plain HTTP on 0\.0\.0\.0:1/)
  assert.match(fromEnv({}).warnings.join(), /No addressPool is set/)
  assert.match(fromEnv({ SUIDAO_ROLES: 'api' }).warnings.join(), /nothing will run the tunnels/)
})

test('no secret is shown, neither in the configuration nor in a problem', () => {
  const config = fromEnv({ SUIDAO_MASTER_KEY: 'a'.repeat(64), SUIDAO_DATABASE: 'postgres://u:hunter2@h/d' })
  assert.doesNotMatch(inspect(config, { depth: 9 }) + JSON.stringify(config), /aaaa|hunter2/)
  assert.equal(config.masterKey?.reveal(), 'a'.repeat(64))
  assert.ok(config.database.kind === 'postgres')
  assert.equal(config.database.url.reveal(), 'postgres://u:hunter2@h/d')
  for (const [name, text] of [
    ['SUIDAO_MASTER_KEY', 'hunter2'],
    ['SUIDAO_DATABASE', 'postgres://u:hunter2@['],
  ] as const) {
    assert.doesNotMatch(problemsOf(() => fromEnv({ [name]: text })).join(), /hunter2/)
  }
})

test('a listener is shown as it is written', () => {
  assert.equal(showListen({ host: '127.0.0.1', port: 8480 }), '127.0.0.1:8480')
  assert.equal(showListen({ host: '::1', port: 8480 }), '[::1]:8480')
})
