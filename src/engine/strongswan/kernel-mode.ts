/**
 * How this machine can carry ESP, found out by trying, in a namespace made for it and removed again.
 *
 * - X: the kernel, with an xfrm interface for each tunnel
 * - V: the kernel, with a vti interface for each tunnel (kernels without xfrm interfaces)
 * - U: the daemon itself (kernel-libipsec) through a TUN device; no ESP in the kernel is needed
 *
 * Neither the version nor the configuration of the kernel is asked: only a trial tells.
 */
import { EngineError } from '../engine.ts'
import { run } from '../linux/command.ts'
import { createNames } from '../linux/names.ts'
import { ip, ipBatch, removeNamespace } from '../linux/namespace.ts'

export type KernelMode = 'X' | 'V' | 'U'

export interface KernelTrial {
  readonly name: 'esp' | 'xfrm-interface' | 'vti' | 'tun'
  readonly works: boolean
  /** The command, and what it said where it failed. */
  readonly evidence: string
}

export interface KernelModes {
  /** The best first; empty when this machine can carry no ESP at all. */
  readonly usable: readonly KernelMode[]
  readonly trials: readonly KernelTrial[]
}

/** A key of zeros: the SA lives in the namespace of the trial and meets no packet. */
const zeros = (bytes: number) => `0x${'00'.repeat(bytes)}`

const commands: Readonly<Record<KernelTrial['name'], string>> = {
  esp: `xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1000 mode tunnel enc cbc(aes) ${zeros(16)} auth hmac(sha1) ${zeros(20)}`,
  'xfrm-interface': 'link add x0 type xfrm dev lo if_id 1',
  vti: 'link add v0 type vti local 192.0.2.1 remote 192.0.2.2 key 1',
  tun: 'tuntap add mode tun name t0',
}

export function usableModes(trials: readonly KernelTrial[]): KernelMode[] {
  const works = (name: KernelTrial['name']) => trials.some((trial) => trial.name === name && trial.works)
  const modes: KernelMode[] = []
  if (works('esp') && works('xfrm-interface')) modes.push('X')
  if (works('esp') && works('vti')) modes.push('V')
  if (works('tun')) modes.push('U')
  return modes
}

/** @throws EngineError when no namespace can be made (no root rights) */
export async function probeKernel(prefix: string): Promise<KernelModes> {
  // A module that does not exist, or a container that may not load any, shows in the trials.
  await run('modprobe', ['--all', '--quiet', 'xfrm_interface', 'esp4', 'ip_vti', 'tun']).catch(() => {})
  const netns = createNames(prefix).probe(process.pid)
  await run('ip', ['netns', 'add', netns])
  try {
    await ipBatch(netns, ['link set lo up'])
    const trials: KernelTrial[] = []
    for (const [name, command] of Object.entries(commands) as [KernelTrial['name'], string][]) {
      const shown = `ip ${command}`
      try {
        await ip(netns, command.split(' '))
        trials.push({ name, works: true, evidence: shown })
      } catch (error) {
        trials.push({ name, works: false, evidence: error instanceof Error ? error.message : shown })
      }
    }
    return { usable: usableModes(trials), trials }
  } finally {
    await removeNamespace(netns)
  }
}

/** @throws EngineError when the forced mode, or any mode at all, cannot work here */
export function chooseKernelMode({ usable, trials }: KernelModes, forced?: KernelMode): KernelMode {
  const mode = forced ?? usable[0]
  if (mode !== undefined && usable.includes(mode)) return mode
  const failed = trials.filter((trial) => !trial.works).map((trial) => trial.evidence)
  const what =
    forced === undefined ? 'this machine cannot carry ESP' : `kernel mode ${forced} cannot work here`
  throw new EngineError([what, ...failed].join('; '), { retry: false })
}
