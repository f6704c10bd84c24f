/**
 * The two example answers of the document "DescribeVpnConnection" (Alibaba Cloud help, November 2021), in the files
 * beside the vectors. The document masks some addresses; the files have real ones in their places.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { popCore, startTestApp, type TestApp, vpcClient } from '../support/app.ts'
import { eachDatabase } from '../support/postgres.ts'
import { seedConnection, seedEnds } from '../support/seed.ts'
import { signedGet } from '../support/signed-get.ts'
import { parseXml, type XmlNode } from '../support/xml.ts'

const document = (name: string) =>
  readFileSync(new URL(`../vectors/documents/${name}`, import.meta.url), 'utf8')

const ids = {
  region: 'eu-central-1',
  vpnGatewayId: 'vpn-gw8bvv722zwjht7ia****',
  customerGatewayId: 'cgw-gw8usu4zsk23pf69f****',
}
const connectionId = 'vco-gw8tylx7hvwhl7tu8****'

/** Every member of `want` is in `got` with the same JSON type and value; `got` may have more. */
function includes(got: unknown, want: unknown, path: string): void {
  if (typeof want !== 'object' || want === null) {
    assert.equal(got, want, path)
    return
  }
  assert.equal(typeof got, 'object', path)
  assert.equal(Array.isArray(got), Array.isArray(want), path)
  for (const [name, value] of Object.entries(want)) {
    if (name !== 'RequestId') includes((got as Record<string, unknown>)[name], value, `${path}.${name}`)
  }
}

function includesXml(got: XmlNode, want: XmlNode, path: string): void {
  assert.equal(got.name, want.name, path)
  if (want.children.length === 0) assert.equal(got.text, want.text, path)
  for (const child of want.children) {
    const found = got.children.filter(({ name }) => name === child.name)
    assert.equal(found.length, 1, `${path}.${child.name}`)
    if (child.name !== 'RequestId') includesXml(found[0]!, child, `${path}.${child.name}`)
  }
}

eachDatabase((kind, _open, place) => {
  describe(`the document's connection on ${kind}`, () => {
    let app: TestApp

    before(async () => {
      const config = await place()
      app = await startTestApp({
        database: config.kind === 'sqlite' ? `sqlite:${config.file}` : config.url,
        settings: { ROLES: 'api' },
      })
      await seedEnds(app, ids, { ipAddress: '8.211.0.146', asn: 65535 })
      const connection = { name: 'VPN1-CGW22', created_at: 1590495160000, bgp_enable: 1 }
      await seedConnection(app, ids, connectionId, '123456', connection, {
        ike_auth_alg: 'sha1',
        ipsec_auth_alg: 'sha1',
        bgp_local_asn: 45104,
        bgp_tunnel_cidr: '169.254.10.0/30',
        bgp_local_ip: '169.254.10.1',
      })
      await app.app.db.kysely
        .insertInto('tunnel_observation')
        .values({
          tunnel_id: connectionId,
          connection_id: connectionId,
          observed_generation: 1,
          facts: '{}',
          ike_established: 1,
          child_installed: 1,
          phase2_failed: 0,
          bgp_established: 1,
          reported_at: 1,
          version: 1,
        })
        .execute()
    })
    after(() => app.close())

    test('in JSON', async () => {
      const answer = await popCore(app.host, app.root).request('DescribeVpnConnection', {
        RegionId: ids.region,
        VpnConnectionId: connectionId,
      })
      includes(answer, JSON.parse(document('describe-vpn-connection.json')), 'answer')
      assert.match((answer as { RequestId: string }).RequestId, /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/)
    })

    test('in XML', async () => {
      const { status, contentType, body } = await signedGet(app, app.root, {
        Action: 'DescribeVpnConnection',
        Format: 'XML',
        RegionId: ids.region,
        VpnConnectionId: connectionId,
      })
      assert.equal(status, 200)
      assert.equal(contentType, 'text/xml;charset=utf-8')
      includesXml(parseXml(body), parseXml(document('describe-vpn-connection.xml')), 'answer')
    })

    test('JSON and XML have the same members', async () => {
      const parameters = {
        Action: 'DescribeVpnConnection',
        RegionId: ids.region,
        VpnConnectionId: connectionId,
      }
      const json = JSON.parse((await signedGet(app, app.root, parameters)).body)
      const xml = parseXml((await signedGet(app, app.root, { ...parameters, Format: 'XML' })).body)
      const names = (value: unknown): unknown =>
        typeof value === 'object' && value !== null
          ? Object.entries(value)
              .filter(([name]) => name !== 'RequestId')
              .map(([name, member]) => [name, names(member)])
          : String(value)
      const xmlNames = (node: XmlNode): unknown =>
        node.children.length > 0
          ? node.children
              .filter(({ name }) => name !== 'RequestId')
              .map((child) => [child.name, xmlNames(child)])
          : node.text
      // An empty list is an empty container in XML.
      const { Tags, ...rest } = json
      assert.deepEqual(Tags, { Tag: [] })
      assert.deepEqual(
        xmlNames({ ...xml, children: xml.children.filter(({ name }) => name !== 'Tags') }),
        names(rest),
      )
    })

    test('through the typed client every documented field has its value', async () => {
      const want = JSON.parse(document('describe-vpn-connection.json'))
      const { default: vpc } = await import('@alicloud/vpc20160428')
      const { DescribeVpnConnectionRequest } = await import('@alicloud/vpc20160428')
      assert.ok(vpc)
      const request = new DescribeVpnConnectionRequest({
        regionId: ids.region,
        vpnConnectionId: connectionId,
      })
      const { body } = await vpcClient(app.host, app.root).describeVpnConnection(request)
      includes(body!.toMap(), want, 'answer')
    })
  })
})
