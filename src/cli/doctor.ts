/**
 * `suidao doctor`: what this machine can do, found out by trying, and what to install.
 *
 * Each check looks at one thing and gives findings; a finding that is `missing` keeps Suidao from running as
 * configured, one that is `note` is worth knowing. Nothing is changed on the machine.
 */
import { constants } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { release } from 'node:os'
import { dirname, join } from 'node:path'
import { CompiledQuery, Kysely } from 'kysely'
import { type Config, type Listen, showListen } from '../config.ts'
import { openPostgres } from '../db/postgres.ts'
import { findBird } from '../engine/bird/speaker.ts'
import { run } from '../engine/linux/command.ts'
import { checkWan } from '../engine/linux/gateway-network.ts'
import { checkHost } from '../engine/linux/host-network.ts'
import { findCharon } from '../engine/strongswan/charon.ts'
import { chooseKernelMode, type KernelModes, probeKernel } from '../engine/strongswan/kernel-mode.ts'
import { http, https } from '../node-http.ts'
import { loadCertificate } from '../tls.ts'
import { exitCodes, type Terminal } from './terminal.ts'

export interface Finding {
  readonly what: string
  readonly verdict: 'ok' | 'note' | 'missing'
  readonly text: string
  /** Further lines: evidence, or what to do. */
  readonly details?: readonly string[]
  /** Debian packages that would mend it. */
  readonly packages?: readonly string[]
}

export async function runDoctor(config: Config, terminal: Terminal): Promise<number> {
  const findings = await examine(config)
  for (const line of renderFindings(findings, terminal.isInteractive)) terminal.print(line)
  return findings.some(({ verdict }) => verdict === 'missing') ? exitCodes.failed : exitCodes.done
}

async function examine(config: Config): Promise<Finding[]> {
  const findings = [await examineSystem()]
  if (config.roles.has('gateway')) {
    findings.push(
      examinePrivileges(),
      ...(await examineCharon(config.kernelMode)),
      await examineBird(),
      ...(await Promise.all(tools.map(examineTool))),
      ...(await examineKernel(config)),
      await examineAppArmor(),
      await examineOutside(config),
    )
  }
  if (config.roles.has('api')) findings.push(await examineListener('API', config.listen))
  if (config.tls)
    findings.push(await examineListener('TLS', config.tls.listen, 'https'), ...examineTls(config.tls))
  if (config.metricsListen) findings.push(await examineListener('metrics', config.metricsListen))
  findings.push(await examineStore(config.database))
  findings.push(...config.warnings.map((text): Finding => ({ what: 'configuration', verdict: 'note', text })))
  return findings
}

// --- The report ----------------------------------------------------------------------------------------------

const signs = { ok: 'ok', note: 'note', missing: 'MISSING' } as const
const colours = { ok: '\x1b[32m', note: '\x1b[33m', missing: '\x1b[31m' } as const

export function renderFindings(findings: readonly Finding[], inColour: boolean): string[] {
  const width = Math.max(...findings.map(({ what }) => what.length))
  const lines = findings.flatMap(({ what, verdict, text, details = [] }) => {
    const sign = signs[verdict].padEnd(signs.missing.length)
    return [
      `${inColour ? `${colours[verdict]}${sign}\x1b[0m` : sign}  ${what.padEnd(width)}  ${text}`,
      ...details.map((detail) => `${' '.repeat(signs.missing.length + width + 4)}${detail}`),
    ]
  })
  const missing = findings.filter(({ verdict }) => verdict === 'missing')
  const packages = [...new Set(findings.flatMap((finding) => finding.packages ?? []))]
  lines.push('')
  if (packages.length > 0) {
    lines.push(
      'To install what is missing, as root:',
      `    apt-get update && apt-get install --no-install-recommends ${packages.join(' ')}`,
    )
  }
  lines.push(
    missing.length === 0
      ? 'Suidao can run here as configured.'
      : `Suidao cannot run here as configured: ${[...new Set(missing.map(({ what }) => what))].join(', ')}.`,
  )
  return lines
}

// --- System and rights ---------------------------------------------------------------------------------------

async function examineSystem(): Promise<Finding> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const name = /^PRETTY_NAME="?([^"\n]+)/m.exec(text)?.[1] ?? process.platform
  const isLinux = process.platform === 'linux'
  return {
    what: 'system',
    verdict: isLinux ? 'ok' : 'missing',
    text: `${name}, kernel ${release()} ${process.arch}, Node ${process.versions.node}`,
    details: isLinux
      ? []
      : ['Tunnels need Linux. A node with SUIDAO_ROLES=api only answers the API and runs anywhere.'],
  }
}

