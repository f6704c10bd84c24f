/**
 * Removes everything of one prefix from this machine: daemons, namespaces, records. For tests, for the removal of
 * the product, and for an operator whose state is beyond repair. Tunnels fall.
 */
import { readdir, rm } from 'node:fs/promises'
import type { Gateway } from '../engine.ts'
import { removeGatewayNetwork } from '../linux/gateway-network.ts'
import { removeHostLeftovers } from '../linux/host-network.ts'
import { createNames } from '../linux/names.ts'
import { endProcessesIn, listNamespaces, removeNamespace } from '../linux/namespace.ts'
import { readJson } from './record.ts'

/** What was removed: names of namespaces. Repeating it is fine. */
export async function teardown(config: {
  readonly dataDir: string
  readonly prefix: string
  /** The host itself is the gateway, and is freed of it. */
  readonly isHost?: boolean
}): Promise<readonly string[]> {
  const names = createNames(config.prefix)
  const ours = (await listNamespaces()).filter((name) => names.kindOf(name) !== undefined)
  // Daemons first, so that none writes or answers while its network goes.
  const order = ['engine', 'gateway', 'vpc', 'probe']
  ours.sort((a, b) => order.indexOf(names.kindOf(a) ?? '') - order.indexOf(names.kindOf(b) ?? ''))
  for (const netns of ours) {
    await endProcessesIn(netns)
    if (names.kindOf(netns) === 'gateway') await removeGatewayNetwork(netns)
    else await removeNamespace(netns)
  }
  if (config.isHost) {
    const dir = `${config.dataDir}/gateways`
    const files = await readdir(dir).catch(() => [])
    const records = await Promise.all(files.map((file) => readJson<Gateway>(`${dir}/${file}`)))
    await removeHostLeftovers(
      names,
      records.filter((gateway) => gateway !== undefined),
    )
  }
  for (const dir of ['engines', 'gateways', 'bgp'])
    await rm(`${config.dataDir}/${dir}`, { recursive: true, force: true })
  await rm(`${config.dataDir}/probes.json`, { force: true })
  return ours
}
