/**
 * docs/fidelity.md: how sure every parameter and every field of every built action is, with the evidence. Pure, but for
 * the official SDK, whose models it reads.
 */
import vpc from '@alicloud/vpc20160428'
import sdkPackage from '@alicloud/vpc20160428/package.json' with { type: 'json' }
import type { Action } from '../../src/rpc/action.ts'
import { type ActionSpec, type FieldSpec, type ParamSpec, vpcProduct } from '../../src/rpc/spec.ts'
import { readGiven } from '../../test/other-clients/given.ts'
import { allCauses, kinds } from '../../test/support/causes.ts'
import type { Exercise } from './exercise.ts'
import { code, generated, markdownTable, sourceOf } from './render.ts'

/** Members of the vendor's names that lab tests drive over real daemons, and the test. By the last part of the path. */
const lab: Readonly<Record<string, readonly string[]>> = {
  engine: [
    ...['IkeVersion', 'IkeMode', 'Psk', 'LocalId', 'RemoteId', 'IkeLifetime', 'IpsecLifetime'],
    ...['LocalSubnet', 'RemoteSubnet', 'EffectImmediately', 'EnableDpd'],
  ],
  algorithms: ['IkeEncAlg', 'IkeAuthAlg', 'IkePfs', 'IpsecEncAlg', 'IpsecAuthAlg', 'IpsecPfs'],
  certificate: ['RemoteCaCertificate'],
  bgp: ['LocalAsn', 'TunnelCidr', 'LocalBgpIp', 'PeerBgpIp', 'PeerAsn', 'AuthKey'],
  network: ['InternetIp', 'DisasterRecoveryInternetIp'],
  failover: ['TunnelId', 'Role'],
  product: [
    ...['Status', 'State', 'VpcId', 'VSwitchId', 'CidrBlock', 'VpnGatewayId', 'CustomerGatewayId'],
    ...['VpnConnectionId', 'IpAddress', 'IkeConfig', 'IpsecConfig'],
  ],
}
/** Only where the member means the same: an `InternetIp` of a gateway or a connection, not a `Status` of a VPC. */
const labActions = /(VpnConnection|VpnGateway|CustomerGateway|Tunnel)/

/** Files of `test/lab/` that the document names. */
export const labFiles = Object.keys(lab).map((name) => `test/lab/${name}.lab.test.ts`)

const labProof = ({ name }: ActionSpec, path: string): string => {
  const leaf = path.split('.').at(-1)!
  const found = Object.keys(lab).find((file) => lab[file]!.includes(leaf))
  return found && labActions.test(name) ? found : ''
}

// --- The official SDK ----------------------------------------------------------------------------------------

interface Model {
  names(): Readonly<Record<string, string>>
  types(): Readonly<Record<string, unknown>>
}

const isModel = (type: unknown): type is Model => typeof type === 'function' && 'names' in type

/** Every path of a model of the SDK, in the vendor's names. */
function* pathsOf(model: Model, prefix = ''): Generator<string> {
  const types = model.types()
  for (const [member, name] of Object.entries(model.names())) {
    const path = prefix + name
    yield path
    const type = types[member]
    const inner = isModel(type) ? type : (type as { itemType?: unknown } | undefined)?.itemType
    if (isModel(inner)) yield* pathsOf(inner, `${path}.`)
  }
}

const modelOf = (name: string): ReadonlySet<string> => {
  const model = (vpc as unknown as Readonly<Record<string, unknown>>)[name]
  return new Set(isModel(model) ? pathsOf(model) : [])
}

// --- Rows ----------------------------------------------------------------------------------------------------

/** Leaves of the parameters; members of a JSON text are marked, for SDKs know the text alone. */
function* paramsOf(fields: ActionSpec['params'], prefix = '', inText = false): Generator<[string, boolean]> {
  for (const [name, param] of Object.entries(fields)) yield* paramBelow(param, prefix + name, inText)
}

function* paramBelow(param: ParamSpec, path: string, inText: boolean): Generator<[string, boolean]> {
  if (param.type === 'json') yield* paramsOf(param.fields, `${path}.`, true)
  else if (param.type === 'struct') yield* paramsOf(param.fields, `${path}.`, inText)
  else if (param.type === 'list') yield* paramBelow(param.item, path, inText)
  else yield [path, inText]
}

function* fieldsOf(fields: ActionSpec['result'], prefix = ''): Generator<string> {
  for (const [name, field] of Object.entries(fields)) yield* fieldBelow(field, prefix + name)
}

function* fieldBelow(field: FieldSpec, path: string): Generator<string> {
  if (field.type === 'object') yield* fieldsOf(field.fields, `${path}.`)
  else if (field.type === 'list')
    yield* fieldBelow(field.item, field.wrapper === null ? path : `${path}.${field.wrapper}`)
  else yield path
}

interface Row {
  readonly name: string
  readonly sdk: string
  readonly client: string
  readonly others: string
  readonly lab: string
}

