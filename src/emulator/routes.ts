/** What the control listener answers: every route with its schemas, of which the OpenAPI document is made. */

import { reasons } from '../engine/reason.ts'
import { keyKinds } from '../engine/simulated/certificate.ts'
import { type Profile, profileNames } from '../engine/simulated/durations.ts'
import type { Emulator } from './emulator.ts'
import { ControlError } from './errors.ts'
import { scenarios } from './scenarios.ts'
import type { Components, Schema } from './schema.ts'
import type { FaultRequest, Network, PeerChange, TunnelState } from './types.ts'

export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  /** Name of the method of the client. */
  readonly name: string
  readonly summary: string
  readonly query?: Readonly<Record<string, Schema>>
  readonly body?: Schema
  readonly answer?: Schema
  readonly run: (emulator: Emulator, request: RouteRequest) => unknown
}

export interface RouteRequest {
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  // biome-ignore lint/suspicious/noExplicitAny: it has been checked against the schema of the route
  readonly body: any
}

// --- Schemas -------------------------------------------------------------------------------------------------

const text: Schema = { type: 'string' }
const flag: Schema = { type: 'boolean' }
const milliseconds: Schema = { type: 'number', minimum: 0, description: 'Milliseconds.' }
const list = (items: Schema): Schema => ({ type: 'array', items })
const object = (properties: Record<string, Schema>, required: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
})
const whole = (properties: Record<string, Schema>): Schema => object(properties, Object.keys(properties))
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
const epoch: Schema = { type: 'number', description: 'Epoch milliseconds.' }
const ca = { name: text, keyId: text, notBefore: epoch, notAfter: epoch }
const share: Schema = { type: 'number', minimum: 0, maximum: 1 }
const duration: Schema = {
  oneOf: [milliseconds, { type: 'array', items: milliseconds, description: 'Used up one by one.' }],
}
const durations: Schema = whole({
  gateway: duration,
  tunnel: duration,
  removal: duration,
  ike: duration,
  child: duration,
  silence: duration,
  dpd: duration,
  bgp: duration,
})

const arming = {
  times: { type: 'integer', minimum: 1, description: 'Strikes that many times.' },
  for: { type: 'number', minimum: 0, description: "Milliseconds of the emulator's clock until it goes." },
  probability: share,
} as const satisfies Record<string, Schema>
const layer = (name: string): Schema => ({ type: 'string', enum: [name] })
const kind = (...kinds: string[]): Schema => ({ type: 'string', enum: kinds })

