/** The two ways in which gateways stand on a machine: each in a namespace of its own, or one that is the host itself. */
import type { Gateway } from '../engine.ts'
import {
  applyGatewayNetwork,
  checkWan,
  type PublishOptions,
  publish,
  removeGatewayNetwork,
  removeVpcWhenEmpty,
  type Wan,
} from './gateway-network.ts'
import { applyHostGateway, checkHost, type HostWan, removeHostGateway } from './host-network.ts'
import type { Names } from './names.ts'
import { namespaceInode } from './namespace.ts'

export interface Networks {
  /** Present: there is room for one gateway, which is the host itself. */
  readonly host?: HostWan
  /** Namespace of a gateway; absent: the host's own. */
  netnsOf(gateway: Gateway): string | undefined
  /** @throws EngineError when what has to be there is not */
  check(): Promise<void>
  /**
   * Makes the network of a gateway, or mends what differs from it; what is right already is not touched.
   * `isNew`: what was in it before has gone.
   */
  apply(gateway: Gateway, before: Gateway | undefined): Promise<{ isNew: boolean }>
  /** Has the VPC send these networks to the gateway, and no others. Of hosts around the host nothing is known. */
  publish(gateway: Gateway, networks: readonly string[], options?: PublishOptions): Promise<void>
  /** @param name of the namespace; @param gateway absent when nobody knows whose it was */
  remove(name: string, gateway: Gateway | undefined): Promise<void>
}

export const createNetworks = (names: Names, wan: Wan | HostWan): Networks =>
  'interface' in wan ? hostNetworks(wan) : namespaceNetworks(names, wan)

function namespaceNetworks(names: Names, wan: Wan): Networks {
  const leaveVpc = async (gateway: Gateway) => {
    await publish(names, gateway, [])
    await removeVpcWhenEmpty(names, gateway.vpcId)
  }
  return {
    netnsOf: ({ slot }) => names.gateway(slot),
    check: () => checkWan(wan),
    async apply(gateway, before) {
      const netns = names.gateway(gateway.slot)
      const inode = await namespaceInode(netns)
      await applyGatewayNetwork(names, wan, gateway)
      if (before && before.vpcId !== gateway.vpcId) await leaveVpc(before)
      return { isNew: inode === undefined || inode !== (await namespaceInode(netns)) }
    },
    publish: (gateway, networks, options) => publish(names, gateway, networks, options),
    async remove(name, gateway) {
      await removeGatewayNetwork(name)
      if (gateway) await leaveVpc(gateway)
    },
  }
}

const hostNetworks = (wan: HostWan): Networks => ({
  host: wan,
  netnsOf: () => undefined,
  check: () => checkHost(wan),
  async apply(gateway, before) {
    await applyHostGateway(wan, gateway, before)
    return { isNew: before === undefined }
  },
  publish: async () => {},
  async remove(_, gateway) {
    if (gateway) await removeHostGateway(gateway)
  },
})
