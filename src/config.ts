/**
 * The configuration: decided once, at start, from environment variables and at most one JSON file.
 *
 * `readConfig` is pure. It collects everything that is wrong and says it in sentences, so that one start names
 * all problems; a configuration that contradicts itself never reaches the rest of the program. The table
 * `settings` is what `suidao --help` prints and what the environment and the file are checked against.
 */
import { resolve } from 'node:path'
import type { Quotas } from './resources/context.ts'
import { networkSize, parseIpv4, parseNetwork } from './resources/ipv4.ts'
import { regionIds } from './resources/region/model.ts'
import { Secret } from './secret.ts'
import { type ConfigFile, didYouMean, gatherSettings, type Setting } from './settings.ts'
import type { OwnTls, TlsFiles } from './tls.ts'

export type Role = 'api' | 'gateway'
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Listen {
  /** Address or name, without brackets. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

export interface Config {
  readonly listen: Listen
  /** Listener of the metrics; absent when there is none. */
  readonly metricsListen?: Listen
  /** Listener of the API over TLS; absent when there is none. */
  readonly tls?: {
    readonly listen: Listen
    /** The operator's certificate, or what one that is made here is for. */
    readonly certificate: TlsFiles | OwnTls
  }
  /** Absolute. */
  readonly dataDir: string
  readonly database:
    | { readonly kind: 'sqlite'; readonly file: string }
    | { readonly kind: 'postgres'; readonly url: Secret }
  /** 32 bytes in base64 or hexadecimal, as given; absent when the key stands in `masterKeyFile`. */
  readonly masterKey?: Secret
  /** Absolute. Made at the first start when it does not exist. */
  readonly masterKeyFile: string
  readonly roles: ReadonlySet<Role>
  readonly kernelMode: 'auto' | 'X' | 'V' | 'U'
  /** First letters of the names of all our namespaces and interfaces. */
  readonly prefix: string
  /** The host itself is the one VPN gateway; absent: gateways stand in namespaces of their own, on `wan`. */
  readonly host?: {
    /** Interface of the host that has the outside addresses. */
    readonly interface: string
    /** Next hop towards the peers; absent: that of the default route. */
    readonly gateway?: string
  }
  readonly wan: {
    /** Bridge that carries the outside of all VPN gateways. */
    readonly bridge: string
    /** Nobody named a bridge: it is our own, made at the start and removed by `suidao down`. */
    readonly ownBridge: boolean
    /** Network namespace of the bridge; absent for the host's own. */
    readonly netns?: string
    /** Next hop of the VPN gateways' default route; absent when all peers are on the bridge itself. */
    readonly gateway?: string
  }
  /** Outside addresses for VPN gateways as unsigned numbers, first and last included. */
  readonly addressPool: { readonly first: number; readonly last: number }
  /** The only regions that are served; absent for all of the vendor's. */
  readonly regions?: readonly string[]
  readonly defaultRegion: string
  /** Calls are held to the vendor's rates. */
  readonly throttling: boolean
  /** Files of the audit trail that are kept, of 8 MB each. */
  readonly auditFiles: number
  readonly quotas: Quotas
  /** Seconds that BGP sessions are offered with: see `BgpLimits`. */
  readonly bgpHoldTime: number
  /** Where the events of all tunnels are sent to, beside what accounts have set up. */
  readonly webhook?: { readonly url: string; readonly secret: Secret }
  /** Absolute; absent for stderr. */
  readonly logFile?: string
  readonly logLevel: LogLevel
  /** Sentences for the operator about what is allowed and probably not meant. */
  readonly warnings: readonly string[]
}

/** A socket's path has at most 107 bytes, 39 of them behind this: `/engines/sdfooen9999-0a0b0c0d/vici.sock`. */
const longestDataDir = 68

/** Everything that is wrong with a configuration, one sentence each. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** What the defaults depend on. */
export interface Surroundings {
  /** Relative paths start here. */
  readonly workingDirectory: string
  readonly defaultDataDir: string
}

