/**
 * What to do about one gateway or one tunnel: a step and its reason. Pure.
 *
 * States are compared, event kinds are not looked at: start-up, a lost event and a crash of a daemon take the same path.
 */

export type Step = 'apply' | 'remove' | 'forget' | 'wait' | 'none'

export interface Plan {
  readonly step: Step
  readonly reason: string
}

const plan = (step: Step, reason: string): Plan => ({ step, reason })

interface Desired {
  readonly deleted_at: number | null
  readonly generation: number
}

/**
 * @param row what is wanted; `undefined` when nothing is stored under this id
 * @param inEngine the engine lists it
 * @param made generation that this process has handed to the engine; `undefined` before the first time
 */
export function planGateway(
  row: Desired | undefined,
  inEngine: boolean,
  made: number | undefined,
  connections: number,
): Plan {
  if (!row)
    return inEngine ? plan('remove', 'nothing is stored under this id') : plan('none', 'gone on both sides')
  if (row.deleted_at !== null) {
    if (connections > 0) return plan('wait', 'connections of it are still being removed')
    return inEngine ? plan('remove', 'deletion is wanted') : plan('forget', 'the engine has let go of it')
  }
  if (!inEngine) return plan('apply', 'the engine does not have it')
  if (made === undefined) return plan('apply', 'this process has not handed it over yet')
  return made === row.generation ? plan('none', 'as wanted') : plan('apply', `generation ${made} is in place`)
}

/**
 * @param held generation the engine reports; `undefined` when it has no such tunnel
 * @param handedOver this process has handed the tunnel over before: after a start everything is handed over once
 * @param certificateDue the certificate that the engine has for it ends soon
 */
export function planTunnel(
  row: Desired | undefined,
  held: number | undefined,
  handedOver: boolean,
  gatewayReady: boolean,
  certificateDue = false,
): Plan {
  if (!row)
    return held === undefined
      ? plan('none', 'gone on both sides')
      : plan('remove', 'nothing is stored under this id')
  if (row.deleted_at !== null) {
    return held === undefined
      ? plan('forget', 'the engine has let go of it')
      : plan('remove', 'deletion is wanted')
  }
  if (!gatewayReady) return plan('wait', 'its gateway is not in place yet')
  if (held === undefined) return plan('apply', 'the engine does not have it')
  if (!handedOver) return plan('apply', 'this process has not handed it over yet')
  if (held !== row.generation) return plan('apply', `generation ${held} is in place`)
  return certificateDue ? plan('apply', 'its certificate has to be renewed') : plan('none', 'as wanted')
}
