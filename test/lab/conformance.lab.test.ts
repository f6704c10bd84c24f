/** The suite of `engine.ts`, over real daemons. */
import { type ConformanceHarness, conformance } from '../../src/engine/conformance.ts'
import { agreeing, GatewayLab } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import type { Peer } from './support/peer.ts'
import { until } from './support/until.ts'

async function createHarness(): Promise<ConformanceHarness> {
  const lab = await GatewayLab.create()
  const host = await lab.lab.host('peer', `${lab.tunnel.remoteAddress}/24`)
  for (const address of ['10.2.0.1/24', '10.77.2.1/24']) {
    await lab.lab.in(host, 'ip', 'addr', 'add', address, 'dev', 'lo')
  }
  let peer: Peer | undefined
  return {
    get engine() {
      return lab.engine
    },
    gateway: lab.gateway,
    tunnel: lab.tunnel,
    async preparePeer(tunnel) {
      peer ??= await lab.lab.startPeer(host)
      await peer.load(agreeing(tunnel))
    },
    async closeAtPeer() {
      await peer?.terminate()
    },
    restart: () => lab.restart(),
    until: (what, probe) => until(what, probe, { timeoutMs: 15_000 }),
    close: () => lab.close(),
  }
}

conformance('strongSwan', createHarness, { skip: Lab.missing() })
