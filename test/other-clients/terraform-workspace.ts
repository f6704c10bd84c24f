/**
 * Terraform with the provider alicloud: one that a variable names, or one from the registry that Terraform itself asks.
 * Each workspace is a copy of a folder of configurations, with a state of its own.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Key, TestApp } from '../support/app.ts'
import { clientEnvironment, scratch, tool } from './driver.ts'

const run = promisify(execFile)
const home = join(scratch, 'terraform')
const settings = join(home, 'settings.tfrc')
export const examples = join(import.meta.dirname, '../../examples/terraform')
const provider = process.env.SUIDAO_TERRAFORM_PROVIDER

const environment = (app?: TestApp, key?: Key, secure = false): NodeJS.ProcessEnv => {
  const tls = secure ? app?.tls : undefined
  return {
    ...clientEnvironment(tls),
    TF_CLI_CONFIG_FILE: settings,
    TF_IN_AUTOMATION: 'yes',
    CHECKPOINT_DISABLE: 'yes',
    ...(app && { TF_VAR_endpoint: tls?.host ?? app.host, TF_VAR_protocol: tls ? 'HTTPS' : 'HTTP' }),
    ...(key && { TF_VAR_access_key: key.id, TF_VAR_secret_key: key.secret }),
  }
}

/** @throws with the reason where Terraform or the provider cannot be had here */
export async function prepareTerraform(): Promise<void> {
  rmSync(home, { recursive: true, force: true })
  mkdirSync(join(home, 'provider'), { recursive: true })
  if (provider !== undefined) {
    // The name of the file is how Terraform knows a provider.
    symlinkSync(resolve(provider), join(home, 'provider', 'terraform-provider-alicloud'))
    const override = `dev_overrides {\n    "aliyun/alicloud" = "${join(home, 'provider')}"\n  }`
    writeFileSync(settings, `provider_installation {\n  ${override}\n  direct {}\n}\n`)
    return tool('terraform', ['version'], { env: environment() })
  }
  writeFileSync(settings, `plugin_cache_dir = "${join(home, 'provider')}"\n`)
  await tool('terraform', ['version'], { env: environment() })
  const cwd = join(home, 'preparation')
  cpSync(join(examples, 'one-tunnel'), cwd, { recursive: true })
  try {
    await tool('terraform', ['init', '-input=false', '-no-color'], { cwd, env: environment() })
  } catch (error) {
    const reason = 'SUIDAO_TERRAFORM_PROVIDER names no provider, and none is had from a registry'
    throw new Error(`${reason}: ${(error as Error).message}`)
  }
}

/** What a plan does with a resource; what it leaves as it is has no entry. */
export type Plan = Record<string, { readonly actions: string[]; readonly attributes: string[] }>

export interface Resource {
  readonly address: string
  readonly values: Record<string, any>
}

export type Variables = Record<string, unknown>

export interface Workspace {
  readonly folder: string
  /** @throws with what Terraform prints */
  apply(variables?: Variables): Promise<void>
  plan(variables?: Variables): Promise<Plan>
  /** The plan together with blocks that import. */
  importing(blocks: string, variables?: Variables): Promise<Plan>
  destroy(): Promise<void>
  output(): Promise<Record<string, any>>
  /** What the state has, data left out. */
  resources(): Promise<Resource[]>
}

export interface WorkspaceOptions {
  readonly app: TestApp
  readonly key: Key
  /** Over HTTPS. */
  readonly secure?: boolean
}

export async function createWorkspace(
  name: string,
  configuration: string | Record<string, string>,
  { app, key, secure }: WorkspaceOptions,
): Promise<Workspace> {
  const folder = join(home, name)
  if (typeof configuration === 'string') cpSync(configuration, folder, { recursive: true })
  else {
    mkdirSync(folder)
    for (const [file, text] of Object.entries(configuration)) writeFileSync(join(folder, file), text)
  }
  const env = environment(app, key, secure)
  const terraform = async (...args: string[]): Promise<string> => {
    try {
      const options = { env, maxBuffer: 64 * 1024 * 1024 }
      return (await run('terraform', [`-chdir=${folder}`, ...args], options)).stdout
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`terraform ${args[0]} in ${name}: ${stdout}${stderr || error}`)
    }
  }
  const change = ['-input=false', '-no-color', '-lock=false']
  const given = (variables: Variables) =>
    Object.entries(variables).map(([name, value]) => `-var=${name}=${text(value)}`)
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  const plan = async (variables: Variables = {}): Promise<Plan> => {
    await terraform('plan', '-out=planned', ...change, ...given(variables))
    const { resource_changes = [] } = JSON.parse(await terraform('show', '-json', 'planned'))
    const changes = resource_changes.filter(({ mode }: any) => mode === 'managed')
    return Object.fromEntries(
      changes
        .map(({ address, change }: any) => [
          address,
          { actions: change.actions, attributes: different(change) },
        ])
        // An update with nothing in it marks a value as secret, or takes the mark away.
        .filter(([, { actions, attributes }]: any) => !isUpdate(actions) || attributes.length > 0)
        .filter(([, { actions }]: any) => actions[0] !== 'no-op'),
    )
  }
  // With an override nothing is to be installed, and the installation would ask the registry all the same.
  if (provider === undefined) await terraform('init', '-input=false', '-no-color')
  return {
    folder,
    async apply(variables = {}) {
      await terraform('apply', '-auto-approve', ...change, ...given(variables))
    },
    plan,
    importing(blocks, variables) {
      writeFileSync(join(folder, 'imports.tf'), blocks)
      return plan(variables)
    },
    async destroy() {
      await terraform('destroy', '-auto-approve', ...change)
    },
    async output() {
      const outputs: Record<string, any> = JSON.parse(await terraform('output', '-json'))
      return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]))
    },
    async resources() {
      const { values } = JSON.parse(await terraform('show', '-json'))
      const all: (Resource & { mode: string })[] = values?.root_module?.resources ?? []
      return all.filter(({ mode }) => mode === 'managed')
    },
  }
}

const isUpdate = (actions: readonly string[]) => actions.join() === 'update'

interface Change {
  readonly actions: readonly string[]
  readonly before: Variables | null
  readonly after: Variables | null
  /** True in the place of each value that is known after the change alone. */
  readonly after_unknown: Variables
}

/** Names of the attributes that an update has in view. */
function different({ actions, before, after, after_unknown: unknown }: Change): string[] {
  if (!isUpdate(actions)) return []
  const same = (name: string) =>
    JSON.stringify(before?.[name]) === JSON.stringify(after?.[name]) &&
    !JSON.stringify(unknown[name] ?? null).includes('true')
  return (
    Object.keys({ ...before, ...after, ...unknown })
      // An import leaves an empty block there, which is no attribute of the resource.
      .filter((name) => name !== 'timeouts' && !same(name))
      .sort()
  )
}
