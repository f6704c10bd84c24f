/** What may stand between a call that has been let in and the action that does it. */
import type { Principal } from './authorize.ts'
import type { ActionSpec } from './spec.ts'

/** A call that is signed, complete and permitted. */
export interface LetIn {
  readonly spec: ActionSpec
  readonly principal: Principal
  readonly region: string
  /** As they came, before they were read: names with their values. */
  readonly parameters: ReadonlyMap<string, string>
}

/** What becomes of the answer to a call that was let pass. */
export interface Passage {
  /** The call is done, and the connection is closed instead of an answer. */
  readonly loseAnswer?: boolean
  /** Told when it is done: `OK`, or the code of the error. */
  done?(code: string): void
}

/**
 * Asked before every action. It may wait, and refuses by throwing an `ApiError`. For the emulator's faults; a server
 * for real tunnels has none.
 */
export type Gate = (call: LetIn) => Promise<Passage>