export const settings = [
  { name: 'listen', value: 'host:port', default: '127.0.0.1:8480', help: 'where the API answers (HTTP)' },
  { name: 'tls.listen', value: 'host:port', default: 'off', help: 'where the API answers over TLS (HTTPS)' },
  {
    name: 'tls.certificate',
    value: 'file',
    default: 'made at the start by a local CA, whose certificate is <dataDir>/tls/ca.crt',
    help: 'certificate of that listener in PEM, those of its issuers behind it; read anew when it changes',
  },
  { name: 'tls.key', value: 'file', default: 'none', help: 'private key of tls.certificate in PEM' },
  {
    name: 'tls.names',
    value: 'name, …',
    default: 'localhost, 127.0.0.1, the address of tls.listen',
    help: 'DNS names and IPv4 addresses of the certificate that is made',
  },
  {
    name: 'metricsListen',
    value: 'host:port',
    default: 'off',
    help: 'where metrics answer (Prometheus text)',
  },
  {
    name: 'dataDir',
    value: 'folder',
    default: '/var/lib/suidao when it exists, else ./.suidao',
    help: 'store, keys, daemons',
  },
  {
    name: 'database',
    value: 'sqlite:<file> | postgres://…',
    secret: true,
    default: 'sqlite:<dataDir>/suidao.db',
    help: 'the store; nodes of one deployment share one PostgreSQL',
  },
  {
    name: 'masterKey',
    value: 'key',
    secret: true,
    default: 'none',
    help: 'seals secrets in the store: 32 bytes, base64 or hexadecimal. Better: masterKeyFile',
  },
  {
    name: 'masterKeyFile',
    value: 'file',
    default: '<dataDir>/master.key',
    help: 'holds that key; made at the first start',
  },
  {
    name: 'roles',
    value: 'api,gateway',
    default: 'api,gateway',
    help: 'what this node does: answer the API, run tunnels',
  },
  {
    name: 'kernelMode',
    value: 'auto | X | V | U',
    default: 'auto',
    help: 'who carries ESP: kernel with xfrm interfaces, kernel with vti, userspace',
  },
  {
    name: 'prefix',
    value: '2-5 letters or digits',
    default: 'sd',
    help: 'first letters of our namespaces and interfaces; one per Suidao on a host',
  },
  {
    name: 'network',
    value: 'namespaces | host',
    default: 'namespaces',
    help: 'where VPN gateways stand: each in a namespace, or one that is the host itself',
  },
  {
    name: 'wan.interface',
    value: 'interface',
    default: 'none',
    help: 'with network=host: the interface of the host that has the addresses of addressPool',
  },
  {
    name: 'wan.bridge',
    value: 'interface',
    default: '<prefix>wan, made when missing',
    help: 'bridge with the outside of the VPN gateways',
  },
  {
    name: 'wan.netns',
    value: 'namespace',
    default: "the host's own",
    help: 'network namespace of that bridge',
  },
  {
    name: 'wan.gateway',
    value: 'address',
    default: 'none',
    help: "next hop of the VPN gateways' default route",
  },
  {
    name: 'addressPool',
    value: 'CIDR | first-last',
    default: '198.51.100.0/24',
    help: 'outside addresses for VPN gateways',
  },
  {
    name: 'regions',
    value: 'region, …',
    default: "all of the vendor's",
    help: 'the only regions to serve',
  },
  {
    name: 'defaultRegion',
    value: 'region',
    default: 'cn-hangzhou, else the first of regions',
    help: 'region of a call without RegionId',
  },
  {
    name: 'throttling',
    value: 'auto | on | off',
    default: 'auto: off where the API listens on loopback',
    help: "hold each account to the vendor's calls per minute of an action",
  },
  {
    name: 'auditFiles',
    value: 'number',
    default: '16',
    help: 'files of the audit trail to keep in <dataDir>/audit, 8 MB each',
  },
  {
    name: 'quotas.vpnGateways',
    value: 'number',
    default: '30',
    help: 'VPN gateways per account and region',
  },
  {
    name: 'quotas.customerGateways',
    value: 'number',
    default: '100',
    help: 'customer gateways per account and region',
  },
  {
    name: 'quotas.connectionsPerGateway',
    value: 'number',
    default: '10',
    help: 'IPsec connections per VPN gateway',
  },
  {
    name: 'quotas.destinationRoutesPerGateway',
    value: 'number',
    default: '20',
    help: 'destination routes per VPN gateway',
  },
  {
    name: 'quotas.policyRoutesPerGateway',
    value: 'number',
    default: '20',
    help: 'policy routes per VPN gateway, those made by AutoConfigRoute included',
  },
  {
    name: 'quotas.networksPerBgpSession',
    value: 'number',
    default: '50',
    help: 'networks learned over a BGP session; those beyond it are not taken',
  },
  {
    name: 'quotas.subnetsPerSide',
    value: 'number',
    default: '10',
    help: 'networks per side of a connection',
  },
  { name: 'quotas.tagsPerResource', value: 'number', default: '20', help: 'tags per resource' },
  {
    name: 'bgp.holdTime',
    value: '3-65535 seconds',
    default: '30',
    help: 'silence after which a BGP session ends; the lower one of both ends counts',
  },
  {
    name: 'webhook.url',
    value: 'http(s) address',
    default: 'none',
    help: 'where the events of all tunnels are sent to, beside what accounts set up by SuidaoCreateWebhook',
  },
  {
    name: 'webhook.secret',
    value: '16-128 visible characters',
    secret: true,
    default: 'none',
    help: 'signs these events (HMAC-SHA256)',
  },
  { name: 'logFile', value: 'file', default: 'stderr', help: 'where the log goes' },
  {
    name: 'logLevel',
    value: 'debug | info | warn | error',
    default: 'info',
    help: 'the least that is logged',
  },
] as const satisfies readonly Setting[]

