/**
 * The command `suidao`: names, options and help of every subcommand; what they do stands in cli/ and main.ts, and is
 * loaded when it is asked for: a start counts in fractions of a second.
 */
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import packageJson from '../package.json' with { type: 'json' }
import { caUsage, runCa } from './cli/ca.ts'
import { emulatorUsage } from './cli/emulator-usage.ts'
import { keysUsage, runKeys } from './cli/keys.ts'
import { rolesUsage, runRoles } from './cli/roles.ts'
import { exitCodes, type Invocation, type Terminal, UsageError } from './cli/terminal.ts'
import { type Config, ConfigError, readConfig, settings } from './config.ts'
import { AccessKeyError } from './resources/access-key/model.ts'
import { peerFormatNames } from './resources/peer-config/formats.ts'
import { configFileVariable, variableName } from './settings.ts'

interface Command {
  readonly usage: string
  readonly summary: string
  run(invocation: Invocation): Promise<number>
}

const commands: Readonly<Record<string, Command>> = {
  start: {
    usage: 'start',
    summary: 'run the server until it is told to stop; tunnels go on running after it',
    run: async (invocation) => {
      noArguments(invocation)
      const { runServer } = await import('./main.ts')
      return runServer(invocation.config(), invocation.terminal)
    },
  },
  doctor: {
    usage: 'doctor',
    summary: 'say what this machine can do, and what to install',
    run: async (invocation) => {
      noArguments(invocation)
      const { runDoctor } = await import('./cli/doctor.ts')
      return runDoctor(invocation.config(), invocation.terminal)
    },
  },
  keys: {
    usage: 'keys <what>',
    summary: 'accounts and access keys',
    run: runKeys,
  },
  roles: {
    usage: 'roles <what>',
    summary: 'rights that users take on for a while (STS)',
    run: runRoles,
  },
  'peer-config': {
    usage: 'peer-config <device> <connection>',
    summary: `the configuration of the device at the other end, with its key; devices: ${peerFormatNames.join(', ')}`,
    run: async (invocation) => (await import('./cli/peer-config.ts')).runPeerConfig(invocation),
  },
  ca: {
    usage: 'ca <what>',
    summary: "the CAs that issue the gateways' certificates, for tunnels with RemoteCaCertificate",
    run: runCa,
  },
  emulator: {
    usage: 'emulator [options]',
    summary: 'run the server over simulated tunnels: no root, no network, nothing left behind',
    run: async (invocation) => (await import('./cli/emulator.ts')).runEmulator(invocation),
  },
  env: {
    usage: 'env --ready-file <file> [--terraform]',
    summary: 'print what SDKs, aliyun and Terraform need to reach an emulator that runs',
    run: async (invocation) => (await import('./cli/emulator.ts')).runEnv(invocation),
  },
  down: {
    usage: 'down',
    summary: 'remove the daemons and namespaces of a stopped server from this machine; the store stays',
    run: async (invocation) => {
      noArguments(invocation)
      return runDown(invocation.config(), invocation.terminal)
    },
  },
}

