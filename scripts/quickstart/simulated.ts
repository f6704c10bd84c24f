/** The story over the emulator: no root, no namespaces, no packets. */
import { type StartedEmulator, startEmulator } from '../../src/testing.ts'
import { addresses, type Ground, peerSettings } from './ground.ts'
import { block, line } from './screen.ts'

/** @param why what real tunnels lack here, e.g. `it needs root` */
export function simulatedGround(why: string): Ground {
  let emulator: StartedEmulator | undefined
  return {
    headline: `Suidao quickstart, simulated: both ends are computed, no tunnel is real (${why})`,
    peerTitle: '1. On premises: a simulated router, and a host behind it',
    serverTitle: '2. Suidao over its simulated engine, on loopback',
    async preparePeer() {
      line(
        `router at ${addresses.peer}, host ${addresses.officeHost} behind it; no packet leaves this machine`,
      )
    },
    async startServer() {
      emulator = await startEmulator({ profile: 'fast' })
      const { endpoint, accountId, accessKeyId, accessKeySecret } = emulator
      block(`engine    simulated\nkey       ${accessKeyId}`)
      return {
        endpoint,
        key: { AccountId: accountId, AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret },
      }
    },
    async attach(gatewayAddress) {
      await emulator!.control.setPeer(addresses.peer, peerSettings(gatewayAddress))
      line(`the router has its settings, for the gateway at ${gatewayAddress}`)
    },
    async ping(count) {
      return emulator!.control.send(addresses.peer, count)
    },
    ending: () => null,
    ended: () => new Promise(() => {}),
    facts: () => [],
    lastWords: async () => [],
    remains: () => (emulator ? [['the emulator', () => emulator!.stop()]] : []),
  }
}
