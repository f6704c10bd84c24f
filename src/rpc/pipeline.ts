/**
 * A request from its bytes to its reply, in the order in which the caller meets the checks:
 *
 *   request id -> parse -> find action -> authenticate -> required parameters -> region -> authorise -> values
 *   -> run -> render
 *
 * An unknown action is told to everybody, an action that is not built only to callers we know. Permission comes before
 * any value is judged or looked up, so that a caller without it learns nothing. One catch turns whatever was thrown
 * into a reply. Where the key is at hand and the action answers at once, no promise is made on the way.
 */
import { isUtf8 } from 'node:buffer'
import type { ActionTable, Call } from './action.ts'
import { type AuditEvent, changesBetween, idsIn, withoutSecrets } from './audit.ts'
import {
  type Claim,
  prove,
  type RawHeaders,
  type ReceivedRequest,
  readClaim,
  schemeOf,
} from './authenticate.ts'
import { type Credential, type FindCredential, refusal } from './authorize.ts'
import { ApiError, apiError } from './errors.ts'
import type { Gate, Passage } from './gate.ts'
import { type ApiMetrics, createApiMetrics } from './metrics.ts'
import { createNonceMemory, type NonceMemory } from './nonces.ts'
import {
  compileParams,
  mergePairs,
  noPairs,
  type ParamDecoder,
  type ParamPairs,
  parseJsonPairs,
  parsePairs,
} from './params.ts'
import {
  compileResult,
  contentTypes,
  type Format,
  PackedResult,
  type ResultWriter,
  renderError,
} from './render.ts'
import { newRequestId } from './request-id.ts'
import type { RequestLog } from './request-log.ts'
import { compileResources, type ResourcesOf } from './resource-names.ts'
import { compileHiding } from './secrets.ts'
import { type ActionSpec, vpcProduct } from './spec.ts'
import type { Throttle } from './throttle.ts'

export interface PipelineOptions {
  readonly table: ActionTable
  readonly findCredential: FindCredential
  readonly regions: ReadonlySet<string>
  readonly defaultRegion: string
  /** Epoch milliseconds. */
  readonly now: () => number
  /** The time of the clients, who date their signatures by it; absent: the same. */
  readonly clientNow?: () => number
  readonly log: (entry: RequestLog) => void
  readonly metrics?: ApiMetrics
  /** Told of every call that changes something and of every one that was not permitted. */
  readonly audit?: (event: AuditEvent) => void
  /** Absent where nobody is held back. */
  readonly throttle?: Throttle
  readonly gate?: Gate
  readonly nonces?: NonceMemory
  /** Where errors are explained; the code goes behind it as a fragment. Sent as `Recommend`. */
  readonly recommendUrl?: string
}

export interface Reply {
  readonly status: number
  /** Name, value, name, value; without Content-Length. */
  readonly headers: string[]
  readonly body: string
  /** Instead of being sent it is lost with its connection. */
  readonly lost?: true
}

export interface Pipeline {
  /**
   * `url` and `headers` as on the wire, one character per byte. Never throws and never rejects: whatever goes wrong
   * becomes a reply.
   */
  handle(
    method: string,
    url: string,
    headers: RawHeaders,
    body: Buffer,
    remoteAddress?: string,
  ): Reply | Promise<Reply>
  /**
   * A call whose caller has been proven by other means than a signature (a console session): the same action, rights,
   * log and errors. `body` is a JSON object of parameters; answers are JSON. Secrets that an answer shows are stars, save
   * in the answer of an action whose reading is audited. Never throws and never rejects.
   */
  call(
    name: { readonly version: string; readonly action: string },
    body: Buffer,
    credential: Credential,
    headers: RawHeaders,
    remoteAddress: string,
  ): Reply | Promise<Reply>
  /** The reply to what cannot even be handed over as a request (too large, too slow, not HTTP). */
  refuse(error: ApiError, headers: RawHeaders, remoteAddress?: string): Reply
}

type Run = (input: never, call: Call) => object | Promise<object>

interface CompiledAction {
  readonly name: string
  readonly spec: ActionSpec
  /** `vpc:DescribeVpnConnection` */
  readonly permission: string
  /** `undefined` for an action that is known and not built. */
  readonly run: Run | undefined
  /** The read that shows what it changes. */
  shown: { readonly spec: ActionSpec; readonly run: Run } | undefined
  readonly decode: ParamDecoder
  readonly resources: ResourcesOf
  readonly writer: ResultWriter
  /** Absent where an answer holds no secret, or where it is audited who was given it. */
  readonly hideSecrets: ((value: object) => object) | undefined
}

