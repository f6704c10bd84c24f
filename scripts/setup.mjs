#!/usr/bin/env node
/**
 * Brings a fresh machine to the point where the other scripts run: npm packages (Node 24 among them) and the
 * Debian packages of the parts that were asked for.
 *
 *     node scripts/setup.mjs [--with strongswan,postgres,lab,browser] [--optional strongswan]
 *
 * Plain JavaScript for Node 20, because it runs before anything is installed. It decides first and acts after:
 * when something is missing that it may not install, it says which command does it and changes nothing.
 *
 * Exit codes: 0 all there; 1 an installation failed; 2 wrong usage; 3 something is missing and this machine or
 * this user does not allow to install it; 130 stopped by a signal, behind the step that was under way.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findNode24, oldestNode } from '../bin/node24.mjs'
import { npmReason, partsNamed, refusalToInstall, services } from './setup-plan.mjs'

const exitFailed = 1
const exitUsage = 2
const exitNotAllowed = 3
const exitStopped = 130

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const usage = 'usage: node scripts/setup.mjs [--with strongswan,postgres,lab,browser] [--optional strongswan]'

const say = (text) => console.log(`setup: ${text}`)

function stop(code, text) {
  console.error(`setup: ${text}`)
  process.exit(code)
}

function wantedParts() {
  try {
    const { values } = parseArgs({
      options: { with: { type: 'string', default: '' }, optional: { type: 'string', default: '' } },
    })
    return { needed: partsNamed(values.with), optional: partsNamed(values.optional) }
  } catch (error) {
    return stop(exitUsage, `${error.message}\n${usage}`)
  }
}

// --- What is missing (reads only) ----------------------------------------------------------------------------

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function missingPackages(wanted) {
  const names = [...new Set(wanted.flatMap((part) => part.packages))]
  if (names.length === 0) return []
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the template language of dpkg-query
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  })
  const installed = new Set()
  for (const line of (query.stdout ?? '').split('\n')) {
    const [name, status] = line.split(' ')
    if (status === 'installed') installed.add(name)
  }
  return names.filter((name) => !installed.has(name))
}

// --- Doing it ------------------------------------------------------------------------------------------------

/** One line of progress: rewritten in place on a terminal, printed once at start and end elsewhere. */
function progress(title) {
  const started = Date.now()
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(0)} s`
  const live = process.stdout.isTTY === true
  let detail = ''
  const draw = () =>
    process.stdout.write(`\r\x1b[Ksetup: ${title} ... ${detail}${detail && ', '}${seconds()}`)
  const timer = live ? setInterval(draw, 250) : undefined
  if (live) draw()
  else say(`${title} ...`)
  return {
    detail(text) {
      detail = text
    },
    end(text) {
      clearInterval(timer)
      if (live) process.stdout.write('\r\x1b[K')
      say(`${title}: ${text} after ${seconds()}`)
    },
  }
}

let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (!isStopping) console.error('\nsetup: stops when the step under way has ended')
    isStopping = true
  })
}

/**
 * Runs a command quietly and to its end: a package manager that is torn away leaves a mess, so told to stop we stop
 * behind it. `onStatus` gets the lines it writes to descriptor 3. Resolves to its code and last words.
 */
async function run(command, args, options) {
  const result = await runToItsEnd(command, args, options)
  if (isStopping) process.exit(exitStopped)
  return result
}

function runToItsEnd(command, args, { env, onStatus }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      // Away from the terminal's process group, whose Ctrl-C is for us.
      detached: true,
    })
    let tail = ''
    const keep = (chunk) => {
      tail = (tail + chunk).slice(-4000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    let pending = ''
    child.stdio[3].on('data', (chunk) => {
      const lines = (pending + chunk).split('\n')
      pending = lines.pop()
      for (const line of lines) onStatus?.(line)
    })
    child.on('error', (error) => resolve({ code: 127, tail: error.message }))
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 128, tail: signal ? `${tail}\n${signal}` : tail }),
    )
  })
}

const lastLines = (text) =>
  text
    .trim()
    .split('\n')
    .slice(-15)
    .map((line) => `    ${line}`)
    .join('\n')

async function installNpmPackages(reason) {
  const step = progress(`npm packages of package-lock.json (npm ci: ${reason})`)
  // npm must not run on the Node inside the folder that it is about to replace.
  const path = process.env.PATH.split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const { code, tail } = await run('npm', ['ci', '--loglevel=error'], { env: { PATH: path.join(delimiter) } })
  step.end(code === 0 ? 'done' : 'FAILED')
  // The cause stands first; a usage text follows it.
  const cause = tail.split('\n').slice(0, 15).join('\n')
  if (code !== 0) stop(exitFailed, `npm ci failed, exit code ${code}. It said:\n${lastLines(cause)}`)
}

const apt = ['-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', '-o', 'APT::Status-Fd=3']

async function aptGet(title, args) {
  const step = progress(title)
  const result = await run('apt-get', [...apt, ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1' },
    onStatus(line) {
      // `dlstatus:3:41.5:Retrieving file 3 of 9`, `pmstatus:strongswan-charon:62.5:Configuring ...`
      const [kind, , percent] = line.split(':')
      if (kind === 'dlstatus') step.detail(`downloading ${Number(percent).toFixed(0)} %`)
      if (kind === 'pmstatus') step.detail(`installing ${Number(percent).toFixed(0)} %`)
    },
  })
  step.end(result.code === 0 ? 'done' : 'failed')
  return result
}

const aptUpdate = () => aptGet('package lists of Debian (apt-get update)', ['update'])

/** What puts files back that are changed for a while; run at the latest when this process ends. */
const restores = new Set()
process.on('exit', () => {
  for (const restore of restores) restore()
})

/** Changes a file for the time of `work` and puts it back as it was. */
async function withFile(path, content, mode, work) {
  const before = existsSync(path) ? readFileSync(path) : undefined
  const restore = () => {
    restores.delete(restore)
    if (before === undefined) rmSync(path, { force: true })
    else writeFileSync(path, before)
  }
  restores.add(restore)
  try {
    writeFileSync(path, content, { mode })
    return await work()
  } finally {
    restore()
  }
}

const policyFile = '/usr/sbin/policy-rc.d'
const clusterFile = '/etc/postgresql-common/createcluster.conf'

/**
 * Debian starts the services of a package when it installs it and makes a PostgreSQL cluster. We need neither, and
 * the host has not asked for them: `policy-rc.d` refuses the start, `createcluster.conf` the cluster, and both
 * files are afterwards what they were before. A host with a policy of its own keeps it.
 */
async function installWithoutServices(names) {
  const install = async () => {
    const first = names.includes('postgresql') ? ['postgresql-common'] : []
    const rest = names.filter((name) => name !== 'postgresql')
    const early = [...rest, ...first]
    let result =
      early.length > 0
        ? await aptGet(`Debian packages ${early.join(' ')}`, ['install', ...early])
        : { code: 0 }
    if (result.code === 0 && first.length > 0) {
      const settings = readFileSync(clusterFile, 'utf8')
      result = await withFile(clusterFile, `${settings}\ncreate_main_cluster = false\n`, 0o644, () =>
        aptGet('Debian package postgresql', ['install', 'postgresql']),
      )
    }
    return result
  }
  if (existsSync(policyFile)) return install()
  return withFile(
    policyFile,
    "#!/bin/sh\n# Written by Suidao's setup for the time of one installation.\nexit 101\n",
    0o755,
    install,
  )
}

/** A daemon of its own at boot would take UDP 500 and 4500, or TCP 179, from those that Suidao starts. */
function switchOffService({ package: name, unit, script, title }) {
  for (const [command, ...args] of [
    ['deb-systemd-helper', 'disable', unit],
    ['update-rc.d', script, 'disable'],
  ]) {
    if (command === 'update-rc.d' && !existsSync(`/etc/init.d/${script}`)) continue
    // deb-systemd-helper asks who calls: it is made for the scripts of packages.
    const env = { ...process.env, DPKG_MAINTSCRIPT_PACKAGE: name }
    const result = spawnSync(command, args, { encoding: 'utf8', env })
    if (result.status !== 0) {
      say(
        `could not switch off ${title}'s own service at boot: ${command} ${args.join(' ')}: ${result.stderr ?? result.error}`,
      )
      return
    }
  }
  say(
    `${title}'s own service is switched off at boot (back on: systemctl enable ${unit.replace('.service', '')})`,
  )
}

