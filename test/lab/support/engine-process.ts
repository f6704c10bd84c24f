/**
 * A program that runs an engine until it is killed: `node engine-process.ts <config> <gateway> <tunnel> <psk>`, JSON each.
 * It prints `up` when the tunnel is.
 */
import { setInterval } from 'node:timers'
import { createStrongswanEngine } from '../../../src/engine/strongswan/engine.ts'
import { Secret } from '../../../src/secret.ts'
import { until } from './until.ts'

const [config, gateway, tunnel, psk] = process.argv.slice(2).map((text) => JSON.parse(text))
const engine = await createStrongswanEngine({
  ...config,
  log: (level, message, fields) => console.error(level, message, JSON.stringify(fields)),
})
await engine.gateways.apply(gateway)
await engine.tunnels.apply({ ...tunnel, ike: { ...tunnel.ike, psk: new Secret(psk) } })
await until('the tunnel to be up', async () => {
  const report = await engine.tunnels.observe(tunnel.id)
  return report !== undefined && report.failure === undefined
})
console.log('up')
setInterval(() => {}, 60_000)
