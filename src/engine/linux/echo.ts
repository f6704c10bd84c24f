/** A few ICMP echos, counted: fping 5 with its fates in one line. */
import { execFile } from 'node:child_process'
import type { EchoReport } from '../engine.ts'
import { namespacePath } from './namespace.ts'

export interface EchoPath {
  /** Absent: the host's own. */
  readonly netns: string | undefined
  readonly source: string
  readonly destination: string
  /** Ties the socket to it, whatever the routes say. */
  readonly interface?: string
}

const count = 5
/** Milliseconds: between two echos, for an answer, for all of it. */
const interval = 200
const patience = 1_000
const limit = 10_000

/** Whatever is in the way counts as lost: a route that is missing, an address that is not there. */
export async function sendEchos(path: EchoPath): Promise<EchoReport> {
  const { netns, source, destination } = path
  const options = ['-4', '-q', '-C', `${count}`, '-p', `${interval}`, '-t', `${patience}`, '-S', source]
  const program = ['fping', ...options, ...(path.interface ? ['-I', path.interface] : []), destination]
  const [file, ...args] =
    netns === undefined ? program : ['nsenter', `--net=${namespacePath(netns)}`, ...program]
  // It ends with an error when an answer is missing, and writes what it counted all the same.
  const text = await new Promise<string>((resolve) => {
    execFile(file!, args, { timeout: limit, encoding: 'utf8' }, (_, stdout, stderr) =>
      resolve(`${stdout}\n${stderr}`),
    )
  })
  return { source, destination, sent: count, ...parseEchos(text, destination) }
}

/** `10.2.0.1 : 0.24 - 0.22 0.21 0.2`: milliseconds, a dash for each that is lost. */
export function parseEchos(text: string, destination: string): { received: number; rtt?: number } {
  const line = text.split('\n').find((one) => one.startsWith(`${destination} `) && one.includes(' : '))
  const times = (line?.split(' : ')[1] ?? '')
    .trim()
    .split(/\s+/)
    .filter((word) => /^\d+(\.\d+)?$/.test(word))
    .map(Number)
  if (times.length === 0) return { received: 0 }
  const rtt = times.reduce((a, b) => a + b) / times.length
  return { received: times.length, rtt: Math.round(rtt * 1_000) / 1_000 }
}
