/**
 * What an emulator with a folder keeps beside its store: its clock, what is set for peers and the network, and faults. SAs
 * are not in it: they are negotiated anew, as after any start.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PeerChange } from '../engine/simulated/peer.ts'
import type { Network } from '../engine/simulated/tunnel.ts'
import type { FaultRequest } from './types.ts'

type Entries<Value> = readonly (readonly [key: string, value: Value])[]

export interface KeptFault {
  readonly id: string
  readonly fault: FaultRequest
  readonly hits: number
  readonly armed: boolean
  /** Epoch milliseconds at which it is disarmed; absent: when somebody does it. */
  readonly until?: number
  readonly struck?: Struck
}

/** What a fault of the network has done: how the network was before, or which of our addresses are lost. */
export type Struck =
  | { readonly networks: Entries<Partial<Network>> }
  | { readonly addresses: readonly string[] }

export interface Kept {
  /** Epoch milliseconds. */
  readonly now: number
  /** Scenarios that were played: each has peers of its own. */
  readonly played: number
  readonly peers: Entries<PeerChange>
  readonly networks: Entries<Partial<Network>>
  /** Peers that start anew, and when they are back. */
  readonly reboots: Entries<number>
  /** Faults there have been: the next one is numbered after them. */
  readonly faultCount: number
  readonly faults: readonly KeptFault[]
}

const fileIn = (folder: string) => join(folder, 'emulator.json')

/** `undefined` where nothing was kept. @throws when the file is there and cannot be read */
export function readKept(folder: string): Kept | undefined {
  let text: string
  try {
    text = readFileSync(fileIn(folder), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as Kept
  } catch (cause) {
    throw new Error(`${fileIn(folder)} cannot be read; without it the emulator starts with a new world`, {
      cause,
    })
  }
}

/** Whole or not at all: whoever ends this process leaves the file as it was. Keys of peers are in it. */
export function writeKept(folder: string, kept: Kept): void {
  const file = fileIn(folder)
  writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
