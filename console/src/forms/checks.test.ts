import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { issueCertificate } from '../../../src/certificates/x509.ts'
import {
  checkCertificate,
  checkConnection,
  checkInside,
  checkNetwork,
  checkPolicy,
  checkPsk,
  checkTags,
  checkTrust,
  checkTunnelCidr,
  type Finding,
  withoutHostBits,
} from './checks.ts'

const said = (findings: readonly (Finding | undefined)[]) =>
  findings.filter((finding) => finding !== undefined).map(({ level, message }) => `${level} ${message}`)

const now = Date.parse('2026-11-26T00:00:00Z')
const day = 86_400_000

/** A certificate of a day that begins at `notBefore`; of an end where it has an identity. */
function issued(notBefore: number, identity?: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { organization: 'Office', commonName: 'CA' }
  const times = { notBefore, notAfter: notBefore + day }
  return issueCertificate({
    subject,
    publicKey,
    ...times,
    ...(identity !== undefined && { identity }),
    issuer: { subject, key: privateKey },
  })
}

const draft = {
  local: ['10.1.0.0/24'],
  remote: ['192.168.0.0/16'],
  ikeVersion: 'ikev2',
  psk: 'a-rather-long-pre-shared-key',
}

test('a network with host bits is told which one was meant', () => {
  assert.equal(withoutHostBits('10.1.2.3/8'), '10.0.0.0/8')
  assert.equal(withoutHostBits('10.1.2.3/33'), undefined)
  assert.equal(checkNetwork('10.0.0.0/8'), undefined)
  assert.deepEqual(checkNetwork('10.1.2.3/8'), {
    level: 'error',
    message: 'check.hostBits',
    values: { value: '10.1.2.3/8', meant: '10.0.0.0/8' },
  })
  assert.deepEqual(said([checkNetwork('10.1.2')]), ['error check.noNetwork'])
})

test('a connection: what keeps it from being sent, and what is only said', () => {
  const cases: [name: string, change: Partial<Parameters<typeof checkConnection>[0]>, want: string[]][] = [
    ['all well', {}, []],
    ['sides overlap', { remote: ['10.0.0.0/8'] }, ['warning check.sidesOverlap']],
    ['everything on a side is routing', { remote: ['0.0.0.0/0'] }, []],
    ['twice', { local: ['10.1.0.0/24', '10.1.0.0/24'] }, ['error check.twice']],
    ['not a network', { remote: ['x'] }, ['error check.noNetwork']],
    [
      'IKEv1 with pairs',
      { ikeVersion: 'ikev1', local: ['10.1.0.0/24', '10.2.0.0/24'] },
      ['warning check.ikev1Several'],
    ],
    ['IKEv1 with one pair', { ikeVersion: 'ikev1' }, []],
    [
      'too many',
      { local: ['10.1.0.0/24', '10.2.0.0/24', '10.3.0.0/24', '10.4.0.0/24'] },
      ['error check.manyLocal'],
    ],
    ['a key with a blank', { psk: ' a-rather-long-pre-shared-key' }, ['error check.pskBlanks']],
    ['a probe to no address', { addresses: ['10.0.0.1', '10.0.0'] }, ['error check.noAddress']],
    ['a certificate of a CA', { remoteCa: issued(now) }, []],
    [
      'a certificate with aggressive mode',
      { remoteCa: issued(now), ikeVersion: 'ikev1', ikeMode: 'aggressive' },
      ['error check.caAggressive'],
    ],
    ['BGP outside of link-local', { tunnelCidr: '10.0.0.0/30' }, ['error check.tunnelCidr']],
  ]
  for (const [name, change, want] of cases) {
    assert.deepEqual(said(checkConnection({ ...draft, ...change }, [], 3, now)), want, name)
  }
  const other = { name: 'office', local: ['10.1.0.0/24'], remote: ['192.168.7.0/24'] }
  const [finding] = checkConnection(draft, [other], 3, now)
  assert.deepEqual(finding, {
    level: 'warning',
    message: 'check.otherOverlap',
    values: { value: '192.168.0.0/16', name: 'office' },
  })
})

test('a vSwitch lies in its VPC', () => {
  assert.deepEqual(said(checkInside('10.1.0.0/24', '10.0.0.0/8')), [])
  assert.deepEqual(said(checkInside('10.0.0.0/8', '10.0.0.0/8')), [])
  assert.deepEqual(said(checkInside('10.0.0.0/7', '10.0.0.0/8')), ['error check.outside'])
  assert.deepEqual(said(checkInside('192.168.0.0/24', '10.0.0.0/8')), ['error check.outside'])
  assert.deepEqual(said(checkInside('no network', '10.0.0.0/8')), [])
})

