/** A whole server in this process: real store, real HTTP, an engine of memory; and clients for it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openapi from '@alicloud/openapi-core'
import RpcClient from '@alicloud/pop-core'
import ram from '@alicloud/ram20150501'
import vpc from '@alicloud/vpc20160428'
import { type App, createApp, type Overrides } from '../../src/app.ts'
import { realClock } from '../../src/clock.ts'
import { readConfig } from '../../src/config.ts'
import { createAccessKey, createAccount } from '../../src/resources/access-key/store.ts'
import type { PolicyStatement } from '../../src/rpc/authorize.ts'
import { startContractProxy } from './contract.ts'
import { createMemoryEngine, type MemoryEngine } from './memory-engine.ts'

export interface Key {
  readonly id: string
  readonly secret: string
  /** Of a temporary key. */
  readonly token?: string
}

export interface TestApp {
  readonly app: App
  readonly engine: MemoryEngine
  /** `127.0.0.1:port` of the proxy that holds every answer against its contract (contract.ts). */
  readonly host: string
  /** What callers of `host` have given (contract.ts). */
  readonly given: ReadonlyMap<string, ReadonlySet<string>>
  /** Of the listener over TLS, which no proxy stands before, and the file of its CA; with the setting `TLS_LISTEN`. */
  readonly tls: { readonly host: string; readonly caFile: string } | undefined
  /** `127.0.0.1:port` of the server itself, for what is no answer of the API. */
  readonly endpoint: string
  /** Key of the account itself. */
  readonly root: Key
  /** The data folder. */
  readonly folder: string
  /** Lines of the log so far. */
  readonly log: string[]
  /** The text of the metrics; needs the setting METRICS_LISTEN. */
  metrics(): Promise<string>
  userKey(user: string, statements: readonly PolicyStatement[]): Promise<Key>
  rootKeyOf(accountId: string): Promise<Key>
  /** @throws when an answer broke its contract. */
  close(): Promise<void>
}

export interface TestAppOptions extends Overrides {
  /** Settings as in the environment, without the prefix `SUIDAO_`. */
  readonly settings?: Record<string, string>
  readonly database?: string
}

export const accountId = '1234567890123456'

export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const folder = mkdtempSync(join(tmpdir(), 'suidao-app-'))
  const now = () => (options.clock ?? realClock).now()
  const env: Record<string, string> = {
    SUIDAO_LISTEN: '127.0.0.1:0',
    SUIDAO_DATA_DIR: folder,
    SUIDAO_ADDRESS_POOL: '203.0.113.0/24',
    ...(options.database === undefined ? {} : { SUIDAO_DATABASE: options.database }),
  }
  for (const [name, value] of Object.entries(options.settings ?? {})) env[`SUIDAO_${name}`] = value
  const config = readConfig(env, undefined, { workingDirectory: folder, defaultDataDir: folder })
  const engine = createMemoryEngine(now)
  const log: string[] = []
  const app = await createApp(config, () => Promise.reject(new Error('not in a test')), {
    engine,
    log: { write: (text) => log.push(...String(text).trimEnd().split('\n')) },
    ...options,
  })
  const { endpoint, tlsEndpoint, caFile, metricsPort } = await app.listen()
  const contract = await startContractProxy(endpoint)

  const keyFor = async (account: string, userName?: string, statements?: readonly PolicyStatement[]) => {
    await createAccount(app.db, { id: account, name: account }, now())
    const key = await createAccessKey(app.db, app.sealer, { accountId: account, userName, statements }, now())
    return { id: key.id, secret: key.secret.reveal() }
  }
  return {
    app,
    engine,
    folder,
    host: contract.host,
    given: contract.given,
    tls: tlsEndpoint === undefined ? undefined : { host: tlsEndpoint, caFile: caFile! },
    endpoint,
    root: await keyFor(accountId),
    log,
    metrics: async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
    userKey: (user, statements) => keyFor(accountId, user, statements),
    rootKeyOf: (account) => keyFor(account),
    async close() {
      try {
        await contract.close()
      } finally {
        await app.close()
        rmSync(folder, { recursive: true })
      }
    },
  }
}

/** The first generation of official clients: RPC V1, GET, everything in the query. */
export function popCore(host: string, key: Key, apiVersion = '2016-04-28'): RpcClient {
  return new RpcClient({
    endpoint: `http://${host}`,
    apiVersion,
    accessKeyId: key.id,
    accessKeySecret: key.secret,
    ...(key.token === undefined ? {} : { securityToken: key.token }),
  })
}

type VpcClient = InstanceType<(typeof vpc)['default']>

/** The present official client; `v2` makes it sign with RPC V1 instead of ACS3. */
export function vpcClient(host: string, key: Key, signature?: 'v2'): VpcClient {
  return new vpc.default(clientConfig(host, key, signature))
}

/** The official client of RAM, under ACS3. */
export const ramClient = (host: string, key: Key): InstanceType<(typeof ram)['default']> =>
  new ram.default(clientConfig(host, key))

/** Each client brings types of its own for the same configuration. */
function clientConfig(host: string, key: Key, signature?: 'v2') {
  return new openapi.$OpenApiUtil.Config({
    accessKeyId: key.id,
    accessKeySecret: key.secret,
    ...(key.token === undefined ? {} : { securityToken: key.token }),
    endpoint: host,
    protocol: 'HTTP',
    ...(signature ? { signatureAlgorithm: signature } : {}),
  }) as never
}

/** Waits until `look` gives something; at most `limit` milliseconds. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  limit = 5_000,
): Promise<T> {
  const end = Date.now() + limit
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found as T
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