/** Of those that no package registry has, and whose tests not every machine can run: what a run of them has left. */
const kept = readGiven()

/** Members of a JSON text are taken in any case, and clients write them so. */
function givenBy(action: string, path: string): string {
  const has = (paths: readonly string[] = []) =>
    paths.some((each) => each.toLowerCase() === path.toLowerCase())
  return Object.keys(kept)
    .filter((client) => has(kept[client]![action]))
    .join(', ')
}

function rowsOf(spec: ActionSpec, { unfilled, given }: Exercise): Row[] {
  const isVpc = (spec.product ?? vpcProduct).code === vpcProduct.code
  const request = modelOf(`${spec.name}Request`)
  const response = modelOf(`${spec.name}ResponseBody`)
  const inSdk = (known: ReadonlySet<string>, path: string) => (isVpc && known.has(path) ? 'yes' : '')
  const wasGiven = given.get(spec.name) ?? new Set()
  const empty = new Set((unfilled.get(spec.name) ?? []).map((path) => path.replaceAll('[]', '')))
  const isFilled = (path: string) => ![...empty].some((each) => path === each || path.startsWith(`${each}.`))
  const params = [...paramsOf(spec.params)].map(([path, inText]) => ({
    name: `${code(path)} in`,
    sdk: inText ? inSdk(request, path.split('.')[0]!) && 'as text' : inSdk(request, path),
    client: wasGiven.has(path) ? 'given' : '',
    others: givenBy(spec.name, path),
    lab: labProof(spec, path),
  }))
  const fields = [...fieldsOf(spec.result)].map((path) => ({
    name: `${code(path)} out`,
    sdk: inSdk(response, path),
    client: isFilled(path) ? 'read' : '',
    others: '',
    lab: labProof(spec, path),
  }))
  return [...params, ...fields]
}

export function renderFidelity(exercise: Exercise): string {
  const built = [...exercise.table.values()]
    .filter((one): one is Action => 'run' in one)
    .toSorted((a, b) => (a.spec.name < b.spec.name ? -1 : 1))
  const all = built.map(({ spec }) => ({ spec, rows: rowsOf(spec, exercise) }))
  const count = (has: (row: Row) => boolean) =>
    String(all.reduce((sum, { rows }) => sum + rows.filter(has).length, 0))
  return `${[
    generated(
      'the action table, the models of the official SDK, answers to an official client, test/other-clients/given.json, and test/support/causes.ts',
    ),
    '# Fidelity',
    [
      'How sure every parameter (*in*) and field (*out*) of every built action is. All of them are *documented*: the source of',
      'each action stands above its table. Beside that:',
    ].join('\n'),
    markdownTable(
      ['Column', 'Means', 'Of them'],
      [
        ['', 'parameters and fields in all', count(() => true)],
        [
          'SDK',
          `the official SDK (\`@alicloud/vpc20160428\` ${sdkPackage.version}) has it under this name and in this place; *as text*: inside a text that it hands on`,
          count(({ sdk }) => sdk !== ''),
        ],
        [
          'Client',
          'an official client (`@alicloud/pop-core`) has *given* it and was understood, or *read* it from an answer of a running server, when this page was made',
          count(({ client }) => client !== ''),
        ],
        [
          'Others',
          `these, unmodified, have given it and were understood: Terraform with the provider alicloud, and the \`aliyun\` CLI (\`test/other-clients/\`, versions in [clients](clients.md))`,
          count(({ others }) => others !== ''),
        ],
        [
          'Lab',
          'a test over real daemons depends on it: `test/lab/<name>.lab.test.ts`',
          count(({ lab: proof }) => proof !== ''),
        ],
      ],
    ),
    ...all.flatMap(({ spec, rows }) => [
      `## ${spec.name}`,
      `Source: ${sourceOf(spec)}.`,
      rows.length === 0
        ? 'Neither parameters nor fields.'
        : markdownTable(
            ['Member', 'SDK', 'Client', 'Others', 'Lab'],
            rows.map((row) => [row.name, row.sdk, row.client, row.others, row.lab]),
          ),
    ]),
    '## Causes on both engines',
    [
      'What two ends see that cannot agree: provoked between two real strongSwan daemons (`test/lab/failure-log.lab.test.ts`) and',
      'between the simulated engine and its peer (`src/engine/simulated/causes.test.ts`), which also compares the evidence with',
      'the recorded logs. Left the end that begins, right the end that is called.',
    ].join('\n'),
    markdownTable(
      ['Cause', ...kinds.map((kind) => (kind === 'ikev2' ? 'IKEv2' : `IKEv1, ${kind}`))],
      allCauses.map(({ name, sees }) => [
        name,
        ...kinds.map((kind) => {
          const seen = sees[kind]
          return seen ? seen.map((each) => (each ? code(each) : '-')).join(', ') : ''
        }),
      ]),
    ),
  ].join('\n\n')}\n`
}
