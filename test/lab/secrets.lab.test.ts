/**
 * The whole product with pre-shared keys, certificates, a BGP key and access keys, and afterwards: none of them, and no
 * private key, stands in anything that Suidao has written, printed, answered or given to a process on its command line.
 *
 * What may hold one: the root key's own file, the master key's own file, for the key of a BGP session the configuration
 * of BIRD, which takes it from nowhere else (all for their owner only), and the members `Psk` and `AuthKey` of answers,
 * which the vendor's documents ask for.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, lstatSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { openDatabase } from '../../src/db/open.ts'
import { createSealer, loadMasterKey } from '../../src/seal.ts'
import { popCore } from '../support/app.ts'
import { OpensslCa } from '../support/openssl.ts'
import { command } from './support/command.ts'
import { Lab } from './support/lab.ts'
import type { Peer } from './support/peer.ts'
import { connectionTo, Product, peerOf, RegionId, type Site } from './support/product.ts'
import { until } from './support/until.ts'

const run = promisify(execFile)
const peerAddress = '198.51.100.2'
const otherAddress = '198.51.100.3'
const metrics = `127.0.0.1:${20_000 + (process.pid % 20_000)}`

/** Long enough that nobody says them by accident. */
const psk = 'psk-Zq81xVn4Lw7p'
const laterPsk = 'psk-Hd55rTk9Bc2m'
const authKey = 'bgp-Yt63uGs0Xe8f'
const refusedKey = 'psk with Jm72 blanks'

