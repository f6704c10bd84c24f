import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../../secret.ts'
import { EngineError, type TunnelBgp } from '../engine.ts'
import { type BgpSession, defaultBgpLimits, keysIn, renderBirdConfig, sessionName } from './config.ts'

const gateway = { routerId: '198.51.100.1', source: '10.1.0.254', ownNetworks: ['10.1.2.3/16'] }
const bgp: TunnelBgp = {
  localAsn: 45_104,
  peerAsn: 4_294_967_295,
  localIp: '169.254.10.1',
  peerIp: '169.254.10.2',
  advertised: ['10.1.0.5/16'],
  preference: 200,
}
const session = (change: Partial<TunnelBgp> = {}, more: Partial<BgpSession> = {}): BgpSession => ({
  name: sessionName(7),
  connectionId: 'vco-1',
  bgp: { ...bgp, ...change },
  up: true,
  open: true,
  ...more,
})
const render = (...sessions: BgpSession[]) =>
  renderBirdConfig(gateway, sessions, defaultBgpLimits, '/var/lib/x/bgp/gw1')

test('the configuration of a gateway with one session', () => {
  const config = render(session({ authKey: new Secret('k#y') }))
  for (const part of [
    'router id 198.51.100.1;',
    'krt_prefsrc = 10.1.0.254;',
    '  route 10.1.0.0/16 blackhole;',
    'protocol bgp vco_7 {',
    '  disabled no;',
    '  local 169.254.10.1 as 45104;',
    '  neighbor 169.254.10.2 as 4294967295;',
    '  password "k#y";',
    '    import limit 50 action block;',
    '[ 169.254.0.0/16+, 127.0.0.0/8+, 224.0.0.0/3+, 0.0.0.0/0, 10.1.0.0/16+ ]',
    'net ~ [ 10.1.0.0/16 ] then { bgp_med = 800; accept; }',
    'graceful restart off;',
  ]) {
    assert(config.includes(part), `${part}\n\n${config}`)
  }
})

test('a session whose tunnel is down is switched off, one that announces nothing exports nothing', () => {
  const config = render(session({ advertised: [] }, { open: false }))
  assert.match(config, /disabled yes;/)
  assert.match(config, /export none;/)
  assert.doesNotMatch(config, /route .* blackhole|password/)
})

test('the slave announces better than the master whose tunnel is down, and than nobody else', () => {
  const meds = (...sessions: BgpSession[]) =>
    [...render(...sessions).matchAll(/protocol bgp (\S+) \{.*?bgp_med = (\d+)/gs)].map(([, name, med]) => [
      name,
      med,
    ])
  const master = (more: Partial<BgpSession> = {}) => session({}, { name: sessionName(1), ...more })
  const slave = (more: Partial<BgpSession> = {}) =>
    session({ preference: 100 }, { name: sessionName(2), ...more })
  assert.deepEqual(meds(master(), slave()), [
    ['vco_1', '800'],
    ['vco_2', '900'],
  ])
  for (const open of [true, false]) {
    assert.deepEqual(meds(master({ up: false, open }), slave()).at(-1), ['vco_2', '799'])
  }
  assert.deepEqual(meds(master(), slave({ up: false })).at(0), ['vco_1', '800'])
  assert.deepEqual(meds(master({ up: false }), slave({ connectionId: 'vco-2' })).at(-1), ['vco_2', '900'])
  const best = session({ preference: 1_000 }, { name: sessionName(1), up: false })
  assert.deepEqual(meds(best, slave()).at(-1), ['vco_2', '0'])
})

test('the order of the sessions and of their networks does not matter', () => {
  const other = session({ localIp: '169.254.11.1', peerIp: '169.254.11.2' }, { name: sessionName(12) })
  const one = session({ advertised: ['10.1.0.0/16', '10.9.0.0/16'] })
  const same = session({ advertised: ['10.9.0.0/16', '10.1.7.0/16', '10.1.0.0/16'] })
  assert.equal(render(one, other), render(other, same))
})

test('what BIRD cannot be told is refused without quoting the key', () => {
  for (const [what, bad] of Object.entries({
    'local address': session({ localIp: '169.254.10.1; }' }),
    'peer address': session({ peerIp: 'peer.example' }),
    'local ASN': session({ localAsn: 0 }),
    'peer ASN': session({ peerAsn: 4_294_967_296 }),
    'half an ASN': session({ peerAsn: 1.5 }),
    network: session({ advertised: ['10.0.0.0/33'] }),
    preference: session({ preference: 1_001 }),
    name: session({}, { name: 'gw' }),
    'a key that ends the string': session({ authKey: new Secret('a"b-secret') }),
    'a key of two lines': session({ authKey: new Secret('a\nb-secret') }),
    'no key at all': session({ authKey: new Secret('') }),
  })) {
    assert.throws(
      () => render(bad),
      (error: unknown) => {
        assert(error instanceof EngineError, what)
        assert.equal(error.retry, false, what)
        assert.doesNotMatch(error.message, /secret/, what)
        return true
      },
      what,
    )
  }
})

test('a session whose key is not known is refused and says so', () => {
  assert.throws(
    () => render(session({ authKey: new Secret('') })),
    /is not known until its tunnel is applied/,
  )
})

test('keys are read back by session, and no session takes that of another', () => {
  const config = render(
    session({}, { name: sessionName(1) }),
    session({ authKey: new Secret('} password ; #2') }, { name: sessionName(2) }),
    session({}, { name: sessionName(3) }),
    session({ authKey: new Secret('four') }, { name: sessionName(4) }),
  )
  assert.deepEqual(
    [...keysIn(config)].map(([name, key]) => [name, key.reveal()]),
    [
      ['vco_2', '} password ; #2'],
      ['vco_4', 'four'],
    ],
  )
})

test('no key can write anything but a key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (key) => {
      let config: string
      try {
        config = render(session({ authKey: new Secret(key) }))
      } catch (error) {
        return error instanceof EngineError && (key === '' || /[^\x20\x21\x23-\x7e]/.test(key))
      }
      return (
        config.split('\n').includes(`  password "${key}";`) && keysIn(config).get('vco_7')?.reveal() === key
      )
    }),
  )
})