/** Version -> name -> action. */
type Actions = ReadonlyMap<string, ReadonlyMap<string, CompiledAction>>

function compileTable(table: ActionTable): Actions {
  const compiled = new Map<string, Map<string, CompiledAction>>()
  for (const entry of table.values()) {
    const { spec } = entry
    const { code, version } = spec.product ?? vpcProduct
    const action: CompiledAction = {
      name: spec.name,
      spec,
      permission: `${code}:${spec.name}`,
      run: 'run' in entry ? (input, call) => entry.run(input, call) : undefined,
      decode: compileParams(spec.params),
      resources: compileResources(spec.resources, code),
      writer: compileResult(spec),
      hideSecrets: spec.audited ? undefined : compileHiding(spec.result),
      shown: undefined,
    }
    const named = compiled.get(version) ?? new Map<string, CompiledAction>()
    compiled.set(version, named)
    for (const name of [spec.name, ...(spec.aliases ?? [])]) {
      if (named.has(name)) throw new Error(`Two actions are called ${name}`)
      named.set(name, action)
    }
  }
  for (const named of compiled.values()) {
    for (const action of named.values()) {
      const { shownBy } = action.spec
      const read = shownBy && named.get(shownBy.read)
      if (shownBy && !read?.run) throw new Error(`${action.name} is shown by no ${shownBy.read}`)
      action.shown = read && { spec: read.spec, run: read.run! }
    }
  }
  return compiled
}

/** What is known of a request so far; the log and the reply to a failure need it at any point. */
interface Exchange {
  readonly requestId: string
  readonly now: number
  readonly startedAt: number
  readonly remoteAddress: string
  readonly headers: RawHeaders
  format: Format
  wantsExtra: boolean
  actionName: string
  action: CompiledAction | undefined
  accessKeyId: string
  /** The answer goes where secrets are not to lie about. */
  hidesSecrets: boolean
  /** What the audit is told, once it is known that the call is for it. */
  audited:
    | Pick<AuditEvent, 'principal' | 'region' | 'resources' | 'parameters' | 'results' | 'changes'>
    | undefined
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { findCredential, regions, defaultRegion, now, log, audit, throttle, gate, recommendUrl } = options
  const metrics = options.metrics ?? createApiMetrics()
  const nonces = options.nonces ?? createNonceMemory()
  const clientNow = options.clientNow ?? now
  const actions = compileTable(options.table)

  function begin(headers: RawHeaders, remoteAddress: string): Exchange {
    return {
      requestId: newRequestId(),
      now: now(),
      startedAt: performance.now(),
      remoteAddress,
      headers,
      format: 'json',
      wantsExtra: false,
      actionName: '',
      action: undefined,
      accessKeyId: '',
      hidesSecrets: false,
      audited: undefined,
    }
  }

  function serve(exchange: Exchange, method: string, url: string, body: Buffer): Reply | Promise<Reply> {
    checkTarget(method, url)
    const known = knownHeaders(exchange.headers)
    const request = receive(method, url, exchange.headers, known, body)
    const { map } = request.params
    const scheme = schemeOf(known.authorization, known.bearerToken, map)
    exchange.format = formatOf(map.get('Format'), scheme === 'acs3' ? known.accept : '')
    exchange.wantsExtra = known.extra.toLowerCase() === 'true'

    // V1 clients send the headers as well, unsigned; under ACS3 the headers are what is signed.
    exchange.actionName =
      (scheme === 'acs3' ? '' : map.get('Action')) || (scheme === 'v1' ? '' : known.action)
    const version = (scheme === 'acs3' ? '' : map.get('Version')) || (scheme === 'v1' ? '' : known.version)
    const action = findAction(exchange, version)

    const claim = readClaim(scheme, request, known.authorization)
    exchange.accessKeyId = claim.accessKeyId
    const credential = findCredential(claim.accessKeyId)
    return credential instanceof Promise
      ? credential.then((found) => perform(exchange, action, request, claim, found))
      : perform(exchange, action, request, claim, credential)
  }

  function findAction(exchange: Exchange, version: string): CompiledAction {
    if (exchange.actionName === '') throw apiError('MissingAction')
    if (version === '') throw apiError('MissingVersion')
    const ofVersion = actions.get(version)
    if (!ofVersion) throw apiError('InvalidVersion')
    exchange.action = ofVersion.get(exchange.actionName)
    if (!exchange.action) throw apiError('InvalidAction.NotFound')
    return exchange.action
  }

