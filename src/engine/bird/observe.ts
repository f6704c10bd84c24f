/** What BIRD says of its sessions and routes, in the words of `engine.ts`. Pure. Forms are those of BIRD 2.0.12. */
import type { BgpReport, LearnedPrefix } from '../engine.ts'
import type { ReplyLine } from './reply.ts'

/** A session as `show protocols all` has it. */
export interface SeenSession {
  readonly state: BgpReport['state']
  /** Epoch milliseconds of its last step between down, start and up. BIRD runs in UTC. */
  readonly since: number
  readonly lastError?: string
  /** More networks came than are taken. */
  readonly limitReached: boolean
  /** Changes whenever a route came, went or was announced. */
  readonly routesMark: string
}

const states: Readonly<Record<string, BgpReport['state']>> = {
  Idle: 'idle',
  Connect: 'connect',
  Active: 'active',
  OpenSent: 'opensent',
  OpenConfirm: 'openconfirm',
  Established: 'established',
}

/** Answer of `show protocols all`: sessions by name. */
export function observeSessions(lines: readonly ReplyLine[]): ReadonlyMap<string, SeenSession> {
  const sessions = new Map<string, SeenSession>()
  let name: string | undefined
  const change = (part: Partial<SeenSession>) => {
    const seen = name === undefined ? undefined : sessions.get(name)
    if (name !== undefined && seen) sessions.set(name, { ...seen, ...part })
  }
  for (const { code, text } of lines) {
    if (code === 1002) {
      const head = /^(\S+)\s+BGP\s+\S+\s+\S+\s+(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)/.exec(text)
      name = head?.[1]
      if (name === undefined) continue
      const since = Date.parse(`${head?.[2]}T${head?.[3]}Z`)
      sessions.set(name, { state: 'idle', since, limitReached: false, routesMark: '' })
      continue
    }
    const [, key, value = ''] = /^\s+([A-Z][A-Za-z ]*):\s*(.*?)\s*$/.exec(text) ?? []
    if (key === 'BGP state') change({ state: states[value] ?? 'idle' })
    else if (key === 'Last error') change({ lastError: value })
    else if (key === 'Import limit') change({ limitReached: value.endsWith('[HIT]') })
    else if (key === 'Routes' || /^(Import|Export) (updates|withdraws)$/.test(key ?? '')) {
      const seen = name === undefined ? undefined : sessions.get(name)
      change({ routesMark: `${seen?.routesMark ?? ''}${key} ${value};` })
    }
  }
  return sessions
}

/** Answer of `show route all where source = RTS_BGP`: what was learned, by session. */
export function observeLearned(lines: readonly ReplyLine[]): ReadonlyMap<string, readonly LearnedPrefix[]> {
  const learned = new Map<string, LearnedPrefix[]>()
  let prefix = ''
  let last: { session: string; communities: string[]; route: LearnedPrefix } | undefined
  const finish = () => {
    if (!last) return
    const route = { ...last.route, communities: last.communities.join(' ') }
    learned.set(last.session, [...(learned.get(last.session) ?? []), route])
    last = undefined
  }
  for (const { code, text } of lines) {
    const head = code === 1007 ? /^(\S+\/\d+)?\s+\S+ \[(\S+) [^\]]*\]( \*)?/.exec(text) : null
    if (head) {
      finish()
      prefix = head[1] ?? prefix
      const route = { prefix, asPath: '', communities: '', best: head[3] !== undefined }
      last = { session: head[2] ?? '', communities: [], route }
      continue
    }
    const [, name, value = ''] = /^\s*BGP\.(\w+):\s*(.*?)\s*$/.exec(text) ?? []
    if (!last || name === undefined) continue
    if (name === 'as_path') last.route = { ...last.route, asPath: value }
    if (/^(large_|ext_)?community$/.test(name)) {
      const groups = [...value.matchAll(/\(([^)]*)\)/g)]
      last.communities.push(...groups.map(([, numbers = '']) => numbers.split(/,\s*/).join(':')))
    }
  }
  finish()
  return learned
}

/** Answer of `show route export <session>`: networks that the peer has been told. */
export const observeAdvertised = (lines: readonly ReplyLine[]): readonly string[] =>
  lines.flatMap(({ code, text }) => {
    const prefix = code === 1007 ? /^(\d+\.\d+\.\d+\.\d+\/\d+)\s/.exec(text)?.[1] : undefined
    return prefix ?? []
  })

/**
 * What a line of the log says against a session: a NOTIFICATION that we have sent or received. It is said once, and
 * what `show protocols` keeps is soon only that the connection was closed.
 */
export function parseComplaint(line: string): { session: string; text: string } | undefined {
  const [, session, kind, text] = /^(vco_\d+): (Error|Received): (.+)$/.exec(line) ?? []
  if (session === undefined || text === undefined) return undefined
  return { session, text: kind === 'Error' ? text : `Received: ${text}` }
}

/**
 * Whether two answers speak of the same session, by when it came up. BIRD reckons that moment anew each time, from two
 * clocks that it does not read at once, so it is some milliseconds off; a session that begins anew takes a second.
 *
 * @param a and `b` epoch milliseconds
 */
export const isSameMoment = (a: number, b: number): boolean => Math.abs(a - b) < 500
