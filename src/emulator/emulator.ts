/**
 * The emulator: the server as it is, with the simulated engine, a clock that can be told how fast to go, faults, and a
 * control listener of its own. Needs no root and no network beyond loopback.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import { type App, createApp } from '../app.ts'
import { VirtualClock } from '../clock.ts'
import { type Config, readConfig } from '../config.ts'
import { type Profile, type ProfileName, profiles } from '../engine/simulated/durations.ts'
import { World } from '../engine/simulated/world.ts'
import {
  createAccessKey,
  createAccount,
  listAccessKeys,
  listAccounts,
} from '../resources/access-key/store.ts'
import { ApiError } from '../rpc/errors.ts'
import type { Gate } from '../rpc/gate.ts'
import type { LogDestination, RequestLog } from '../rpc/request-log.ts'
import { Secret } from '../secret.ts'
import { createCaller } from './caller.ts'
import { type Control, type ControlServer, createControl, serveControl } from './control.ts'
import { ControlError } from './errors.ts'
import { createFaults, type Faults } from './faults.ts'
import { readKept, writeKept } from './kept.ts'
import { createMistakes, type Mistakes } from './mistakes.ts'
import { playScenario } from './scenarios.ts'
import { putBack, type Snapshot, takeSnapshot } from './snapshots.ts'
import type { AccountKey, ClockState, Fixture, State } from './types.ts'

export interface EmulatorOptions {
  /** Of the API; 0 takes a free one. */
  readonly port?: number
  readonly controlPort?: number
  /** Where both listeners are bound; loopback unless told otherwise. */
  readonly host?: string
  readonly profile?: ProfileName | Profile
  readonly seed?: number
  /** Absolute folder that is kept; absent: nothing is left behind. */
  readonly data?: string
  /** Seconds of the emulator in a real one; 0: it stands still until it is stepped. */
  readonly speed?: number
  /** Epoch milliseconds at which its clock begins; absent: now. */
  readonly start?: number
  readonly regionId?: string
  readonly log?: LogDestination
}

export interface Emulator {
  readonly app: App
  readonly world: World
  readonly clock: VirtualClock
  readonly faults: Faults
  readonly mistakes: Mistakes
  state(): State
  clockState(): ClockState
  /** Steps over that many milliseconds and waits until what they brought is done. */
  advance(milliseconds: number): Promise<void>
  /** Waits until nothing is under way but what takes time. */
  settle(): Promise<void>
  useProfile(profile: ProfileName | Profile): void
  play(scenario: string, accountId?: string): Promise<Fixture>
  /** Another account, with a key of its own. */
  addAccount(): Promise<AccountKey>
  accounts(): readonly AccountKey[]
  /** The last calls of clients, oldest first. */
  calls(): readonly RequestLog[]
  /** A call by somebody else of the account: what it changes is drift to the client. */
  drift(action: string, parameters: Readonly<Record<string, string>>, accountId?: string): Promise<unknown>
  snapshot(accountId: string): Promise<string>
  restore(accountId: string, snapshot: string): Promise<void>
  /** Takes all resources of an account away. */
  reset(accountId: string): Promise<void>
  /** Writes down what goes on after a restart, where there is a folder that is kept. */
  keep(): void
  close(): Promise<void>
}

/** Written down in docs/emulator.md: they open nothing but an emulator. */
export const firstKey: AccountKey = {
  accountId: '1000000000000001',
  accessKeyId: 'LTAI5tSuidaoEmulator0001',
  accessKeySecret: 'suidao-emulator-not-a-secret-01',
}

/** The key of account `number`, for `addAccount`. */
const keyOf = (number: number): AccountKey => ({
  accountId: String(1_000_000_000_000_000 + number),
  accessKeyId: `LTAI5tSuidaoEmulator${String(number).padStart(4, '0')}`,
  accessKeySecret: `suidao-emulator-not-a-secret-${String(number).padStart(2, '0')}`,
})

/** Seals what is stored; it protects nothing here. 32 bytes in base64. */
const masterKey = Buffer.alloc(32, 'suidao emulator').toString('base64')

/** Milliseconds that pass for the clock between two rounds of reconcile over everything. */
const resyncInterval = 30_000
/** Milliseconds of real time; longer than any test waits for a step. */
const settleLimit = 30_000
/** Calls of clients that are remembered. */
const mostCalls = 500

