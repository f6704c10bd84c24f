/**
 * Official clients in other languages, each behind a small program that reads calls from its input and writes answers.
 *
 * They are had from their registries by the clients of those (pip, go, Maven), at the versions written beside each program,
 * into `var/other-clients`. What a machine has no tools for, or cannot get, is skipped with the reason.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { TestApp } from '../support/app.ts'
import { type Ask, flatten, RegionId } from '../support/official-clients.ts'

const here = import.meta.dirname
/** Inside the project, where Node finds its packages, and out of its repository. */
export const scratch = join(here, '../../var/other-clients')
const run = promisify(execFile)

export interface Driver {
  readonly ask: Ask
  close(): Promise<void>
}

export interface OtherClient {
  readonly name: string
  /** @throws with the reason where the client cannot be had here. The same language is prepared once. */
  prepare(): Promise<void>
  /** Over TLS the CA of the server is trusted in the way of the language. */
  start(app: TestApp, tls?: TestApp['tls']): Driver
  /** The models of this version know connections with two tunnels. */
  readonly twoTunnels: boolean
  /** Its name in given.json, of a client that no package registry has. */
  readonly kept?: string
}

/** Runs a tool; what it complains about last is the reason. */
export async function tool(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  try {
    await run(file, args, { ...options, maxBuffer: 64 * 1024 * 1024 })
  } catch (error) {
    const { code, stderr = '', stdout = '' } = error as { code?: unknown; stderr?: string; stdout?: string }
    if (code === 'ENOENT') throw new Error(`there is no ${file} on this machine`)
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-3).join(' | ')
    throw new Error(`${file} ${args[0]} failed: ${said}`)
  }
}

const once = (prepare: () => Promise<void>) => {
  let prepared: Promise<void> | undefined
  return () => (prepared ??= prepare())
}

export const pythonProgram = join(scratch, 'python/bin/python')
const preparePython = once(async () => {
  await tool('python3', ['-m', 'venv', join(scratch, 'python')])
  await tool(pythonProgram, ['-m', 'pip', 'install', '--quiet', '-r', join(here, 'python/requirements.txt')])
})

export const goFolder = join(here, 'go')
const goProgram = join(scratch, 'go-driver')
const prepareGo = once(() =>
  // One package at a time: the SDKs are large, and a build of several at once takes all memory of a small machine.
  tool('go', ['build', '-p=1', '-buildvcs=false', '-o', goProgram, '.'], { cwd: goFolder }),
)

const javaOut = join(scratch, 'java')
const classpathFile = join(javaOut, 'classpath')
/** Of the compiled driver and of everything it needs. */
export const javaClasspath = () => `${join(javaOut, 'classes')}:${readFileSync(classpathFile, 'utf8')}`
const prepareJava = once(async () => {
  mkdirSync(javaOut, { recursive: true })
  const goals = ['compile', 'dependency:build-classpath', `-Dmdep.outputFile=${classpathFile}`]
  await tool('mvn', ['--quiet', '--batch-mode', `-Dout=${javaOut}`, ...goals], { cwd: join(here, 'java') })
})

/** Java trusts what is in a store of its own kind. */
function trustStore(tls: TestApp['tls']): string[] {
  if (!tls) return []
  const store = join(javaOut, 'trusted.p12')
  rmSync(store, { force: true })
  const made = ['-importcert', '-noprompt', '-alias', 'suidao', '-file', tls.caFile, '-keystore', store]
  execFileSync('keytool', [...made, '-storepass', 'changeit'], { stdio: 'ignore' })
  return [`-Djavax.net.ssl.trustStore=${store}`, '-Djavax.net.ssl.trustStorePassword=changeit']
}