  function perform(
    exchange: Exchange,
    action: CompiledAction,
    request: ReceivedRequest,
    claim: Claim,
    found: Credential | undefined,
  ): Reply | Promise<Reply> {
    const { map } = prove(request, claim, found, nonces, exchange.now, clientNow())
    checkFormat(map.get('Format'))
    return run(exchange, action, map, found!)
  }

  function run(
    exchange: Exchange,
    action: CompiledAction,
    map: ReadonlyMap<string, string>,
    credential: Credential,
  ): Reply | Promise<Reply> {
    if (!action.run) throw apiError('UnsupportedOperation', { action: action.name })

    const region = map.get('RegionId') || defaultRegion
    if (throttle && action.spec.rateLimit !== undefined) {
      const wait = throttle(credential.accountId, region, action.name, action.spec.rateLimit, exchange.now)
      if (wait > 0) throw apiError('Throttling.User', {}, { retryAfter: wait })
    }
    const { input, missing, illegal } = action.decode(map, region)
    if (action.spec.kind === 'write' || action.spec.audited)
      prepareAudit(exchange, action, input, credential, region)
    if (missing) throw missing
    if (!regions.has(region)) throw apiError('InvalidRegionId.NotFound')
    authorise(exchange, action, input, credential, region)
    if (illegal) throw illegal

    const call: Call = {
      requestId: exchange.requestId,
      principal: credential,
      region,
      now: exchange.now,
      wantsExtra: exchange.wantsExtra || map.get('X-Suidao')?.toLowerCase() === 'true',
      headers: exchange.headers,
    }
    const { shown } = action
    const work =
      shown && exchange.audited
        ? () => tracing(exchange, action, shown, input, call)
        : () => action.run!(input as never, call)
    if (gate) {
      const letIn = { spec: action.spec, principal: credential, region, parameters: map }
      return gate(letIn).then((passage) => passThrough(exchange, action, passage, work))
    }
    const result = work()
    return result instanceof Promise
      ? result.then((value) => succeed(exchange, action, value))
      : succeed(exchange, action, result)
  }

  /**
   * Does it, and notes what differs in the read before and after. Somebody else's change in between would be noted too;
   * of one gateway only one change is let through at a time.
   */
  async function tracing(
    exchange: Exchange,
    action: CompiledAction,
    shown: NonNullable<CompiledAction['shown']>,
    input: Readonly<Record<string, unknown>>,
    call: Call,
  ): Promise<object> {
    const { by, given } = action.spec.shownBy!
    const named = Object.fromEntries(by.map((name) => [name, input[name]]))
    const look = async () => {
      try {
        const asked = { RegionId: call.region, ...given, ...named } as never
        const answer = await shown.run(asked, { ...call, wantsExtra: false })
        return answer instanceof PackedResult ? answer.members() : answer
      } catch {
        // What cannot be read is not there; whether that is wrong is for the action to say.
        return undefined
      }
    }
    const before = await look()
    const result = await action.run!(input as never, call)
    const after = before && (await look())
    if (after)
      exchange.audited = {
        ...exchange.audited!,
        changes: changesBetween(shown.spec.result, before, after),
      }
    return result
  }

  async function passThrough(
    exchange: Exchange,
    action: CompiledAction,
    { loseAnswer, done }: Passage,
    run: () => object | Promise<object>,
  ): Promise<Reply> {
    try {
      const reply = succeed(exchange, action, await run())
      done?.('OK')
      return loseAnswer ? { ...reply, lost: true } : reply
    } catch (thrown) {
      done?.(thrown instanceof ApiError ? thrown.code : 'InternalError')
      throw thrown
    }
  }

  /** Nothing is audited of a caller who has proven nothing: anybody could fill the files. */
  function prepareAudit(
    exchange: Exchange,
    action: CompiledAction,
    input: Readonly<Record<string, unknown>>,
    principal: Credential,
    region: string,
  ): void {
    if (!audit) return
    exchange.audited = {
      principal,
      region,
      resources: action.resources(input, region, principal.accountId),
      parameters: withoutSecrets(action.spec.params, input),
    }
  }

