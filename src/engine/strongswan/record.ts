/**
 * What is written down of a daemon and its tunnels, so that a later process of ours knows them again.
 *
 *     <run dir>/daemon.json          whose daemon it is, and which process
 *     <run dir>/tunnels/<id>.json    what that process has loaded
 *
 * No key is in it. The hash of the settings covers the key too, therefore the folder is for its owner alone.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { Secret } from '../../secret.ts'
import type { Tunnel } from '../engine.ts'
import { fileName } from '../linux/names.ts'
import { type DaemonProcess, replaceFile } from '../linux/process.ts'
import type { KernelMode } from './kernel-mode.ts'

export interface DaemonRecord {
  readonly gatewayId: string
  readonly peer?: string
  /** Outside address from which it speaks with its peer; absent: the gateway's first one. */
  readonly address?: string
  readonly mode: KernelMode
  /** Absent while none runs. */
  readonly process?: DaemonProcess
}

export interface TunnelRecord {
  readonly tunnel: Tunnel
  /** Absent: it is stopped, and nothing of it is loaded. */
  readonly loadedHash?: string
  /** IKE_SAs that run with earlier settings. */
  readonly stale: readonly string[]
}

const daemonFile = (runDir: string) => `${runDir}/daemon.json`
const tunnelDir = (runDir: string) => `${runDir}/tunnels`
const tunnelFile = (runDir: string, id: string) => `${tunnelDir(runDir)}/${fileName(id)}.json`

export const writeDaemonRecord = (runDir: string, record: DaemonRecord) =>
  replaceFile(daemonFile(runDir), JSON.stringify(record))

/** `undefined` when there is none, or it cannot be read: then the daemon is not ours to adopt. */
export const readDaemonRecord = (runDir: string) => readJson<DaemonRecord>(daemonFile(runDir))

export async function writeTunnelRecord(runDir: string, record: TunnelRecord): Promise<void> {
  await mkdir(tunnelDir(runDir), { recursive: true, mode: 0o700 })
  await replaceFile(tunnelFile(runDir, record.tunnel.id), JSON.stringify(record))
}

export const removeTunnelRecord = (runDir: string, id: string) => rm(tunnelFile(runDir, id), { force: true })

/** The keys in the tunnels are empty. */
export async function readTunnelRecords(runDir: string): Promise<TunnelRecord[]> {
  const names = await readdir(tunnelDir(runDir)).catch(() => [])
  const records = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map((name) => readJson<TunnelRecord>(`${tunnelDir(runDir)}/${name}`)),
  )
  return records
    .filter((record) => record !== undefined)
    .map((record) => ({ ...record, tunnel: withoutKeys(record.tunnel) }))
}

/** What stood in the place of a key is none. */
const withoutKeys = ({ ike, bgp, ...tunnel }: Tunnel): Tunnel => ({
  ...tunnel,
  ike: {
    ...ike,
    psk: new Secret(''),
    ...(ike.certificate && { certificate: { ...ike.certificate, ownKey: new Secret('') } }),
  },
  ...(bgp && { bgp: bgp.authKey === undefined ? bgp : { ...bgp, authKey: new Secret('') } }),
})

/** `undefined` for a file that is not there or was cut off. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}