function examinePrivileges(): Finding {
  return process.getuid?.() === 0
    ? { what: 'rights', verdict: 'ok', text: 'root' }
    : {
        what: 'rights',
        verdict: 'missing',
        text: `user ${process.getuid?.() ?? 'unknown'}: network namespaces and tunnels need root`,
        details: ['Run it as root (sudo). What follows is seen with the rights of this user.'],
      }
}

// --- Daemons and tools ---------------------------------------------------------------------------------------

/** Plugins of charon that tunnels cannot do without, and the Debian package of each. */
const charonPlugins: readonly { readonly name: string; readonly package: string; readonly use: string }[] = [
  { name: 'vici', package: 'strongswan-swanctl', use: 'the control socket' },
  { name: 'kernel-netlink', package: 'libstrongswan', use: 'SAs and addresses in the kernel' },
  { name: 'kernel-libipsec', package: 'libcharon-extra-plugins', use: 'ESP in userspace (mode U)' },
  { name: 'openssl', package: 'libstrongswan-standard-plugins', use: 'DES and 3DES, certificates' },
  { name: 'gmp', package: 'libstrongswan', use: 'Diffie-Hellman groups' },
  { name: 'counters', package: 'strongswan-libcharon', use: 'counters of exchanges' },
  { name: 'curve25519', package: 'libstrongswan-extra-plugins', use: 'keys of certificates' },
]

async function examineCharon(kernelMode: Config['kernelMode']): Promise<Finding[]> {
  let program: string
  try {
    program = await findCharon()
  } catch (error) {
    return [
      {
        what: 'charon',
        verdict: 'missing',
        text: messageOf(error),
        packages: ['strongswan-charon', ...new Set(charonPlugins.map((plugin) => plugin.package))],
      },
    ]
  }
  const needed = charonPlugins.filter(
    ({ name }) => name !== 'kernel-libipsec' || ['auto', 'U'].includes(kernelMode),
  )
  const absent: (typeof charonPlugins)[number][] = []
  for (const plugin of needed) {
    const file = join(dirname(program), 'plugins', `libstrongswan-${plugin.name}.so`)
    if (!(await isReadable(file))) absent.push(plugin)
  }
  const version = await run(program, ['--version']).catch(messageOf)
  return [
    {
      what: 'charon',
      verdict: 'ok',
      text: `${/strongSwan \S+/.exec(version)?.[0] ?? version.trim()}, ${program}`,
    },
    ...absent.map(
      (plugin): Finding => ({
        what: 'charon plugin',
        verdict: 'missing',
        text: `${plugin.name} (${plugin.use})`,
        packages: [plugin.package],
      }),
    ),
  ]
}

async function examineBird(): Promise<Finding> {
  const what = 'bird'
  try {
    return { what, verdict: 'ok', text: `BIRD, ${await findBird()}` }
  } catch (error) {
    return { what, verdict: 'missing', text: `${messageOf(error)} (BGP)`, packages: ['bird2'] }
  }
}

interface Tool {
  readonly name: string
  readonly args: readonly string[]
  readonly package: string
  readonly use: string
}

