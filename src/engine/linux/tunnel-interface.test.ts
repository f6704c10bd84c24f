import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressLines, routeLines } from './tunnel-interface.ts'

const routes = { interface: 'vco3', metric: 103, source: '10.1.0.254' }

test('routes are added, kept and removed as wanted', () => {
  for (const { name, present, networks, want } of [
    { name: 'none to none', present: [], networks: [], want: [] },
    {
      name: 'up',
      present: [],
      networks: ['10.2.0.5/24', '10.2.0.9/24'],
      want: ['route replace 10.2.0.0/24 dev vco3 metric 103 src 10.1.0.254'],
    },
    { name: 'as they are', present: ['10.2.0.0/24'], networks: ['10.2.0.0/24'], want: [] },
    {
      name: 'another network',
      present: ['10.2.0.0/24'],
      networks: ['0.0.0.0/0'],
      want: [
        'route del 10.2.0.0/24 dev vco3 metric 103',
        'route replace 0.0.0.0/0 dev vco3 metric 103 src 10.1.0.254',
      ],
    },
    {
      name: 'down',
      present: ['10.2.0.0/24'],
      networks: [],
      want: ['route del 10.2.0.0/24 dev vco3 metric 103'],
    },
  ]) {
    assert.deepEqual(routeLines(present, { ...routes, networks }), want, name)
  }
})

test('an interface has the addresses of its tunnels, and none is taken away before it is replaced', () => {
  assert.deepEqual(addressLines('vco3', ['169.254.10.1/30'], ['169.254.10.1/30']), [])
  assert.deepEqual(
    addressLines('vco3', ['169.254.10.1/30', '169.254.9.1/30'], ['169.254.11.1/30', '169.254.9.1/30']),
    ['addr add 169.254.11.1/30 dev vco3', 'addr del 169.254.10.1/30 dev vco3'],
  )
})
