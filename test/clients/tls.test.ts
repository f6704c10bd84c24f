/** The official clients over HTTPS, with a certificate that the server makes by a CA of its own. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import openapi from '@alicloud/openapi-core'
import RpcClient from '@alicloud/pop-core'
import vpc from '@alicloud/vpc20160428'
import { VirtualClock } from '../../src/clock.ts'
import { loadCertificate } from '../../src/tls.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { RegionId } from '../support/official-clients.ts'

describe('over TLS', () => {
  let app: TestApp
  let ca: string
  before(async () => {
    app = await startTestApp({ settings: { TLS_LISTEN: '127.0.0.1:0' } })
    ca = readFileSync(app.tls!.caFile, 'utf8')
  })
  after(() => app.close())

  const popCore = (agent: Agent) =>
    new RpcClient({
      endpoint: `https://${app.tls!.host}`,
      apiVersion: '2016-04-28',
      accessKeyId: app.root.id,
      accessKeySecret: app.root.secret,
      opts: { agent },
    })
  const ask = async (agent: Agent) => {
    try {
      return await popCore(agent).request<{ TotalCount: number }>('DescribeVpcs', { RegionId })
    } finally {
      agent.destroy()
    }
  }

  test('pop-core, which trusts the CA', async () => {
    assert.equal((await ask(new Agent({ ca }))).TotalCount, 0)
  })

  test('pop-core, which does not', async () => {
    await assert.rejects(ask(new Agent()), /unable to verify|self.signed|unable to get/)
  })

  test('vpc20160428', async () => {
    const config = new openapi.$OpenApiUtil.Config({
      endpoint: app.tls!.host,
      protocol: 'HTTPS',
      ca,
      accessKeyId: app.root.id,
      accessKeySecret: app.root.secret,
    })
    const client = new vpc.default(config as never)
    const { body } = await client.describeVpcs(new vpc.DescribeVpcsRequest({ regionId: RegionId }))
    assert.equal(body!.totalCount, 0)
  })

  test('who speaks no TLS gets nothing, and the others are answered on', async () => {
    const [host, port] = app.tls!.host.split(':') as [string, string]
    const heard = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(Number(port), host, () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
      })
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
    })
    assert.doesNotMatch(heard, /HTTP\/1\.1/)
    assert.equal((await ask(new Agent({ ca }))).TotalCount, 0)
  })

  test('old versions of TLS are refused', async () => {
    const [host, port] = app.tls!.host.split(':') as [string, string]
    const refused = new Promise((_, reject) => {
      connectTls({ host, port: Number(port), ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }).on(
        'error',
        reject,
      )
    })
    await assert.rejects(refused, /protocol version|no protocols|unsupported protocol|handshake failure/i)
  })
})

test("the operator's certificate is shown, and a newer one within a minute", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'suidao-tls-'))
  const made = (name: string) => ({ folder: join(folder, name), names: ['localhost'] })
  loadCertificate(made('old'), Date.now())
  loadCertificate(made('new'), Date.now())
  const certificateFile = join(folder, 'crt')
  const keyFile = join(folder, 'key')
  const put = (name: string) => {
    copyFileSync(join(folder, name, 'server.crt'), certificateFile)
    copyFileSync(join(folder, name, 'server.key'), keyFile)
  }
  put('old')
  const clock = new VirtualClock(Date.now())
  const app = await startTestApp({
    clock,
    settings: { TLS_LISTEN: '127.0.0.1:0', TLS_CERTIFICATE: certificateFile, TLS_KEY: keyFile },
  })
  const shown = () => {
    const [host, port] = app.tls!.host.split(':') as [string, string]
    return new Promise((resolve, reject) => {
      const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()!.toString())
        socket.destroy()
      }).on('error', reject)
    })
  }
  const inFile = (name: string) => readFileSync(join(folder, name, 'server.crt'), 'utf8')
  try {
    assert.equal(await shown(), inFile('old'))
    // Half of it is there: the old one goes on.
    copyFileSync(join(folder, 'new', 'server.crt'), certificateFile)
    clock.advance(60_000)
    assert.equal(await shown(), inFile('old'))
    assert.match(
      app.log.join('\n'),
      /the certificate stays the old one: the private key in .* does not belong/,
    )
    put('new')
    clock.advance(60_000)
    assert.equal(await shown(), inFile('new'))
  } finally {
    await app.close()
    rmSync(folder, { recursive: true })
  }
})