test('keys', () => {
  const cases: [psk: string, want: string[]][] = [
    ['', []],
    ['short', ['warning check.pskShort']],
    ['with a blank inside it', ['error check.pskSigns']],
    ['密钥密钥密钥密钥密钥密钥密钥密钥', ['error check.pskSigns']],
    ['x'.repeat(100), []],
    ['x'.repeat(101), ['error check.pskSigns']],
    ['key\t', ['error check.pskBlanks']],
  ]
  for (const [psk, want] of cases) assert.deepEqual(said(checkPsk(psk)), want, psk)
})

test('BGP inside a tunnel: a /30 of 169.254.0.0/16 and one of its two hosts', () => {
  const cases: [cidr: string, local: string, want: string[]][] = [
    ['169.254.10.0/30', '169.254.10.1', []],
    ['169.254.10.0/30', '169.254.10.2', []],
    ['169.254.10.0/30', '', []],
    ['169.254.10.0/30', '169.254.10.3', ['error check.localBgpIp']],
    ['169.254.10.0/29', '', ['error check.tunnelCidr']],
    ['169.254.10.1/30', '', ['error check.tunnelCidr']],
    ['192.168.0.0/30', '', ['error check.tunnelCidr']],
  ]
  for (const [cidr, local, want] of cases)
    assert.deepEqual(said(checkTunnelCidr(cidr, local)), want, `${cidr} ${local}`)
})

test('a policy document', () => {
  const document = (...Statement: object[]) => JSON.stringify({ Version: '1', Statement })
  const look = { Effect: 'Allow', Action: 'vpc:Describe*', Resource: '*' }
  const cases: [text: string, message: string | undefined][] = [
    ['{', 'check.notJson'],
    ['null', 'check.policyVersion'],
    ['{"Version":"2"}', 'check.policyVersion'],
    [document(), 'check.noStatement'],
    [document(look, { ...look, Effect: 'Maybe' }), 'check.statement'],
    [document({ Effect: 'Allow', Action: '*' }), 'check.statement'],
    [document(look), undefined],
    [document({ ...look, Action: ['vpc:*', '*'] }), 'check.everything'],
    [document({ ...look, Effect: 'Deny', Action: '*' }), undefined],
  ]
  for (const [text, message] of cases) assert.equal(checkPolicy(text)[0]?.message, message, text)
})

test('the certificate of a CA: of one that is valid today', () => {
  const cases: [pem: string, want: string[]][] = [
    [issued(now), []],
    [issued(now - 2 * day), ['error check.ca.notValid']],
    [issued(now + day), ['error check.ca.notValid']],
    [issued(now, '198.51.100.1'), ['error check.ca.notCa']],
    [issued(now) + issued(now), ['error check.ca.several']],
    ['a key', ['error check.ca.not-pem']],
    ['-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----', ['error check.ca.unreadable']],
  ]
  for (const [pem, want] of cases) assert.deepEqual(said(checkCertificate(pem, now)), want)
})

test('tags: nothing reserved, no key twice, not too many', () => {
  const cases: [tags: { Key?: string; Value?: string }[], want: string[]][] = [
    [[{ Key: 'env', Value: 'prod' }, {}], []],
    [[{ Key: 'aliyun-env' }], ['error check.tagReserved']],
    [[{ Key: 'ACS:env' }], ['error check.tagReserved']],
    [[{ Key: 'env', Value: 'see https://x' }], ['error check.tagReserved']],
    [[{ Key: 'env' }, { Key: 'env' }], ['error check.twice']],
    [[{ Key: 'a' }, { Key: 'b' }, { Key: 'c' }], ['error check.manyTags']],
  ]
  for (const [tags, want] of cases) assert.deepEqual(said(checkTags(tags, 2)), want)
})

test('a trust policy', () => {
  const document = (...Statement: object[]) => JSON.stringify({ Version: '1', Statement })
  const trusted = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { RAM: ['acs:ram::1:root'] } }
  const cases: [text: string, message: string | undefined][] = [
    ['', 'check.notJson'],
    ['[]', 'check.policyVersion'],
    [document(), 'check.noStatement'],
    [document(trusted, { ...trusted, Principal: {} }), 'check.trust'],
    [document({ ...trusted, Principal: null }), 'check.trust'],
    [document({ ...trusted, Action: undefined }), 'check.trust'],
    [document({ ...trusted, Effect: 'allow' }), 'check.trust'],
    ['{"Version":"1","Statement":[null]}', 'check.trust'],
    [document(trusted), undefined],
  ]
  for (const [text, message] of cases) assert.equal(checkTrust(text)[0]?.message, message, text)
})
