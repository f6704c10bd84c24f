import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isSameMoment,
  observeAdvertised,
  observeLearned,
  observeSessions,
  parseComplaint,
} from './observe.ts'
import { type ReplyLine, ReplyReader } from './reply.ts'

/** As BIRD 2.0.12 wrote it. */
function reply(text: string): readonly ReplyLine[] {
  const [heard] = new ReplyReader().push(Buffer.from(text))
  assert(heard?.kind === 'reply')
  return heard.lines
}

const protocols = `2002-Name       Proto      Table      State  Since         Info
1002-vco_1      BGP        ---        up     2026-11-25 23:50:25.877  Established   
1006-  BGP state:          Established
     Neighbor address: 169.254.10.2
     Neighbor AS:      65002
     Hold timer:       6.813/9
   Channel ipv4
     State:          UP
     Import limit:   2 [HIT]
       Action:       block
     Routes:         2 imported, 1 exported, 2 preferred
     Route change stats:     received   rejected   filtered    ignored   accepted
       Import updates:              5          0          2          1          2
     BGP Next hop:   169.254.10.1
 
1002-vco_2      BGP        ---        start  2026-11-25 23:51:08.718  Active        Socket: Connection closed
1006-  BGP state:          Active
     Connect delay:    0.463/1
     Last error:       Socket: Connection closed
   Channel ipv4
     State:          DOWN
     Import limit:   50
 
1002-vco_3      BGP        ---        down   2026-11-25 23:51:02.911  
1006-  BGP state:          Down
 
1002-static1    Static     master4    up     2026-11-25 23:50:25.051  
0000 
`

test('sessions: state, since when, last error, limit', () => {
  const sessions = observeSessions(reply(protocols))
  assert.deepEqual([...sessions.keys()], ['vco_1', 'vco_2', 'vco_3'])
  const { routesMark, ...first } = sessions.get('vco_1')!
  assert.deepEqual(first, {
    state: 'established',
    since: Date.UTC(2026, 10, 25, 23, 50, 25, 877),
    limitReached: true,
  })
  assert.notEqual(
    routesMark,
    observeSessions(reply(protocols.replace('2 imported', '3 imported'))).get('vco_1')?.routesMark,
  )
  assert.equal(
    routesMark,
    observeSessions(reply(protocols.replace('6.813/9', '5.2/9'))).get('vco_1')?.routesMark,
  )
  const { state, lastError, limitReached } = sessions.get('vco_2')!
  assert.deepEqual(
    { state, lastError, limitReached },
    { state: 'active', lastError: 'Socket: Connection closed', limitReached: false },
  )
  assert.equal(sessions.get('vco_3')?.state, 'idle')
})

const routes = `1007-Table master4:
 10.23.0.0/24         unicast [vco_1 2026-11-25 23:50:26.039] * (100) [AS65002i]
 	via 169.254.10.2 on vco1
1008-	Type: BGP univ
1012-	BGP.origin: IGP
 	BGP.as_path: 65002 64999
 	BGP.next_hop: 169.254.10.2
 	BGP.local_pref: 200
 	BGP.community: (65002,100) (65002,101)
 	BGP.large_community: (65002, 1, 2)
1007-                     unicast [vco_2 2026-11-25 23:50:26.039] (100) [AS65002i]
 	via 169.254.11.2 on vco2
1008-	Type: BGP univ
1012-	BGP.as_path: 65002
1007-10.24.0.0/24         unreachable [vco_2 2026-11-25 23:50:26.039 from 169.254.11.2] * (100/-) [i]
1008-	Type: BGP univ
1012-	BGP.as_path: 
 	BGP.ext_community: (rt, 65002, 5)
0000 
`

test('learned networks, by session, with path, communities and which is in use', () => {
  assert.deepEqual(Object.fromEntries(observeLearned(reply(routes))), {
    vco_1: [
      {
        prefix: '10.23.0.0/24',
        asPath: '65002 64999',
        communities: '65002:100 65002:101 65002:1:2',
        best: true,
      },
    ],
    vco_2: [
      { prefix: '10.23.0.0/24', asPath: '65002', communities: '', best: false },
      { prefix: '10.24.0.0/24', asPath: '', communities: 'rt:65002:5', best: true },
    ],
  })
  assert.deepEqual([...observeLearned(reply('0000 \n'))], [])
})

test('announced networks', () => {
  const said = `1007-Table master4:
 10.1.0.0/16          blackhole [own 2026-11-25 23:50:25.051] * (200)
 10.3.0.0/16          blackhole [own 2026-11-25 23:50:25.051] * (200)
0000 
`
  assert.deepEqual(observeAdvertised(reply(said)), ['10.1.0.0/16', '10.3.0.0/16'])
})

test('complaints in the log', () => {
  for (const [line, want] of [
    ['vco_1: Error: Bad peer AS: 65002', { session: 'vco_1', text: 'Bad peer AS: 65002' }],
    ['vco_12: Error: Hold timer expired', { session: 'vco_12', text: 'Hold timer expired' }],
    [
      'vco_1: Received: Administrative shutdown',
      { session: 'vco_1', text: 'Received: Administrative shutdown' },
    ],
    ['vco_1: State changed to up', undefined],
    ['vco_1.ipv4 > added [best] 10.2.0.0/24', undefined],
    ['Reconfigured', undefined],
  ] as const) {
    assert.deepEqual(parseComplaint(line), want)
  }
})

test('a session is the same when its moment is reckoned a little otherwise, and another one a second later', () => {
  const at = Date.parse('2026-11-26T03:45:21.674Z')
  assert(isSameMoment(at, at + 4))
  assert(isSameMoment(at + 4, at))
  assert(!isSameMoment(at, at + 1_000))
})
