/** The emulator as a process: its command, its ready file, what it tells clients to export, and how it ends. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import vpc from '@alicloud/vpc20160428'
import { createControlClient } from '../../src/emulator/client.ts'
import type { Fixture, State } from '../../src/emulator/types.ts'
import { startEmulator } from '../../src/testing.ts'
import { until, vpcClient } from '../support/app.ts'

const root = dirname(dirname(import.meta.dirname))
const suidao = join(root, 'bin/suidao.mjs')
const regionId = 'cn-hangzhou'
const folder = mkdtempSync(join(tmpdir(), 'emulator-process-'))
after(() => rmSync(folder, { recursive: true }))

interface Ready {
  readonly state: State
  readonly fixture?: Fixture
}

async function start(...args: string[]) {
  const readyFile = join(folder, `ready-${Math.random()}.json`)
  const all = ['emulator', '--port', '0', '--ready-file', readyFile, ...args]
  const child = spawn(process.execPath, [suidao, ...all], { stdio: ['ignore', 'ignore', 'inherit'] })
  after(() => child.kill('SIGKILL'))
  await until('the ready file is there', async () => existsSync(readyFile), 30_000)
  const ready: Ready = JSON.parse(readFileSync(readyFile, 'utf8'))
  const { endpoint, account } = ready.state
  return {
    ...ready,
    readyFile,
    sdk: vpcClient(endpoint, { id: account.accessKeyId, secret: account.accessKeySecret }),
    async end(signal: NodeJS.Signals = 'SIGTERM') {
      const ended = once(child, 'exit')
      child.kill(signal)
      return ended
    },
  }
}

describe('suidao emulator', () => {
  test('writes where it answers and what the scenario made, serves SDKs, and is gone without a trace', async () => {
    const { state, fixture, readyFile, sdk, end } = await start('--scenario', 'psk-wrong', '--seed', '9')
    assert.equal(state.seed, 9)
    assert.equal(statSync(readyFile).mode & 0o777, 0o600)
    const request = new vpc.DescribeVpnConnectionRequest({
      regionId,
      vpnConnectionId: fixture!.vpnConnectionIds[1]!,
    })
    assert.equal((await sdk.describeVpnConnection(request)).body!.status, 'ike_sa_not_established')
    assert.deepEqual(await end(), [0, null])
    assert.equal(existsSync(readyFile), false)
  })

  test('env prints what SDKs, the aliyun CLI and Terraform read', async () => {
    const { state, readyFile, end } = await start()
    const env = (...more: string[]) =>
      execFileSync(process.execPath, [suidao, 'env', '--ready-file', readyFile, ...more], {
        encoding: 'utf8',
      })
    const told = execFileSync('sh', ['-c', `${env()}env`], { encoding: 'utf8' })
    assert.match(told, new RegExp(`^ALIBABA_CLOUD_ENDPOINT=${state.endpoint}$`, 'm'))
    assert.match(told, new RegExp(`^ALIBABA_CLOUD_ENDPOINT_VPC=${state.endpoint}$`, 'm'))
    assert.match(told, new RegExp(`^ALIBABA_CLOUD_ACCESS_KEY_ID=${state.account.accessKeyId}$`, 'm'))
    assert.match(env('--terraform'), /protocol {15}= "HTTP"/)
    await end('SIGINT')
    const late = spawnSync(process.execPath, [suidao, 'env', '--ready-file', readyFile], { encoding: 'utf8' })
    assert.equal(late.status, 2)
    assert.match(late.stderr, /is not the ready file of an emulator that runs/)
  })

  test('with a folder it goes on where it ended: resources, accounts, clock, peers, faults', async () => {
    const data = join(folder, 'kept')
    const first = await start('--data', data, '--scenario', 'both-up', '--speed', '0')
    const { vpnConnectionIds: ids, peerAddresses: peers } = first.fixture!
    const one = createControlClient(first.state.control)
    await one.addAccount()
    await one.setPeer(peers[0]!, { psk: 'another' })
    const lasting = await one.arm({ layer: 'network', kind: 'partition', target: peers[1]! })
    await one.arm({ layer: 'api', kind: 'throttle', action: 'CreateVpc', for: 60_000 })
    await one.arm({ layer: 'network', kind: 'zone-lost', target: 'cn-hangzhou-x' })
    const { now } = await one.advance(24 * 3_600_000 - 60_000)
    await one.arm({ layer: 'api', kind: 'throttle', action: 'CreateVpc', for: 90_000 })
    // What was asked for is kept whether it ends well or not.
    await first.end('SIGKILL')

    const second = await start('--data', data, '--speed', '0')
    const two = createControlClient(second.state.control)
    assert.equal((await two.clock()).now, now)
    assert.equal((await two.accounts()).length, 2)
    const reason = async (id: string) =>
      (await two.tunnels()).find((tunnel) => tunnel.id === id)!.report.failure?.code
    await two.settle()
    assert.equal(await reason(ids[0]!), 'PEER_REJECTED_AUTH')
    assert.equal(await reason(ids[1]!), 'PEER_SILENT')
    const create = () => second.sdk.createVpc(new vpc.CreateVpcRequest({ regionId, cidrBlock: '10.0.0.0/8' }))
    await assert.rejects(create(), /Throttling/)
    await two.advance(90_000)
    await create()
    await two.disarm(lasting.id)
    await two.resetPeer(peers[0]!)
    await two.advance(60_000)
    const request = new vpc.DescribeVpnConnectionsRequest({ regionId })
    const { body } = await second.sdk.describeVpnConnections(request)
    const statuses = body!.vpnConnections!.vpnConnection!.map(({ status }) => status)
    assert.deepEqual(statuses, ['ipsec_sa_established', 'ipsec_sa_established'])
    const again = await two.play('both-up')
    assert.ok(again.peerAddresses.every((address) => !peers.includes(address)))
    assert.equal((await two.arm({ layer: 'task', kind: 'stuck' })).id, 'fault-5')
    await second.end()
  })

  test('says what is wrong with its command line', () => {
    for (const [args, message] of [
      [['--profile', 'slow'], /--profile is one of instant, fast, like-the-cloud/],
      [['--port', 'http'], /--port is a number/],
      [['--start', 'soon'], /--start is a time/],
      [['--scenari', 'x'], /scenari/],
    ] as const) {
      const { status, stderr } = spawnSync(process.execPath, [suidao, 'emulator', ...args], {
        encoding: 'utf8',
      })
      assert.equal(status, 2, args.join(' '))
      assert.match(stderr, message)
    }
    const unknown = spawnSync(process.execPath, [suidao, 'emulator', '--port', '0', '--scenario', 'x'], {
      encoding: 'utf8',
    })
    assert.equal(unknown.status, 1)
    assert.match(unknown.stderr, /there is no scenario "x"/)
  })
})

describe('startEmulator', () => {
  test('starts one with a scenario, and ends it', async () => {
    const emulator = await startEmulator({ scenario: 'one-up', profile: 'instant', seed: 2, speed: 0 })
    assert.equal(emulator.fixture?.scenario, 'one-up')
    assert.equal((await emulator.control.state()).seed, 2)
    await emulator.stop()
    await emulator.stop()
    await assert.rejects(emulator.control.state())
  })

  test('it goes with the process that has started it, however that ends', async () => {
    const script = `
      const { startEmulator } = await import(${JSON.stringify(join(root, 'src/testing.ts'))})
      const { control } = await startEmulator()
      console.log((await control.state()).control)
      process.kill(process.pid, 'SIGKILL')`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    const control = stdout.trim()
    assert.match(control, /^http:/)
    await until('it is gone', async () =>
      fetch(`${control}/v1/state`).then(
        () => false,
        () => true,
      ),
    )
  })

  test('what cannot be started says why', async () => {
    await assert.rejects(startEmulator({ scenario: 'nonsense' }), /there is no scenario "nonsense"/)
  })
})

describe('examples', () => {
  for (const [name, command, args] of [
    ['vitest', join(root, 'node_modules/.bin/vitest'), ['run', '--config', 'examples/vitest.config.ts']],
    ['node:test', process.execPath, ['--test', 'examples/retry.test.ts']],
  ] as const) {
    test(`with ${name} they pass`, () => {
      // A test runner inside a test runner would report to the outer one.
      const { NODE_TEST_CONTEXT: _, ...env } = process.env
      const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8', env })
      assert.equal(status, 0, stdout + stderr)
      assert.match(stdout, /1 passed|pass 1/)
    })
  }
})

test('the quickstart without root plays its story over the emulator, and says so first', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['scripts/quickstart.ts', '--once', '--simulated'],
    { cwd: root, encoding: 'utf8' },
  )
  assert.equal(status, 0, stdout + stderr)
  const lines = stdout.split('\n')
  assert.match(lines[0]!, /^Suidao quickstart, simulated: both ends are computed, no tunnel is real/)
  const statuses = [...stdout.matchAll(/Status = (\w+)/g)].map(([, word]) => word)
  assert.equal(statuses.filter((word) => word === 'ipsec_sa_established').length, 2)
  assert.match(stdout, /X-Suidao.Reason = PSK_MISMATCH/)
  assert.deepEqual(
    [...stdout.matchAll(/(\d) sent, (\d) received/g)].map(([, sent, received]) => [sent, received]),
    [
      ['5', '5'],
      ['2', '0'],
      ['5', '5'],
    ],
  )
  assert.match(stdout, /no namespace, process or file of this run is left/)
})
