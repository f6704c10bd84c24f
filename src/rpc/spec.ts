/**
 * The shape in which a vendor's contract is written down.
 *
 * A `spec.ts` of a resource is data made of these types. Parameter decoding, validation, rendering in JSON
 * and XML, permission names and `docs/coverage.md` all read it; nothing else states what the vendor promises.
 */
import type { ErrorCode } from './errors.ts'

interface ParamBase {
  readonly required?: boolean
  readonly note?: string
  /** The code answered for a value that breaks the rule; `IllegalParam.<Param>` where nothing is known. */
  readonly illegal?: ErrorCode
  /** Other spellings that real clients send. Members of JSON parameters are matched in any letter case anyway. */
  readonly aliases?: readonly string[]
}

export interface StringParam extends ParamBase {
  readonly type: 'string'
  readonly enum?: readonly string[]
  /** Compare with `enum` without regard to letter case; the spelling of the enum is what the action gets. */
  readonly anyCase?: boolean
  readonly pattern?: RegExp
  readonly minLength?: number
  readonly maxLength?: number
  readonly default?: string
  /** The value never reaches a log. */
  readonly secret?: boolean
  /** An empty value is a value (it clears), not "not given"; `pattern` and lengths do not apply to it. */
  readonly keepEmpty?: boolean
}

export interface IntegerParam extends ParamBase {
  readonly type: 'integer'
  readonly enum?: readonly number[]
  readonly min?: number
  readonly max?: number
  readonly default?: number
  readonly unit?: 's' | 'ms' | 'Mbit/s'
}

export interface BooleanParam extends ParamBase {
  readonly type: 'boolean'
  readonly default?: boolean
}

/** A JSON object inside one string parameter (`IkeConfig`), member names in any letter case. */
export interface JsonParam extends ParamBase {
  readonly type: 'json'
  readonly fields: ParamFields
}

/** `Name.Member` without an index. */
export interface StructParam extends ParamBase {
  readonly type: 'struct'
  readonly fields: ParamFields
}

/** `Name.1`, `Name.2.Member`, or one parameter holding a JSON array. */
export interface ListParam extends ParamBase {
  readonly type: 'list'
  readonly item: StringParam | IntegerParam | StructParam
  readonly maxItems?: number
}

export type ParamSpec = StringParam | IntegerParam | BooleanParam | JsonParam | StructParam | ListParam
export type ParamFields = { readonly [name: string]: ParamSpec }

/**
 * One field of an answer. The type here, not the JavaScript type of the value, decides how it is written:
 * the vendor has `EnableBgp` as text at one level and `EnableDpd` as a native boolean at another.
 */
export type FieldSpec =
  | {
      readonly type: 'string' | 'number' | 'boolean'
      readonly note?: string
      /** The audit trail tells that it changed, and not from what to what. */
      readonly secret?: true
      /** It is what was seen, and no caller's doing: the audit trail leaves its changes out. */
      readonly observed?: true
    }
  | { readonly type: 'object'; readonly fields: ResultFields; readonly note?: string }
  /** `wrapper: 'Tag'` writes `{"Tags":{"Tag":[...]}}`; `wrapper: null` a bare array. */
  | {
      readonly type: 'list'
      readonly wrapper: string | null
      readonly item: FieldSpec
      readonly note?: string
    }
export type ResultFields = { readonly [name: string]: FieldSpec }

/** A product of the vendor; its actions are told apart from those of others by the version that a call names. */
export interface Product {
  /** In permissions and resource names: `vpc:DescribeVpcs`, `acs:vpc:...`. */
  readonly code: string
  readonly version: string
}

export const vpcProduct: Product = { code: 'vpc', version: '2016-04-28' }

export interface ActionSpec {
  readonly name: string
  /** The VPC product where it is not given. */
  readonly product?: Product
  readonly summary: string
  readonly kind: 'read' | 'list' | 'write'
  /** A read that the audit trail shows all the same: what it answers is given to somebody. */
  readonly audited?: true
  /**
   * The read, of the same product, that shows what this write changes: the audit trail has its fields before and after.
   * It is called with `RegionId`, with these parameters of the call, and with those of `given`.
   */
  readonly shownBy?: {
    readonly read: string
    readonly by: readonly string[]
    readonly given?: Readonly<Record<string, string>>
  }
  /** Other spellings of the action that clients send. */
  readonly aliases?: readonly string[]
  /**
   * Resource patterns of the permission check, e.g. `vpnconnection/{VpnConnectionId}`; `{X}` is replaced by
   * parameter X (by `*` when it is absent, by each item in turn when it is a list; in lower case before the slash,
   * so that `{ResourceType}/{ResourceId}` names a type). The action is `<product>:<name>`.
   */
  readonly resources: readonly string[]
  /** Calls per minute, account and region; absent where no page gives it. */
  readonly rateLimit?: number
  readonly params: ParamFields
  readonly result: ResultFields
  /** Codes this action may answer beside those every action may. */
  readonly errors: readonly ErrorCode[]
  /** Document and date. */
  readonly source: string
}

// --- What an action receives and returns, inferred from its spec ---------------------------------------------

type Simplify<T> = { [K in keyof T]: T[K] } & {}
type IsGiven<P> = P extends { required: true } | { default: string | number | boolean } ? true : false
type GivenKeys<F extends ParamFields> = { [K in keyof F]: IsGiven<F[K]> extends true ? K : never }[keyof F]

export type ParamValue<P> = P extends { type: 'string' }
  ? P extends { enum: readonly (infer E)[] }
    ? E
    : string
  : P extends { type: 'integer' }
    ? number
    : P extends { type: 'boolean' }
      ? boolean
      : P extends { type: 'json' | 'struct'; fields: infer F extends ParamFields }
        ? ParamValues<F>
        : P extends { type: 'list'; item: infer I }
          ? readonly ParamValue<I>[]
          : never

/** The typed object that reaches an action: members with a default or `required: true` are always there. */
export type ParamValues<F extends ParamFields> = Simplify<
  { readonly [K in GivenKeys<F>]: ParamValue<F[K]> } & {
    readonly [K in Exclude<keyof F, GivenKeys<F>>]?: ParamValue<F[K]>
  }
>

export type FieldValue<F> = F extends { type: 'string' }
  ? string | boolean | number
  : F extends { type: 'number' }
    ? number
    : F extends { type: 'boolean' }
      ? boolean
      : F extends { type: 'object'; fields: infer R extends ResultFields }
        ? ResultValues<R>
        : F extends { type: 'list'; item: infer I }
          ? readonly FieldValue<I>[]
          : never

/** What an action returns. An `undefined` member is left out of the answer. `RequestId` is added by the pipeline. */
export type ResultValues<R extends ResultFields> = {
  readonly [K in keyof R as K extends 'RequestId' ? never : K]?: FieldValue<R[K]>
}

/** Keeps the literal types of a spec, so that input and result can be inferred from it. */
export const defineAction = <const S extends ActionSpec>(spec: S): S => spec
