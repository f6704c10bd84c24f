/**
 * SSL-VPN, IPsec servers and certificates of gateways: ways for single machines to dial in. None of it exists here, and that is
 * what these actions say in the vendor's words: lists are empty, single things are not found, and nothing can be made.
 * Product Vpc, version 2016-04-28.
 */
import { type ActionSpec, defineAction, type ParamFields } from '../../rpc/spec.ts'
import { pageParams, pageResult, regionId } from '../fields.ts'

const required = { type: 'string', required: true } as const
const source = (name: string) => `SDK 7.3.2 model of ${name}; codes of the Go SDK's clients`

const tokenParams = {
  MaxResults: { type: 'integer', min: 1, max: 100, default: 10 },
  NextToken: { type: 'string' },
} as const
const tokenResult = { MaxResults: { type: 'number' }, TotalCount: { type: 'number' } } as const

export const describeSslVpnServers = defineAction({
  name: 'DescribeSslVpnServers',
  summary: 'List SSL-VPN servers: there are none.',
  kind: 'list',
  resources: ['sslvpnserver/{SslVpnServerId}'],
  params: {
    RegionId: regionId,
    ...pageParams,
    Name: { type: 'string' },
    SslVpnServerId: { type: 'string' },
    VpnGatewayId: { type: 'string' },
  },
  result: {
    ...pageResult,
    SslVpnServers: {
      type: 'list',
      wrapper: 'SslVpnServer',
      item: { type: 'object', fields: { SslVpnServerId: { type: 'string' } } },
    },
  },
  errors: [],
  source: source('DescribeSslVpnServers'),
})

export const describeSslVpnClientCerts = defineAction({
  name: 'DescribeSslVpnClientCerts',
  summary: 'List certificates of SSL-VPN clients: there are none.',
  kind: 'list',
  resources: ['sslvpnclientcert/{SslVpnClientCertId}'],
  params: {
    RegionId: regionId,
    ...pageParams,
    Name: { type: 'string' },
    SslVpnClientCertId: { type: 'string' },
    SslVpnServerId: { type: 'string' },
  },
  result: {
    ...pageResult,
    SslVpnClientCertKeys: {
      type: 'list',
      wrapper: 'SslVpnClientCertKey',
      item: { type: 'object', fields: { SslVpnClientCertId: { type: 'string' } } },
    },
  },
  errors: [],
  source: source('DescribeSslVpnClientCerts'),
})

export const describeSslVpnClients = defineAction({
  name: 'DescribeSslVpnClients',
  summary: 'List SSL-VPN clients that are connected: there are none.',
  kind: 'list',
  resources: ['vpngateway/{VpnGatewayId}'],
  params: { RegionId: regionId, ...pageParams, VpnGatewayId: required },
  result: {
    ...pageResult,
    ClientInfoList: {
      type: 'list',
      wrapper: null,
      item: { type: 'object', fields: { Ip: { type: 'string' } } },
    },
    RegionId: { type: 'string' },
    VpnGatewayId: { type: 'string' },
  },
  errors: ['InvalidVpnGatewayInstanceId.NotFound'],
  source: source('DescribeSslVpnClients'),
})

export const listIpsecServers = defineAction({
  name: 'ListIpsecServers',
  summary: 'List IPsec servers: there are none.',
  kind: 'list',
  resources: ['ipsecserver/*'],
  params: {
    RegionId: regionId,
    ...tokenParams,
    IpsecServerName: { type: 'string' },
    VpnGatewayId: { type: 'string' },
  },
  result: {
    ...tokenResult,
    IpsecServers: {
      type: 'list',
      wrapper: null,
      item: { type: 'object', fields: { IpsecServerId: { type: 'string' } } },
    },
  },
  errors: [],
  source: source('ListIpsecServers'),
})

export const listVpnCertificateAssociations = defineAction({
  name: 'ListVpnCertificateAssociations',
  summary: 'List the certificates of gateways: there are none.',
  kind: 'list',
  resources: ['vpngateway/*'],
  params: { RegionId: regionId, ...tokenParams, CertificateType: { type: 'string' } },
  result: {
    ...tokenResult,
    VpnCertificateRelations: {
      type: 'list',
      wrapper: null,
      item: { type: 'object', fields: { CertificateId: { type: 'string' } } },
    },
  },
  errors: [],
  source: source('ListVpnCertificateAssociations'),
})

/** An action that a caller cannot succeed with. */
const refusing = (
  name: string,
  kind: 'read' | 'write',
  id: string,
  code: ActionSpec['errors'][number],
  more: ParamFields = {},
) =>
  defineAction({
    name,
    summary: `Refused: ${code}.`,
    kind,
    resources: [`${id.toLowerCase().replace(/id$/, '')}/{${id}}`],
    params: { RegionId: regionId, [id]: required, ...more } as ParamFields,
    result: {},
    errors: [code],
    source: source(name),
  })

const server = 'SslVpnServerId'
const cert = 'SslVpnClientCertId'

/** Things that do not exist, by the parameter that names them. */
export const refusedActions: readonly ActionSpec[] = [
  refusing('DeleteSslVpnServer', 'write', server, 'InvalidSslVpnServerId.NotFound'),
  refusing('ModifySslVpnServer', 'write', server, 'InvalidSslVpnServerId.NotFound'),
  refusing('CreateSslVpnClientCert', 'write', server, 'InvalidSslVpnServerId.NotFound'),
  refusing('DescribeVpnSslServerLogs', 'read', 'VpnSslServerId', 'InvalidSslVpnServerId.NotFound'),
  refusing('DeleteSslVpnClientCert', 'write', cert, 'InvalidSslVpnClientCertId.NotFound'),
  refusing('ModifySslVpnClientCert', 'write', cert, 'InvalidSslVpnClientCertId.NotFound'),
  refusing('DescribeSslVpnClientCert', 'read', cert, 'InvalidSslVpnClientCertId.NotFound'),
  refusing('UpdateIpsecServer', 'write', 'IpsecServerId', 'InvalidIpsecServerId.NotFound'),
  refusing('DeleteIpsecServer', 'write', 'IpsecServerId', 'InvalidIpsecServerId.NotFound'),
  refusing('ListIpsecServerLogs', 'read', 'IpsecServerId', 'InvalidIpsecServerId.NotFound'),
]

/** On a gateway that exists: it can have none. */
export const refusedOnGateway: readonly ActionSpec[] = [
  refusing('CreateSslVpnServer', 'write', 'VpnGatewayId', 'VpnGateway.SslVpnDisabled', {
    ClientIpPool: required,
    LocalSubnet: required,
  }),
  refusing('CreateIpsecServer', 'write', 'VpnGatewayId', 'OperationUnsupported.IPsecServer', {
    ClientIpPool: required,
    LocalSubnet: required,
  }),
  refusing('AssociateVpnGatewayWithCertificate', 'write', 'VpnGatewayId', 'UnsupportedOperation'),
  refusing('DissociateVpnGatewayWithCertificate', 'write', 'VpnGatewayId', 'UnsupportedOperation'),
].map((spec) => ({ ...spec, errors: [...spec.errors, 'InvalidVpnGatewayInstanceId.NotFound'] as const }))