/** Of a client's process: over TLS with the CA of the server, and never through a proxy, which would answer for it. */
export function clientEnvironment(tls: TestApp['tls']): NodeJS.ProcessEnv {
  const trust = tls && {
    SSL_CERT_FILE: tls.caFile,
    REQUESTS_CA_BUNDLE: tls.caFile,
    ALIBABA_CLOUD_CA_BUNDLE: tls.caFile,
  }
  const env: NodeJS.ProcessEnv = { ...process.env, ...trust }
  for (const name of ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY']) delete env[name]
  return env
}

/** Starts a program that answers each line with a line. */
function drive(file: string, args: readonly string[], { host, root }: TestApp, tls: TestApp['tls']): Driver {
  const env = { ...clientEnvironment(tls), DRIVER_PROTOCOL: tls ? 'HTTPS' : 'HTTP' }
  const child = spawn(file, [...args, tls?.host ?? host, root.id, root.secret], { env })
  let complaint = ''
  child.stderr.on('data', (text) => {
    complaint = (complaint + text).slice(-4096)
  })
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = []
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(line))
  const ended = whenEnded(child).then((how) => {
    for (const one of waiting.splice(0)) one.reject(new Error(`the driver ended (${how}): ${complaint}`))
  })
  return {
    async ask(action, params = {}) {
      const line = await new Promise<string>((resolve, reject) => {
        waiting.push({ resolve, reject })
        child.stdin.write(`${JSON.stringify({ action, params: { RegionId, ...params } })}\n`)
      })
      const { body, error } = JSON.parse(line)
      if (error)
        throw Object.assign(new Error(`${action}: ${error.code}: ${error.message}`), { code: error.code })
      return body
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

const whenEnded = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(String(signal ?? code)))
  })

/** On the path, or where the variable says. */
export const aliyunProgram = process.env.SUIDAO_ALIYUN_CLI ?? 'aliyun'
const prepareAliyun = once(() => tool(aliyunProgram, ['version']))

export interface AliyunCli {
  /** One run of `aliyun vpc`. @returns what it prints. @throws with what it complains about, and the `code` in it */
  run(action: string, args?: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** The command line tool with a home of its own, so that it finds no key of whoever runs the tests. */
export function aliyunCli({ host, root }: TestApp, tls?: TestApp['tls']): AliyunCli {
  const home = mkdtempSync(join(tmpdir(), 'suidao-aliyun-'))
  const env = {
    ...clientEnvironment(tls),
    HOME: home,
    ALIBABA_CLOUD_ACCESS_KEY_ID: root.id,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: root.secret,
    ALIBABA_CLOUD_REGION_ID: RegionId,
  }
  const place = tls ? ['--endpoint', tls.host] : ['--endpoint', host, '--insecure']
  return {
    async run(action, args = []) {
      try {
        return (await run(aliyunProgram, ['vpc', action, ...place, ...args], { env })).stdout
      } catch (error) {
        const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
        const said = `${action}: ${stdout}${stderr}`
        throw Object.assign(new Error(said), { code: /^ErrorCode: (\S+)/m.exec(said)?.[1] })
      }
    },
    async close() {
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** The tool's own list of parameters knows the tunnels as one text of JSON. */
function aliyunArguments(params: Record<string, unknown>): string[] {
  const { TunnelOptionsSpecification: tunnels, ...plain } = params
  const flat = flatten(plain)
  if (tunnels !== undefined) flat.TunnelOptionsSpecification = JSON.stringify(tunnels)
  return Object.entries(flat).flatMap(([name, value]) => [`--${name}`, String(value)])
}

export const otherClients: readonly OtherClient[] = [
  ...['v1', 'v2'].map((generation) => ({
    name: `Python, ${generation === 'v1' ? 'aliyun-python-sdk-vpc (RPC V1)' : 'alibabacloud-vpc20160428 (ACS3)'}`,
    prepare: preparePython,
    start: (app: TestApp, tls?: TestApp['tls']) =>
      drive(pythonProgram, [join(here, 'python/driver.py'), generation], app, tls),
    twoTunnels: true,
  })),
  ...['v1', 'v2'].map((generation) => ({
    name: `Go, ${generation === 'v1' ? 'alibaba-cloud-sdk-go (RPC V1)' : 'vpc-20160428/v6 (ACS3)'}`,
    prepare: prepareGo,
    start: (app: TestApp, tls?: TestApp['tls']) => drive(goProgram, [generation], app, tls),
    twoTunnels: true,
  })),
  {
    name: 'Java, com.aliyun vpc20160428',
    prepare: prepareJava,
    start: (app, tls) => drive('java', [...trustStore(tls), '-cp', javaClasspath(), 'Driver'], app, tls),
    twoTunnels: false,
  },
  {
    name: 'The aliyun CLI (RPC V1)',
    prepare: prepareAliyun,
    start(app, tls) {
      const { run, close } = aliyunCli(app, tls)
      const ask: Ask = async (action, params = {}) => JSON.parse(await run(action, aliyunArguments(params)))
      return { ask, close }
    },
    twoTunnels: true,
    kept: 'aliyun',
  },
]

/** @returns why the client cannot be had here */
export const prepare = (client: OtherClient): Promise<string | undefined> =>
  client.prepare().then(
    () => undefined,
    (error: Error) => error.message,
  )
