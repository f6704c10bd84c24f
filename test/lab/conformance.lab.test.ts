/** The suite of `engine.ts`, over real daemons. */
import assert from 'node:assert/strict'
import { type ConformanceHarness, conformance } from '../../src/engine/conformance.ts'
import { birdMissing, Router } from './support/bird.ts'
import { command } from './support/command.ts'
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
  let router: Router | undefined
  // What the daemon routes into its tunnel stands behind the main table, which has the way to the gateway.
  const ensurePeer = async () => (peer ??= await lab.lab.startPeer(host, [], { routing_table_prio: '40000' }))
  return {
    get engine() {
      return lab.engine
    },
    gateway: lab.gateway,
    tunnel: lab.tunnel,
    async preparePeer(tunnel) {
      await (await ensurePeer()).load(agreeing(tunnel))
    },
    async prepareRouter({ bgp }, networks) {
      await ensurePeer()
      assert(bgp)
      await command('ip', '-n', host, 'addr', 'replace', `${bgp.peerIp}/30`, 'dev', 'ipsec0')
      const { localAsn: peerAsn, peerAsn: localAsn, localIp: neighbour, peerIp: local } = bgp
      if (!networks) return router?.kill()
      router ??= await Router.start(host, {
        id: local,
        sessions: [{ local, localAsn, peer: neighbour, peerAsn }],
        networks,
      })
      await router.restart()
    },
    async answerPings(answers) {
      await command('ip', '-n', host, 'addr', answers ? 'add' : 'del', '10.2.0.1/24', 'dev', 'lo')
    },
    async closeAtPeer() {
      await peer?.terminate()
    },
    restart: () => lab.restart(),
    until: (what, probe) => until(what, probe, { timeoutMs: 15_000 }),
    async close() {
      await router?.close()
      await lab.close()
    },
  }
}

conformance('strongSwan', createHarness, { skip: Lab.missing() ?? birdMissing() })
