/** Who may import whom. The map and its reasons: docs/architecture.md. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

interface Import {
  /** Path from the root of the project, or the name of a package. */
  readonly target: string
  readonly typeOnly: boolean
}

interface Layer {
  /** The files of this layer begin with one of these. The first layer that fits a file counts. */
  readonly files: readonly string[]
  /** What they may import beside each other; `types:` before a path allows `import type` alone. */
  readonly may: readonly string[]
  /** Why nothing else. */
  readonly because: string
}

/** What everybody may use: words, the time, and the way to Node's HTTP. */
const everywhere = ['node:', 'src/secret.ts', 'src/clock.ts', 'src/node-http.ts']

const layers: readonly Layer[] = [
  {
    files: ['src/rpc/'],
    may: [],
    because: 'the wire protocol knows HTTP and specs, and nothing of tunnels, stores or resources',
  },
  {
    files: ['src/secret.ts', 'src/settings.ts', 'src/clock.ts', 'src/node-http.ts'],
    may: [],
    because: 'everybody stands on these; what they need, everybody would need',
  },
  {
    files: ['src/seal.ts'],
    may: ['types:src/db/open.ts'],
    because: 'sealing knows that a database belongs to one key, and not what is kept in it',
  },
  {
    files: ['src/db/'],
    may: ['kysely', 'pg'],
    because: 'the database is opened and shaped here; what its rows mean belongs to the nouns',
  },
  {
    files: ['src/certificates/'],
    may: ['src/db/', 'src/seal.ts'],
    because: 'certificates are written, read and kept here; what they are for is for others to know',
  },
  {
    files: [
      'src/engine/engine.ts',
      'src/engine/gateway-service.ts',
      'src/engine/offered.ts',
      'src/engine/reason.ts',
    ],
    may: [],
    because: 'the interfaces stand above every engine and know none',
  },
  {
    files: ['src/engine/bird/', 'src/engine/probe/'],
    may: ['src/engine/engine.ts', 'src/engine/gateway-service.ts', 'src/engine/linux/'],
    because: 'what runs beside the IKE daemons is told the state of a gateway, and knows none of them',
  },
  {
    files: ['src/engine/strongswan/', 'src/engine/linux/'],
    may: [
      'src/engine/engine.ts',
      'src/engine/gateway-service.ts',
      'src/engine/offered.ts',
      'src/engine/reason.ts',
    ],
    because: 'an engine gets the complete wanted state handed in; it must not look it up',
  },
  {
    files: ['src/engine/simulated/'],
    may: ['src/engine/engine.ts', 'src/engine/offered.ts', 'src/engine/reason.ts'],
    because: 'the simulated engine computes what real daemons would do, from the same interfaces alone',
  },
  {
    files: ['src/engine/'],
    may: [],
    because: 'an engine uses only the interfaces of engine/, and no other engine',
  },
  {
    files: ['src/resources/'],
    may: [
      'src/rpc/',
      'src/db/',
      'src/seal.ts',
      'src/certificates/',
      'kysely',
      'types:src/engine/engine.ts',
      'types:src/logbook/logbook.ts',
      'src/engine/reason.ts',
      'src/engine/route-choice.ts',
    ],
    because:
      'an action changes rows and never calls an engine; reasons and routes are told by the same pure tables',
  },
  {
    files: ['src/logbook/'],
    may: [],
    because: 'a log of lines by time knows neither who writes them nor who asks',
  },
  {
    files: ['src/telemetry/'],
    may: [
      'src/resources/',
      'src/db/',
      'src/seal.ts',
      'src/clock.ts',
      'kysely',
      'types:src/engine/engine.ts',
      'types:src/logbook/logbook.ts',
      'src/engine/reason.ts',
    ],
    because: 'telemetry reads what is stored and tells it; it changes no tunnel and asks no engine',
  },
  {
    files: ['src/reconcile/'],
    may: [
      'src/resources/',
      'src/db/',
      'src/seal.ts',
      'src/certificates/',
      'kysely',
      'src/engine/engine.ts',
      'src/engine/reason.ts',
    ],
    because: 'reconcile compares rows with any engine; a daemon by name would tie it to one',
  },
  {
    files: ['src/tls.ts'],
    may: ['src/certificates/'],
    because: 'the certificate of the listener is a matter of files and of nothing that listens',
  },
  {
    files: ['src/console/'],
    may: ['src/rpc/', 'src/db/'],
    because: 'the console calls actions as everybody does; it knows none of them',
  },
  {
    files: ['src/config.ts'],
    may: [
      'types:src/tls.ts',
      'src/settings.ts',
      'src/resources/ipv4.ts',
      'src/resources/region/model.ts',
      'types:src/resources/context.ts',
    ],
    because: 'configuration is decided before anything runs and must not start anything',
  },
  {
    files: ['src/emulator/types.ts', 'src/emulator/client.ts', 'src/testing.ts'],
    may: ['types:src/engine/'],
    because: 'test suites of others load these; they must not load a server with them',
  },
  {
    files: ['src/emulator/'],
    may: ['src/', 'package.json', 'kysely'],
    because: 'the emulator wires a server of its own, as the app does',
  },
  {
    files: ['src/app.ts', 'src/main.ts', 'src/cli.ts', 'src/cli/'],
    may: ['src/', 'package.json', 'kysely'],
    because: 'the wiring knows everybody of ours, and leaves packages to those who need them',
  },
]

