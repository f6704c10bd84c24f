import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadCertificate } from './tls.ts'

const root = mkdtempSync(join(tmpdir(), 'suidao-tls-'))
after(() => rmSync(root, { recursive: true }))
const now = Date.parse('2026-11-01T12:00:00Z')
const day = 24 * 3600 * 1000
const names = ['localhost', '127.0.0.1', 'vpn.example.org']
const own = (name: string) => ({ folder: join(root, name), names })

test('a certificate is made once, by a CA that is made once, for all names', () => {
  const made = loadCertificate(own('once'), now)
  const certificate = new X509Certificate(made.certificate)
  const ca = new X509Certificate(readFileSync(made.caFile!))
  assert.ok(ca.ca && ca.checkIssued(ca) && certificate.checkIssued(ca) && certificate.verify(ca.publicKey))
  assert.ok(!certificate.ca)
  for (const name of ['localhost', 'vpn.example.org']) assert.equal(certificate.checkHost(name), name)
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
  assert.equal(certificate.checkHost('other.example.org'), undefined)
  for (const file of ['ca.key', 'server.key'])
    assert.equal(statSync(join(root, 'once', file)).mode & 0o077, 0)
  assert.deepEqual(loadCertificate(own('once'), now + day), made)
})

test('it is made anew a month before its end and for other names, by the same CA', () => {
  const first = loadCertificate(own('anew'), now)
  const later = loadCertificate(own('anew'), now + 380 * day)
  assert.notEqual(later.certificate, first.certificate)
  const other = loadCertificate({ ...own('anew'), names: ['localhost'] }, now + 380 * day)
  assert.notEqual(other.certificate, later.certificate)
  const ca = new X509Certificate(readFileSync(first.caFile!))
  for (const { certificate } of [first, later, other]) {
    assert.ok(new X509Certificate(certificate).verify(ca.publicKey))
  }
})

test('a CA that is there and cannot be used is not replaced: clients trust it', () => {
  const { folder } = own('broken')
  loadCertificate(own('broken'), now)
  assert.throws(() => loadCertificate(own('broken'), now + 4000 * day), /ca\.crt ended on 2036-/)
  writeFileSync(join(folder, 'ca.key'), 'x')
  assert.throws(() => loadCertificate(own('broken'), now), /ca\.key holds no private key in PEM/)
  rmSync(join(folder, 'ca.key'))
  assert.throws(() => loadCertificate(own('broken'), now), /ca\.key cannot be read \(ENOENT\)/)
})

test("the operator's files are read, and what is wrong with them is said", () => {
  loadCertificate(own('a'), now)
  loadCertificate(own('b'), now)
  const file = (name: string) => join(root, name)
  const files = { certificateFile: file('a/server.crt'), keyFile: file('a/server.key') }
  const { caFile, certificate } = loadCertificate(files, now)
  assert.equal(caFile, undefined)
  assert.equal(certificate, readFileSync(files.certificateFile, 'utf8'))
  const cases: [change: Partial<typeof files>, at: number, sentence: RegExp][] = [
    [
      { keyFile: file('b/server.key') },
      now,
      /private key in .*b\/server\.key does not belong to the certificate/,
    ],
    [{ certificateFile: file('none') }, now, /none cannot be read \(ENOENT\)/],
    [{ certificateFile: files.keyFile }, now, /server\.key holds no certificate in PEM/],
    [{ keyFile: files.certificateFile }, now, /server\.crt holds no private key in PEM/],
    [{}, now + 400 * day, /server\.crt ended on 2027-/],
  ]
  for (const [change, at, sentence] of cases) {
    assert.throws(() => loadCertificate({ ...files, ...change }, at), sentence)
  }
})
