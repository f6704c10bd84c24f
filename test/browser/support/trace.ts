/** What kept the main thread of a page busy, from Chromium's own trace. */
import type { Browser, Page } from 'playwright-core'

export interface Task {
  /** Milliseconds by the trace's clock. */
  readonly begin: number
  /** Milliseconds that passed; more than it took where others wanted the processor too. */
  readonly took: number
  /** Milliseconds of the processor. */
  readonly processor: number
}

export interface Trace {
  /** Of the main thread, in order. */
  readonly tasks: readonly Task[]
  /** For each turn of the wheel and each key that reached the page: the longest task until the next one did. */
  readonly afterInput: readonly Task[]
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** Microseconds, as are the durations. */
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
  readonly args: { readonly name?: string; readonly data?: { readonly type?: string } }
}

const inputs = new Set(['wheel', 'input'])

/** Traces the page while `use` lasts; at most some tens of seconds, which is what the browser keeps. */
export async function trace(browser: Browser, page: Page, use: () => Promise<void>): Promise<Trace> {
  await browser.startTracing(page, {
    categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'],
  })
  await use()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    readonly traceEvents: readonly TraceEvent[]
  }
  return readTrace(traceEvents)
}

function readTrace(events: readonly TraceEvent[]): Trace {
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`
  const mains = new Set(
    events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(threadOf),
  )
  const given = events.filter(
    (event) => event.name === 'EventDispatch' && inputs.has(event.args.data?.type ?? ''),
  )
  // Other pages of the browser have main threads too; the one in use is the one that gets input.
  const used = given.map(threadOf).find((thread) => mains.has(thread))
  if (used === undefined) throw new Error('no input reached the page while it was traced')
  const ofPage = (event: TraceEvent) => threadOf(event) === used
  const tasks = events
    .filter((event) => event.name === 'RunTask' && event.ph === 'X' && ofPage(event))
    .map(({ ts, dur = 0, tdur = dur }) => ({ begin: ts / 1e3, took: dur / 1e3, processor: tdur / 1e3 }))
    .toSorted((a, b) => a.begin - b.begin)
  const moments = given
    .filter(ofPage)
    .map(({ ts }) => ts / 1e3)
    .toSorted((a, b) => a - b)
  const afterInput: Task[] = []
  let at = 0
  for (const [index, moment] of moments.entries()) {
    const next = moments[index + 1] ?? Number.POSITIVE_INFINITY
    let longest: Task | undefined
    // The task in which the input came had begun before it.
    while (at < tasks.length && tasks[at]!.begin + tasks[at]!.took < moment) at++
    for (let each = at; each < tasks.length && tasks[each]!.begin < next; each++) {
      if (longest === undefined || tasks[each]!.took > longest.took) longest = tasks[each]
    }
    if (longest) afterInput.push(longest)
  }
  return { tasks, afterInput }
}
