/** Read here as Node reads it. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { issueCertificate } from '../../../src/certificates/x509.ts'
import { readCertificate } from './certificate.ts'

const subject = { organization: 'Office 办公室', commonName: 'Site CA' }
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function issued(notBefore: string, notAfter: string, identity?: string): string {
  return issueCertificate({
    subject,
    publicKey,
    notBefore: Date.parse(notBefore),
    notAfter: Date.parse(notAfter),
    ...(identity !== undefined && { identity }),
    issuer: { subject, key: privateKey },
  })
}

test('subject, validity and whether it is a CA, as Node reads them; times on both sides of 2050', () => {
  for (const [from, to] of [
    ['2026-01-02T03:04:05Z', '2036-01-02T03:04:05Z'],
    ['2049-12-31T23:59:59Z', '2061-06-07T08:09:10Z'],
  ] as const) {
    const pem = issued(from, to)
    const facts = readCertificate(`some words\n${pem.replaceAll('\n', '\r\n')}`)
    assert.ok(typeof facts === 'object')
    const theirs = new X509Certificate(pem)
    assert.equal(facts.notBefore, theirs.validFromDate.getTime())
    assert.equal(facts.notAfter, theirs.validToDate.getTime())
    assert.deepEqual(facts.subject.split(', ').sort(), theirs.subject.split('\n').sort())
    assert.equal(facts.isCa, true)
  }
  const leaf = readCertificate(issued('2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z', '198.51.100.1'))
  assert.ok(typeof leaf === 'object' && !leaf.isCa)
})

test('what is no certificate is said to be none, wherever it is cut off', () => {
  const pem = issued('2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z')
  assert.equal(readCertificate(''), 'not-pem')
  assert.equal(readCertificate('-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----'), 'not-pem')
  assert.equal(readCertificate(pem + pem), 'several')
  const der = new X509Certificate(pem).raw
  for (let length = 0; length < der.length; length += 7) {
    const cut = der.subarray(0, length).toString('base64')
    const text = `-----BEGIN CERTIFICATE-----\n${cut}\n-----END CERTIFICATE-----\n`
    assert.equal(readCertificate(text), 'unreadable', `${length} octets`)
  }
})