export async function createEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { seed = 1, profile = 'instant', regionId = 'cn-hangzhou', host = '127.0.0.1' } = options
  const folder = options.data === undefined ? mkdtempSync(join(tmpdir(), 'suidao-emulator-')) : undefined
  const dataDir = folder ?? resolve(options.data!)
  const kept = options.data === undefined ? undefined : readKept(dataDir)
  // It never goes back: what is stored is dated by it.
  const began = Math.max(options.start ?? Date.now(), kept?.now ?? 0)
  const clock = new VirtualClock(began, options.speed ?? 1)
  let profileName = typeof profile === 'string' ? profile : 'scripted'
  const world = new World({ clock, seed, profile: typeof profile === 'string' ? profiles[profile] : profile })
  const mistakes = createMistakes(() => clock.now())
  const own = new Set<string>()
  const keys: AccountKey[] = []

  let app: App
  let lab: Control
  const calls: RequestLog[] = []
  const faults = createFaults(world, seed, (zone) => addressesOfZone(app, zone))
  if (kept) {
    for (const [key, change] of kept.peers) world.setPeer(key, change)
    for (const [key, network] of kept.networks) world.setNetwork(key, network)
    for (const [key, until] of kept.reboots) world.peerReboots(key, until - began)
    faults.restore(kept)
  }
  const gate: Gate = async (call) => {
    // Scenarios and drift are the emulator's own doing.
    if (own.has(call.principal.accessKeyId)) return {}
    try {
      return mistakes.called(call, await faults.gate(call))
    } catch (error) {
      if (error instanceof ApiError) mistakes.refused(call, error.code)
      throw error
    }
  }
  try {
    app = await createApp(configOf(options, host, dataDir, regionId), async () => world.engine(), {
      clock,
      gate,
      answered(entry) {
        mistakes.answered(entry)
        calls.push(entry)
        if (calls.length > mostCalls) calls.shift()
      },
      lab: (method, target, body) => lab(method, target, body),
      log: options.log ?? { write: () => true },
      resyncInterval,
      parallel: 10_000,
    })
  } catch (error) {
    if (folder) rmSync(folder, { recursive: true, force: true })
    throw error
  }

  let control: ControlServer | undefined
  let endpoint = ''
  let played = kept?.played ?? 0
  const snapshots = new Map<string, { readonly accountId: string; readonly rows: Snapshot }>()
  let snapshotCount = 0

  /** The second key of each account is the emulator's own. */
  const ownKeyOf = (key: AccountKey): AccountKey => ({ ...key, accessKeyId: `${key.accessKeyId}X` })
  async function addKey(key: AccountKey): Promise<void> {
    const now = clock.now()
    await createAccount(app.db, { id: key.accountId, name: key.accountId }, now)
    const known = new Set((await listAccessKeys(app.db, key.accountId)).map(({ id }) => id))
    for (const { accountId, accessKeyId, accessKeySecret } of [key, ownKeyOf(key)]) {
      if (known.has(accessKeyId)) continue
      const made = { id: accessKeyId, secret: new Secret(accessKeySecret) }
      await createAccessKey(app.db, app.sealer, { accountId, known: made }, now)
    }
    own.add(ownKeyOf(key).accessKeyId)
    keys.push(key)
  }
  const accountOf = (accountId = firstKey.accountId): AccountKey => {
    const key = keys.find((each) => each.accountId === accountId)
    if (!key) throw new ControlError(404, `there is no account ${accountId}`)
    return key
  }
  const callOf = (accountId?: string) =>
    createCaller(reachable(endpoint), ownKeyOf(accountOf(accountId)), regionId)

  const emulator: Emulator = {
    app,
    world,
    clock,
    faults,
    mistakes,
    state: () => ({
      version: packageJson.version,
      endpoint,
      control: control?.url ?? '',
      regionId,
      seed,
      profile: profileName,
      clock: emulator.clockState(),
      account: firstKey,
    }),
    clockState: () => ({ now: clock.now(), speed: clock.speed }),
    async settle() {
      const end = performance.now() + settleLimit
      for (let quiet = 0; quiet < 4; ) {
        await new Promise((done) => setImmediate(done))
        // What takes no time is done at once, also while the clock stands still.
        clock.advance(0)
        quiet = app.busy() <= world.waiting ? quiet + 1 : 0
        if (performance.now() > end) throw new ControlError(503, `not at rest after ${settleLimit} ms`)
      }
      await app.settled()
    },
    async advance(milliseconds) {
      await emulator.settle()
      clock.advance(milliseconds)
      await emulator.settle()
    },
    useProfile(next) {
      profileName = typeof next === 'string' ? next : 'scripted'
      world.pace.change(typeof next === 'string' ? profiles[next] : next)
    },
    async play(scenario, accountId) {
      const { settle } = emulator
      const place = { accountId: accountOf(accountId).accountId, regionId, time: played }
      played += 1
      return playScenario(scenario, { call: callOf(accountId), world, faults, settle }, place)
    },
    async addAccount() {
      const taken = new Set(await listAccounts(app.db))
      let number = keys.length + 1
      while (taken.has(keyOf(number).accountId)) number += 1
      await addKey(keyOf(number))
      return keyOf(number)
    },
    calls: () => calls,
    accounts: () => [...keys],
    async drift(action, parameters, accountId) {
      world.note('drift', { action })
      return callOf(accountId)(action, parameters)
    },
    async snapshot(accountId) {
      await emulator.settle()
      snapshotCount += 1
      const id = `snapshot-${snapshotCount}`
      snapshots.set(id, {
        accountId: accountOf(accountId).accountId,
        rows: await takeSnapshot(app.db, accountId),
      })
      return id
    },
    async restore(accountId, id) {
      const snapshot = snapshots.get(id)
      if (snapshot?.accountId !== accountOf(accountId).accountId) {
        throw new ControlError(404, `there is no snapshot ${id} of account ${accountId}`)
      }
      await exchange(accountId, snapshot.rows)
    },
    async reset(accountId) {
      await exchange(accountOf(accountId).accountId, new Map())
    },
    keep() {
      if (options.data === undefined) return
      writeKept(dataDir, {
        now: clock.now(),
        played,
        peers: [...world.peerChanges()],
        networks: [...world.networks()],
        reboots: [...world.reboots()],
        ...faults.keep(),
      })
    },
    async close() {
      await control?.close()
      if (control) emulator.keep()
      world.end()
      await app.close()
      if (folder) rmSync(folder, { recursive: true, force: true })
    },
  }

  async function exchange(accountId: string, rows: Snapshot): Promise<void> {
    await emulator.settle()
    const changed = await putBack(app.db, accountId, rows).catch((error: Error) => {
      throw new ControlError(409, error.message)
    })
    // Tunnels go before their gateways.
    app.changed(changed.filter((key) => key.startsWith('tunnel:')))
    await emulator.settle()
    app.changed(changed.filter((key) => key.startsWith('gateway:')))
    await emulator.settle()
  }

  lab = createControl(emulator)
  try {
    await addKey(firstKey)
    const known = new Set(await listAccounts(app.db))
    for (let number = 2; known.has(keyOf(number).accountId); number++) await addKey(keyOf(number))
    endpoint = (await app.listen()).endpoint
    control = await serveControl(lab, host, options.controlPort ?? 0)
  } catch (error) {
    await emulator.close()
    throw error
  }
  return emulator
}