type SettingName = (typeof settings)[number]['name']

/**
 * Reads the configuration. The environment wins over the file. Variables that do not begin with `SUIDAO_` are not
 * looked at; one that does and is unknown is an error, as is an unknown name in the file. An empty value means
 * that the setting is not given.
 *
 * @throws {ConfigError} with every problem there is. No text of a secret is in it.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  file: ConfigFile | undefined,
  surroundings: Surroundings,
): Config {
  const problems: string[] = []
  const warnings: string[] = []
  const given = gatherSettings(settings, env, file, problems)

  /** The parsed value of a setting. What `parse` throws becomes a problem that names the setting and its value. */
  const read = <T, D>(name: SettingName, parse: (text: string) => T, otherwise: D): T | D => {
    const setting = given.get(name)
    if (setting === undefined) return otherwise
    try {
      return parse(setting.text)
    } catch (error) {
      const { secret } = settings.find((one) => one.name === name) as Setting
      const shown = secret ? '' : ` "${setting.text}"`
      const { message } = error as Error
      problems.push(`${setting.where}${shown}: ${message}${message.endsWith('?') ? '' : '.'}`)
      return otherwise
    }
  }
  const path = (text: string) => resolve(surroundings.workingDirectory, text)
  const whereOf = (name: SettingName) => given.get(name)?.where ?? name

  const dataDir = read('dataDir', path, resolve(surroundings.workingDirectory, surroundings.defaultDataDir))
  const prefix = read('prefix', parsePrefix, 'sd')
  const roles = read('roles', parseRoles, new Set<Role>(['api', 'gateway']))
  const wan = {
    bridge: read('wan.bridge', parseInterfaceName, `${prefix}wan`),
    ownBridge: !given.has('wan.bridge'),
    netns: read('wan.netns', parseNamespaceName, undefined),
    gateway: read('wan.gateway', parseAddress, undefined),
  }
  const network = read('network', oneOf('namespaces', 'host'), 'namespaces')
  const outside = read('wan.interface', parseInterfaceName, undefined)
  const regions = read('regions', parseRegions, undefined)
  const listen = read('listen', parseListen, { host: '127.0.0.1', port: 8480 })
  const throttling = read('throttling', oneOf('auto', 'on', 'off'), 'auto')
  const readTls = (): Config['tls'] => {
    const at = read('tls.listen', (text) => (text === 'off' ? undefined : parseListen(text)), undefined)
    const certificateFile = read('tls.certificate', path, undefined)
    const keyFile = read('tls.key', path, undefined)
    const names = read('tls.names', parseNames, undefined)
    if (at === undefined) {
      // What cannot be read has been complained of.
      const stray = { 'tls.certificate': certificateFile, 'tls.key': keyFile, 'tls.names': names } as const
      for (const [name, value] of Object.entries(stray)) {
        if (value === undefined) continue
        problems.push(`${whereOf(name as SettingName)} is for a listener over TLS; give tls.listen as well.`)
      }
      return undefined
    }
    if ((certificateFile === undefined) !== (keyFile === undefined)) {
      const [is, isNot] =
        keyFile === undefined ? ['tls.certificate', 'tls.key'] : ['tls.key', 'tls.certificate']
      problems.push(`${whereOf(is as SettingName)} is given and ${isNot} is not; they belong together.`)
    }
    if (certificateFile !== undefined && keyFile !== undefined) {
      if (names !== undefined) {
        problems.push(
          `${whereOf('tls.names')} is for a certificate that is made, and ${whereOf('tls.certificate')} is given.`,
        )
      }
      return { listen: at, certificate: { certificateFile, keyFile } }
    }
    const callable = isAnyAddress(at.host) || at.host.includes(':') ? [] : [at.host]
    const usual = [...new Set(['localhost', '127.0.0.1', ...callable])]
    return { listen: at, certificate: { folder: resolve(dataDir, 'tls'), names: names ?? usual } }
  }
  const webhookUrl = read('webhook.url', parseWebhookUrl, undefined)
  const webhookSecret = read('webhook.secret', parseWebhookSecret, undefined)
  const config: Config = {
    listen,
    metricsListen: read(
      'metricsListen',
      (text) => (text === 'off' ? undefined : parseListen(text)),
      undefined,
    ),
    tls: readTls(),
    dataDir,
    database: read('database', (text) => parseDatabase(text, path), {
      kind: 'sqlite',
      file: resolve(dataDir, 'suidao.db'),
    }),
    masterKey: read('masterKey', parseMasterKey, undefined),
    masterKeyFile: read('masterKeyFile', path, resolve(dataDir, 'master.key')),
    roles,
    kernelMode: read('kernelMode', oneOf('auto', 'X', 'V', 'U'), 'auto'),
    prefix,
    ...(network === 'host' &&
      outside !== undefined && { host: { interface: outside, gateway: wan.gateway } }),
    wan,
    addressPool: read('addressPool', parseAddressPool, parseAddressPool('198.51.100.0/24')),
    regions,
    defaultRegion: read(
      'defaultRegion',
      parseRegion,
      regions === undefined || regions.includes('cn-hangzhou') ? 'cn-hangzhou' : regions[0]!,
    ),
    throttling: throttling === 'auto' ? !isLoopback(listen.host) : throttling === 'on',
    auditFiles: read('auditFiles', parseCount, 16),
    quotas: {
      vpnGateways: read('quotas.vpnGateways', parseCount, 30),
      customerGateways: read('quotas.customerGateways', parseCount, 100),
      connectionsPerGateway: read('quotas.connectionsPerGateway', parseCount, 10),
      destinationRoutesPerGateway: read('quotas.destinationRoutesPerGateway', parseCount, 20),
      policyRoutesPerGateway: read('quotas.policyRoutesPerGateway', parseCount, 20),
      networksPerBgpSession: read('quotas.networksPerBgpSession', parseCount, 50),
      subnetsPerSide: read('quotas.subnetsPerSide', parseCount, 10),
      tagsPerResource: read('quotas.tagsPerResource', parseCount, 20),
    },
    bgpHoldTime: read('bgp.holdTime', parseHoldTime, 30),
    webhook: webhookUrl && webhookSecret ? { url: webhookUrl, secret: webhookSecret } : undefined,
    logFile: read('logFile', path, undefined),
    logLevel: read('logLevel', oneOf('debug', 'info', 'warn', 'error'), 'info'),
    warnings,
  }

  // --- What contradicts each other ---
  if (given.has('webhook.url') !== given.has('webhook.secret')) {
    const [there, missing] = given.has('webhook.url')
      ? (['webhook.url', 'webhook.secret'] as const)
      : (['webhook.secret', 'webhook.url'] as const)
    problems.push(`${whereOf(there)} needs ${missing} beside it: events are sent signed.`)
  }
  if (given.has('masterKey') && given.has('masterKeyFile')) {
    problems.push(
      `${whereOf('masterKey')} and ${whereOf('masterKeyFile')} both say what seals the store; give one of them.`,
    )
  }
  if (config.regions !== undefined && !config.regions.includes(config.defaultRegion)) {
    problems.push(
      `${whereOf('defaultRegion')} is ${config.defaultRegion}, which is not among the regions of ${whereOf('regions')} ` +
        `(${config.regions.join(', ')}).`,
    )
  }
  const gateway = wan.gateway === undefined ? undefined : parseIpv4(wan.gateway)!
  if (gateway !== undefined && config.addressPool.first <= gateway && gateway <= config.addressPool.last) {
    problems.push(
      `${whereOf('wan.gateway')} ${wan.gateway} lies inside ${whereOf('addressPool')}: a VPN gateway would be given ` +
        `the address of its own next hop. Leave it out of the pool.`,
    )
  }
  if (network === 'host') {
    if (outside === undefined && !given.has('wan.interface')) {
      problems.push(
        `${whereOf('network')} is host: say in wan.interface which interface has the outside address.`,
      )
    }
    for (const name of ['wan.bridge', 'wan.netns'] as const) {
      if (given.has(name)) {
        problems.push(
          `${whereOf(name)} is for VPN gateways in namespaces, and ${whereOf('network')} is host.`,
        )
      }
    }
    if (config.addressPool.last - config.addressPool.first > 1) {
      problems.push(
        `${whereOf('addressPool')} has more than two addresses, and ${whereOf('network')} is host: give the address of the ` +
          'host, or the two of a gateway for connections with two tunnels.',
      )
    }
  } else if (given.has('wan.interface')) {
    problems.push(
      `${whereOf('wan.interface')} is for network=host; VPN gateways in namespaces have a bridge, wan.bridge.`,
    )
  }
  if (config.metricsListen !== undefined && sameListener(config.listen, config.metricsListen)) {
    problems.push(
      `${whereOf('listen')} and ${whereOf('metricsListen')} are both ${showListen(config.listen)}; they need different ports.`,
    )
  }
  for (const [name, other] of [
    ['listen', config.listen],
    ['metricsListen', config.metricsListen],
  ] as const) {
    if (config.tls && other && sameListener(other, config.tls.listen)) {
      problems.push(
        `${whereOf(name)} and ${whereOf('tls.listen')} are both ${showListen(other)}; they need different ports.`,
      )
    }
  }
  if (roles.has('gateway') && /^\/(var\/)?run(\/|$)/.test(dataDir)) {
    problems.push(
      `${whereOf('dataDir')} ${dataDir} lies under /run, which is another folder for each IKE daemon. Choose one elsewhere.`,
    )
  }
  if (roles.has('gateway') && Buffer.byteLength(dataDir) > longestDataDir) {
    problems.push(
      `${whereOf('dataDir')} ${dataDir} has ${Buffer.byteLength(dataDir)} bytes; more than ${longestDataDir} leave no room ` +
        'for the sockets of daemons below it.',
    )
  }
  if (!roles.has('gateway')) {
    for (const name of [
      'kernelMode',
      'network',
      'wan.interface',
      'wan.bridge',
      'wan.netns',
      'wan.gateway',
      'bgp.holdTime',
      'webhook.url',
    ] as const) {
      if (given.has(name)) {
        problems.push(
          `${whereOf(name)} is for a node that runs tunnels, and ${whereOf('roles')} has no "gateway".`,
        )
      }
    }
    if (config.database.kind === 'sqlite') {
      warnings.push(
        'This node has no role "gateway" and an embedded store that no other node can use: nothing will run the tunnels.',
      )
    }
  }
  if (!roles.has('api')) {
    if (config.database.kind === 'sqlite') {
      problems.push(
        `${whereOf('roles')} has no "api" and the store is embedded: nobody could tell this node what to run. ` +
          'Add the role, or set the database to the PostgreSQL of the other nodes.',
      )
    }
    for (const name of ['listen', 'tls.listen'] as const) {
      if (given.has(name)) {
        problems.push(
          `${whereOf(name)} is for a node that answers the API, and ${whereOf('roles')} has no "api".`,
        )
      }
    }
  }

  // --- What is allowed and probably not meant ---
  if (roles.has('api') && !isLoopback(config.listen.host)) {
    warnings.push(
      `The API answers plain HTTP on ${showListen(config.listen)}: requests are signed, yet pre-shared keys cross ` +
        'the network in clear. Set tls.listen for clients elsewhere, and listen on 127.0.0.1.',
    )
  }
  if (roles.has('gateway') && !given.has('addressPool')) {
    warnings.push(
      'No addressPool is set: VPN gateways get addresses of 198.51.100.0/24, which is for documentation and reaches no peer beyond this machine.',
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** `127.0.0.1:8480`, `[::1]:8480`. */
export const showListen = ({ host, port }: Listen): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

// --- Parsers: text to value; what they throw continues the sentence `NAME "text": ...` -------------------------

const oneOf =
  <const T extends string>(...values: readonly T[]) =>
  (text: string): T => {
    const value = values.find((candidate) => candidate.toLowerCase() === text.toLowerCase())
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`)
    return value
  }

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

function parseListen(text: string): Listen {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  if (!match) throw new Error('must be host:port, for example 127.0.0.1:8480 or [::1]:8480')
  const port = Number(match[3])
  if (port > 65_535) throw new Error('has a port above 65535')
  return { host: (match[1] ?? match[2])!, port }
}

function parseNames(text: string): readonly string[] {
  const names = listOf(text)
  if (names.length === 0) throw new Error('must name at least one')
  const bad = names.find(
    (name) => !/^(\*\.)?[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i.test(name),
  )
  if (bad !== undefined) throw new Error(`has "${bad}", which is neither a DNS name nor an IPv4 address`)
  return names
}

function parseDatabase(text: string, path: (text: string) => string): Config['database'] {
  if (/^postgres(ql)?:\/\//.test(text)) {
    if (!URL.canParse(text)) throw new Error('is not a valid address of a PostgreSQL database')
    return { kind: 'postgres', url: new Secret(text) }
  }
  const file = /^sqlite:(.+)$/.exec(text)?.[1]
  if (file === undefined) throw new Error('must be sqlite:<file> or postgres://user@host/database')
  return { kind: 'sqlite', file: path(file) }
}

function parseMasterKey(text: string): Secret {
  const isHex = /^[0-9a-fA-F]{64}$/.test(text)
  const isBase64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(text)
  if (!isHex && !isBase64)
    throw new Error('must be 32 bytes: 64 hexadecimal digits, or 44 characters of base64')
  return new Secret(text)
}

function parseWebhookUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new Error('must be an http or https address without a user name')
  }
  return url.href
}

function parseWebhookSecret(text: string): Secret {
  if (!/^[\x21-\x7e]{16,128}$/.test(text)) throw new Error('must be 16 to 128 visible characters')
  return new Secret(text)
}

function parseRoles(text: string): Set<Role> {
  const roles = listOf(text).map(oneOf('api', 'gateway'))
  if (roles.length === 0) throw new Error('must name at least one of api, gateway')
  return new Set(roles)
}

function parsePrefix(text: string): string {
  if (!/^[a-z][a-z0-9]{1,4}$/.test(text)) {
    throw new Error('must be 2 to 5 lower-case letters and digits, a letter first')
  }
  return text
}

function parseInterfaceName(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(text)) {
    throw new Error('must be an interface name: at most 15 letters, digits, dots, dashes or underscores')
  }
  return text
}

function parseNamespaceName(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) {
    throw new Error('must be the name of a network namespace: letters, digits, dots, dashes or underscores')
  }
  return text
}

function parseAddress(text: string): string {
  if (parseIpv4(text) === undefined) throw new Error('must be an IPv4 address')
  return text
}

/** Network and broadcast address of a CIDR are not given out, except from a /31 or /32 (RFC 3021). */
function parseAddressPool(text: string): Config['addressPool'] {
  const [from = '', to] = text.split('-').map((part) => part.trim())
  if (to !== undefined) {
    const first = parseIpv4(from)
    const last = parseIpv4(to)
    if (first === undefined || last === undefined) throw new Error('must be a range of two IPv4 addresses')
    if (first > last) throw new Error('ends before it begins')
    return { first, last }
  }
  const network = parseNetwork(text)
  if (network === undefined) throw new Error('must be a CIDR without host bits, or a range first-last')
  const edge = networkSize(network) > 2 ? 1 : 0
  return { first: network.address + edge, last: network.address + networkSize(network) - 1 - edge }
}

function parseRegion(text: string): string {
  if (regionIds.has(text)) return text
  const near = didYouMean(text, [...regionIds])
  throw new Error(`"${text}" is not a region${near && `.${near}`}`)
}

function parseRegions(text: string): string[] {
  const regions = listOf(text).map(parseRegion)
  if (regions.length === 0) throw new Error('must name at least one region')
  return [...new Set(regions)]
}

function parseCount(text: string): number {
  if (!/^\d{1,7}$/.test(text) || Number(text) < 1) throw new Error('must be a whole number from 1 to 9999999')
  return Number(text)
}

/** RFC 4271, 4.2: at least three seconds. Zero, which would be for ever, is not taken: a silent peer has to be noticed. */
function parseHoldTime(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 3 || Number(text) > 65_535) {
    throw new Error('must be a whole number of seconds from 3 to 65535')
  }
  return Number(text)
}

// --- Listeners -----------------------------------------------------------------------------------------------

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (parseIpv4(host) ?? 0) >>> 24 === 127

const isAnyAddress = (host: string): boolean => host === '0.0.0.0' || host === '::'

const sameListener = (a: Listen, b: Listen): boolean =>
  a.port !== 0 && a.port === b.port && (a.host === b.host || isAnyAddress(a.host) || isAnyAddress(b.host))
