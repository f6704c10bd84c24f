import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseXfrmStates, statesOfCarrier } from './xfrm-state.ts'

// As iproute2 6.1 prints them; keys shortened.
const text = `src 198.51.100.1 dst 198.51.100.2
	proto esp spi 0xc1b9a3f6 reqid 1 mode tunnel
	replay-window 0 flag af-unspec
	auth-trunc hmac(sha1) 0x00 96
	enc cbc(aes) 0x00
	anti-replay context: seq 0x0, oseq 0x5, bitmap 0x00000000
	if_id 0x2
src 198.51.100.2 dst 198.51.100.1
	proto esp spi 0xc9d1cc7e reqid 4 mode tunnel
	replay-window 32 flag af-unspec
	mark 0x3/0xffffffff
	auth-trunc hmac(sha1) 0x00 96
	enc cbc(aes) 0x00
	encap type espinudp sport 4500 dport 4500 addr 0.0.0.0
src 198.51.100.1 dst 198.51.100.3
	proto esp spi 0x00000000 reqid 2 mode tunnel
	replay-window 0
	sel src 10.1.0.10/32 dst 10.3.0.1/32 proto icmp type 8 code 0
`

test('SAs are read with what ties them to a tunnel; one that only waits for its negotiation is none', () => {
  assert.deepEqual(parseXfrmStates(text), [
    {
      source: '198.51.100.1',
      destination: '198.51.100.2',
      spi: '0xc1b9a3f6',
      reqid: '1',
      carrier: 2,
      isMarked: false,
    },
    {
      source: '198.51.100.2',
      destination: '198.51.100.1',
      spi: '0xc9d1cc7e',
      reqid: '4',
      carrier: 3,
      isMarked: true,
    },
  ])
  assert.deepEqual(parseXfrmStates(''), [])
})

test('of a pair of SAs only one may bear the mark of the tunnel', () => {
  const state = (spi: string, reqid: string, carrier: number) => ({
    source: '198.51.100.1',
    destination: '198.51.100.2',
    spi,
    reqid,
    carrier,
    isMarked: carrier !== 0,
  })
  const states = [state('0x1', '1', 2), state('0x2', '1', 0), state('0x3', '2', 3), state('0x4', '2', 0)]
  const spis = (carrier: number) => statesOfCarrier(states, carrier).map(({ spi }) => spi)
  assert.deepEqual([spis(2), spis(3), spis(4)], [['0x1', '0x2'], ['0x3', '0x4'], []])
})