async function installPackages(names) {
  const isMissing = ({ package: name }) => missingPackages([{ packages: [name] }]).length > 0
  const newServices = services.filter(isMissing)
  const known = spawnSync('apt-cache', ['show', '--no-all-versions', '-q=2', ...names], { encoding: 'utf8' })
  let updated = false
  if (known.status !== 0) {
    const { code, tail } = await aptUpdate()
    if (code !== 0) stop(exitFailed, `apt-get update failed. Its last words:\n${lastLines(tail)}`)
    updated = true
  }
  let result = await installWithoutServices(names)
  if (result.code !== 0 && !updated) {
    say('trying once more with fresh package lists')
    await aptUpdate()
    result = await installWithoutServices(missingPackages([{ packages: names }]))
  }
  if (result.code !== 0) {
    stop(
      exitFailed,
      `apt-get install failed, exit code ${result.code}. Its last words:\n${lastLines(result.tail)}`,
    )
  }
  for (const service of newServices) if (!isMissing(service)) switchOffService(service)
}

// --- The order -----------------------------------------------------------------------------------------------

if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  stop(
    exitNotAllowed,
    `this is Node ${process.versions.node}; Suidao needs Node ${oldestNode} or newer to set itself up`,
  )
}
const started = Date.now()
const npm = npmReason(readPackages('package-lock.json'), readPackages('node_modules/.package-lock.json'))
const { needed, optional } = wantedParts()