const fits = (path: string, patterns: readonly string[]) =>
  patterns.some((pattern) => path === pattern || (/[/:]$/.test(pattern) && path.startsWith(pattern)))

const layerOf = (file: string) => layers.find(({ files }) => fits(file, files))

/** Why `file` must not import `target`, or `undefined`. */
function refusal(file: string, { target, typeOnly }: Import): string | undefined {
  if (/^node:https?$/.test(target) && !typeOnly)
    return `${file} imports ${target}: src/node-http.ts says why not`
  const layer = layerOf(file)
  if (layer === undefined) return `${file} stands in no layer: add it to the map in test/architecture.test.ts`
  if (fits(target, everywhere) || fits(target, layer.files)) return undefined
  if (fits(target, layer.may)) return undefined
  const asType = layer.may
    .filter((pattern) => pattern.startsWith('types:'))
    .map((pattern) => pattern.slice(6))
  if (typeOnly && fits(target, asType)) return undefined
  return `${file} imports ${target}${fits(target, asType) ? ' for more than its types' : ''}: ${layer.because}`
}

/** Static and dynamic imports and re-exports of a source text. */
function importsOf(file: string, text: string): Import[] {
  const found: Import[] = []
  const statement = /^\s*(import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\sfrom\s+)?'([^']+)'/gm
  for (const [, , type, specifier] of text.matchAll(statement)) {
    found.push({ target: resolve(file, specifier!), typeOnly: type !== undefined })
  }
  for (const [, specifier] of text.matchAll(/\bimport\(\s*'([^']+)'/g)) {
    found.push({ target: resolve(file, specifier!), typeOnly: false })
  }
  return found
}

const resolve = (file: string, specifier: string) =>
  specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier

test('no file of src imports what its layer must not know', () => {
  const root = dirname(import.meta.dirname)
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
  assert.ok(files.length > 0)
  const refusals = files.flatMap((file) =>
    importsOf(file, readFileSync(join(root, file), 'utf8')).flatMap((one) => refusal(file, one) ?? []),
  )
  assert.deepEqual(refusals, [])
})

test('the map refuses each forbidden arrow and lets the wanted ones through', () => {
  const cases: [file: string, text: string, want: RegExp | undefined][] = [
    ['src/rpc/server.ts', "import { x } from '../resources/index.ts'", /knows HTTP and specs/],
    ['src/rpc/server.ts', "import type { X } from '../db/open.ts'", /knows HTTP and specs/],
    ['src/rpc/server.ts', "import { x } from 'pg'", /knows HTTP and specs/],
    ['src/rpc/server.ts', "import { createServer } from 'node:net'", undefined],
    ['src/rpc/server.ts', "import type { Server } from 'node:http'", undefined],
    ['src/rpc/server.ts', "import { createServer } from 'node:http'", /says why not/],
    ['src/resources/vpc/actions.ts', "import { x } from '../../engine/engine.ts'", /for more than its types/],
    ['src/resources/vpc/actions.ts', "import type { X } from '../../engine/engine.ts'", undefined],
    [
      'src/resources/vpc/actions.ts',
      "import {\n  a,\n  b,\n} from '../../reconcile/loop.ts'",
      /never calls an engine/,
    ],
    ['src/reconcile/loop.ts', "import { x } from '../engine/strongswan/engine.ts'", /any engine/],
    ['src/reconcile/loop.ts', "const { x } = await import('../engine/strongswan/engine.ts')", /any engine/],
    ['src/reconcile/loop.ts', "import { EngineError } from '../engine/engine.ts'", undefined],
    ['src/engine/strongswan/engine.ts', "import { x } from '../simulated/engine.ts'", /handed in/],
    ['src/engine/strongswan/engine.ts', "import { x } from '../../db/open.ts'", /handed in/],
    ['src/engine/strongswan/engine.ts', "import { x } from '../linux/namespace.ts'", undefined],
    ['src/db/open.ts', "import { x } from '../resources/vpc/store.ts'", /belongs to the nouns/],
    ['src/secret.ts', "export * from './config.ts'", /everybody stands on these/],
    ['src/config.ts', "import '../test/support/lab.ts'", /must not start anything/],
    ['src/console/site.ts', "import { x } from '../resources/index.ts'", /knows none of them/],
    ['src/app.ts', "import { x } from './engine/strongswan/engine.ts'", undefined],
    ['src/app.ts', "import { x } from '../test/support/lab.ts'", /knows everybody of ours/],
    ['src/utils/x.ts', "import { x } from './y.ts'", /stands in no layer/],
  ]
  for (const [file, text, want] of cases) {
    const imports = importsOf(file, text)
    assert.equal(imports.length, 1, text)
    const said = refusal(file, imports[0]!)
    if (want === undefined) assert.equal(said, undefined, `${file}: ${text}`)
    else assert.match(said ?? 'allowed', want, `${file}: ${text}`)
  }
})
