/** `suidao emulator` and `suidao env`. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createEmulator, type Emulator } from '../emulator/emulator.ts'
import type { Fixture, State } from '../emulator/types.ts'
import { type ProfileName, profileNames, profiles } from '../engine/simulated/durations.ts'
import { exitCodes, type Invocation, type Terminal, UsageError } from './terminal.ts'

const options = {
  port: { type: 'string', default: '8480' },
  'control-port': { type: 'string', default: '0' },
  host: { type: 'string', default: '127.0.0.1' },
  'ready-file': { type: 'string' },
  scenario: { type: 'string' },
  profile: { type: 'string', default: 'instant' },
  seed: { type: 'string', default: '1' },
  speed: { type: 'string', default: '1' },
  start: { type: 'string' },
  data: { type: 'string', default: 'memory' },
  parent: { type: 'boolean', default: false },
} as const

export async function runEmulator({ args, terminal }: Invocation): Promise<number> {
  const { values } = parseArgs({ args: [...args], options, allowPositionals: false })
  const number = (name: 'port' | 'control-port' | 'seed' | 'speed', most: number) => {
    const value = Number(values[name])
    if (values[name].trim() === '' || !(value >= 0 && value <= most))
      throw new UsageError(`--${name} is a number from 0 to ${most}`)
    return value
  }
  if (!Object.hasOwn(profiles, values.profile))
    throw new UsageError(`--profile is one of ${profileNames.join(', ')}`)
  const start = values.start === undefined ? undefined : Date.parse(values.start)
  if (start !== undefined && Number.isNaN(start))
    throw new UsageError('--start is a time such as 2026-11-25T00:00:00Z')

  const stopped = ending(values.parent)
  const emulator = await createEmulator({
    port: number('port', 65_535),
    controlPort: number('control-port', 65_535),
    host: values.host,
    seed: number('seed', 2 ** 31 - 1),
    speed: number('speed', 1_000_000),
    profile: values.profile as ProfileName,
    ...(start !== undefined && { start }),
    ...(values.data === 'memory' ? {} : { data: values.data }),
  }).catch((error) => {
    stopListening(values.parent)
    throw error
  })
  try {
    const fixture = values.scenario === undefined ? undefined : await emulator.play(values.scenario)
    announce(emulator, fixture, values['ready-file'], values.parent, terminal)
    await stopped
  } finally {
    if (values['ready-file'] !== undefined) rmSync(values['ready-file'], { force: true })
    await emulator.close()
    stopListening(values.parent)
  }
  return exitCodes.done
}

/** Ends with a signal, or with the input of a process that has started it. */
function ending(hasParent: boolean): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
    if (hasParent) process.stdin.on('end', resolve).on('error', resolve).resume()
  })
}

/** Input that is still read would keep this process. */
function stopListening(hasParent: boolean): void {
  if (hasParent) process.stdin.destroy()
}

/** The ready file comes into being whole: who waits for it may read it at once. */
function announce(
  emulator: Emulator,
  fixture: Fixture | undefined,
  readyFile: string | undefined,
  hasParent: boolean,
  terminal: Terminal,
): void {
  const state = emulator.state()
  const ready = JSON.stringify({ state, ...(fixture && { fixture }) })
  if (readyFile !== undefined) {
    writeFileSync(`${readyFile}.new`, `${ready}\n`, { mode: 0o600 })
    renameSync(`${readyFile}.new`, readyFile)
  }
  if (hasParent) {
    terminal.print(ready)
    return
  }
  terminal.print('emulator  tunnels are simulated: no packet leaves this machine')
  terminal.print(`endpoint  http://${state.endpoint}`)
  terminal.print(`control   ${state.control} (OpenAPI: ${state.control}/v1/openapi.json)`)
  terminal.print(`key       ${state.account.accessKeyId} ${state.account.accessKeySecret}`)
  terminal.print(`profile   ${state.profile}, seed ${state.seed}, clock at speed ${state.clock.speed}`)
  if (fixture) terminal.print(`scenario  ${JSON.stringify(fixture)}`)
}

// --- env -----------------------------------------------------------------------------------------------------

/** What SDKs, the command line tool `aliyun` and Terraform's provider read (their versions: docs/emulator.md). */
export function environmentOf({
  endpoint,
  regionId,
  control,
  account,
}: Pick<State, 'endpoint' | 'regionId' | 'control' | 'account'>) {
  return {
    ALIBABA_CLOUD_ACCESS_KEY_ID: account.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: account.accessKeySecret,
    ALIBABA_CLOUD_REGION_ID: regionId,
    ALICLOUD_ACCESS_KEY: account.accessKeyId,
    ALICLOUD_SECRET_KEY: account.accessKeySecret,
    ALICLOUD_REGION: regionId,
    ALICLOUD_SKIP_REGION_VALIDATION: 'true',
    ALIBABA_CLOUD_ENDPOINT: endpoint,
    ALIBABA_CLOUD_ENDPOINT_VPC: endpoint,
    VPC_ENDPOINT: endpoint,
    VPN_EMULATOR: `http://${endpoint}`,
    VPN_EMULATOR_CONTROL: control,
  }
}

/** Prints what to export, of an emulator that runs: `eval "$(suidao env --ready-file file)"`. */
export function runEnv({ args, terminal }: Invocation): number {
  const { values } = parseArgs({
    args: [...args],
    options: { 'ready-file': { type: 'string' }, terraform: { type: 'boolean', default: false } },
    allowPositionals: false,
  })
  const file = values['ready-file']
  if (file === undefined) throw new UsageError('--ready-file names the file that the emulator has written')
  const { state } = readReady(file)
  if (values.terraform) {
    terminal.print(
      [
        'provider "alicloud" {',
        `  access_key             = "${state.account.accessKeyId}"`,
        `  secret_key             = "${state.account.accessKeySecret}"`,
        `  region                 = "${state.regionId}"`,
        '  protocol               = "HTTP"',
        '  skip_region_validation = true',
        '  endpoints {',
        `    vpc = "${state.endpoint}"`,
        '  }',
        '}',
      ].join('\n'),
    )
    return exitCodes.done
  }
  for (const [name, value] of Object.entries(environmentOf(state)))
    terminal.print(`export ${name}='${value}'`)
  return exitCodes.done
}

function readReady(file: string): { state: State } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { state: State }
  } catch (error) {
    throw new UsageError(
      `${file} is not the ready file of an emulator that runs: ${(error as Error).message}`,
    )
  }
}
