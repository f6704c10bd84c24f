/** The suite of `engine.ts`, over the simulated world. */
import { VirtualClock } from '../../clock.ts'
import { type ConformanceHarness, conformance } from '../conformance.ts'
import { profiles } from './durations.ts'
import type { PeerBgp } from './peer.ts'
import { gateway, settingsOfPeer, tunnel } from './testdata/ends.ts'
import { World } from './world.ts'

async function createHarness(): Promise<ConformanceHarness> {
  const clock = new VirtualClock(Date.now(), 0)
  const world = new World({ clock, seed: 1, profile: profiles['like-the-cloud'] })
  // Work of the engine is not what takes time here: nobody steps while it waits.
  world.pace.change({
    ...profiles['like-the-cloud'],
    durations: { ...profiles['like-the-cloud'].durations, gateway: 0, tunnel: 0, removal: 0 },
  })
  // Nobody answers yet.
  world.setNetwork(tunnel.remoteAddress, { silent: true })
  let engine = world.engine()
  let router: PeerBgp | undefined
  return {
    get engine() {
      return engine
    },
    gateway,
    tunnel,
    async preparePeer(wanted) {
      world.setNetwork(wanted.remoteAddress, {})
      world.setPeer(wanted.remoteAddress, { ...settingsOfPeer(wanted), ...(router && { bgp: router }) })
    },
    async closeAtPeer() {
      world.peerCloses(tunnel.remoteAddress)
    },
    async prepareRouter(wanted, announced) {
      router = {
        ...settingsOfPeer(wanted).bgp,
        enabled: announced !== undefined,
        announced: announced ?? [],
      }
      world.setPeer(wanted.remoteAddress, { bgp: router })
    },
    async answerPings(echo) {
      world.setPeer(tunnel.remoteAddress, { echo })
    },
    async restart() {
      await engine.close()
      engine = world.engine()
      return engine
    },
    async until(what, probe) {
      for (let step = 0; step < 600; step++) {
        const found = await probe()
        if (found !== undefined && found !== false) return found
        clock.advance(100)
      }
      throw new Error(`60 s of the world have passed in vain: ${what}`)
    },
    async close() {
      await engine.close()
      world.end()
    },
  }
}

conformance('simulated', createHarness)
