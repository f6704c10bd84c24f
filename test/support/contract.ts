/**
 * The contract on the wire: a proxy in front of the server of a test that holds every answer, whoever asked and in
 * whatever language, against the spec of its action. An answer passes through as it is; what is wrong with it is
 * remembered, and `close` throws all of it.
 *
 * Held are: every field there, none that is not in the spec, the JSON type of each, lists and wrappers as documented, the
 * same content in XML; of a refusal its four members, the status of its code, and that the action may answer this code.
 */
import { globSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request as requestOf } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { apiError, type ErrorCode } from '../../src/rpc/errors.ts'
import { compileResult } from '../../src/rpc/render.ts'
import type { ActionSpec, FieldSpec, ParamFields, ResultFields } from '../../src/rpc/spec.ts'
import { mayBeAbsent } from './contract-absences.ts'
import { parseXml, type XmlNode } from './xml.ts'

const resources = join(import.meta.dirname, '../../src/resources')

const isSpec = (value: unknown): value is ActionSpec =>
  typeof value === 'object' && value !== null && 'result' in value && 'params' in value && 'name' in value

/** Every spec there is, by each name it is called by. */
export async function loadSpecs(): Promise<ReadonlyMap<string, ActionSpec>> {
  const modules = await Promise.all(
    globSync('*/spec.ts', { cwd: resources }).map((file) => import(join(resources, file))),
  )
  // Some are made by the list.
  const specs = modules.flatMap((module) => Object.values(module).flat()).filter(isSpec)
  return new Map(specs.flatMap((spec) => [spec.name, ...(spec.aliases ?? [])].map((name) => [name, spec])))
}

// --- Refusals ------------------------------------------------------------------------------------------------

/** What any call may be answered before its action is asked. */
const frontEnd = new Set<string>([
  ...['InvalidAction.NotFound', 'InvalidVersion', 'UnsupportedHTTPMethod', 'MalformedRequest'],
  ...['InvalidAccessKeyId.NotFound', 'InvalidAccessKeyId.Inactive', 'SignatureDoesNotMatch'],
  ...['InvalidSecurityToken.Expired', 'InvalidSecurityToken.Malformed'],
  ...['InvalidSecurityToken.MismatchWithAccessKey', 'MissingSecurityToken', 'IncompleteSignature'],
  ...['InvalidTimeStamp.Format', 'InvalidTimeStamp.Expired', 'SignatureNonceUsed', 'InvalidSignatureNonce'],
  ...['InvalidSignatureMethod', 'InvalidSignatureVersion', 'InvalidSignatureType', 'InvalidParameter.Format'],
  ...['MissingAction', 'MissingVersion', 'MissingAccessKeyId', 'MissingSignature', 'MissingTimestamp'],
  ...['MissingSignatureMethod', 'MissingSignatureVersion', 'MissingSignatureNonce'],
  ...['RequestEntityTooLarge', 'RequestHeaderTooLarge', 'RequestTimeout', 'UnsupportedMediaType'],
  ...['UnsupportedExpectation', 'Throttling', 'Throttling.User', 'Throttling.Api', 'ServiceUnavailable'],
  ...[
    'InvalidRegionId.NotFound',
    'Forbidden',
    'Forbbiden.SubUser',
    'UnsupportedOperation',
    'InvalidParameter',
  ],
])

function paramCodes(fields: ParamFields): string[] {
  return Object.entries(fields).flatMap(([name, spec]) => {
    const inner = spec.type === 'list' ? spec.item : spec
    return [
      `IllegalParam.${name}`,
      `Missing${name}`,
      ...(spec.illegal ? [spec.illegal] : []),
      ...(inner.illegal ? [inner.illegal] : []),
      ...('fields' in inner ? paramCodes(inner.fields) : []),
    ]
  })
}

/** Every code that a call of the action may be refused with. */
export function codesOf(spec: ActionSpec): ReadonlySet<string> {
  const codes = new Set<string>([...frontEnd, ...spec.errors, ...paramCodes(spec.params)])
  if ('DryRun' in spec.params) codes.add('DryRunOperation')
  if ('ClientToken' in spec.params) codes.add('IdempotentParameterMismatch')
  return codes
}

function checkRefusal(answer: Answer, members: Record<string, unknown>): string[] {
  const faults: string[] = []
  for (const name of ['RequestId', 'HostId', 'Code', 'Message']) {
    const value = members[name]
    if (typeof value !== 'string' || (name !== 'HostId' && value === '')) faults.push(`${name} is not a text`)
  }
  for (const name of Object.keys(members)) {
    if (!['RequestId', 'HostId', 'Code', 'Message', 'Recommend'].includes(name)) faults.push(`has ${name}`)
  }
  const code = String(members['Code'])
  if (answer.status >= 500) faults.push(`is a fault of the server: ${code}`)
  const wanted = apiError(code as ErrorCode).status
  if (wanted !== answer.status) faults.push(`has status ${answer.status}, and ${code} has ${wanted}`)
  if (answer.spec ? !codesOf(answer.spec).has(code) : !frontEnd.has(code)) {
    faults.push(`${code} is none of the codes of this action (its spec.ts, "errors")`)
  }
  return faults
}

