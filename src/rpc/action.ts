/** What the pipeline knows of an action, and what an action knows of the call. */
import type { Principal } from './authorize.ts'
import type { PackedResult } from './render.ts'
import type { ActionSpec, ParamValues, ResultValues } from './spec.ts'

export interface Call {
  readonly requestId: string
  readonly principal: Principal
  /** The caller's `RegionId`, or the configured default region. Always a region this server has. */
  readonly region: string
  /** Epoch milliseconds at which the request was accepted. */
  readonly now: number
  /** The caller asked for the extra `X-Suidao` object (parameter `X-Suidao=true` or header `x-suidao: true`). */
  readonly wantsExtra: boolean
  /** Header lines as they came: name, value, name, value. */
  readonly headers: readonly string[]
}

export interface Action<S extends ActionSpec = ActionSpec> {
  readonly spec: S
  /**
   * Looks up, checks what crosses resources, writes, and returns members with the vendor's names.
   * May answer synchronously: the hot read path has no promise in it.
   * The extra object, where asked for, stands under `X-Suidao` and is written as it is. A result that was kept may be
   * given as it was packed.
   */
  run(input: ParamValues<S['params']>, call: Call): Answer<S> | Promise<Answer<S>>
}

type Answer<S extends ActionSpec> = (ResultValues<S['result']> & Extra) | PackedResult

export interface Extra {
  readonly 'X-Suidao'?: Readonly<Record<string, unknown>>
}

/** An action of the vendor that is known and not built yet. Answers `UnsupportedOperation`. */
export interface NotYet {
  readonly spec: ActionSpec
  readonly notYet: string
}

export type ActionTable = ReadonlyMap<string, Action | NotYet>

/** Ties an action's function to its spec with inferred types. */
export const action = <const S extends ActionSpec>(spec: S, run: Action<S>['run']): Action =>
  ({ spec, run }) as unknown as Action
