/**
 * A failure that is real at a real peer is told everywhere by the same name, within a second: the API, the diagnosis, the
 * log of the tunnel, the log of the server, the metrics, a webhook. The peer is configured by the text that Suidao
 * writes for it.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parsePrometheus } from '../support/prometheus.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { command } from './support/command.ts'
import { Lab } from './support/lab.ts'
import type { Peer } from './support/peer.ts'
import { connectionTo, Product, type Site } from './support/product.ts'
import { until } from './support/until.ts'

const skip = Lab.missing() ?? false
const peerAddress = '198.51.100.2'
const psk = 'a-key-for-the-lab'
const wrongPsk = 'a-key-of-somebody-else'
const secret = 'a-secret-of-the-webhook'
/** Longest time between the first place that tells a reason and the last one, in milliseconds. */
const limit = 1_000

describe('what a failure says, everywhere', { skip }, () => {
  let product: Product
  let site: Site
  let peer: Peer
  let receiver: Receiver
  let vco: string
  /** For swanctl.conf at the peer, as Suidao writes it. */
  let text: string

  before(async () => {
    receiver = await startReceiver(secret)
    product = await Product.create({
      METRICS_LISTEN: '127.0.0.1:0',
      WEBHOOK_URL: receiver.url,
      WEBHOOK_SECRET: secret,
    })
    site = await product.site('h1')
    peer = await product.peer('p1', peerAddress)
    const cgw = await product.customerGateway(peerAddress)
    const { VpnConnectionId } = await product.ask('CreateVpnConnection', connectionTo(site, cgw, psk))
    vco = VpnConnectionId
  })
  after(async () => {
    await receiver?.close()
    await product?.close()
  })

  /** Gives the peer a configuration as its administrator would. */
  async function load(configuration: string, at = peer): Promise<void> {
    const file = join(product.server.folder, 'swanctl.conf')
    await writeFile(file, configuration)
    await command('swanctl', '--load-all', '--clear', '--file', file, '--uri', `unix://${at.charon.socket}`)
  }

  const answers = {
    api: async () => (await product.describe(vco))['X-Suidao'].Reason?.Code,
    diagnosis: async () => {
      const answer = await product.ask('DiagnoseVpnConnections', {
        'VpnConnectionIds.1': vco,
        'X-Suidao': 'true',
      })
      return answer['X-Suidao'].Verdicts[0].Code
    },
    metrics: async () => {
      const series = parsePrometheus(await (await fetch(product.server.metricsUrl)).text())
      return series.find(({ name, labels }) => name === 'suidao_tunnel_reason' && labels['tunnel'] === vco)
        ?.labels['code']
    },
    'log of the tunnel': async () => {
      const lines = await tunnelLog()
      return /, ([A-Z_]+): /.exec(lines.findLast((line) => line.includes('[STATUS]')) ?? '')?.[1]
    },
    'log of the server': async () => {
      const lines = product.server.log
        .split('\n')
        .filter((line) => line.includes('a tunnel has changed') && line.includes(vco))
      return lines.length === 0 ? undefined : JSON.parse(lines.at(-1)!).reason
    },
    webhook: async () =>
      receiver.received.findLast(({ event }) => event['data'].content.vpnConnectionId === vco)?.event['data']
        .content.reason?.code,
  } satisfies Readonly<Record<string, () => Promise<string | undefined>>>

  async function tunnelLog(): Promise<string[]> {
    const lines: string[] = []
    for (let PageNumber = 1; ; PageNumber++) {
      const page = { VpnConnectionId: vco, MinutePeriod: 10, PageNumber, PageSize: 50 }
      const { Data, Count } = await product.ask('DescribeVpnConnectionLogs', page)
      lines.push(...Data.Logs)
      if (Count < 50) return lines
    }
  }

  /** Asks all of them until each tells the reason; answers when each told it first. */
  async function told(codes: readonly string[]): Promise<Map<string, { code: string; at: number }>> {
    const first = new Map<string, { code: string; at: number }>()
    const pending = Object.entries(answers).map(async ([name, ask]) => {
      const code = await until(
        `${name} tells ${codes}`,
        async () => {
          const code = await ask()
          return code !== undefined && codes.includes(code) && code
        },
        { timeoutMs: 30_000 },
      )
      first.set(name, { code, at: performance.now() })
    })
    await Promise.all(pending)
    return first
  }

  test('the text that is written for strongSwan is taken by swanctl, connects, and carries packets', async () => {
    const answer = await product.ask('DownloadVpnConnectionConfig', {
      VpnConnectionId: vco,
      'X-Suidao': 'true',
    })
    text = answer['X-Suidao'].PeerConfigurations.strongswan
    assert.match(text, new RegExp(psk))
    await load(text)
    await product.up(vco)
    // The route comes a moment after the SA.
    await until('the way there', () => product.lab.reaches(site.host, '10.0.1.10', '172.16.0.1'))
    assert.deepEqual(await product.lab.ping(site.host, '10.0.1.10', '172.16.0.1', { count: 5 }), {
      sent: 5,
      received: 5,
    })
    const { VpnConnections } = await product.ask('DiagnoseVpnConnections', { 'VpnConnectionIds.1': vco })
    assert.equal(VpnConnections[0].FailedReasonCode, 'NoExceptionFound')
    await until('the webhook heard of it', async () =>
      receiver.received.some(({ event }) => event['type'] === 'vpn:CloudMonitor:IpsecPhase2NegoSuccess'),
    )
    const lines = await tunnelLog()
    assert.ok(lines.some((line) => /\[IKE\] IKE_SA .* established between /.test(line)))
    assert.ok(lines.some((line) => line.includes('[ENGINE] a tunnel is up')))
  })

  const others: readonly [name: string, ike: Record<string, string>, number: number][] = [
    ['IKEv1 in main mode, two networks', { IkeVersion: 'ikev1' }, 3],
    [
      'IKEv1 in aggressive mode, identities that are names, an odd key',
      {
        IkeVersion: 'ikev1',
        IkeMode: 'aggressive',
        LocalId: 'cloud.example',
        RemoteId: 'office@example',
        Psk: `0s"odd\\key#{}'`,
      },
      4,
    ],
  ]
  for (const [name, ike, number] of others) {
    test(`the text connects as well: ${name}`, async () => {
      const address = `198.51.100.${number}`
      const lans = [`172.${20 + number}.0.1/32`, `172.${20 + number}.1.1/32`]
      const other = await product.lab.peer(`p${number}`, `${address}/24`, lans)
      const { VpnConnectionId } = await product.ask('CreateVpnConnection', {
        ...connectionTo(site, await product.customerGateway(address), psk, ike),
        RemoteSubnet: lans.map((lan) => lan.replace('.1/32', '.0/24')).join(','),
      })
      const answer = await product.ask('DownloadVpnConnectionConfig', { VpnConnectionId, 'X-Suidao': 'true' })
      await load(answer['X-Suidao'].PeerConfigurations.strongswan, other)
      await product.up(VpnConnectionId, 40_000)
      for (const lan of lans) {
        const to = lan.replace('/32', '')
        await until(`${to} answers`, async () => {
          return product.lab.reaches(site.host, '10.0.1.10', to)
        })
      }
    })
  }

  test('a diagnosis of the gateway tries the ways to the peer and through the tunnel', async (t) => {
    const levels = async (PrivateDestinationIp: string) => {
      const { DiagnoseId } = await product.ask('DiagnoseVpnGateway', {
        VpnGatewayId: site.VpnGatewayId,
        ResourceId: vco,
        ResourceType: 'IPsec',
        IPsecExtendInfo: JSON.stringify({ PrivateSourceIp: '10.0.1.10', PrivateDestinationIp }),
      })
      const { DiagnoseResult } = await until(
        'the diagnosis is finished',
        async () => {
          const answer = await product.ask('GetVpnGatewayDiagnoseResult', { DiagnoseId })
          return answer['FinishTime'] && answer
        },
        { timeoutMs: 30_000 },
      )
      for (const item of DiagnoseResult.slice(-2)) t.diagnostic(item.DiagnoseResultDescription)
      return Object.fromEntries(
        DiagnoseResult.map((item: Record<string, string>) => [
          item['DiagnoseName'],
          item['DiagnoseResultLevel'],
        ]),
      )
    }
    const well = await levels('172.16.0.1')
    assert.deepEqual([...new Set(Object.values(well))], ['normal'])
    assert.equal(Object.keys(well).length, 7)
    const nobody = await levels('172.16.0.77')
    assert.equal(nobody['VcoUserInternetIpConnectivity'], 'normal')
    assert.equal(nobody['VcoPrivateConnectivity'], 'error')
  })

  const causes: readonly [
    name: string,
    change: (configuration: string) => string,
    codes: readonly string[],
  ][] = [
    ['another key', (file) => file.replace(psk, wrongPsk), ['PSK_MISMATCH', 'PEER_REJECTED_AUTH']],
    [
      'another encryption in phase 1',
      (file) => file.replace('proposals = aes128-sha1-', 'proposals = aes256-sha1-'),
      ['IKE_ENCRYPTION_MISMATCH', 'IKE_PROPOSAL_OR_UNKNOWN_PEER'],
    ],
    [
      'other networks',
      (file) => file.replace('local_ts = 172.16.0.0/24', 'local_ts = 172.31.0.0/24'),
      ['SUBNET_MISMATCH'],
    ],
  ]
  for (const [cause, change, codes] of causes) {
    test(`${cause} at the peer: six places tell it within ${limit} ms of each other`, async (t) => {
      await load(change(text))
      await peer.dropSas()
      const first = await told(codes)
      const times = [...first.values()].map(({ at }) => at)
      const spread = Math.max(...times) - Math.min(...times)
      const shown = [...first].map(
        ([name, { code, at }]) => `${name} ${code} +${Math.round(at - Math.min(...times))}`,
      )
      t.diagnostic(`${cause}: ${shown.join(', ')}`)
      assert.ok(spread < limit, `${Math.round(spread)} ms: ${shown}`)
      assert.deepEqual(receiver.faults, [])
      await load(text)
      await peer.dropSas()
      await product.up(vco, 60_000)
    })
  }

  test('no key and no secret stands in any of it', async () => {
    const everything = [
      product.server.log,
      JSON.stringify(await tunnelLog()),
      await (await fetch(product.server.metricsUrl)).text(),
      JSON.stringify(
        await product.ask('DiagnoseVpnConnections', { 'VpnConnectionIds.1': vco, 'X-Suidao': 'true' }),
      ),
      ...receiver.received.map((one) => one.text),
      await command(
        'sh',
        '-c',
        `cat ${product.server.dataDir}/logs/*/* ${product.server.dataDir}/engines/*/charon.log`,
      ),
    ].join('\n')
    assert.ok(everything.length > 10_000)
    for (const word of [psk, wrongPsk, secret, product.server.root.secret]) {
      assert.ok(!everything.includes(word), word)
    }
  })
})
