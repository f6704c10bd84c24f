/**
 * The client of the control listener. Stands alone: it needs nothing of the emulator but its address.
 *
 *     const control = createControlClient('http://127.0.0.1:8481')
 *     await control.arm({ layer: 'api', kind: 'throttle', action: 'Describe*', times: 2 })
 */
import type { Text } from '../engine/reason.ts'
import type {
  AccountKey,
  CallRecord,
  ClockState,
  Fault,
  FaultRequest,
  Fixture,
  MistakeReport,
  Network,
  PeerChange,
  PeerSettings,
  Profile,
  Sent,
  State,
  TunnelState,
  WorldEvent,
} from './types.ts'

/** One method for each route of docs/emulator-openapi.json, of the same name. `key`: address of a peer, or id of a tunnel. */
export interface ControlClient {
  state(): Promise<State>
  settle(): Promise<void>
  clock(): Promise<ClockState>
  setSpeed(speed: number): Promise<ClockState>
  advance(milliseconds: number): Promise<ClockState>
  setProfile(profile: { readonly name: string } | Profile): Promise<void>
  peers(): Promise<Readonly<Record<string, PeerChange>>>
  peer(key: string): Promise<PeerSettings>
  setPeer(key: string, change: PeerChange, options?: { readonly renegotiate?: boolean }): Promise<void>
  resetPeer(key: string): Promise<void>
  closeAtPeer(key: string, what?: 'tunnel' | 'child'): Promise<void>
  initiateAtPeer(key: string): Promise<void>
  rebootPeer(key: string, milliseconds?: number): Promise<void>
  networks(): Promise<Readonly<Record<string, Partial<Network>>>>
  setNetwork(key: string, network: Partial<Network>): Promise<void>
  tunnels(): Promise<readonly TunnelState[]>
  send(key: string, packets?: number, bytes?: number): Promise<Sent>
  renegotiate(key: string): Promise<void>
  faults(): Promise<readonly Fault[]>
  arm(fault: FaultRequest): Promise<Fault>
  fault(id: string): Promise<Fault>
  disarm(id: string): Promise<void>
  disarmAll(): Promise<void>
  /** What each is, by its name. */
  scenarios(): Promise<Readonly<Record<string, Text>>>
  play(scenario: string, accountId?: string): Promise<Fixture>
  drift(action: string, parameters?: Readonly<Record<string, string>>, accountId?: string): Promise<object>
  accounts(): Promise<readonly AccountKey[]>
  addAccount(): Promise<AccountKey>
  reset(accountId: string): Promise<void>
  snapshot(accountId: string): Promise<string>
  restore(accountId: string, snapshot: string): Promise<void>
  /** Events after that number. */
  events(after?: number): Promise<readonly WorldEvent[]>
  /** The last 500 calls of clients, oldest first. */
  calls(): Promise<readonly CallRecord[]>
  report(): Promise<MistakeReport>
  clearReport(): Promise<void>
}

/**
 * @param url e.g. `http://127.0.0.1:8481`
 * @param headers sent with every call
 */
export function createControlClient(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): ControlClient {
  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) {
      const { error = text } = text.startsWith('{') ? (JSON.parse(text) as { error?: string }) : {}
      throw new Error(`${method} ${path}: ${error}`)
    }
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  const at = (kind: string, key: string, rest = '') => `${kind}/${encodeURIComponent(key)}${rest}`
  return {
    state: () => call('GET', 'state'),
    settle: () => call('POST', 'settle'),
    clock: () => call('GET', 'clock'),
    setSpeed: (speed) => call('PUT', 'clock', { speed }),
    advance: (milliseconds) => call('POST', 'clock/advance', { milliseconds }),
    setProfile: (profile) => call('PUT', 'profile', profile),
    peers: () => call('GET', 'peers'),
    peer: (key) => call('GET', at('peers', key)),
    setPeer: (key, change, { renegotiate = true } = {}) =>
      call('PUT', at('peers', key, renegotiate ? '' : '?renegotiate=false'), change),
    resetPeer: (key) => call('DELETE', at('peers', key)),
    closeAtPeer: (key, what = 'tunnel') => call('POST', at('peers', key, '/close'), { what }),
    initiateAtPeer: (key) => call('POST', at('peers', key, '/initiate')),
    rebootPeer: (key, milliseconds = 60_000) => call('POST', at('peers', key, '/reboot'), { milliseconds }),
    networks: () => call('GET', 'network'),
    setNetwork: (key, network) => call('PUT', at('network', key), network),
    tunnels: () => call('GET', 'tunnels'),
    send: (key, packets = 1, bytes) => call('POST', at('tunnels', key, '/send'), { packets, bytes }),
    renegotiate: (key) => call('POST', at('tunnels', key, '/renegotiate')),
    faults: () => call('GET', 'faults'),
    arm: (fault) => call('POST', 'faults', fault),
    fault: (id) => call('GET', at('faults', id)),
    disarm: (id) => call('DELETE', at('faults', id)),
    disarmAll: () => call('DELETE', 'faults'),
    scenarios: () => call('GET', 'scenarios'),
    play: (scenario, accountId) => call('POST', at('scenarios', scenario), { accountId }),
    drift: (action, parameters = {}, accountId) => call('POST', 'drift', { action, parameters, accountId }),
    accounts: () => call('GET', 'accounts'),
    addAccount: () => call('POST', 'accounts'),
    reset: (accountId) => call('POST', at('accounts', accountId, '/reset')),
    snapshot: async (accountId) =>
      (await call<{ id: string }>('POST', at('accounts', accountId, '/snapshots'))).id,
    restore: (accountId, id) => call('POST', at('accounts', accountId, '/restore'), { id }),
    events: (after = 0) => call('GET', `events?after=${after}`),
    calls: () => call('GET', 'calls'),
    report: () => call('GET', 'report'),
    clearReport: () => call('DELETE', 'report'),
  }
}
