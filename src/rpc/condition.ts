/**
 * Conditions of a policy statement: from where and when a call is made.
 *
 * As in RAM ("Policy elements", Alibaba Cloud help, 2026-08): all operators and all their keys must hold; of several values
 * one is enough, and for an operator with `Not` none may hold. Keys compare without regard to letter case.
 */
import { BlockList, isIP } from 'node:net'

/** Operator -> key -> values: `{"IpAddress": {"acs:SourceIp": ["203.0.113.0/24"]}}`. */
export type Condition = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

/** What is known of a call when its permission is asked. */
export interface Circumstances {
  readonly sourceIp: string
  /** Epoch milliseconds. */
  readonly now: number
}

export type CompiledCondition = (circumstances: Circumstances) => boolean

interface Operator {
  readonly key: string
  /** @throws with what a value has to be. */
  compile(values: readonly string[]): CompiledCondition
}

const isWithin = (values: readonly string[]): CompiledCondition => {
  const networks = new BlockList()
  for (const value of values) {
    const [address = '', length, ...more] = value.split('/')
    const family = isIP(address)
    const longest = family === 4 ? 32 : 128
    const bits = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
    if (family === 0 || more.length > 0 || !(bits <= longest)) {
      throw new Error('an address or a network, e.g. "203.0.113.0/24"')
    }
    networks.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return ({ sourceIp }) => networks.check(sourceIp, sourceIp.includes(':') ? 'ipv6' : 'ipv4')
}

const isTime =
  (holds: (now: number, time: number) => boolean) =>
  (values: readonly string[]): CompiledCondition => {
    const times = values.map((value) => {
      const shaped = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(value)
      const time = shaped ? Date.parse(value) : Number.NaN
      if (Number.isNaN(time)) throw new Error('a time with its zone, e.g. "2026-11-01T08:00:00+08:00"')
      return time
    })
    return ({ now }) => times.some((time) => holds(now, time))
  }

const not =
  (compile: Operator['compile']): Operator['compile'] =>
  (values) => {
    const holds = compile(values)
    return (circumstances) => !holds(circumstances)
  }

const sourceIp = 'acs:sourceip'
const currentTime = 'acs:currenttime'
const toSecond = (time: number) => Math.floor(time / 1000)
const sameTime = isTime((now, time) => toSecond(now) === toSecond(time))

const operators: Readonly<Record<string, Operator>> = {
  IpAddress: { key: sourceIp, compile: isWithin },
  NotIpAddress: { key: sourceIp, compile: not(isWithin) },
  DateEquals: { key: currentTime, compile: sameTime },
  DateNotEquals: { key: currentTime, compile: not(sameTime) },
  DateLessThan: { key: currentTime, compile: isTime((now, time) => now < time) },
  DateLessThanEquals: { key: currentTime, compile: isTime((now, time) => now <= time) },
  DateGreaterThan: { key: currentTime, compile: isTime((now, time) => now > time) },
  DateGreaterThanEquals: { key: currentTime, compile: isTime((now, time) => now >= time) },
}

const keyNames: Readonly<Record<string, string>> = {
  [sourceIp]: 'acs:SourceIp',
  [currentTime]: 'acs:CurrentTime',
}

/** @throws with the place and what is wrong there; a condition that was stored never throws. */
export function compileCondition(condition: Condition): CompiledCondition {
  const parts = Object.entries(condition).flatMap(([name, keys]) => {
    const operator = Object.hasOwn(operators, name) ? operators[name]! : undefined
    if (!operator) throw new Error(`${name} is not supported (${Object.keys(operators).join(', ')} are)`)
    return Object.entries(keys).map(([key, values]) => {
      if (key.toLowerCase() !== operator.key) {
        throw new Error(`${name}: ${key} is not supported (${keyNames[operator.key]} is)`)
      }
      try {
        return operator.compile(values)
      } catch (error) {
        throw new Error(`${name}: ${key} must be ${(error as Error).message}`)
      }
    })
  })
  return (circumstances) => parts.every((holds) => holds(circumstances))
}