export const components: Components = {
  Error: whole({ error: text }),
  Clock: whole({ now: { type: 'number', description: 'Epoch milliseconds.' }, speed: { type: 'number' } }),
  AccountKey: whole({ accountId: text, accessKeyId: text, accessKeySecret: text }),
  State: whole({
    version: text,
    endpoint: { type: 'string', description: 'Of the API, without scheme.' },
    control: text,
    regionId: text,
    seed: { type: 'number' },
    profile: text,
    clock: ref('Clock'),
    account: ref('AccountKey'),
  }),
  Profile: whole({ durations, retryDelays: list(milliseconds) }),
  PeerChange: object({
    version: { type: 'integer', minimum: 1, maximum: 2 },
    aggressive: flag,
    local: text,
    remote: text,
    localId: text,
    remoteId: text,
    psk: { type: 'string', nullable: true, description: 'null: it has no key for us.' },
    proposals: list(text),
    espProposals: list(text),
    ahProposals: { ...list(text), description: 'AH instead of ESP, when there are any.' },
    mode: kind('tunnel', 'transport'),
    localSubnets: list(text),
    remoteSubnets: list(text),
    ikeLifetime: { type: 'number', minimum: 0, description: 'Seconds.' },
    lifetime: { type: 'number', minimum: 0, description: 'Seconds.' },
    dpd: flag,
    nat: flag,
    broken: { type: 'boolean', description: 'It agrees, and cannot install its keys.' },
    echo: { type: 'boolean', description: 'It answers pings.' },
    packetRate: { type: 'number', minimum: 0, description: 'Packets a second, both ways.' },
    certificate: {
      ...object({
        subject: text,
        names: list(text),
        issuer: object({ name: text, keyId: text }),
        key: kind(...keyKinds),
        notBefore: epoch,
        notAfter: epoch,
        send: kind('always', 'ifasked', 'never'),
        remoteCa: object(ca),
        otherCas: list(whole(ca)),
      }),
      nullable: true,
      description:
        'Instead of the pre-shared key; null: it has none. `issuer` and `remoteCa` (the CA that ours has to be from) are told by name and key identifier.',
    },
    bgp: object({
      enabled: flag,
      asn: { type: 'integer', minimum: 0 },
      remoteAsn: { type: 'integer', minimum: 0 },
      localIp: text,
      remoteIp: text,
      authKey: { type: 'string', nullable: true },
      announced: list(text),
      holdTime: { type: 'number', minimum: 0, description: 'Seconds.' },
    }),
  }),
  Network: object({
    silent: flag,
    loss: share,
    rtt: milliseconds,
    port4500: flag,
    route: flag,
  }),
  ApiFault: object(
    {
      layer: layer('api'),
      kind: kind('error', 'throttle', 'latency', 'answer-lost'),
      action: { type: 'string', description: 'Name of the action; `*` stands for anything.' },
      account: text,
      code: { type: 'string', description: 'For `error`: a code of docs/errors.md.' },
      delay: milliseconds,
      ...arming,
    },
    ['layer', 'kind'],
  ),
  TaskFault: object(
    {
      layer: layer('task'),
      kind: kind('stuck', 'slow', 'failed'),
      what: kind('gateway', 'tunnel', 'removal'),
      id: text,
      delay: milliseconds,
      message: text,
      ...arming,
    },
    ['layer', 'kind'],
  ),
  TunnelFault: object(
    {
      layer: layer('tunnel'),
      reason: kind(...Object.keys(reasons)),
      target: { type: 'string', description: 'Id of a tunnel or connection, or address of the peer.' },
      renegotiate: flag,
      ...arming,
    },
    ['layer', 'reason'],
  ),
  NetworkFault: object(
    {
      layer: layer('network'),
      kind: kind('loss', 'partition', 'latency', 'port-4500-closed', 'no-route', 'zone-lost'),
      target: {
        type: 'string',
        description: 'Id of a tunnel or connection, address of a peer, or the zone.',
      },
      loss: share,
      delay: milliseconds,
      ...arming,
    },
    ['layer', 'kind'],
  ),
  FaultRequest: {
    oneOf: [ref('ApiFault'), ref('TaskFault'), ref('TunnelFault'), ref('NetworkFault')],
  },
  Fault: whole({ id: text, fault: ref('FaultRequest'), hits: { type: 'integer' }, armed: flag }),
  Fixture: whole({
    scenario: text,
    accountId: text,
    regionId: text,
    vpcId: text,
    vSwitchId: text,
    vpnGatewayId: text,
    customerGatewayIds: list(text),
    vpnConnectionIds: list(text),
    peerAddresses: list(text),
  }),
  Tunnel: whole({
    name: text,
    id: text,
    connectionId: text,
    gatewayId: text,
    remoteAddress: text,
    report: { type: 'object', additionalProperties: true, description: 'What the engine reports.' },
  }),
  Event: object(
    {
      number: { type: 'integer' },
      at: { type: 'number' },
      tunnel: text,
      event: text,
      detail: { type: 'object', additionalProperties: true },
    },
    ['number', 'at', 'tunnel', 'event'],
  ),
  Mistake: whole({
    at: { type: 'number' },
    kind: kind(
      'client-token-changed',
      'client-token-missing',
      'unread-parameter',
      'unsigned-call',
      'stale-signature',
    ),
    action: text,
    accessKeyId: text,
    message: text,
  }),
  Call: object(
    {
      time: { type: 'number' },
      requestId: text,
      action: text,
      accessKeyId: text,
      status: { type: 'integer' },
      code: text,
      duration: { type: 'number', description: 'Microseconds.' },
      remoteAddress: text,
    },
    ['time', 'requestId', 'action', 'status', 'code'],
  ),
  MistakeReport: whole({ mistakes: list(ref('Mistake')), duplicates: { type: 'integer' } }),
}