  function authorise(
    exchange: Exchange,
    action: CompiledAction,
    input: Readonly<Record<string, unknown>>,
    credential: Credential,
    region: string,
  ): void {
    // The account itself, without a policy: nothing to ask.
    if (credential.userName === null && credential.statements.length === 0) return
    const resources = action.resources(input, region, credential.accountId)
    const circumstances = { sourceIp: exchange.remoteAddress, now: exchange.now }
    const code = refusal(credential, action.permission, resources, circumstances)
    if (!code) return
    prepareAudit(exchange, action, input, credential, region)
    throw apiError(code)
  }

  function succeed(exchange: Exchange, action: CompiledAction, value: object): Reply {
    const { requestId, format, hidesSecrets } = exchange
    const shown =
      hidesSecrets && action.hideSecrets
        ? action.hideSecrets(value instanceof PackedResult ? value.members() : value)
        : value
    const body =
      format === 'json' ? action.writer.json(shown, requestId) : action.writer.xml(shown, requestId)
    if (exchange.audited) exchange.audited = { ...exchange.audited, results: idsIn(value) }
    record(exchange, 200, 'OK', undefined)
    return {
      status: 200,
      headers: ['Content-Type', contentTypes[format], 'x-acs-request-id', requestId],
      body,
    }
  }

  function fail(exchange: Exchange, thrown: unknown): Reply {
    const error = thrown instanceof ApiError ? thrown : apiError('InternalError')
    const { requestId, format } = exchange
    const body = renderError(format, error, {
      requestId,
      hostId: headerOf(exchange.headers, 'host'),
      recommend: recommendUrl === undefined ? undefined : `${recommendUrl}#${error.code}`,
    })
    const headers = ['Content-Type', contentTypes[format], 'x-acs-request-id', requestId]
    if (error.retryAfter !== undefined) headers.push('x-acs-retry-after', String(error.retryAfter))
    if (error.status === 405) headers.push('Allow', 'GET, POST')
    record(exchange, error.status, error.code, error === thrown ? undefined : thrown)
    return { status: error.status, headers, body }
  }

  function record(exchange: Exchange, status: number, code: string, cause: unknown): void {
    const duration = Math.round((performance.now() - exchange.startedAt) * 1000)
    metrics.count(exchange.action?.name ?? '', code, duration)
    log({
      time: exchange.now,
      requestId: exchange.requestId,
      action: exchange.actionName,
      accessKeyId: exchange.accessKeyId,
      status,
      code,
      duration,
      remoteAddress: exchange.remoteAddress,
      cause,
    })
    if (audit && exchange.audited) {
      audit({
        ...exchange.audited,
        time: exchange.now,
        requestId: exchange.requestId,
        action: exchange.action!.spec,
        remoteAddress: exchange.remoteAddress,
        userAgent: headerOf(exchange.headers, 'user-agent'),
        code,
      })
    }
  }

  /** Turns whatever `work` throws or rejects with into a reply. */
  function answered(exchange: Exchange, work: () => Reply | Promise<Reply>): Reply | Promise<Reply> {
    try {
      const reply = work()
      return reply instanceof Promise ? reply.catch((thrown) => fail(exchange, thrown)) : reply
    } catch (thrown) {
      return fail(exchange, thrown)
    }
  }

  return {
    handle(method, url, headers, body, remoteAddress = '') {
      const exchange = begin(headers, remoteAddress)
      return answered(exchange, () => serve(exchange, method, url, body))
    },
    call({ version, action }, body, credential, headers, remoteAddress) {
      const exchange = begin(headers, remoteAddress)
      exchange.actionName = action
      exchange.accessKeyId = credential.accessKeyId
      exchange.hidesSecrets = true
      return answered(exchange, () => {
        const found = findAction(exchange, version)
        if (!isUtf8(body)) throw apiError('UnsupportedMediaType')
        return run(exchange, found, parseJsonPairs(body.toString()).map, credential)
      })
    },
    refuse: (error, headers, remoteAddress = '') => fail(begin(headers, remoteAddress), error),
  }
}

// --- Parse ----------------------------------------------------------------------------------------------------

/** Only `/` exists, with a query or without; an absolute target (sent through a proxy) is read for its path. */
function checkTarget(method: string, url: string): void {
  const afterSlash = url.charCodeAt(1)
  const plain = url.charCodeAt(0) === 0x2f && (url.length === 1 || afterSlash === 0x3f)
  if (!plain && !/^https?:\/\/[^/?]*\/?(\?|$)/i.test(url)) throw apiError('InvalidAction.NotFound')
  if (method !== 'GET' && method !== 'POST') throw apiError('UnsupportedHTTPMethod')
}

