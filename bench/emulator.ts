/** The emulator: from the start of its process to its first signed answer, and its memory with 100 connections open. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { State } from '../src/emulator/types.ts'
import { region } from './seed.ts'
import { type Memory, memoryOf } from './server-process.ts'
import { createSigner } from './signed-request.ts'
import { answerOf } from './startup.ts'

const command = join(dirname(import.meta.dirname), 'bin/suidao.mjs')

export interface EmulatorStart {
  /** Milliseconds, one for each start. */
  readonly starts: readonly number[]
  readonly connected: Memory
}

export async function measureEmulator(starts: number): Promise<EmulatorStart> {
  const times: number[] = []
  let connected: Memory | undefined
  for (let start = 0; start < starts; start++) {
    const began = performance.now()
    const child = spawn(process.execPath, [command, 'emulator', '--port', '0', '--parent'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const { endpoint, account } = (JSON.parse(line) as { state: State }).state
    const sign = createSigner({ id: account.accessKeyId, secret: account.accessKeySecret }, 'V1', 'JSON')
    const ask = () => sign(endpoint, 'DescribeVpnConnections', { RegionId: region })
    const port = Number(endpoint.split(':')[1])
    await answerOf(port, ask())
    times.push(performance.now() - began)
    if (start === starts - 1) {
      const open = await Promise.all(Array.from({ length: 100 }, () => keptOpen(port, ask())))
      connected = memoryOf(child.pid!)
      for (const socket of open) socket.destroy()
    }
    const ended = once(child, 'exit')
    child.stdin.end()
    await ended
  }
  return { starts: times, connected: connected! }
}

/** A connection that has had one answer and stays. */
async function keptOpen(port: number, request: Buffer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  await once(socket, 'data')
  return socket
}