describe('secrets stay where they belong', { skip: Lab.missing() ?? false }, () => {
  let product: Product
  let site: Site
  let peer: Peer
  let branch: OpensslCa
  let other: OpensslCa
  let vco: string
  let cgw: string
  /** Everything that was answered where no document asks for a key. */
  const answers: unknown[] = []
  let userKey: { AccessKeyId: string; AccessKeySecret: string }
  let temporary: { AccessKeySecret: string; SecurityToken: string }

  /** The command line, against the store of the running server. */
  const suidao = async (...args: string[]) => {
    const program = join(import.meta.dirname, '../../bin/suidao.mjs')
    const env = { PATH: process.env['PATH'] ?? '', SUIDAO_DATA_DIR: product.server.dataDir }
    return (await run(process.execPath, [program, ...args], { env })).stdout
  }
  const ask = async (action: string, params: Record<string, unknown> = {}) => {
    const answer = await product.ask(action, params)
    const demanded = ['Psk', 'AuthKey']
    answers.push(JSON.stringify(answer, (name, value) => (demanded.includes(name) ? undefined : value)))
    return answer
  }
  const refused = async (action: string, params: Record<string, unknown>) => {
    try {
      await product.ask(action, params)
    } catch (error) {
      // The client's error repeats the whole request; what the server said is in `data`.
      const { code, data } = error as { code: string; data: unknown }
      assert(data)
      answers.push(data)
      return code
    }
    return 'OK'
  }
  const whenReason = async (code: string) => {
    const answer = await product.connection(vco, code, ({ 'X-Suidao': extra }) => extra.Reason?.Code === code)
    answers.push(answer['X-Suidao'])
    return answer
  }
  const ping = async () =>
    assert.deepEqual(
      await until('packets pass', async () => {
        const seen = await product.lab.ping(site.host, '10.0.1.10', '172.16.0.1', { count: 3 })
        return seen.received === 3 && seen
      }),
      { sent: 3, received: 3 },
    )

  before(async () => {
    branch = await OpensslCa.create('branch', 'p256')
    other = await OpensslCa.create('other', 'p256')
    product = await Product.create({ METRICS_LISTEN: metrics, LOG_LEVEL: 'debug' })
    site = await product.site('h1')
    peer = await product.peer('p1', peerAddress)
    userKey = JSON.parse(await suidao('keys', 'create', '--user', 'ann', '--json'))
    temporary = JSON.parse(await suidao('keys', 'create', '--expires', '900', '--json'))
    cgw = (await ask('CreateCustomerGateway', { IpAddress: peerAddress, Asn: 65_001, AuthKey: authKey }))
      .CustomerGatewayId
  })
  after(async () => {
    await product?.close()
    await Promise.all([branch, other].map((ca) => ca?.close()))
  })

  const certified = async (ca: OpensslCa) => {
    const { certificate, key } = await ca.issue({ names: `IP:${peerAddress}` })
    const remoteCa = await suidao('ca', 'ecdsa')
    return peerOf(peerAddress, site.InternetIp, psk, {
      certificate: { own: certificate, ownKey: key, remoteCa },
      connection: { send_cert: 'always' },
    })
  }

  test('a tunnel with RemoteCaCertificate comes up against a peer that has our CA from the command line', async () => {
    await peer.load(await certified(branch))
    const wanted = { ...connectionTo(site, cgw, psk), RemoteCaCertificate: branch.certificate }
    vco = (await ask('CreateVpnConnection', wanted)).VpnConnectionId
    const answer = await product.up(vco)
    assert.equal(answer.RemoteCaCertificate, branch.certificate)
    assert.equal(answer['X-Suidao'].Certificates.Own.Identity, site.InternetIp)
    await ping()
  })

  test('another CA on the live connection shuts the peer out at once, until it has a certificate of that one', async () => {
    await ask('ModifyVpnConnectionAttribute', {
      VpnConnectionId: vco,
      RemoteCaCertificate: other.certificate,
    })
    const answer = await whenReason('CERT_UNKNOWN_CA')
    assert.equal(answer.Status, 'ike_sa_not_established')
    assert.equal(await product.lab.reaches(site.host, '10.0.1.10', '172.16.0.1'), false)
    await peer.load(await certified(other))
    await product.up(vco)
    await ping()
  })

  test('Suidao is killed and started again: the tunnel is taken over without a new negotiation', async () => {
    const spi = (await product.up(vco))['X-Suidao'].ChildSas[0].spiIn
    await product.server.stop('SIGKILL')
    await product.server.start()
    const answer = await product.up(vco)
    assert.equal(answer['X-Suidao'].ChildSas[0].spiIn, spi)
    await ping()
    // And the daemon, when it dies, is given everything again.
    const [pidFile] = globSync(join(product.server.dataDir, 'engines/*/charon.pid'))
    process.kill(Number(readFileSync(pidFile!, 'utf8')), 'SIGKILL')
    await product.connection(
      vco,
      'a new negotiation',
      ({ Status, 'X-Suidao': extra }) =>
        Status === 'ipsec_sa_established' && extra.ChildSas[0] && extra.ChildSas[0].spiIn !== spi,
      30_000,
    )
  })

  test('back to a pre-shared key, a wrong one for a while', async () => {
    await ask('ModifyVpnConnectionAttribute', { VpnConnectionId: vco, RemoteCaCertificate: '' })
    await whenReason('PEER_REJECTED_AUTH')
    await peer.load(peerOf(peerAddress, site.InternetIp, laterPsk))
    await whenReason('PEER_REJECTED_AUTH')
    await ask('ModifyVpnConnectionAttribute', {
      VpnConnectionId: vco,
      IkeConfig: JSON.stringify({ Psk: laterPsk }),
    })
    await product.up(vco)
    await ping()
  })

  test('no secret in anything that was written, printed, answered or handed to a process', async () => {
    const { dataDir, root, host, log } = product.server
    // Some more of everything that talks about connections, right and wrong.
    assert.equal(
      await refused('ModifyVpnConnectionAttribute', {
        VpnConnectionId: vco,
        IkeConfig: JSON.stringify({ Psk: refusedKey }),
      }),
      'IllegalParam.Psk',
    )
    await refused('CreateVpnConnection', { ...connectionTo(site, cgw, psk), RemoteSubnet: 'none' })
    await assert.rejects(
      popCore(host, { id: root.id, secret: 'wrong' }).request('DescribeVpcs', { RegionId }),
      ({ data }) => answers.push(data) > 0,
    )
    const silent = await ask('CreateCustomerGateway', {
      ...{ IpAddress: otherAddress, Asn: 65_002, AuthKey: authKey },
    })
    await ask('CreateVpnConnection', {
      ...connectionTo(site, silent.CustomerGatewayId, psk),
      RemoteSubnet: '172.17.0.0/24',
      BgpConfig: JSON.stringify({
        ...{ EnableBgp: true, LocalAsn: 65_000, TunnelCidr: '169.254.30.0/30', LocalBgpIp: '169.254.30.1' },
      }),
    })
    await until('the key of the session where BIRD reads it', async () =>
      globSync(join(dataDir, '**/bird.conf')).some((file) => readFileSync(file, 'utf8').includes(authKey)),
    )
    await ask('DescribeVpnConnectionLogs', { VpnConnectionId: vco, MinutePeriod: 10 })
    await ask('DiagnoseVpnConnections', { 'VpnConnectionIds.1': vco })
    await ask('DescribeCustomerGateways')
    answers.push((await product.describe(vco))['X-Suidao'])
    answers.push(await (await fetch(`http://${metrics}/metrics`)).text())
    answers.push(await suidao('keys', 'list'), await suidao('ca', 'list'), log)

    const masterKey = join(dataDir, 'master.key')
    const sealer = createSealer(loadMasterKey(masterKey))
    const db = await openDatabase({ kind: 'sqlite', file: join(dataDir, 'suidao.db') })
    const privateKeys = [
      ...(await db.kysely.selectFrom('certificate_authority').selectAll().execute()).map((row) =>
        sealer.open(row.key_sealed, `certificate_authority/${row.kind}/key`).reveal(),
      ),
      ...(await db.kysely.selectFrom('tunnel_certificate').selectAll().execute()).map((row) =>
        sealer.open(row.key_sealed, `tunnel_certificate/${row.tunnel_id}/key`).reveal(),
      ),
    ]
    await db.close()
    assert.equal(privateKeys.length, 3)
    const secrets = [
      ...[psk, laterPsk, authKey, refusedKey, root.secret, userKey.AccessKeySecret],
      ...[temporary.AccessKeySecret, temporary.SecurityToken, readFileSync(masterKey, 'utf8').trim()],
      ...privateKeys.map((pem) => pem.split('\n')[1]!),
      'PRIVATE KEY',
    ]
    const mayHold: Readonly<Record<string, string>> = {
      'master.key': readFileSync(masterKey, 'utf8').trim(),
      'root-access-key.json': root.secret,
      'bird.conf': authKey,
    }
    const found: string[] = []
    const search = (place: string, text: string, allowed?: string) => {
      for (const secret of secrets) {
        if (secret !== allowed && text.includes(secret)) found.push(`${secret.slice(0, 8)}… in ${place}`)
      }
    }

    const files = globSync('**/*', { cwd: product.server.folder, withFileTypes: true })
    for (const entry of files) {
      const path = join(entry.parentPath, entry.name)
      const { mode } = lstatSync(path)
      if (!entry.isSymbolicLink()) {
        const isOpen = path.startsWith(dataDir) && (mode & 0o077) !== 0
        const isHidden = path !== dataDir && (lstatSync(dataDir).mode & 0o077) === 0
        assert(!isOpen || isHidden, `${path} can be read by others (${mode.toString(8)})`)
      }
      if (entry.isFile()) search(path, readFileSync(path, 'latin1'), mayHold[basename(path)])
    }
    assert(files.length > 10, `only ${files.length} files were looked at`)
    assert.equal(lstatSync(dataDir).mode & 0o077, 0)
    for (const [index, answer] of answers.entries()) {
      search(`answer ${index}`, typeof answer === 'string' ? answer : JSON.stringify(answer))
    }
    let processes = 0
    for (const [, netns] of (await command('ip', 'netns', 'list')).matchAll(/^(\S+)/gm)) {
      if (product.names.kindOf(netns!) === undefined) continue
      for (const pid of (await command('ip', 'netns', 'pids', netns!)).split('\n').filter(Boolean)) {
        processes += 1
        for (const file of ['cmdline', 'environ']) {
          search(`/proc/${pid}/${file}`, readFileSync(`/proc/${pid}/${file}`, 'latin1'))
        }
      }
    }
    assert(processes > 0)
    assert.deepEqual(found, [])
  })
})