const tools: readonly Tool[] = [
  { name: 'ip', args: ['-V'], package: 'iproute2', use: 'namespaces, links, routes' },
  { name: 'sysctl', args: ['--version'], package: 'procps', use: 'settings of namespaces' },
  { name: 'nft', args: ['--version'], package: 'nftables', use: 'NAT traversal switched off for a peer' },
  { name: 'nsenter', args: ['--version'], package: 'util-linux', use: 'commands inside a namespace' },
  { name: 'fping', args: ['--version'], package: 'fping', use: 'health checks' },
  { name: 'unshare', args: ['--version'], package: 'util-linux', use: 'a mount namespace for each daemon' },
]

async function examineTool({ name, args, package: debianPackage, use }: Tool): Promise<Finding> {
  try {
    const said = await run(name, args)
    return { what: name, verdict: 'ok', text: said.trim().split('\n')[0]! }
  } catch (error) {
    return { what: name, verdict: 'missing', text: `${messageOf(error)} (${use})`, packages: [debianPackage] }
  }
}

/** Debian's AppArmor profile of charon allows none of our folders; daemons are started outside it (charon.ts). */
async function examineAppArmor(): Promise<Finding> {
  const profiles = await readFile('/sys/kernel/security/apparmor/profiles', 'utf8').catch(() => '')
  const confines = /^\S*ipsec\/charon \(enforce\)$/m.test(profiles)
  const text = confines
    ? 'has a profile of charon; the daemons of Suidao run without it'
    : 'does not confine charon'
  return { what: 'AppArmor', verdict: 'ok', text }
}

// --- Kernel and network --------------------------------------------------------------------------------------

const modeNames = {
  X: 'the kernel carries ESP, one xfrm interface for each tunnel',
  V: 'the kernel carries ESP, one vti interface for each tunnel',
  U: 'charon carries ESP in userspace over TUN, always in UDP',
} as const

async function examineKernel({ kernelMode, prefix }: Config): Promise<Finding[]> {
  let modes: KernelModes
  try {
    modes = await probeKernel(prefix)
  } catch (error) {
    return [{ what: 'kernel mode', verdict: 'missing', text: `cannot be tried: ${messageOf(error)}` }]
  }
  return judgeKernel(modes, kernelMode)
}

export function judgeKernel(modes: KernelModes, kernelMode: Config['kernelMode']): Finding[] {
  const details = modes.trials.map(
    ({ name, works, evidence }) => `${works ? 'works' : 'fails'}  ${name}: ${evidence}`,
  )
  try {
    const mode = chooseKernelMode(modes, kernelMode === 'auto' ? undefined : kernelMode)
    return [{ what: 'kernel mode', verdict: 'ok', text: `${mode}: ${modeNames[mode]}`, details }]
  } catch {
    const what =
      kernelMode === 'auto'
        ? 'none of X, V and U works here'
        : `${kernelMode} was asked for and does not work here`
    return [{ what: 'kernel mode', verdict: 'missing', text: what, details }]
  }
}

async function examineOutside({ wan, host }: Config): Promise<Finding> {
  if (host) {
    try {
      await checkHost(host)
      return { what: 'outside', verdict: 'ok', text: `${host.interface} of this host, which is the gateway` }
    } catch (error) {
      return { what: 'outside', verdict: 'missing', text: messageOf(error) }
    }
  }
  const place = `${wan.bridge}${wan.netns === undefined ? '' : ` in namespace ${wan.netns}`}`
  try {
    await checkWan(wan)
    return { what: 'WAN bridge', verdict: 'ok', text: place }
  } catch (error) {
    return wan.ownBridge
      ? {
          what: 'WAN bridge',
          verdict: 'ok',
          text: `${place}: will be made at the start, with nothing attached to it`,
        }
      : { what: 'WAN bridge', verdict: 'missing', text: messageOf(error) }
  }
}

// --- Listeners and store -------------------------------------------------------------------------------------

