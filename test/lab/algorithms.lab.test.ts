/**
 * Every algorithm, group and mode that the API knows is negotiated with a real peer and carries packets; lifetimes are
 * those of the daemon afterwards.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type {
  AuthenticationAlgorithm,
  DhGroup,
  EncryptionAlgorithm,
  Tunnel,
} from '../../src/engine/engine.ts'
import { carriesTraffic } from '../../src/engine/strongswan/observe.ts'
import { agreeing, GatewayLab } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import type { Peer } from './support/peer.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? false

const encryptions: readonly EncryptionAlgorithm[] = ['aes', 'aes192', 'aes256', 'des', '3des']
const authentications: readonly AuthenticationAlgorithm[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512']
const groups: readonly DhGroup[] = ['group1', 'group2', 'group5', 'group14']
const pfs = ['disabled', ...groups] as const
const kinds = [
  { version: 'ikev1', mode: 'main' },
  { version: 'ikev1', mode: 'aggressive' },
  { version: 'ikev2', mode: 'main' },
] as const
/** Seconds. */
const lifetimes = [600, 3_600, 28_800, 86_400]

/** Each pair of algorithms once; groups, kinds and lifetimes go round at different speeds, so that they mix. */
const cases = encryptions.flatMap((encryption, row) =>
  authentications.map((authentication, column) => {
    const number = row * authentications.length + column
    return {
      ike: {
        encryption,
        authentication,
        dhGroup: groups[number % groups.length]!,
        lifetime: lifetimes[(number + row) % lifetimes.length]!,
        ...kinds[number % kinds.length]!,
      },
      ipsec: {
        encryption: encryptions[(row + column) % encryptions.length]!,
        authentication,
        pfs: pfs[(number + row) % pfs.length]!,
        lifetime: lifetimes[number % lifetimes.length]!,
      },
    }
  }),
)

describe('algorithms', { skip }, () => {
  let lab: GatewayLab
  let peer: Peer

  before(async () => {
    lab = await GatewayLab.create()
    await lab.applyGateway()
    peer = await lab.lab.peer('peer', '198.51.100.2/24', ['10.2.0.1/24'])
  })
  after(() => lab?.close())

  test('each value of the API occurs', () => {
    const seen = (values: readonly unknown[]) => new Set(values).size
    assert.equal(seen(cases.map(({ ike }) => ike.encryption + ike.authentication)), 25)
    assert.equal(seen(cases.map(({ ipsec }) => ipsec.encryption + ipsec.authentication)), 25)
    assert.equal(seen(cases.map(({ ike }) => ike.dhGroup)), groups.length)
    assert.equal(seen(cases.map(({ ipsec }) => ipsec.pfs)), pfs.length)
    assert.equal(seen(cases.map(({ ike }) => ike.version + ike.mode)), kinds.length)
    assert.equal(seen(cases.map(({ ike }) => ike.lifetime)), lifetimes.length)
    assert.equal(seen(cases.map(({ ipsec }) => ipsec.lifetime)), lifetimes.length)
  })

  for (const [index, { ike, ipsec }] of cases.entries()) {
    const kind = ike.version === 'ikev2' ? 'ikev2' : ike.mode
    const name = `${kind}, ${ike.encryption}-${ike.authentication}-${ike.dhGroup} ${ike.lifetime} s, ESP ${ipsec.encryption}-${ipsec.authentication}-${ipsec.pfs} ${ipsec.lifetime} s`
    test(name, async () => {
      const tunnel: Tunnel = {
        ...lab.tunnel,
        generation: index + 1,
        ike: { ...lab.tunnel.ike, ...ike },
        ipsec,
      }
      const settings = agreeing(tunnel)
      await peer.dropSas()
      await peer.load(settings)
      await lab.engine.tunnels.apply(tunnel)
      const report = await until(`${name} is up`, async () => {
        const seen = await lab.engine.tunnels.observe(tunnel.id)
        return seen?.generation === tunnel.generation && seen.childSas.some(carriesTraffic) && seen
      })
      const [ikeSa] = report.ikeSas
      const childSa = report.childSas.find(carriesTraffic)!
      assert.equal(ikeSa!.version, ike.version)
      assert.equal(ikeSa!.proposal, settings.proposals![0])
      // The first CHILD_SA of IKEv2 uses the keys of the IKE_SA (RFC 7296, 1.2), so no group is named.
      const esp = settings.espProposals![0]!
      assert.equal(childSa.proposal, ike.version === 'ikev2' ? esp.replace(/-modp\d+$/, '') : esp)
      // Renewed before the end, not long before it; the life of the CHILD_SA is the one asked for.
      assert.ok(ikeSa!.rekeyIn! <= 0.9 * ike.lifetime && ikeSa!.rekeyIn! > 0.75 * ike.lifetime - 10)
      assert.ok(childSa.expiresIn! <= ipsec.lifetime && childSa.expiresIn! > ipsec.lifetime - 10)
      assert.ok(childSa.rekeyIn! <= 0.9 * ipsec.lifetime && childSa.rekeyIn! > 0.75 * ipsec.lifetime - 10)
      await until('packets pass', () => lab.reaches('10.1.0.10', '10.2.0.1'))
      assert.equal((await lab.ping('10.1.0.10', '10.2.0.1', { count: 5, interval: 0.05 })).received, 5)
    })
  }
})
