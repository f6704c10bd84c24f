/**
 * `npm run bench`: Suidao beside a bare `node:http` server, in one run, as ratios.
 *
 *     npm run bench -- [--quick] [--only describe,pages,memory,start,events,tunnels,scale] [--json <file>] [--markdown <file>]
 *
 * The machine may be shared and noisy: only ratios within one run mean anything. An answer that is not 200 ends the run.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Lab } from '../test/lab/support/lab.ts'
import { type EmulatorStart, measureEmulator } from './emulator.ts'
import type { Query, RequestKind } from './load.ts'
import { measureRatios, type RatioOptions, spreadOf, type Target, type TargetResult } from './ratio.ts'
import { connectionId, region, rootKey, seededFolder, userKey } from './seed.ts'
import {
  type LoadGenerator,
  memoryOf,
  type ServerProcess,
  startBare,
  startLoadGenerator,
  startSuidao,
} from './server-process.ts'
import { createSigner } from './signed-request.ts'
import { answerOf, measureStartUp, type StartUp } from './startup.ts'
import {
  bringUpDirectly,
  bringUpThroughApi,
  type ManyTunnels,
  measureEvents,
  measureScale,
  type Scale,
} from './tunnels.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    markdown: { type: 'string' },
  },
})
const parts = options.only?.split(',')
const wanted = (part: string) => parts === undefined || parts.includes(part)
const sizes = options.quick ? [100, 100_000] : [100, 10_000, 100_000]
const slices: RatioOptions = options.quick
  ? { seconds: 0.3, rounds: 5, sockets: 32 }
  : { seconds: 1, rounds: 7, sockets: 32 }

interface Verdict {
  readonly claim: string
  readonly measured: number
  readonly limit: string
  readonly holds: boolean
}

interface Results {
  readonly machine: Record<string, string>
  readonly describe: Record<string, TargetResult[]>
  pages: Record<string, TargetResult[]>
  start?: StartUp
  emulator?: EmulatorStart
  loaded?: { rss: number; anonymous: number; answered: number }
  events?: { median: number; upper: number; most: number; count: number }
  tunnels: { suidao: ManyTunnels; direct: ManyTunnels }[]
  scale?: Scale
  readonly skipped: string[]
  readonly verdicts: Verdict[]
}

const results: Results = {
  machine: {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.versions.node,
  },
  describe: {},
  pages: {},
  tunnels: [],
  skipped: [],
  verdicts: [],
}

const lines: string[] = []
function say(text = ''): void {
  lines.push(text)
  console.log(text)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  say(line(head))
  say(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  for (const row of rows) say(line(row))
  say()
}

const fixed = (value: number, digits = 2) => value.toFixed(digits)
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`

function judge(claim: string, measured: number, limit: string, holds: boolean): void {
  results.verdicts.push({ claim, measured, limit, holds })
}

// --- Describe and pages -------------------------------------------------------------------------------------------

const kinds: readonly Pick<RequestKind, 'signature' | 'format'>[] = [
  { signature: 'V1', format: 'JSON' },
  { signature: 'ACS3', format: 'JSON' },
  { signature: 'V1', format: 'XML' },
  { signature: 'ACS3', format: 'XML' },
]

async function headAndBody(server: ServerProcess, kind: RequestKind) {
  const page = kind.query.read === 'page'
  const sign = createSigner(kind.key === 'root' ? rootKey : userKey, kind.signature, kind.format)
  const request = sign(
    `127.0.0.1:${server.port}`,
    page ? 'DescribeVpnConnections' : 'DescribeVpnConnection',
    page
      ? { RegionId: region, PageNumber: '1', PageSize: '10' }
      : { RegionId: region, VpnConnectionId: connectionId(7) },
  )
  const text = await answerOf(server.port, request)
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const headers = head
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(': ', 2) as [string, string])
    .filter(([name]) => !/^(date|connection|keep-alive)$/i.test(name))
  return { headers: headers.flat(), body }
}

function show(name: string, measured: readonly TargetResult[]): void {
  say(`### ${name}`)
  say()
  table(
    ['', 'requests/s', 'of bare', 'quartiles', 'CPU µs', 'CPU of bare', 'p99 ms', 'server busy'],
    measured.map((one) => [
      one.name,
      fixed(one.perSecond, 0),
      fixed(one.ratio.median),
      `${fixed(one.ratio.lower)}-${fixed(one.ratio.upper)}`,
      fixed(one.cpuMicroseconds, 1),
      fixed(one.cpuRatio.median),
      fixed(one.p99, 1),
      `${Math.round(one.serverBusy * 100)} %`,
    ]),
  )
}

async function measureServers(parent: string): Promise<void> {
  const servers: { size: number; server: ServerProcess }[] = []
  for (const size of sizes) {
    const dataDir = await seededFolder(parent, size)
    servers.push({ size, server: await startSuidao({ dataDir, settings: { SUIDAO_ROLES: 'api' } }) })
  }
  const bare = startBare()
  const load = startLoadGenerator()
  try {
    const largest = servers.at(-1)!
    const against = async (kind: RequestKind, targets: readonly Target[]) => {
      const port = await bare.answering(await headAndBody(largest.server, kind))
      const baseline: Target = {
        name: 'bare node:http',
        server: { pid: bare.pid, port },
        kind,
        size: largest.size,
      }
      return measureRatios(load, baseline, targets, slices)
    }

    if (wanted('describe')) {
      say('## DescribeVpnConnection')
      say()
      say(
        'Every check on: signature, nonce, rights of a RAM user with a policy, log to a file, metrics. "hot": the',
      )
      say(
        'same 100 connections, spread over the whole store; "any": drawn evenly from all that are stored, after',
      )
      say('each has been asked for once; "first": each asked for the first time since the start.')
      say()
      const first: RequestKind = {
        signature: 'V1',
        format: 'JSON',
        key: 'user',
        query: { read: 'connection', among: 'next' },
      }
      const { server, size } = largest
      results.describe['first'] = await against(first, [
        { name: `${size} stored, first`, server, kind: first, size },
      ])
      show('V1, JSON, first reads', results.describe['first'])
      for (const each of servers) await askForAll(load, each)
      for (const { signature, format } of kinds) {
        const ask = (among: 'hundred' | 'all', key: 'root' | 'user' = 'user'): RequestKind => ({
          signature,
          format,
          key,
          query: { read: 'connection', among },
        })
        const targets: Target[] = servers.flatMap(({ size, server }) => [
          { name: `${size} stored, hot`, server, kind: ask('hundred'), size },
          ...(size > 100 ? [{ name: `${size} stored, any`, server, kind: ask('all'), size }] : []),
        ])
        targets.push({
          name: `${largest.size} stored, hot, root key`,
          ...largest,
          kind: ask('hundred', 'root'),
        })
        const measured = await against(ask('hundred'), targets)
        results.describe[`${signature} ${format}`] = measured
        show(`${signature}, ${format}`, measured)
      }
      judgeDescribe()
    }

    if (wanted('pages')) {
      say('## DescribeVpnConnections, 10 a page')
      say()
      say('Every connection has been asked for once, as for "hot" and "any" above.')
      say()
      if (!wanted('describe')) for (const each of servers) await askForAll(load, each)
      const queries: [string, Extract<Query, { read: 'page' }>['which']][] = [
        ['first page', 'first'],
        ['page after page', 'next'],
        ['a page anywhere', 'anywhere'],
        ['of one gateway', 'of a gateway'],
      ]
      for (const [name, which] of queries) {
        const kind: RequestKind = {
          signature: 'V1',
          format: 'JSON',
          key: 'user',
          query: { read: 'page', which },
        }
        const targets = servers.map(({ size, server }) => ({ name: `${size} stored`, server, kind, size }))
        const measured = await against(kind, targets)
        results.pages[name] = measured
        show(name, measured)
      }
      const walk = results.pages['page after page']!
      const growth = walk.at(-1)!.cpuMicroseconds / walk[1]!.cpuMicroseconds
      judge('walking pages at 100 000 against 100, time per request', growth, '<= 1.5', growth <= 1.5)
    }

    if (wanted('memory')) {
      let answered = 0
      const least = options.quick ? 50_000 : 200_000
      for (let turn = 0; answered < least; turn++) {
        const query: Query =
          turn % 4 === 3 ? { read: 'page', which: 'anywhere' } : { read: 'connection', among: 'all' }
        const kind: RequestKind = {
          signature: turn % 2 ? 'ACS3' : 'V1',
          format: turn % 3 ? 'JSON' : 'XML',
          key: 'user',
          query,
        }
        const { port, pid } = largest.server
        const slice = { port, pid, kind, size: largest.size, sockets: 32, seconds: 2, prepare: 20_000 }
        answered += (await load.run(slice)).answered
      }
      const { rss, anonymous } = memoryOf(largest.server.pid)
      results.loaded = { rss, anonymous, answered }
      say(`Resident with ${largest.size} connections after ${answered} more answers: ${mebibytes(rss)}`)
      say()
      judge('resident at 100 000 connections, MB', rss / 1e6, '<= 200', rss <= 200e6)
    }
  } finally {
    await Promise.all([...servers.map(({ server }) => server.stop()), bare.stop(), load.stop()])
  }
}

/** Has every connection asked for once, and enough in all for the compiler to have seen what is asked often. */
async function askForAll(
  load: LoadGenerator,
  { server, size }: { server: ServerProcess; size: number },
): Promise<void> {
  const kind: RequestKind = {
    signature: 'V1',
    format: 'JSON',
    key: 'user',
    query: { read: 'connection', among: 'next' },
  }
  for (let left = Math.max(size, 30_000); left > 0; ) {
    const prepare = Math.min(left, 10_000)
    const { port, pid } = server
    left -= (await load.run({ port, pid, kind, size, sockets: slices.sockets, seconds: 60, prepare }))
      .answered
  }
}