async function examineListener(
  name: string,
  listen: Listen,
  scheme: 'http' | 'https' = 'http',
): Promise<Finding> {
  const where = showListen(listen)
  const code = await tryToListen(listen)
  if (code === undefined) return { what: `${name} port`, verdict: 'ok', text: `${where} is free` }
  if (code === 'EADDRINUSE' && (await answersAsSuidao(listen, scheme))) {
    return { what: `${name} port`, verdict: 'ok', text: `${where} is in use by a Suidao that is running` }
  }
  const why: Record<string, string> = {
    EADDRINUSE: 'is in use by another process',
    EACCES: 'may not be used by this user',
    EADDRNOTAVAIL: 'is not an address of this machine',
  }
  return {
    what: `${name} port`,
    verdict: 'missing',
    text: `${where} ${why[code] ?? `cannot be used: ${code}`}`,
  }
}

function tryToListen({ host, port }: Listen): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

/** An unsigned call is refused with a request id; metrics speak for themselves. */
async function answersAsSuidao(listen: Listen, scheme: 'http' | 'https'): Promise<boolean> {
  const host = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host === '::' ? '::1' : listen.host
  try {
    const answer = (path: string) => getText(`${scheme}://${showListen({ ...listen, host })}${path}`)
    return (
      (await answer('/?Format=JSON')).includes('"RequestId"') ||
      (await answer('/metrics')).includes('suidao_')
    )
  } catch {
    return false
  }
}

/** Whoever answers, whatever certificate it shows: only the answer is of interest. */
function getText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { signal: AbortSignal.timeout(2_000), rejectUnauthorized: false, agent: false } as const
    const asked = (url.startsWith('https:') ? https() : http()).get(url, options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text)).on('error', reject)
    })
    asked.on('error', reject)
  })
}

/** A certificate that the start makes is not made here: nothing is changed. */
function examineTls({ certificate }: NonNullable<Config['tls']>): Finding[] {
  if ('folder' in certificate) return []
  try {
    loadCertificate(certificate, Date.now())
    return [{ what: 'certificate', verdict: 'ok', text: certificate.certificateFile }]
  } catch (error) {
    return [{ what: 'certificate', verdict: 'missing', text: messageOf(error) }]
  }
}

async function examineStore(database: Config['database']): Promise<Finding> {
  try {
    const text =
      database.kind === 'sqlite' ? await trySqlite(database.file) : await tryPostgres(database.url.reveal())
    return { what: 'store', verdict: 'ok', text }
  } catch (error) {
    return { what: 'store', verdict: 'missing', text: messageOf(error) }
  }
}

/** Looks only: opening it as the server does would make it and bring it to this version's form. */
async function trySqlite(file: string): Promise<string> {
  const handle = await open(file, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`${file} cannot be opened (${error.code})`)
  })
  if (handle === undefined) {
    const folder = await nearestFolder(dirname(file))
    await access(folder, constants.W_OK).catch(() => {
      throw new Error(`${file} is not there and ${folder} cannot be written`)
    })
    return `${file}: will be made at the start`
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0)
    if (bytesRead > 0 && buffer.toString('latin1') !== 'SQLite format 3\0') {
      throw new Error(`${file} is not a SQLite database`)
    }
    return `${file}: SQLite, readable and writable`
  } finally {
    await handle.close()
  }
}

/** The nearest folder above a file that exists. */
async function nearestFolder(folder: string): Promise<string> {
  return (await isReadable(folder)) || folder === dirname(folder) ? folder : nearestFolder(dirname(folder))
}

async function tryPostgres(url: string): Promise<string> {
  const store = openPostgres(url)
  const db = new Kysely<unknown>({ dialect: store.dialect })
  try {
    const { rows } = await db.executeQuery<{ server_version: string }>(
      CompiledQuery.raw('show server_version'),
    )
    return `PostgreSQL ${rows[0]?.server_version}`
  } catch (error) {
    // The text of a connection error names host and user, never the password.
    throw new Error(`PostgreSQL cannot be reached: ${messageOf(error)}`)
  } finally {
    await db.destroy()
    await store.close()
  }
}

const isReadable = (path: string) =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  )

const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message || error.name : String(error)
}
