/**
 * How the gateway speaks with an address of a host of the VPC as its source: `Sip` of a health check is any address of
 * the VPC, often that of a host that lives.
 *
 * The gateway holds such an address without listening to it: it stands on the loopback, marked as ours, and its route
 * in the local table is taken away again, so that packets for the host go to the host. Answers to probes alone, known by
 * their length, are marked and taken in:
 *
 *     nft   echo reply, destination -> source, length of ours    mark
 *     150   with the mark                                        table 102: local
 */
import type { TunnelProbe } from '../engine.ts'
import { ip, ipBatch, ipJson, runIn, setSysctls } from '../linux/namespace.ts'
import { probeLength } from './fping.ts'

const label = 'lo:probe'
const mark = 0x5d_10
const priority = 150
const table = 102

interface LoopbackAddress {
  readonly local: string
  readonly label?: string
}

export type ProbePair = Pick<TunnelProbe, 'source' | 'destination'>

/** Lines that turn the addresses of the loopback into the wanted ones. */
export function addressLines(
  seen: readonly LoopbackAddress[],
  localRoutes: readonly string[],
  sources: readonly string[],
): string[] {
  const present = seen.filter((address) => address.label === label).map(({ local }) => local)
  return [
    ...present
      .filter((address) => !sources.includes(address))
      .map((address) => `addr del ${address}/32 dev lo label ${label}`),
    ...sources.flatMap((address) => {
      if (!present.includes(address)) {
        return [
          `addr add ${address}/32 dev lo label ${label}`,
          `route del local ${address} dev lo table local`,
        ]
      }
      return localRoutes.includes(address) ? [`route del local ${address} dev lo table local`] : []
    }),
  ]
}

/** The whole rule set, given anew each time; it is taken entire or not at all. */
export function renderAnswers(pairs: readonly ProbePair[]): string {
  const rules = pairs.map(
    ({ source, destination }) =>
      `    ip saddr ${destination} ip daddr ${source} icmp type echo-reply ip length ${probeLength} meta mark set ${mark}`,
  )
  const head = 'table ip suidao_probe\ndelete table ip suidao_probe\n'
  if (rules.length === 0) return head
  return `${head}table ip suidao_probe {
  chain answers {
    type filter hook prerouting priority mangle;
${[...new Set(rules)].join('\n')}
  }
}
`
}

/** @param pairs of all health checks of the gateway whose source is not its own address */
export async function applyProbePath(netns: string | undefined, pairs: readonly ProbePair[]): Promise<void> {
  const sources = [...new Set(pairs.map(({ source }) => source))].sort()
  const [addresses, local, rules] = await Promise.all([
    ipJson<{ addr_info: LoopbackAddress[] }>(netns, ['-4', 'addr', 'show', 'dev', 'lo']),
    ipJson<{ dst: string }>(netns, ['-4', 'route', 'show', 'table', 'local', 'dev', 'lo']),
    ipJson<{ priority: number; fwmark?: string }>(netns, ['rule', 'show']),
  ])
  const isRuled = rules.some((rule) => rule.priority === priority && Number(rule.fwmark) === mark)
  if (sources.length > 0) {
    await setSysctls(netns, { 'ipv4.ip_nonlocal_bind': 1 })
    await ip(netns, ['route', 'replace', 'local', 'default', 'dev', 'lo', 'table', `${table}`])
    if (!isRuled) await ipBatch(netns, [`rule add pref ${priority} fwmark ${mark} lookup ${table}`])
  }
  await runIn(netns, 'nft', ['-f', '-'], renderAnswers(pairs))
  const seen = addresses.flatMap(({ addr_info }) => addr_info)
  await ipBatch(
    netns,
    addressLines(
      seen,
      local.map(({ dst }) => dst),
      sources,
    ),
  )
}

/** Takes away what `applyProbePath` leaves behind for the next health check. A namespace takes it along when it goes. */
export async function removeProbePath(): Promise<void> {
  await applyProbePath(undefined, [])
  const rules = await ipJson<{ priority: number; fwmark?: string }>(undefined, ['rule', 'show'])
  if (!rules.some((rule) => rule.priority === priority && Number(rule.fwmark) === mark)) return
  await ipBatch(undefined, [
    `rule del pref ${priority} fwmark ${mark} lookup ${table}`,
    `route flush table ${table}`,
  ])
}
