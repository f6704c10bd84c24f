/** An emulator with its console, for browsers. */
import { createEmulator, type Emulator, type EmulatorOptions } from '../../../src/emulator/emulator.ts'

export interface Emulated {
  readonly emulator: Emulator
  /** `http://127.0.0.1:port` */
  readonly origin: string
  readonly key: { readonly id: string; readonly secret: string }
}

export async function startEmulated(options: EmulatorOptions = {}): Promise<Emulated> {
  const emulator = await createEmulator({ port: 0, ...options })
  const { endpoint, account } = emulator.state()
  return {
    emulator,
    origin: `http://${endpoint}`,
    key: { id: account.accessKeyId, secret: account.accessKeySecret },
  }
}
