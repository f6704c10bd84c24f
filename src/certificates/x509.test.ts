/** What is issued here is judged by OpenSSL and by Node's own reader. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { integer, objectIdentifier, sequence, time } from './der.ts'
import { issueCertificate, type KeyKind, keyKindOf, parseCaCertificate } from './x509.ts'

const directory = mkdtempSync(join(tmpdir(), 'x509-'))
after(() => rmSync(directory, { recursive: true }))

const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const write = (name: string, text: string) => writeFileSync(join(directory, name), text)

const now = Date.parse('2026-03-01T00:00:00Z')
const year = 365 * 86_400_000
const kinds = { rsa: ['rsa'], p256: ['P-256'], p384: ['P-384'], p521: ['P-521'] } as const
const newKeys = (kind: KeyKind) =>
  kind === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: kinds[kind][0] })

const caSubject = { organization: 'Suidao', commonName: 'Ünïted 隧道 CA' }
function issued(kind: KeyKind, identity: string) {
  const [ca, leaf] = [newKeys(kind), newKeys(kind)]
  const issuer = { subject: caSubject, key: ca.privateKey }
  const validity = { notBefore: now, notAfter: now + year }
  return {
    ca: issueCertificate({ subject: caSubject, publicKey: ca.publicKey, issuer, ...validity }),
    leaf: issueCertificate({
      subject: { organization: 'Suidao', commonName: 'a gateway' },
      publicKey: leaf.publicKey,
      identity,
      issuer,
      ...validity,
    }),
    key: leaf.privateKey,
  }
}

for (const kind of Object.keys(kinds) as KeyKind[]) {
  test(`OpenSSL verifies what is issued with ${kind}, strictly`, () => {
    const { ca, leaf, key } = issued(kind, '198.51.100.1')
    write('ca.pem', ca)
    write('leaf.pem', leaf)
    const strictly = ['verify', '-x509_strict', '-check_ss_sig', '-attime', `${now / 1000 + 60}`]
    const said = openssl(...strictly, '-CAfile', 'ca.pem', '-verify_ip', '198.51.100.1', 'leaf.pem')
    assert.equal(said, 'leaf.pem: OK\n')
    assert.throws(() => openssl(...strictly, '-CAfile', 'ca.pem', '-verify_ip', '198.51.100.2', 'leaf.pem'))
    assert.throws(() =>
      openssl('verify', '-attime', `${(now + year) / 1000 + 1}`, '-CAfile', 'ca.pem', 'leaf.pem'),
    )

    const [authority, own] = [new X509Certificate(ca), new X509Certificate(leaf)]
    assert(own.checkIssued(authority) && own.verify(authority.publicKey))
    assert(own.checkPrivateKey(createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' }).toString())))
    assert.deepEqual([authority.ca, own.ca], [true, false])
    assert.equal(own.issuer, 'O=Suidao\nCN=Ünïted 隧道 CA')
    assert.equal(keyKindOf(own.publicKey), kind)
    assert.deepEqual([own.validFromDate.getTime(), own.validToDate.getTime()], [now, now + year])
  })
}

test('an identity is an address or a name in the certificate', () => {
  for (const [identity, want] of [
    ['203.0.113.7', 'IP Address:203.0.113.7'],
    ['gw.example.com', 'DNS:gw.example.com'],
    ['a@b', 'DNS:a@b'],
  ] as const) {
    assert.equal(new X509Certificate(issued('p256', identity).leaf).subjectAltName, want)
  }
})

test('every certificate has a serial number of its own', () => {
  const serials = Array.from({ length: 20 }, () => new X509Certificate(issued('p256', 'a').ca).serialNumber)
  assert.equal(new Set(serials).size, 20)
})

test('CAs that can be used and those that cannot', () => {
  const problemOf = (pem: string, at = now + 1_000) => {
    const parsed = parseCaCertificate(pem, at)
    return 'problem' in parsed ? parsed.problem : 'none'
  }
  const { ca, leaf } = issued('p384', '198.51.100.1')
  assert.deepEqual(parseCaCertificate(`some words\n${ca.replaceAll('\n', ' ')}`, now + 1_000), {
    pem: ca,
    keyKind: 'p384',
    subject: 'O=Suidao, CN=Ünïted 隧道 CA',
    notAfter: now + year,
  })
  openssl('genpkey', '-algorithm', 'SM2', '-out', 'sm2.key')
  const sm2 = openssl(
    ...['req', '-x509', '-new', '-key', 'sm2.key', '-sm3', '-subj', '/CN=sm2', '-days', '9999'],
  )
  const ed25519 = openssl(
    ...[
      'req',
      '-x509',
      '-newkey',
      'ed25519',
      '-nodes',
      '-keyout',
      'ed.key',
      '-subj',
      '/CN=ed',
      '-days',
      '9999',
    ],
  )
  for (const [name, problem, want] of [
    ['a CA', problemOf(ca), 'none'],
    ['one that was copied with blanks', problemOf(ca.replaceAll('\n', '\r\n ')), 'none'],
    ['a certificate that is not of a CA', problemOf(leaf), 'not-a-ca'],
    ['before its time', problemOf(ca, now - 1_000), 'not-yet-valid'],
    ['after its time', problemOf(ca, now + year + 1_000), 'expired'],
    ['SM2', problemOf(sm2), 'unsupported-key'],
    ['Ed25519', problemOf(ed25519), 'unsupported-key'],
    ['two', problemOf(ca + ca), 'several'],
    ['words', problemOf('a CA'), 'not-pem'],
    ['cut off', problemOf(ca.replace(/.{200}\n-----END/s, '\n-----END')), 'unreadable'],
    [
      'no certificate inside',
      problemOf('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
      'unreadable',
    ],
  ] as const) {
    assert.equal(problem, want, name)
  }
})

test('any text for a CA is answered and none is thrown at', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      parseCaCertificate(text, now)
      parseCaCertificate(
        `-----BEGIN CERTIFICATE-----\n${Buffer.from(text).toString('base64')}\n-----END CERTIFICATE-----`,
        now,
      )
    }),
  )
})

test('DER of single elements', () => {
  const hex = (element: Uint8Array) => Buffer.from(element).toString('hex')
  assert.equal(hex(integer(Buffer.from([0, 0, 0]))), '020100')
  assert.equal(hex(integer(Buffer.from([0, 0x7f]))), '02017f')
  assert.equal(hex(integer(Buffer.from([0x80]))), '02020080')
  assert.equal(hex(objectIdentifier('1.2.840.113549.1.1.11')), '06092a864886f70d01010b')
  assert.equal(hex(sequence(Buffer.alloc(127))).slice(0, 4), '307f')
  assert.equal(hex(sequence(Buffer.alloc(128))).slice(0, 6), '308180')
  assert.equal(hex(sequence(Buffer.alloc(65_536))).slice(0, 10), '3083010000')
  assert.equal(time(Date.parse('2049-12-31T23:59:59.9Z')).toString('latin1', 2), '491231235959Z')
  assert.equal(time(Date.parse('2050-01-01T00:00:00Z')).toString('latin1', 2), '20500101000000Z')
})