function judgeDescribe(): void {
  const at = (kind: string, name: string) => results.describe[kind]!.find((one) => one.name === name)!
  const largest = sizes.at(-1)!
  for (const [kind, least] of [
    ['V1 JSON', 0.35],
    ['ACS3 JSON', 0.3],
    ['V1 XML', 0.2],
  ] as const) {
    for (const among of ['hot', 'any']) {
      const { ratio } = at(kind, `${largest} stored, ${among}`)
      judge(
        `${kind}, ${largest} stored, ${among}: share of bare`,
        ratio.median,
        `>= ${least}`,
        ratio.median >= least,
      )
    }
  }
  const growth =
    at('V1 JSON', `${largest} stored, hot`).cpuMicroseconds / at('V1 JSON', '100 stored, hot').cpuMicroseconds
  judge('V1 JSON, hot: time at 100 000 against 100', growth, '<= 1.2', growth <= 1.2)
  const any =
    at('V1 JSON', `${largest} stored, any`).cpuMicroseconds / at('V1 JSON', '100 stored, hot').cpuMicroseconds
  judge('V1 JSON, any: time at 100 000 against 100', any, '<= 1.2', any <= 1.2)
}

// --- The rest -----------------------------------------------------------------------------------------------------

async function measureRest(parent: string): Promise<void> {
  if (wanted('start')) {
    const start = await measureStartUp(parent, options.quick ? 3 : 7)
    results.start = start
    const own = spreadOf(start.suidao).median
    const bare = spreadOf(start.bare).median
    say('## Start')
    say()
    say(
      `From the start of the process to its first answer: ${fixed(own, 0)} ms, bare ${fixed(bare, 0)} ms: ${fixed(own / bare)} times.`,
    )
    say(`Resident at rest with an empty store: ${mebibytes(start.atRest.rss)}.`)
    say()
    const emulator = await measureEmulator(options.quick ? 3 : 11)
    results.emulator = emulator
    const { median } = spreadOf(emulator.starts)
    const { rss } = emulator.connected
    say(
      `The emulator: ${fixed(median, 0)} ms to its first signed answer; ${mebibytes(rss)} resident with 100 connections.`,
    )
    say()
    judge('emulator: start to first signed answer, median ms', median, '<= 300', median <= 300)
    judge('emulator: resident with 100 connections, MB', rss / 1e6, '<= 100', rss <= 100e6)
  }
  if (!['events', 'tunnels', 'scale'].some(wanted)) return
  const missing = Lab.missing()
  if (missing) {
    results.skipped.push(`events, tunnels and scale: ${missing}`)
    say(`Events, tunnels and scale are skipped: ${missing}.`)
    say()
    return
  }
  if (wanted('events')) {
    const delays = await measureEvents(options.quick ? 8 : 20)
    const { median, upper } = spreadOf(delays)
    const most = Math.max(...delays)
    results.events = { median, upper, most, count: delays.length }
    say('## From an event of the daemon to the API')
    say()
    say(
      `${delays.length} events: median ${fixed(median, 0)} ms, upper quartile ${fixed(upper, 0)} ms, most ${fixed(most, 0)} ms.`,
    )
    say()
    judge('event to API, median ms', median, '<= 50', median <= 50)
  }
  if (wanted('tunnels')) {
    for (const count of options.quick ? [10] : [10, 25, 50]) {
      const direct = await bringUpDirectly(count)
      const suidao = await bringUpThroughApi(count)
      results.tunnels.push({ suidao, direct })
    }
    say('## Bringing up tunnels')
    say()
    say(
      'Through the API, one change of the gateway at a time, with a daemon for each peer where ESP is in userspace;',
    )
    say('against the same connections straight over VICI into one daemon.')
    say()
    table(
      ['tunnels', 'through the API', 'over VICI', 'times', 'daemons (PSS)', 'daemon (PSS)', 'times'],
      results.tunnels.map(({ suidao, direct }) => [
        String(suidao.tunnels),
        `${fixed(suidao.seconds)} s`,
        `${fixed(direct.seconds)} s`,
        fixed(suidao.seconds / direct.seconds, 1),
        mebibytes(suidao.pss),
        mebibytes(direct.pss),
        fixed(suidao.pss / direct.pss, 1),
      ]),
    )
  }
  if (wanted('scale')) {
    const scale = await measureScale(options.quick ? 50 : 500)
    results.scale = scale
    const { median } = spreadOf(scale.events)
    const growth = scale.describeAll / scale.describeOne
    say('## Many tunnels on one node')
    say()
    say(
      `${scale.tunnels} tunnels of ${scale.gateways} gateways, built eight gateways at a time: all up after ${fixed(scale.seconds, 0)} s.`,
    )
    say(`Daemons ${mebibytes(scale.pss)} (PSS), Suidao ${mebibytes(scale.rss)} resident.`)
    say(
      `From an event to the API: median ${fixed(median, 0)} ms, most ${fixed(Math.max(...scale.events), 0)} ms.`,
    )
    say(
      `One describe after the other: ${fixed(scale.describeOne)} ms with one tunnel, ${fixed(scale.describeAll)} ms with all.`,
    )
    say()
    judge(`describe with ${scale.tunnels} tunnels against one`, growth, '<= 1.2', growth <= 1.2)
    judge(`event to API with ${scale.tunnels} tunnels, median ms`, median, '<= 1000', median <= 1000)
  }
}

const parent = mkdtempSync(join(tmpdir(), 'suidao-bench-'))
process.on('exit', () => rmSync(parent, { recursive: true, force: true }))
say('# Benchmark')
say()
say(
  Object.entries(results.machine)
    .map(([name, value]) => `${name} ${value}`)
    .join(', '),
)
say()
if (wanted('describe') || wanted('pages') || wanted('memory')) await measureServers(parent)
await measureRest(parent)
say('## Verdicts')
say()
table(
  ['', 'measured', 'limit', ''],
  results.verdicts.map(({ claim, measured, limit, holds }) => [
    claim,
    fixed(measured),
    limit,
    holds ? 'holds' : 'missed',
  ]),
)
if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`)
if (options.markdown) writeFileSync(options.markdown, `${lines.join('\n').trimEnd()}\n`)
