/** Calls of the API on behalf of whoever is signed in. Types of parameters and answers come from the contracts of the actions. */
import type { Quotas } from '../../src/resources/context.ts'
import { type ActionSpec, type ParamValues, type ResultFields, vpcProduct } from '../../src/rpc/spec.ts'
import { heardTime } from './clock.ts'

type Field<F> = F extends { type: 'string' }
  ? string
  : F extends { type: 'number' }
    ? number
    : F extends { type: 'boolean' }
      ? boolean
      : F extends { type: 'object'; fields: infer R extends ResultFields }
        ? Fields<R>
        : F extends { type: 'list'; wrapper: infer W; item: infer I }
          ? W extends string
            ? { readonly [K in W]: readonly Field<I>[] }
            : readonly Field<I>[]
          : never

type Fields<R extends ResultFields> = { readonly [K in keyof R]?: Field<R[K]> }

/** What an action answers; `Extra` is the shape of `X-Suidao`. */
export type Answer<S extends ActionSpec, Extra = unknown> = Fields<S['result']> & {
  readonly RequestId: string
  readonly 'X-Suidao'?: Extra
}

type Params<S extends ActionSpec> = Partial<ParamValues<S['params']>>

/** An answer that is an error: the vendor's code, what it says, and the id that stands in the server's log. */
export class ApiFailure extends Error {
  readonly code: string
  readonly status: number
  readonly requestId: string | undefined
  /** Seconds. */
  readonly retryAfter: number | undefined

  constructor(code: string, message: string, status: number, requestId?: string, retryAfter?: number) {
    super(message)
    this.code = code
    this.status = status
    this.requestId = requestId
    this.retryAfter = retryAfter
  }

  get isDenied(): boolean {
    return this.status === 403
  }

  get isGone(): boolean {
    return this.status === 404
  }
}

async function request(method: string, path: string, body?: object): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(`/console${path}`, {
      method,
      credentials: 'same-origin',
      headers: { 'X-Suidao-Console': '1', ...(body ? { 'Content-Type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  } catch {
    throw new ApiFailure('Unreachable', '', 0)
  }
  const answer = await response.json().catch(() => undefined)
  if (response.ok && answer !== undefined) return answer
  const { Code = 'InvalidAnswer', Message = '', RequestId } = answer ?? {}
  if (Code === 'NotSignedIn') signedOut()
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN)
  throw new ApiFailure(
    Code,
    Message,
    response.status,
    RequestId,
    Number.isNaN(retryAfter) ? undefined : retryAfter,
  )
}

/** Called when the server says that the session is over. */
let signedOut = () => {}
export const onSignedOut = (listener: () => void) => {
  signedOut = listener
}

/** Calls an action, and asks for the extra object of reads. */
export async function call<S extends ActionSpec, Extra = unknown>(
  spec: S,
  params: Params<S> & { RegionId?: string },
): Promise<Answer<S, Extra>> {
  const extra = spec.kind === 'write' ? {} : { 'X-Suidao': true }
  const { version } = spec.product ?? vpcProduct
  return (await request('POST', `/api/${version}/${spec.name}`, { ...params, ...extra })) as Answer<S, Extra>
}

export interface ServerFacts {
  readonly Version: string
  /** Epoch milliseconds. */
  readonly StartedAt: number
  /** `null`: this node only answers the API. */
  readonly Engine: {
    readonly name: 'strongswan' | 'simulated'
    readonly kernelMode?: 'X' | 'V' | 'U'
    readonly daemonVersion?: string
  } | null
  /** Of this node: how many daemons there should be, and how many of them run and answer. */
  readonly Daemons: { readonly Wanted: number; readonly Up: number }
  /** This is an emulator, and may be controlled from here. */
  readonly Lab: boolean
  /** Of its clock when it answered, epoch milliseconds. */
  readonly Time: number
  readonly Regions: readonly string[]
  readonly DefaultRegion: string
  readonly Quotas: Quotas
}

export interface Session {
  readonly AccessKeyId: string
  readonly AccountId: string
  readonly UserName: string | null
  readonly CreatedAt: number
  readonly ExpiresAt: number
  readonly Server: ServerFacts
}

/** What every answer about the session tells of the server's clock is noted. */
async function sessionFrom(asked: Promise<unknown>): Promise<Session> {
  const session = (await asked) as Session
  heardTime(session.Server.Time)
  return session
}

export const readSession = () => sessionFrom(request('GET', '/session'))
export const signIn = (form: { AccessKeyId: string; AccessKeySecret: string; SecurityToken?: string }) =>
  sessionFrom(request('POST', '/session', form))
export const signOut = (everywhere: boolean) => request('DELETE', `/session${everywhere ? '?all=true' : ''}`)