/** Why the packages of some parts may not be installed here, or `undefined`. */
function refusalOf(parts) {
  const names = missingPackages(parts)
  return refusalToInstall({
    missing: names,
    system: platform(),
    hasApt: names.length > 0 && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0,
    isRoot: process.getuid?.() === 0,
  })
}

const refusal = refusalOf(needed)
if (refusal !== undefined) stop(exitNotAllowed, refusal)
/** What is optional is done without where it may not be installed; the one that is called next says so. */
const wanted = [...needed]
for (const part of optional) {
  const reason = refusalOf([part])
  if (reason === undefined) wanted.push(part)
  else say(`goes on without ${part.title} (${part.why}): ${reason.split('\n')[0]}`)
}
const missing = missingPackages(wanted)
if (npm !== undefined) {
  say('npm packages are what Suidao and its tests are made of; Node 24, which runs them, is one of them')
  await installNpmPackages(npm)
}
if (missing.length > 0) {
  for (const part of wanted) {
    const names = part.packages.filter((name) => missing.includes(name))
    if (names.length > 0) say(`${part.title} (${names.join(' ')}): ${part.why}`)
  }
  await installPackages(missing)
}
if (findNode24() === undefined) {
  stop(
    exitNotAllowed,
    `there is no Node 24 here: npm has none for ${platform()} ${arch()}, and this is Node ${process.versions.node}.\n` +
      `Install Node 24 or newer and start this again.`,
  )
}
// Packages for production alone come without the packer.
if (existsSync(join(root, 'node_modules/rolldown'))) {
  const { status, stderr } = spawnSync(findNode24(), [join(root, 'scripts/pack.mjs')], { encoding: 'utf8' })
  if (status !== 0) say(`Kysely could not be packed; everything starts a little later: ${stderr.trim()}`)
}
const here = ['npm packages', ...wanted.map((part) => part.title)].join(', ')
say(
  npm === undefined && missing.length === 0
    ? `${here}: all here`
    : `${here}: ready after ${((Date.now() - started) / 1000).toFixed(0)} s`,
)