function configOf(
  { port = 0, data }: EmulatorOptions,
  host: string,
  dataDir: string,
  regionId: string,
): Config {
  const config = readConfig(
    {
      SUIDAO_LISTEN: `${host}:${port}`,
      SUIDAO_DATA_DIR: dataDir,
      SUIDAO_MASTER_KEY: masterKey,
      SUIDAO_DEFAULT_REGION: regionId,
    },
    undefined,
    { workingDirectory: dataDir, defaultDataDir: dataDir },
  )
  return data === undefined ? { ...config, database: { kind: 'sqlite', file: ':memory:' } } : config
}

/** Who listens everywhere is reached by loopback. */
const reachable = (endpoint: string) =>
  endpoint.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')

/** Outside addresses of all VPN gateways whose vSwitch lies in a zone; the second one of a gateway may lie elsewhere. */
async function addressesOfZone({ db }: App, zone: string): Promise<readonly string[]> {
  const inZone = (await db.kysely.selectFrom('vswitch').select('id').where('zone', '=', zone).execute()).map(
    ({ id }) => id,
  )
  const gateways = await db.kysely.selectFrom('vpn_gateway').selectAll().execute()
  return gateways.flatMap((gateway) => [
    ...(inZone.includes(gateway.vswitch_id) ? [gateway.internet_ip] : []),
    ...(gateway.second_vswitch_id !== null && inZone.includes(gateway.second_vswitch_id)
      ? [gateway.second_internet_ip!]
      : []),
  ])
}
