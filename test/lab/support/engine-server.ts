/**
 * An engine for a test that lives in another network namespace: `node engine-server.ts <config>`, JSON. Each line of the
 * input is a call, `{"call": "applyTunnel", "with": ...}`, and each is answered by a line, `{"answer": ...}` or
 * `{"error": ...}`. The first line says `{"answer": "ready"}`.
 */
import { createInterface } from 'node:readline'
import { createBgpService, endHostSpeakers } from '../../../src/engine/bird/service.ts'
import type { Tunnel } from '../../../src/engine/engine.ts'
import type { Log } from '../../../src/engine/linux/process.ts'
import { removeProbePath } from '../../../src/engine/probe/path.ts'
import { createProbeService } from '../../../src/engine/probe/service.ts'
import { createStrongswanEngine } from '../../../src/engine/strongswan/engine.ts'
import { teardown } from '../../../src/engine/strongswan/teardown.ts'
import { Secret } from '../../../src/secret.ts'

const config = JSON.parse(process.argv[2] ?? '')
const log: Log = (level, message, fields) => {
  if (process.env['LAB_ECHO']) console.error(level, message, JSON.stringify(fields))
}
const common = { dataDir: config.dataDir, log }
const engine = await createStrongswanEngine({
  ...config,
  services: [createBgpService(common), createProbeService(common)],
  log,
})

const calls: Readonly<Record<string, (given: never) => Promise<unknown>>> = {
  applyGateway: engine.gateways.apply,
  removeGateway: engine.gateways.remove,
  applyTunnel: ({ tunnel, psk }: { tunnel: Tunnel; psk: string }) =>
    engine.tunnels.apply({ ...tunnel, ike: { ...tunnel.ike, psk: new Secret(psk) } }),
  removeTunnel: engine.tunnels.remove,
  observe: engine.tunnels.observe,
  close: () => engine.close(),
  teardown: async () => {
    await endHostSpeakers(config.dataDir)
    await removeProbePath()
    return teardown({ ...config, isHost: true })
  },
}

const say = (line: object) => console.log(JSON.stringify(line))
say({ answer: 'ready' })
for await (const line of createInterface({ input: process.stdin })) {
  const { call, with: given } = JSON.parse(line)
  try {
    say({ answer: await calls[call]?.(given as never) })
  } catch (error) {
    say({ error: error instanceof Error ? error.message : `${error}` })
  }
}
process.exit(0)