/** The headers that decide how a request is read. The first line of a name counts. */
interface KnownHeaders {
  readonly authorization: string
  readonly bearerToken: string
  readonly contentType: string
  readonly accept: string
  readonly action: string
  readonly version: string
  /** `x-suidao` */
  readonly extra: string
}

function knownHeaders(headers: RawHeaders): KnownHeaders {
  let authorization = ''
  let bearerToken = ''
  let contentType = ''
  let accept = ''
  let action = ''
  let version = ''
  let extra = ''
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    // The length tells most headers apart without a copy in lower case.
    switch (name.length) {
      case 6:
        if (name.toLowerCase() === 'accept') accept ||= headers[at + 1]!
        break
      case 8:
        if (name.toLowerCase() === 'x-suidao') extra ||= headers[at + 1]!
        break
      case 12:
        if (name.toLowerCase() === 'content-type') contentType ||= headers[at + 1]!
        else if (name.toLowerCase() === 'x-acs-action') action ||= headers[at + 1]!
        break
      case 13:
        if (name.toLowerCase() === 'authorization') authorization ||= headers[at + 1]!
        else if (name.toLowerCase() === 'x-acs-version') version ||= headers[at + 1]!
        break
      case 18:
        if (name.toLowerCase() === 'x-acs-bearer-token') bearerToken ||= headers[at + 1]!
        break
    }
  }
  return { authorization, bearerToken, contentType, accept, action, version, extra }
}

/** The first line of that name, 255 characters at most. */
function headerOf(headers: RawHeaders, name: string): string {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]!.length === name.length && headers[at]!.toLowerCase() === name)
      return headers[at + 1]!.slice(0, 255)
  }
  return ''
}

function receive(
  method: string,
  url: string,
  headers: RawHeaders,
  known: KnownHeaders,
  body: Buffer,
): ReceivedRequest {
  const mark = url.indexOf('?')
  const query = mark < 0 ? noPairs : parsePairs(url, mark + 1)
  const form = body.length === 0 ? noPairs : parseBody(body, known)
  if (form !== noPairs) checkCommon(query, form)
  return { method, headers, body, query, form, params: mergePairs(query, form, 'body') }
}

function parseBody(body: Buffer, { contentType, authorization }: KnownHeaders): ParamPairs {
  switch (contentType.split(';', 1)[0]!.trim().toLowerCase()) {
    case '':
    case 'application/x-www-form-urlencoded':
      return parsePairs(body.toString('latin1'))
    case 'application/json':
      // V1 does not sign such a body, so nothing in it could be believed.
      if (authorization !== '' && isUtf8(body)) return parseJsonPairs(body.toString())
  }
  throw apiError('UnsupportedMediaType')
}

/**
 * Parameters that say who calls what. They decide how a request is checked, before it is known whether the value in the
 * query or that in the body was signed; so they may not differ.
 */
const common = [
  'Action',
  'Version',
  'Format',
  'AccessKeyId',
  'SignatureMethod',
  'SignatureVersion',
  'SignatureType',
  'SignatureNonce',
  'Timestamp',
  'Signature',
  'SecurityToken',
  'BearerToken',
] as const

function checkCommon(query: ParamPairs, form: ParamPairs): void {
  for (const name of common) {
    const inQuery = query.map.get(name)
    const inForm = form.map.get(name)
    if (inQuery !== undefined && inForm !== undefined && inQuery !== inForm) {
      throw apiError('InvalidParameter', { param: name, reason: 'Query and body give it different values.' })
    }
  }
}

/**
 * `Format`, or else what ACS3 clients accept; JSON where neither says XML, as this product's common parameters have it.
 * Python's old core sends `Format=None` for "not set".
 */
function formatOf(format: string | undefined, accept: string): Format {
  if (format !== undefined && format !== '' && format !== 'None')
    return format.toLowerCase() === 'xml' ? 'xml' : 'json'
  if (accept === '') return 'json'
  const xml = accept.search(/\b(application|text)\/xml\b/i)
  const json = accept.search(/\bapplication\/json\b/i)
  return xml >= 0 && (json < 0 || xml < json) ? 'xml' : 'json'
}

function checkFormat(format: string | undefined): void {
  if (format === undefined || format === 'JSON' || format === '' || format === 'None') return
  const word = format.toLowerCase()
  if (word !== 'json' && word !== 'xml') throw apiError('InvalidParameter.Format')
}
