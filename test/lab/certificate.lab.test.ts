/**
 * Tunnels whose ends prove themselves by certificate. Ours are issued by our own authority, the peer's by OpenSSL.
 *
 * What a daemon has trusted once it trusts until it is told to forget everything: that must never let anybody in.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Tunnel, TunnelCertificate, TunnelReport } from '../../src/engine/engine.ts'
import { type Issued, OpensslCa } from '../support/openssl.ts'
import { type Authority, createAuthority } from './support/authority.ts'
import { agreeing, GatewayLab, statusOf } from './support/gateway-lab.ts'
import { Lab } from './support/lab.ts'
import type { Peer, PeerSettings } from './support/peer.ts'
import { until } from './support/until.ts'

const kinds = ['main', 'ikev2'] as const
type Kind = (typeof kinds)[number]
const roles = ['initiator', 'responder'] as const
type Role = (typeof roles)[number]

const host = '10.1.0.10'
const inside = '10.2.0.1'
const [ourAddress, peerAddress] = ['198.51.100.1', '198.51.100.2']
describe('tunnels with certificates', { skip: Lab.missing() ?? false }, () => {
  let lab: GatewayLab
  let peer: Peer
  let ours: Authority
  let branch: OpensslCa
  let other: OpensslCa
  let slot = 0

  before(async () => {
    lab = await GatewayLab.create()
    await lab.applyGateway()
    peer = await lab.lab.peer('peer', `${peerAddress}/24`, [`${inside}/24`, '10.3.0.1/24'])
    ours = createAuthority('rsa')
    branch = await OpensslCa.create('branch', 'rsa')
    other = await OpensslCa.create('other', 'rsa')
  })
  after(async () => {
    await lab.close()
    await Promise.all([branch, other].map((ca) => ca.close()))
  })
  afterEach(async () => {
    for (const { id } of await lab.engine.tunnels.list()) await lab.engine.tunnels.remove(id)
    await peer.dropSas()
  })

  const tunnelOf = (kind: Kind, role: Role, certificate?: TunnelCertificate): Tunnel => {
    slot += 1
    return {
      ...lab.tunnel,
      id: `vco-${slot}`,
      connectionId: `vco-${slot}`,
      slot,
      effectImmediately: role === 'initiator',
      ike: { ...lab.tunnel.ike, version: kind === 'ikev2' ? 'ikev2' : 'ikev1', certificate },
    }
  }
  const certified = (ca: OpensslCa): TunnelCertificate => ({
    ...ours.issue(ourAddress),
    remoteCa: ca.certificate,
  })
  const changed = (tunnel: Tunnel, certificate: TunnelCertificate | undefined): Tunnel => ({
    ...tunnel,
    generation: tunnel.generation + 1,
    ike: { ...tunnel.ike, certificate },
  })
  const settingsWith = (
    tunnel: Tunnel,
    { certificate, key }: Issued,
    ourCa = ours.certificate,
  ): PeerSettings => ({
    ...agreeing(tunnel),
    certificate: { own: certificate, ownKey: key, remoteCa: ourCa },
    connection: { send_cert: 'always' },
  })
  const namesOfPeer = { names: `IP:${peerAddress}` }

  const begin = async (tunnel: Tunnel, role: Role) => {
    await lab.engine.tunnels.apply(tunnel)
    if (role === 'responder') await peer.initiate()
  }
  const observe = async (tunnel: Tunnel): Promise<TunnelReport> => {
    const report = await lab.engine.tunnels.observe(tunnel.id)
    assert(report)
    return report
  }
  const whenUp = (tunnel: Tunnel) =>
    until(`${tunnel.id} up`, async () => {
      const report = await observe(tunnel)
      const isNew = report.generation === tunnel.generation && !report.pendingReconnect
      return isNew && statusOf(report) === 'ipsec_sa_established' && report
    }).catch(async (error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify((await observe(tunnel)).failure)}`)
    })
  const whenFailed = (tunnel: Tunnel, code: string) =>
    until(`${code} of ${tunnel.id}`, async () => {
      const report = await observe(tunnel)
      return report.failure?.code === code && statusOf(report) === 'ike_sa_not_established' && report
    }).catch(async (error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify((await observe(tunnel)).failure)}`)
    })
  const pingBothWays = async () => {
    await until('the way there', () => lab.reaches(host, inside))
    const there = await lab.ping(host, inside, { count: 5, interval: 0.05 })
    const back = await lab.lab.ping(peer.netns, inside, host, { count: 5, interval: 0.05 })
    assert.deepEqual([there.received, back.received], [5, 5])
  }
  /** What the daemon holds: subjects of the certificates, number of private keys, ids of pre-shared keys. */
  const held = async () => {
    const { session } = await lab.daemon(peerAddress)
    try {
      const certificates = await session.stream('list-certs', 'list-cert', { type: 'X509' })
      return {
        certificates: certificates.filter((each) => each['type'] === 'X509').length,
        privateKeys: ((await session.request('get-keys'))['keys'] as string[] | undefined)?.length ?? 0,
        shared: (await session.request('get-shared'))['keys'],
      }
    } finally {
      session.close()
    }
  }

  for (const kind of ['rsa', 'p256', 'p384'] as const) {
    for (const version of kinds) {
      for (const role of roles) {
        test(`success with ${kind}, ${version}, ${role}`, async () => {
          const ca = await OpensslCa.create(`branch ${kind}`, kind)
          const our = createAuthority(kind)
          const tunnel = tunnelOf(version, role, { ...our.issue(ourAddress), remoteCa: ca.certificate })
          await peer.load(settingsWith(tunnel, await ca.issue(namesOfPeer), our.certificate))
          await ca.close()
          await begin(tunnel, role)
          const report = await whenUp(tunnel)
          assert.equal(report.ikeSas[0]?.initiator, role === 'initiator')
          await pingBothWays()
        })
      }
    }
  }

  for (const role of roles) {
    test(`a CA that is taken away is not accepted any more, as ${role}`, async () => {
      const fromBranch = await branch.issue(namesOfPeer)
      const tunnel = tunnelOf('ikev2', role, certified(branch))
      await peer.load(settingsWith(tunnel, fromBranch))
      await begin(tunnel, role)
      const { ikeSas } = await whenUp(tunnel)

      const moved = changed(tunnel, { ...tunnel.ike.certificate!, remoteCa: other.certificate })
      await lab.engine.tunnels.apply({ ...moved, effectImmediately: true })
      const refused = await whenFailed(moved, 'CERT_UNKNOWN_CA')
      assert(refused.failure?.evidence.some((text) => /issuer is "O=Lab, CN=branch"/.test(text)))
      assert(refused.failure?.evidence.some((text) => /RemoteCaCertificate of "O=Lab, CN=other"/.test(text)))
      assert(!refused.ikeSas.some(({ uniqueId }) => uniqueId === ikeSas[0]?.uniqueId))
      // The one CA and our own certificate.
      assert.deepEqual(await held(), { certificates: 2, privateKeys: 1, shared: [] })
      if (role === 'responder') await peer.initiate()
      await peer.logged(/AUTH_FAILED|AUTHENTICATION_FAILED/)
      assert.equal(await lab.reaches(host, inside), false)

      await peer.load(settingsWith(moved, await other.issue(namesOfPeer)))
      if (role === 'responder') await peer.initiate()
      await whenUp(moved)
      await pingBothWays()
    })
  }

  for (const [first, second] of [
    ['ikev2', 'ikev2'],
    ['main', 'ikev2'],
    ['main', 'main'],
  ] as const) {
    test(`the CA of one tunnel opens no other one of the same peer, ${first} and ${second}`, async () => {
      const toBranch = tunnelOf(first, 'responder', certified(branch))
      const another = tunnelOf(second, 'responder', certified(other))
      const toOther: Tunnel = {
        ...another,
        remoteSubnets: ['10.3.0.0/24'],
        ike: { ...another.ike, remoteId: 'other.example' },
      }
      await lab.engine.tunnels.apply(toBranch)
      await lab.engine.tunnels.apply(toOther)
      // The identity of the one, by a certificate of the CA of the other.
      await peer.load(settingsWith(toBranch, await other.issue(namesOfPeer)))
      await peer.initiate()
      await whenFailed(toBranch, 'CERT_WRONG_CA')
      assert.equal(statusOf(await observe(toOther)), 'ike_sa_not_established')

      await peer.dropSas()
      await peer.load(settingsWith(toBranch, await branch.issue(namesOfPeer)))
      await peer.initiate()
      await whenUp(toBranch)

      // The other one goes, and its CA with it; what is up stays up.
      const before = await observe(toBranch)
      await lab.engine.tunnels.remove(toOther.id)
      assert.deepEqual(await held(), { certificates: 2, privateKeys: 1, shared: [] })
      assert.equal((await observe(toBranch)).ikeSas[0]?.uniqueId, before.ikeSas[0]?.uniqueId)
    })
  }

  test('a renewed CA certificate of the same name and key is taken, and the one before again', async () => {
    const renewing = await OpensslCa.create('renewing', 'rsa')
    const before = renewing.certificate
    const fromRenewing = await renewing.issue(namesOfPeer)
    const tunnel = tunnelOf('ikev2', 'initiator', certified(renewing))
    await peer.load(settingsWith(tunnel, fromRenewing))
    await begin(tunnel, 'initiator')
    await whenUp(tunnel)
    let current = tunnel
    for (const remoteCa of [await renewing.renew(60), before]) {
      current = changed(current, { ...current.ike.certificate!, remoteCa })
      await lab.engine.tunnels.apply(current)
      await whenUp(current)
    }
    await renewing.close()
  })

  test('our own certificate is renewed while the tunnel runs', async () => {
    const tunnel = tunnelOf('ikev2', 'initiator', certified(branch))
    await peer.load(settingsWith(tunnel, await branch.issue(namesOfPeer)))
    await begin(tunnel, 'initiator')
    const { ikeSas } = await whenUp(tunnel)
    const renewed: Tunnel = {
      ...tunnel,
      ike: { ...tunnel.ike, certificate: { ...tunnel.ike.certificate!, ...ours.issue(ourAddress) } },
    }
    await lab.engine.tunnels.apply(renewed)
    assert.equal((await observe(renewed)).ikeSas[0]?.uniqueId, ikeSas[0]?.uniqueId)
    assert.deepEqual(await held(), { certificates: 2, privateKeys: 1, shared: [] })
    await pingBothWays()
    // And it is the one that the next negotiation shows.
    await peer.dropSas()
    await until('another IKE_SA', async () => {
      const report = await observe(renewed)
      return report.childSas.length > 0 && report.ikeSas[0]?.uniqueId !== ikeSas[0]?.uniqueId
    })
  })

  test('from a key to a certificate and back', async () => {
    const tunnel = tunnelOf('main', 'initiator')
    await peer.load(agreeing(tunnel))
    await begin(tunnel, 'initiator')
    await whenUp(tunnel)

    const withCertificate = changed(tunnel, certified(branch))
    await lab.engine.tunnels.apply(withCertificate)
    await until('the peer to refuse', async () => {
      const { failure } = await observe(withCertificate)
      return failure?.code === 'PEER_REJECTED_CERTIFICATE'
    })
    assert.deepEqual(await held(), { certificates: 2, privateKeys: 1, shared: [] })
    const fromBranch = settingsWith(withCertificate, await branch.issue(namesOfPeer))
    await peer.load(fromBranch)
    await whenUp(withCertificate)

    const back = changed(withCertificate, undefined)
    await lab.engine.tunnels.apply(back)
    await whenFailed(back, 'PEER_HAS_NO_PSK')
    assert.deepEqual(await held(), { certificates: 0, privateKeys: 0, shared: [tunnel.id] })
    await peer.initiate()
    await whenFailed(back, 'AUTH_METHOD_MISMATCH')
    await peer.dropSas()
    await peer.load(agreeing(back))
    await whenUp(back)
    await pingBothWays()
  })

  test('an engine that starts again takes certificate tunnels over, and knows no private key until it is told', async () => {
    const tunnel = tunnelOf('ikev2', 'initiator', certified(branch))
    await peer.load(settingsWith(tunnel, await branch.issue(namesOfPeer)))
    await begin(tunnel, 'initiator')
    const { ikeSas } = await whenUp(tunnel)
    await lab.restart()
    const adopted = await observe(tunnel)
    assert.equal(adopted.ikeSas[0]?.uniqueId, ikeSas[0]?.uniqueId)
    await lab.engine.tunnels.apply(tunnel)
    assert.equal((await observe(tunnel)).ikeSas[0]?.uniqueId, ikeSas[0]?.uniqueId)
    assert.deepEqual(await held(), { certificates: 2, privateKeys: 1, shared: [] })

    const secret = tunnel.ike.certificate!.ownKey.reveal().split('\n')[1]!
    const files = globSync(`${lab.engineConfig.dataDir}/**/*`, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`)
    assert(files.some((file) => file.endsWith('.json')))
    for (const file of files) assert(!readFileSync(file, 'latin1').includes(secret), file)
    assert(lab.logged.every((line) => !line.includes('PRIVATE KEY')))

    // A new daemon is given everything again.
    const { session } = await lab.daemon(peerAddress)
    session.close()
    const pid = readFileSync(files.find((file) => file.endsWith('charon.pid'))!, 'utf8')
    process.kill(Number(pid), 'SIGKILL')
    await until('another IKE_SA', async () => {
      const report = await observe(tunnel)
      return report.failure === undefined && report.childSas.length > 0 && report.ikeSas.length === 1
    })
    await pingBothWays()
  })
})
