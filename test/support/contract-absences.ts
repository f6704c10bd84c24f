/**
 * Documented fields that an answer may lack, each with the reason. Where a client can tell "absent" from "empty", absent is
 * what it needs (Terraform provider 1.289.0: an optional attribute that is not computed, filled by the server, is a
 * difference for ever).
 */
const absences: readonly {
  readonly path: RegExp
  readonly action?: RegExp
  /** Looks at the object that lacks the field. */
  readonly when?: (beside: Readonly<Record<string, unknown>>) => boolean
  readonly because: string
}[] = [
  {
    path: /(^|\[\]\.)(AttachInstanceId|TransitRouterId|TransitRouterName|TunnelBandwidth)$/,
    action: /^DescribeVpnConnections?$/,
    because: 'of a connection on a transit router alone',
  },
  {
    path: /(^|\[\]\.)ZoneNo$/,
    action: /^DescribeVpnConnections?$/,
    because: 'of a connection with one tunnel on a transit router alone',
  },
  {
    path: /(^|\[\]\.)(CustomerGatewayId|Enable(Dpd|NatTraversal)|(Ike|Ipsec|VpnBgp)Config|RemoteCaCertificate|VcoHealthCheck)$/,
    when: (connection) => 'TunnelOptionsSpecification' in connection,
    because: 'of a connection with one tunnel alone; filled otherwise, Terraform replaces the connection',
  },
  {
    path: /TunnelOptionsSpecification\[\]\.(TunnelIndex|Role)$/,
    when: (tunnel) => 'TunnelIndex' in tunnel !== 'Role' in tunnel,
    because: 'a tunnel of an attachment has an index, one on a VPN gateway a role',
  },
  {
    path: /^(AttachInstanceId|Description)$/,
    action: /^ModifyVpnAttachmentAttribute$/,
    because: 'of one on a transit router, and a connection has no description',
  },
  {
    path: /(TunnelOptionsSpecification\[\]\.|^)TunnelBgpConfig$/,
    because: 'where BGP was never set up; filled otherwise, Terraform sees a block that nobody wrote',
  },
  { path: /^Chosen$/, action: /^SuidaoExplainRoute$/, because: 'where the packet goes to a tunnel alone' },
  { path: /\.(Priority|RouteSource)$/, action: /^SuidaoExplainRoute$/, because: 'of a policy route alone' },
  { path: /RouteEntries\[\]\.NextHopTunnelId$/, because: 'of a connection with two tunnels alone' },
  { path: /TunnelBgpConfig\.PeerAsn$/, because: 'of a customer gateway with an ASN alone' },
  {
    path: /(^|\[\]\.)(EnableTunnelsBgp|TunnelOptionsSpecification)$/,
    because: 'of a connection with two tunnels alone; filled otherwise, Terraform replaces the connection',
  },
  { path: /VpnBgpConfig\.(AuthKey|LocalAsn|PeerAsn)$/, because: 'where BGP has been set up alone' },
  { path: /(^|\[\]\.)(Asn|AuthKey)$/, action: /CustomerGateway/, because: 'where it was given alone' },
  {
    path: /(^|\[\]\.)(DisasterRecoveryInternetIp|DisasterRecoveryVSwitchId)$/,
    because: 'of a gateway for two tunnels alone',
  },
  { path: /(^|\[\]\.)SslVpnInternetIp$/, because: 'of a gateway with SSL-VPN alone' },
  { path: /(^|\[\]\.)ReservationData$/, because: 'of a gateway with a pending order alone; there are none' },
  { path: /^IntranetIp$/, action: /^ModifyVpnGatewayAttribute$/, because: 'no page says what it holds' },
  { path: /^Description$/, action: /^ModifyVpnConnectionAttribute$/, because: 'a connection has none' },
  {
    path: /^(RoleId|UserId)$/,
    action: /^GetCallerIdentity$/,
    because: 'one of them, by the type of the caller',
  },
  {
    path: /^VpnConnections\[\]\.(FailedTime|SourceLog|Mismatch(Local|Remote)Param)$/,
    action: /^DiagnoseVpnConnections$/,
    because:
      'of what was seen alone: a tunnel without a failure has none, an end that is not known is not made up',
  },
  {
    path: /^VpnConnections\[\]\.TunnelId$/,
    action: /^DiagnoseVpnConnections$/,
    because: 'of a connection with two tunnels alone',
  },
  {
    path: /^FinishTime$/,
    action: /^GetVpnGatewayDiagnoseResult$/,
    because: 'once the diagnosis is finished',
  },
  {
    path: /^VpnConnectionConfig\.((Ike|Ipsec)Config|Local|Remote)$/,
    action: /^DownloadVpnConnectionConfig$/,
    because: 'of a connection with one tunnel alone; two stand in TunnelsConfig',
  },
  { path: /^Events\[\]\.errorCode$/, because: 'of a call that failed alone' },
  { path: /^Events\[\]\.changesJson$/, because: 'of a call that changed fields alone' },
  { path: /^(NextToken|Marker)$/, because: 'on the last page' },
]

/**
 * @param path of a field, `VpnConnections[].Tag`
 * @param beside the object that lacks it
 */
export const mayBeAbsent = (
  action: string,
  path: string,
  beside: Readonly<Record<string, unknown>>,
): boolean =>
  absences.some(
    (one) => (one.action?.test(action) ?? true) && one.path.test(path) && (one.when?.(beside) ?? true),
  )