/** @returns the exit code: 0 done, 1 failed, 2 the command line or the configuration is wrong */
export async function runCli(
  args: readonly string[],
  terminal: Terminal = processTerminal,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<number> {
  const [name, ...rest] = args
  try {
    if (name === undefined) {
      terminal.complain(help())
      return exitCodes.usage
    }
    if (name === 'help' || args.includes('--help') || args.includes('-h')) {
      terminal.print(help())
      return exitCodes.done
    }
    if (name === '--version' || name === '-V') {
      terminal.print(`suidao ${packageJson.version} (Node ${process.versions.node})`)
      return exitCodes.done
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (command === undefined) {
      throw new UsageError(`there is no command "${name}"; there are ${Object.keys(commands).join(', ')}`)
    }
    const { configFile, others } = takeConfigOption(rest)
    return await command.run({ args: others, terminal, config: () => loadConfig(configFile, env) })
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.complain(`suidao: ${error.message}\nAll commands: suidao --help`)
      return exitCodes.usage
    }
    if (error instanceof ConfigError) {
      const count = error.problems.length
      terminal.complain(`suidao: the configuration has ${count === 1 ? 'a problem' : `${count} problems`}:`)
      for (const problem of error.problems) terminal.complain(`  ${problem}`)
      return exitCodes.usage
    }
    if (error instanceof AccessKeyError || isParseError(error)) {
      terminal.complain(`suidao: ${error.message}`)
      return exitCodes.usage
    }
    terminal.complain(`suidao: ${error instanceof Error ? error.message : String(error)}`)
    return exitCodes.failed
  }
}

const processTerminal: Terminal = {
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  isInteractive: process.stdout.isTTY === true,
}

/** What `parseArgs` throws for an unknown option or a missing value. */
const isParseError = (error: unknown): error is Error =>
  error instanceof TypeError && ((error as NodeJS.ErrnoException).code ?? '').startsWith('ERR_PARSE_ARGS')

function noArguments({ args }: Invocation): void {
  parseArgs({ args: [...args], options: {}, allowPositionals: false })
}

// --- Configuration -------------------------------------------------------------------------------------------

/** `--config` belongs to every command; the rest of the line to the one that is called. */
function takeConfigOption(args: readonly string[]): { configFile: string | undefined; others: string[] } {
  const others = [...args]
  let configFile: string | undefined
  for (let index = 0; index < others.length; ) {
    const argument = others[index]!
    if (argument === '--config') {
      configFile = others[index + 1]
      if (configFile === undefined) throw new UsageError('--config needs the name of a file')
      others.splice(index, 2)
    } else if (argument.startsWith('--config=')) {
      configFile = argument.slice('--config='.length)
      others.splice(index, 1)
    } else index += 1
  }
  return { configFile, others }
}

const systemDataDir = '/var/lib/suidao'

function loadConfig(option: string | undefined, env: Readonly<Record<string, string | undefined>>): Config {
  const path = option ?? env[configFileVariable]
  return readConfig(env, path ? { path, text: readConfigFile(path) } : undefined, {
    workingDirectory: process.cwd(),
    defaultDataDir: existsSync(systemDataDir) ? systemDataDir : './.suidao',
  })
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError([`The configuration file ${path} cannot be read (${code}).`])
  }
}

// --- down ----------------------------------------------------------------------------------------------------

async function runDown(config: Config, terminal: Terminal): Promise<number> {
  const { claimFolder } = await import('./db/claim.ts')
  const { endHostSpeakers } = await import('./engine/bird/service.ts')
  const { removeProbePath } = await import('./engine/probe/path.ts')
  const { teardown } = await import('./engine/strongswan/teardown.ts')
  const { removeOwnBridge } = await import('./main.ts')
  // A server that runs would make everything again, and lose its daemons in between.
  const claim = await claimFolder(config.dataDir)
  const isHost = config.host !== undefined
  if (isHost) {
    await endHostSpeakers(config.dataDir)
    await removeProbePath()
  }
  const removed = [...(await teardown({ ...config, isHost })), ...(await removeOwnBridge(config))]
  claim.close()
  for (const name of removed) terminal.print(`removed   ${name}`)
  terminal.print(
    removed.length === 0
      ? `nothing with the prefix "${config.prefix}" was running here`
      : `${config.dataDir} still holds the store and its key; the next start makes everything again`,
  )
  return exitCodes.done
}

// --- Help ----------------------------------------------------------------------------------------------------

function help(): string {
  const lines = (rows: readonly (readonly [string, string])[]) => {
    const width = Math.max(...rows.map(([left]) => left.length))
    return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join('\n')
  }
  const commandRows = Object.values(commands).map(({ usage, summary }) => [usage, summary] as const)
  return `Suidao: Alibaba Cloud's VPN Gateway API over real IPsec tunnels, on machines of your own.

Usage: suidao <command> [--config <file>] [options]

Commands
${lines(commandRows)}

Emulator: suidao emulator ...
${lines(emulatorUsage)}

Keys: suidao keys ...
${lines(keysUsage)}

Roles: suidao roles ...
${lines(rolesUsage)}

Certificates: suidao ca ...
${lines(caUsage)}

Options
${lines([
  ['--config <file>', `JSON file with settings; also ${configFileVariable}`],
  ['--help, -h', 'this text'],
  ['--version, -V', 'version of Suidao and of Node'],
])}

Settings, as environment variables (which win) or in the file, a dot being one level of nesting
${settings
  .map(
    ({ name, value, default: fallback, help: text }) =>
      `  ${variableName(name)}=<${value}>\n      ${text}\n      file: ${name}   default: ${fallback}`,
  )
  .join('\n')}

Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong.

At the first start on an empty store an account with one root access key is made. The key is written to
root-access-key.json in the data folder, readable by its owner alone; on a terminal it is also shown, once.`
}
