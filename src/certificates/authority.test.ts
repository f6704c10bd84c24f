import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { after, before, test } from 'node:test'
import { OpensslCa } from '../../test/support/openssl.ts'
import { eachDatabase } from '../../test/support/postgres.ts'
import { createSealer, loadMasterKey } from '../seal.ts'
import { Secret } from '../secret.ts'
import { createAuthority } from './authority.ts'
import { keyKindOf } from './x509.ts'

const sealer = createSealer(loadMasterKey('unused', new Secret('ab'.repeat(32))))
const start = Date.parse('2026-11-26T00:00:00Z')
const day = 86_400_000
const tunnel = { id: 'vco-1', identity: '198.51.100.1' }

const cas = {} as Record<'rsa' | 'p256' | 'p384', OpensslCa>
before(async () => {
  for (const kind of ['rsa', 'p256', 'p384'] as const) cas[kind] = await OpensslCa.create('branch', kind)
})
after(() => Promise.all(Object.values(cas).map((ca) => ca.close())))

eachDatabase((_kind, open) => {
  test('a tunnel gets a certificate of the kind of its peer, and keeps it until its end is near', async () => {
    const db = await open()
    let now = start
    const authority = createAuthority(db, sealer, () => now)
    assert.equal(await authority.isDue(tunnel.id), true)
    for (const kind of ['rsa', 'p256', 'p384'] as const) {
      const issued = await authority.certificateFor(tunnel, cas[kind].certificate)
      const certificate = new X509Certificate(issued.own)
      assert.equal(keyKindOf(certificate.publicKey), kind)
      assert.equal(certificate.subjectAltName, 'IP Address:198.51.100.1')
      assert(certificate.checkPrivateKey(createPrivateKey(issued.ownKey.reveal())))
      const issuer = (await authority.cas()).find((ca) => ca.kind === (kind === 'rsa' ? 'rsa' : 'ecdsa'))!
      assert(certificate.verify(new X509Certificate(issuer.certificate).publicKey))
      assert.equal(issued.remoteCa, cas[kind].certificate)
    }
    const first = await authority.certificateFor(tunnel, cas.p256.certificate)
    assert.equal((await authority.certificateFor(tunnel, cas.p256.certificate)).own, first.own)

    now = start + 200 * day
    assert.equal(await authority.isDue(tunnel.id), false)
    assert.equal((await authority.certificateFor(tunnel, cas.p256.certificate)).own, first.own)
    now = start + 300 * day
    assert.equal(await authority.isDue(tunnel.id), true)
    const second = await authority.certificateFor(tunnel, cas.p256.certificate)
    assert.notEqual(second.own, first.own)
    assert.equal(await authority.isDue(tunnel.id), false)
    assert.equal(Date.parse(new X509Certificate(second.own).validTo), now + 365 * day)
  })

  test('another identity asks for another certificate', async () => {
    const authority = createAuthority(await open(), sealer, () => start)
    const first = await authority.certificateFor(tunnel, cas.p256.certificate)
    const named = await authority.certificateFor({ ...tunnel, identity: 'gw.example' }, cas.p256.certificate)
    assert.notEqual(named.own, first.own)
    assert.equal(new X509Certificate(named.own).subjectAltName, 'DNS:gw.example')
  })

  test('the CAs stay the same, also when two ask for them at once, and have a name of their own', async () => {
    const db = await open()
    const [one, other] = [createAuthority(db, sealer, () => start), createAuthority(db, sealer, () => start)]
    const [first, second] = await Promise.all([one.cas(), other.cas()])
    assert.deepEqual(first, second)
    assert.deepEqual(await createAuthority(db, sealer, () => start + day).cas(), first)
    const elsewhere = await createAuthority(await open(), sealer, () => start).cas()
    for (const [index, ca] of first.entries()) {
      const [here, there] = [ca, elsewhere[index]!].map(({ certificate }) => new X509Certificate(certificate))
      assert(here!.ca)
      assert.notEqual(here!.subject, there!.subject)
    }
  })

  test('no private key stands in the database', async () => {
    const db = await open()
    const authority = createAuthority(db, sealer, () => start)
    const { ownKey } = await authority.certificateFor(tunnel, cas.p256.certificate)
    const rows = [
      ...(await db.kysely.selectFrom('certificate_authority').selectAll().execute()),
      ...(await db.kysely.selectFrom('tunnel_certificate').selectAll().execute()),
    ]
    assert.equal(rows.length, 2)
    const text = JSON.stringify(rows)
    assert(!text.includes('PRIVATE'))
    assert(!text.includes(ownKey.reveal().split('\n')[1]!))
  })

  test('a CA that ends is no reason to leave its tunnels alone; one that cannot be read is', async () => {
    const authority = createAuthority(await open(), sealer, () => start + 50 * 365 * day)
    await authority.certificateFor(tunnel, cas.p256.certificate)
    await assert.rejects(authority.certificateFor(tunnel, 'no certificate'), /not-pem/)
  })
})