// --- Answers -------------------------------------------------------------------------------------------------

function checkFields(fields: ResultFields, value: unknown, path: string, action: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`]
  const members = value as Record<string, unknown>
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  const unknown = Object.keys(members).filter((name) => !Object.hasOwn(fields, name))
  return [
    ...unknown.map((name) => `${at(name)} is not in the spec`),
    ...Object.entries(fields).flatMap(([name, spec]) => {
      if (Object.hasOwn(members, name)) return checkField(spec, members[name], at(name), action)
      return mayBeAbsent(action, at(name), members) ? [] : [`${at(name)} is missing`]
    }),
  ]
}

function checkField(spec: FieldSpec, value: unknown, path: string, action: string): string[] {
  switch (spec.type) {
    case 'number':
      return Number.isSafeInteger(value) ? [] : [`${path} is no whole number: ${JSON.stringify(value)}`]
    case 'string':
    case 'boolean':
      return typeof value === spec.type ? [] : [`${path} is no ${spec.type}: ${JSON.stringify(value)}`]
    case 'object':
      return checkFields(spec.fields, value, path, action)
    case 'list': {
      const items = itemsOf(spec, value)
      if (!items) return [`${path} is no list${spec.wrapper === null ? '' : ` in "${spec.wrapper}"`}`]
      return items.flatMap((item) => checkField(spec.item, item, `${path}[]`, action))
    }
  }
}

function itemsOf({ wrapper }: { wrapper: string | null }, value: unknown): readonly unknown[] | undefined {
  if (wrapper === null) return Array.isArray(value) ? value : undefined
  if (typeof value !== 'object' || value === null) return undefined
  const [[name, items] = [], ...more] = Object.entries(value)
  return name === wrapper && more.length === 0 && Array.isArray(items) ? items : undefined
}

/** The value as an action gives it: lists without their wrappers. */
function unwrap(fields: ResultFields, members: Record<string, unknown>): Record<string, unknown> {
  const one = (spec: FieldSpec, value: unknown): unknown => {
    if (spec.type === 'object') return unwrap(spec.fields, value as Record<string, unknown>)
    if (spec.type === 'list') return itemsOf(spec, value)!.map((item) => one(spec.item, item))
    return value
  }
  return Object.fromEntries(
    Object.entries(members)
      .filter(([name]) => Object.hasOwn(fields, name))
      .map(([name, value]) => [name, one(fields[name]!, value)]),
  )
}

/** XML back to members: types come from the spec, as XML has none. What the spec does not know stays, as text. */
export function membersOfXml(fields: ResultFields, nodes: readonly XmlNode[]): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  for (const node of nodes) {
    const spec = fields[node.name]
    if (spec?.type === 'list' && spec.wrapper === null) {
      members[node.name] = [
        ...((members[node.name] as unknown[]) ?? []),
        ...(node.children.length === 0 && node.text === '' ? [] : [valueOfXml(spec.item, node)]),
      ]
    } else members[node.name] = spec ? valueOfXml(spec, node) : node.text
  }
  // A bare list that is empty has no element.
  for (const [name, spec] of Object.entries(fields)) {
    if (spec.type === 'list' && spec.wrapper === null) members[name] ??= []
  }
  return members
}

function valueOfXml(spec: FieldSpec, node: XmlNode): unknown {
  switch (spec.type) {
    case 'string':
      return node.text
    case 'number':
      return Number(node.text)
    case 'boolean':
      return node.text === 'true' ? true : node.text === 'false' ? false : node.text
    case 'object':
      return membersOfXml(spec.fields, node.children)
    case 'list':
      return { [spec.wrapper!]: node.children.map((child) => valueOfXml(spec.item, child)) }
  }
}

/** What of an answer's members XML can show: a bare list that is empty has no element. */
export function visibleInXml(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(visibleInXml)
  if (typeof value !== 'object' || value === null) return value
  const [[, only] = [], ...more] = Object.entries(value)
  // A wrapped list keeps its container.
  if (Array.isArray(only) && more.length === 0) return { list: only.map(visibleInXml) }
  const seen = Object.entries(value).filter(([, member]) => !(Array.isArray(member) && member.length === 0))
  return Object.fromEntries(seen.map(([name, member]) => [name, visibleInXml(member)]))
}

/** Faults of the members of a successful answer, `RequestId` and the extra object taken off. */
export function checkResult(spec: ActionSpec, members: Record<string, unknown>): string[] {
  const { RequestId: _, ...fields } = spec.result
  const faults = checkFields(fields, members, '', spec.name)
  if (faults.length > 0) return faults
  const xml = parseXml(compileResult(spec).xml(unwrap(fields, members), 'id'))
  const { RequestId, ...back } = membersOfXml(fields, xml.children)
  const same = RequestId === 'id' && isDeepStrictEqual(visibleInXml(back), visibleInXml(members))
  return same ? [] : [`is another in XML: ${JSON.stringify(back)}`]
}

// --- One answer ----------------------------------------------------------------------------------------------

export interface Answer {
  readonly spec: ActionSpec | undefined
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly requestId: string
  /** The caller asked for the extra object. */
  readonly extra: boolean
}

/** Faults of an answer as it was on the wire. */
export function checkAnswer(answer: Answer): string[] {
  const { spec, status, contentType, body } = answer
  const isXml = contentType === 'text/xml;charset=utf-8'
  if (!isXml && contentType !== 'application/json;charset=utf-8') return [`has content type ${contentType}`]
  let members: Record<string, unknown>
  try {
    members = isXml
      ? membersOfXml((status === 200 && spec?.result) || {}, parseXml(body).children)
      : JSON.parse(body)
  } catch (error) {
    return [`cannot be read: ${(error as Error).message}`]
  }
  if (!/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/.test(answer.requestId)) return ['has no request id']
  if (members['RequestId'] !== answer.requestId) return ['has one request id in its head and another inside']
  if (status !== 200) return checkRefusal(answer, members)
  if (!spec) return ['answers an action of which there is no spec']
  const { RequestId: _, ...rest } = members
  if (answer.extra) delete rest['X-Suidao']
  return checkResult(spec, rest)
}

// --- The proxy -----------------------------------------------------------------------------------------------

export interface ContractProxy {
  /** `127.0.0.1:port` */
  readonly host: string
  /** Parameters of calls that were done, by action: paths without the numbers of lists, those inside a JSON text too. */
  readonly given: ReadonlyMap<string, ReadonlySet<string>>
  /** @throws with everything that was wrong with the answers that passed. */
  close(): Promise<void>
}

/** @param target `host:port` of the server */
export async function startContractProxy(target: string): Promise<ContractProxy> {
  const specs = await loadSpecs()
  const faults: string[] = []
  const given = new Map<string, Set<string>>()
  const agent = new Agent({ keepAlive: true })
  const [host, port] = target.split(':') as [string, string]

  const server = createServer({ keepAliveTimeout: 0 }, async (request, response) => {
    try {
      const sent = await bodyOf(request)
      const onward = requestOf({
        ...{ agent, host, port, method: request.method!, path: request.url!, setHost: false },
        headers: request.rawHeaders,
      })
      onward.end(sent)
      const reply = await new Promise<IncomingMessage>((resolve, reject) => {
        onward.once('response', resolve)
        onward.once('error', reject)
      })
      const body = await bodyOf(reply)
      const asked = paramsOf(request, sent)
      const name = asked.get('Action') ?? String(request.headers['x-acs-action'] ?? '')
      const found = checkAnswer({
        spec: specs.get(name),
        status: reply.statusCode!,
        contentType: reply.headers['content-type'] ?? '',
        body: body.toString(),
        requestId: String(reply.headers['x-acs-request-id'] ?? ''),
        extra: (asked.get('X-Suidao') ?? request.headers['x-suidao']) === 'true',
      })
      faults.push(...found.map((fault) => `${name} (${reply.statusCode}): ${fault}`))
      if (reply.statusCode === 200) {
        const named = given.get(name) ?? new Set()
        given.set(name, named)
        for (const [path, value] of asked) for (const leaf of leavesOf(path, value)) named.add(leaf)
      }
      response.writeHead(reply.statusCode!, reply.rawHeaders)
      response.end(body)
    } catch {
      // The server closed in the middle, as a caller without the proxy would see it.
      response.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    given,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      agent.destroy()
      await closed
      const distinct = [...new Set(faults)]
      if (distinct.length > 0) {
        throw new Error(`answers that break their contract:\n  ${distinct.join('\n  ')}`)
      }
    },
  }
}

/** `Tag.1.Key` -> `Tag.Key`; `IkeConfig` that is `{"Psk": ...}` -> `IkeConfig.Psk`. */
function leavesOf(path: string, value: unknown): string[] {
  const plain = path.replace(/\.\d+(?=\.|$)/g, '')
  if (typeof value === 'string' && /^[[{]/.test(value)) {
    try {
      return leavesOf(plain, JSON.parse(value))
    } catch {
      return [plain]
    }
  }
  if (typeof value !== 'object' || value === null) return [plain]
  return Object.entries(value).flatMap(([name, member]) => leavesOf(`${plain}.${name}`, member))
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function paramsOf(request: IncomingMessage, body: Buffer): URLSearchParams {
  const params = new URL(request.url!, 'http://any').searchParams
  if (/form/.test(request.headers['content-type'] ?? '')) {
    for (const [name, value] of new URLSearchParams(body.toString())) params.append(name, value)
  }
  return params
}