// --- Routes --------------------------------------------------------------------------------------------------

const tunnelsOf = (emulator: Emulator): TunnelState[] =>
  emulator.world.tunnels.map(({ name, tunnel, report }) => ({
    name,
    id: tunnel.id,
    connectionId: tunnel.connectionId,
    gatewayId: tunnel.gatewayId,
    remoteAddress: tunnel.remoteAddress,
    report,
  }))

const someTunnel = (emulator: Emulator, key: string): void => {
  if (emulator.world.find(key).length === 0) throw new ControlError(404, `no tunnel is known by ${key}`)
}

const peerAction = (
  name: string,
  what: string,
  summary: string,
  body: Schema | undefined,
  run: (emulator: Emulator, key: string, body: Record<string, never>) => void,
): Route => ({
  method: 'POST',
  path: `/v1/peers/{key}/${what}`,
  name,
  summary,
  ...(body && { body }),
  async run(emulator, request) {
    someTunnel(emulator, request.path['key']!)
    run(emulator, request.path['key']!, request.body ?? {})
    await emulator.settle()
  },
})

export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/state',
    name: 'state',
    summary: 'Where the API answers, with which key, and how time goes.',
    answer: ref('State'),
    run: (emulator) => emulator.state(),
  },
  {
    method: 'POST',
    path: '/v1/settle',
    name: 'settle',
    summary: 'Waits until nothing is under way but what takes time.',
    run: (emulator) => emulator.settle(),
  },
  {
    method: 'GET',
    path: '/v1/clock',
    name: 'clock',
    summary: 'The time of the emulator and how fast it goes.',
    answer: ref('Clock'),
    run: (emulator) => emulator.clockState(),
  },
  {
    method: 'PUT',
    path: '/v1/clock',
    name: 'setSpeed',
    summary: 'How many seconds pass in a real one; 0 stops the clock.',
    body: object({ speed: { type: 'number', minimum: 0, maximum: 1_000_000 } }, ['speed']),
    answer: ref('Clock'),
    run(emulator, { body }) {
      emulator.clock.setSpeed(body.speed)
      return emulator.clockState()
    },
  },
  {
    method: 'POST',
    path: '/v1/clock/advance',
    name: 'advance',
    summary: 'Steps over that many milliseconds at once, and waits until what they brought is done.',
    body: object({ milliseconds: { type: 'number', minimum: 0 } }, ['milliseconds']),
    answer: ref('Clock'),
    async run(emulator, { body }) {
      await emulator.advance(body.milliseconds)
      return emulator.clockState()
    },
  },
  {
    method: 'PUT',
    path: '/v1/profile',
    name: 'setProfile',
    summary: 'How long things take: a profile by name, or durations of your own.',
    body: { oneOf: [object({ name: kind(...profileNames) }, ['name']), ref('Profile')] },
    run(emulator, { body }) {
      emulator.useProfile('name' in body ? body.name : (body as Profile))
    },
  },
  {
    method: 'GET',
    path: '/v1/peers',
    name: 'peers',
    summary: 'What is set for peers, by address or by id of a tunnel.',
    answer: { type: 'object', additionalProperties: ref('PeerChange') },
    run: (emulator) => Object.fromEntries(emulator.world.peerChanges()),
  },
  {
    method: 'GET',
    path: '/v1/peers/{key}',
    name: 'peer',
    summary: 'All settings of the peer of a tunnel, mirrored ones included.',
    answer: { type: 'object', additionalProperties: true },
    run(emulator, { path }) {
      someTunnel(emulator, path['key']!)
      return emulator.world.peerSettings(emulator.world.find(path['key']!)[0]!)
    },
  },
  {
    method: 'PUT',
    path: '/v1/peers/{key}',
    name: 'setPeer',
    summary:
      'Sets what the peer has configured, by its address or for one tunnel; the rest it mirrors. Its tunnels are negotiated anew.',
    query: { renegotiate: flag },
    body: ref('PeerChange'),
    async run(emulator, { path, query, body }) {
      emulator.world.setPeer(path['key']!, body as PeerChange, query.get('renegotiate') !== 'false')
      await emulator.settle()
    },
  },
  {
    method: 'DELETE',
    path: '/v1/peers/{key}',
    name: 'resetPeer',
    summary: 'Makes the peer the mirror of our end again.',
    async run(emulator, { path }) {
      emulator.world.setPeer(path['key']!, {})
      await emulator.settle()
    },
  },
  peerAction(
    'closeAtPeer',
    'close',
    'The peer closes its tunnels, or their CHILD_SAs alone, and says so.',
    object({ what: kind('tunnel', 'child') }),
    (emulator, key, { what }) => emulator.world.peerCloses(key, what),
  ),
  peerAction('initiateAtPeer', 'initiate', 'The peer begins to negotiate.', undefined, (emulator, key) =>
    emulator.world.peerInitiates(key),
  ),
  peerAction(
    'rebootPeer',
    'reboot',
    'The peer forgets everything and says nothing for a while.',
    object({ milliseconds }),
    (emulator, key, { milliseconds: duration = 60_000 }) => emulator.world.peerReboots(key, duration),
  ),
  {
    method: 'GET',
    path: '/v1/network',
    name: 'networks',
    summary: 'What is set for the network, by address of a peer, by id of a tunnel, or `*`.',
    answer: { type: 'object', additionalProperties: ref('Network') },
    run: (emulator) => Object.fromEntries(emulator.world.networks()),
  },
  {
    method: 'PUT',
    path: '/v1/network/{key}',
    name: 'setNetwork',
    summary: 'Sets how the way to a peer is; an empty object opens it again.',
    body: ref('Network'),
    async run(emulator, { path, body }) {
      emulator.world.setNetwork(path['key']!, body as Partial<Network>)
      await emulator.settle()
    },
  },
  {
    method: 'GET',
    path: '/v1/tunnels',
    name: 'tunnels',
    summary: 'Every tunnel as the engine reports it.',
    answer: list(ref('Tunnel')),
    run: tunnelsOf,
  },
  {
    method: 'POST',
    path: '/v1/tunnels/{key}/send',
    name: 'send',
    summary: 'Hosts of the VPC send packets through a tunnel; says how many came back.',
    body: object({
      packets: { type: 'integer', minimum: 1, maximum: 1_000_000 },
      bytes: { type: 'integer', minimum: 1, maximum: 65_535 },
    }),
    answer: whole({ sent: { type: 'integer' }, received: { type: 'integer' } }),
    async run(emulator, { path, body }) {
      someTunnel(emulator, path['key']!)
      const { packets = 1, bytes } = body
      const received = emulator.world.send(path['key']!, packets, bytes)
      await emulator.settle()
      return { sent: packets, received }
    },
  },
  {
    method: 'POST',
    path: '/v1/tunnels/{key}/renegotiate',
    name: 'renegotiate',
    summary: 'Negotiates a tunnel anew.',
    async run(emulator, { path }) {
      someTunnel(emulator, path['key']!)
      emulator.world.renegotiate(path['key']!)
      await emulator.settle()
    },
  },
  {
    method: 'GET',
    path: '/v1/faults',
    name: 'faults',
    summary: 'Faults, with how often each has struck.',
    answer: list(ref('Fault')),
    run: (emulator) => emulator.faults.list(),
  },
  {
    method: 'POST',
    path: '/v1/faults',
    name: 'arm',
    summary: 'Arms a fault at the API, at the work behind it, at tunnels or at the network.',
    body: ref('FaultRequest'),
    answer: ref('Fault'),
    async run(emulator, { body }) {
      const fault = await emulator.faults.arm(body as FaultRequest)
      await emulator.settle()
      return emulator.faults.find(fault.id)
    },
  },
  {
    method: 'GET',
    path: '/v1/faults/{id}',
    name: 'fault',
    summary: 'One fault.',
    answer: ref('Fault'),
    run: (emulator, { path }) => emulator.faults.find(path['id']!),
  },
  {
    method: 'DELETE',
    path: '/v1/faults/{id}',
    name: 'disarm',
    summary: 'Disarms a fault and forgets it.',
    async run(emulator, { path }) {
      emulator.faults.disarm(path['id']!)
      await emulator.settle()
    },
  },
  {
    method: 'DELETE',
    path: '/v1/faults',
    name: 'disarmAll',
    summary: 'Disarms all faults and forgets them.',
    async run(emulator) {
      emulator.faults.disarmAll()
      await emulator.settle()
    },
  },
  {
    method: 'GET',
    path: '/v1/scenarios',
    name: 'scenarios',
    summary: 'Names of the scenarios and what each is, in English and in Chinese.',
    answer: { type: 'object', additionalProperties: whole({ en: text, zh: text }) },
    run: () => Object.fromEntries(Object.entries(scenarios).map(([name, { summary }]) => [name, summary])),
  },
  {
    method: 'POST',
    path: '/v1/scenarios/{name}',
    name: 'play',
    summary: 'Makes the resources of a scenario, and the world as it says.',
    body: object({ accountId: text }),
    answer: ref('Fixture'),
    run: (emulator, { path, body }) => emulator.play(path['name']!, body?.accountId),
  },
  {
    method: 'POST',
    path: '/v1/drift',
    name: 'drift',
    summary: 'Calls an action as somebody else of the account: a change behind the back of the client.',
    body: object(
      { action: text, parameters: { type: 'object', additionalProperties: text }, accountId: text },
      ['action'],
    ),
    answer: { type: 'object', additionalProperties: true },
    async run(emulator, { body }) {
      const answer = await emulator.drift(body.action, body.parameters ?? {}, body.accountId)
      await emulator.settle()
      return answer
    },
  },
  {
    method: 'GET',
    path: '/v1/accounts',
    name: 'accounts',
    summary: 'Accounts and their keys.',
    answer: list(ref('AccountKey')),
    run: (emulator) => emulator.accounts(),
  },
  {
    method: 'POST',
    path: '/v1/accounts',
    name: 'addAccount',
    summary: 'Makes another account, so that tests do not meet.',
    answer: ref('AccountKey'),
    run: (emulator) => emulator.addAccount(),
  },
  {
    method: 'POST',
    path: '/v1/accounts/{id}/reset',
    name: 'reset',
    summary: 'Takes all resources of an account away.',
    run: (emulator, { path }) => emulator.reset(path['id']!),
  },
  {
    method: 'POST',
    path: '/v1/accounts/{id}/snapshots',
    name: 'snapshot',
    summary: 'Keeps the resources of an account as they are, to be put back.',
    answer: whole({ id: text }),
    run: async (emulator, { path }) => ({ id: await emulator.snapshot(path['id']!) }),
  },
  {
    method: 'POST',
    path: '/v1/accounts/{id}/restore',
    name: 'restore',
    summary: 'Puts the resources of a snapshot in the place of those that there are.',
    body: object({ id: text }, ['id']),
    run: (emulator, { path, body }) => emulator.restore(path['id']!, body.id),
  },
  {
    method: 'GET',
    path: '/v1/events',
    name: 'events',
    summary: 'What has happened, in order; the same for the same seed and the same calls.',
    query: { after: { type: 'integer', description: 'Number of the last event known.' } },
    answer: list(ref('Event')),
    run: (emulator, { query }) => emulator.world.events(Number(query.get('after') ?? 0)),
  },
  {
    method: 'GET',
    path: '/v1/calls',
    name: 'calls',
    summary: 'The last 500 calls of clients, oldest first.',
    answer: list(ref('Call')),
    run: (emulator) => emulator.calls().map(({ cause: _, ...call }) => call),
  },
  {
    method: 'GET',
    path: '/v1/report',
    name: 'report',
    summary: 'What clients did that they should not rely on.',
    answer: ref('MistakeReport'),
    run: (emulator) => emulator.mistakes.report(),
  },
  {
    method: 'DELETE',
    path: '/v1/report',
    name: 'clearReport',
    summary: 'Begins the report anew.',
    run: (emulator) => emulator.mistakes.clear(),
  },
]
