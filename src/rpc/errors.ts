/**
 * Every code this server may answer, with its HTTP status and text: the one table.
 *
 * `origin` says how much is known of a row:
 * - `vendor`       code, status and text are documented, or reported by many clients
 * - `vendor-code`  the code is documented or sent or tested by a vendor client; the text (at times the status) is ours
 * - `recalled`     a code of this product by memory only; use it where nothing better fits
 * - `ours`         no code of the vendor is known; the name is this project's
 *
 * Sources: VPN Gateway and VPC API reference, error tables of the action pages (2019 to 2026), Alibaba Cloud public
 * error code list, Terraform provider 1.289.0 (its retry and not-found lists); read 2026-11.
 *
 * Clients read more than the code: Terraform takes every 404, and every text containing `NotFound`, for "gone";
 * a 5xx is repeated with a new ClientToken. So 404 is only for things that do not exist, and a request that can
 * never succeed is never a 5xx. Python's old SDK needs a colon in the text of `SignatureDoesNotMatch`.
 */

type Origin = 'vendor' | 'vendor-code' | 'recalled' | 'ours'

interface ErrorEntry {
  readonly status: number
  /** Text with `{name}` where a value of the call site goes. */
  readonly message: string
  readonly origin: Origin
}

const notAuthorised = 'User not authorized to operate on the specified resource'
const invalidParam = 'Specified parameter {param} is not valid.'
const unsupportedParam = 'The specified parameter {param} is not supported here.'

export const errorTable = {
  // --- Front end: before the product sees the request -------------------------------------------------------
  'InvalidAction.NotFound': {
    status: 404,
    message: 'Specified api is not found, please check your url and method.',
    origin: 'vendor',
  },
  'InvalidApi.NotFound': {
    status: 404,
    message: 'Specified api is not found, please check your url and method.',
    origin: 'vendor',
  },
  'InvalidProduct.NotFound': {
    status: 404,
    message: 'Cannot find product according to your specified domain.',
    origin: 'vendor',
  },
  InvalidVersion: { status: 400, message: 'Specified parameter Version is not valid.', origin: 'vendor' },
  'InvalidProtocol.NeedSsl': {
    status: 400,
    message: 'Your request is denied as lack of ssl protect.',
    origin: 'vendor',
  },
  'InvalidAccessKeyId.NotFound': {
    status: 404,
    message: 'Specified access key is not found.',
    origin: 'vendor',
  },
  'InvalidAccessKeyId.Inactive': {
    status: 400,
    message: 'Specified access key is disabled.',
    origin: 'vendor',
  },
  'InvalidSecurityToken.Expired': {
    status: 400,
    message: 'Specified SecurityToken is expired.',
    origin: 'vendor',
  },
  'InvalidSecurityToken.Malformed': {
    status: 400,
    message: 'Specified SecurityToken is malformed.',
    origin: 'vendor',
  },
  'InvalidSecurityToken.MismatchWithAccessKey': {
    status: 400,
    message: 'Specified SecurityToken mismatch with the AccessKey.',
    origin: 'vendor',
  },
  'InvalidTimeStamp.Format': {
    status: 400,
    message: 'Specified time stamp or date value is not well formatted.',
    origin: 'vendor',
  },
  'InvalidTimeStamp.Expired': {
    status: 400,
    message: 'Specified time stamp or date value is expired.',
    origin: 'vendor',
  },
  SignatureNonceUsed: {
    status: 400,
    message: 'Specified signature nonce was used already.',
    origin: 'vendor',
  },
  InvalidSignatureNonce: { status: 400, message: 'Specified signature nonce is not valid.', origin: 'ours' },
  InvalidSignatureMethod: {
    status: 400,
    message: 'Specified signature method is not valid.',
    origin: 'vendor',
  },
  InvalidSignatureVersion: {
    status: 400,
    message: 'Specified signature version is not valid.',
    origin: 'vendor-code',
  },
  InvalidSignatureType: {
    status: 400,
    message: 'Specified parameter SignatureType is not valid.',
    origin: 'vendor-code',
  },
  /** `{explanation}`: the server's own string to sign, in the exact form clients compare (see the signature files). */
  SignatureDoesNotMatch: { status: 400, message: '{explanation}', origin: 'vendor' },
  IncompleteSignature: {
    status: 400,
    message: 'The request signature does not conform to Aliyun standards: {explanation}',
    origin: 'vendor-code',
  },
  UnsupportedHTTPMethod: { status: 405, message: 'This http method is not supported.', origin: 'vendor' },
  Throttling: {
    status: 400,
    message: 'Request was denied due to request throttling.',
    origin: 'vendor',
  },
  'Throttling.User': {
    status: 400,
    message: 'Request was denied due to user flow control.',
    origin: 'vendor',
  },
  'Throttling.Api': {
    status: 400,
    message: 'Request was denied due to api flow control.',
    origin: 'vendor',
  },
  InternalError: {
    status: 500,
    message: 'The request processing has failed due to some unknown error, exception or failure.',
    origin: 'vendor',
  },
  ServiceUnavailable: {
    status: 503,
    message: 'The request has failed due to a temporary failure of the server.',
    origin: 'vendor',
  },
  UnsupportedOperation: {
    status: 400,
    message: 'The specified action {action} is not supported.',
    origin: 'vendor-code',
  },
  RequestEntityTooLarge: {
    status: 413,
    message: 'The request body is larger than {limit} bytes.',
    origin: 'ours',
  },
  RequestHeaderTooLarge: {
    status: 431,
    message: 'The request line and headers are larger than {limit} bytes.',
    origin: 'ours',
  },
  RequestTimeout: { status: 408, message: 'The request did not arrive in time.', origin: 'ours' },
  MalformedRequest: { status: 400, message: 'The request is not well-formed HTTP.', origin: 'ours' },
  UnsupportedMediaType: {
    status: 415,
    message: 'The content type of the request body is not supported here.',
    origin: 'ours',
  },
  UnsupportedExpectation: {
    status: 417,
    message: 'The expectation in the Expect header cannot be met.',
    origin: 'ours',
  },

  // --- Permission -------------------------------------------------------------------------------------------
  Forbidden: { status: 403, message: `${notAuthorised}.`, origin: 'vendor' },
  'Forbidden.RAM': {
    status: 403,
    message: `${notAuthorised}, or this API doesn't support RAM.`,
    origin: 'vendor',
  },
  /** Sic: the spelling of nearly every page of this product. */
  'Forbbiden.SubUser': {
    status: 403,
    message: `${notAuthorised} as your account is created by another user.`,
    origin: 'vendor',
  },
  'Forbidden.SubUser': {
    status: 403,
    message: `${notAuthorised} as your account is created by another user.`,
    origin: 'vendor',
  },

  /** Of STS. */
  NoPermission: {
    status: 403,
    message: 'You are not authorized to do this action. You should be authorized by RAM.',
    origin: 'vendor-code',
  },
  'EntityNotExist.Role': { status: 404, message: 'The specified role does not exist.', origin: 'recalled' },
  'NoPermission.Session': {
    status: 403,
    message: 'A session of a role has no keys of its own: name a user.',
    origin: 'ours',
  },

  // --- RAM --------------------------------------------------------------------------------------------------
  'EntityNotExist.User': {
    status: 404,
    message: 'The specified user does not exist.',
    origin: 'vendor-code',
  },
  'EntityNotExist.User.AccessKey': {
    status: 404,
    message: 'The specified access key does not exist.',
    origin: 'recalled',
  },
  'EntityNotExist.Policy': {
    status: 404,
    message: 'The specified policy does not exist.',
    origin: 'vendor-code',
  },
  'EntityNotExist.User.Policy': {
    status: 404,
    message: 'The policy is not attached to the user.',
    origin: 'recalled',
  },
  'EntityNotExist.Role.Policy': {
    status: 404,
    message: 'The policy is not attached to the role.',
    origin: 'recalled',
  },
  'EntityAlreadyExists.Role': { status: 409, message: 'The role exists already.', origin: 'vendor-code' },
  'DeleteConflict.Role.Policy': {
    status: 409,
    message: 'The role has policies: detach them first.',
    origin: 'vendor-code',
  },
  'InvalidParameter.RoleName.InvalidChars': {
    status: 400,
    message: 'A name of a role has 1 to 64 letters, digits, periods, underscores and hyphens.',
    origin: 'recalled',
  },
  'InvalidParameter.AssumeRolePolicyDocument': {
    status: 400,
    message: 'The parameter AssumeRolePolicyDocument has not passed grammar check.',
    origin: 'recalled',
  },
  'EntityAlreadyExists.Role.Policy': {
    status: 409,
    message: 'The policy is attached to the role already.',
    origin: 'recalled',
  },
  'EntityAlreadyExists.User': { status: 409, message: 'The user exists already.', origin: 'vendor-code' },
  'EntityAlreadyExists.Policy': { status: 409, message: 'The policy exists already.', origin: 'vendor-code' },
  'EntityAlreadyExists.User.Policy': {
    status: 409,
    message: 'The policy is attached to the user already.',
    origin: 'recalled',
  },
  'DeleteConflict.User.AccessKey': {
    status: 409,
    message: 'The user has access keys: delete them first.',
    origin: 'recalled',
  },
  'DeleteConflict.User.Policy': {
    status: 409,
    message: 'The user has policies: detach them first.',
    origin: 'recalled',
  },
  'DeleteConflict.Policy.User': {
    status: 409,
    message: 'The policy is attached to the user {name}: detach it first.',
    origin: 'recalled',
  },
  'DeleteConflict.Policy.Role': {
    status: 409,
    message: 'The policy is attached to the role {name}: detach it first.',
    origin: 'recalled',
  },
  'LimitExceeded.User.AccessKey': {
    status: 409,
    message: 'A user has at most {limit} access keys.',
    origin: 'recalled',
  },
  'InvalidParameter.UserName.InvalidChars': {
    status: 400,
    message: 'A name of a user has 1 to 64 letters, digits, periods, underscores and hyphens.',
    origin: 'recalled',
  },
  'InvalidParameter.PolicyName.InvalidChars': {
    status: 400,
    message: 'A name of a policy has 1 to 128 letters, digits and hyphens.',
    origin: 'recalled',
  },
  'InvalidParameter.PolicyDocument': {
    status: 400,
    message: 'The parameter PolicyDocument has not passed grammar check.',
    origin: 'recalled',
  },

  // --- Parameters -------------------------------------------------------------------------------------------
  InvalidParameter: { status: 400, message: invalidParam, origin: 'vendor' },
  'InvalidParameter.Format': {
    status: 400,
    message: 'Specified parameter format is not valid.',
    origin: 'vendor',
  },
  'InvalidParameter.PolicyGrammar': {
    status: 400,
    message: 'The parameter Policy has not passed grammar check.',
    origin: 'vendor',
  },
  'InvalidParameter.RoleArn': {
    status: 400,
    message: 'The parameter RoleArn is wrongly formed.',
    origin: 'recalled',
  },
  'InvalidParameter.RoleSessionName': {
    status: 400,
    message: 'The parameter RoleSessionName is wrongly formed.',
    origin: 'vendor',
  },
  'InvalidParameter.TagKey': {
    status: 400,
    message: 'The specified parameter TagKey is invalid.',
    origin: 'vendor',
  },
  'InvalidParameter.TagValue': {
    status: 400,
    message: 'The specified parameter TagValue is invalid.',
    origin: 'vendor',
  },
  'Duplicated.TagKey': {
    status: 400,
    message: 'The specified parameter TagKey is duplicated.',
    origin: 'vendor',
  },
  'InvalidTagKey.Malformed': {
    status: 400,
    message: 'The specified tag key ({value}) is not valid.',
    origin: 'recalled',
  },
  'InvalidTagValue.Malformed': {
    status: 400,
    message: 'The specified tag value ({value}) is not valid.',
    origin: 'recalled',
  },
  'QuotaExceeded.TagNum': {
    status: 400,
    message: 'The resource would have more than {limit} tags.',
    origin: 'recalled',
  },
  InvalidNextToken: { status: 400, message: 'The specified NextToken is not valid.', origin: 'recalled' },
  'InvalidResourceType.NotFound': {
    status: 400,
    message: 'The specified ResourceType ({value}) is not supported.',
    origin: 'recalled',
  },
  'InvalidResourceId.NotFound': {
    status: 404,
    message: 'The specified resource {id} does not exist.',
    origin: 'recalled',
  },
  InvalidName: { status: 400, message: 'The name is not valid', origin: 'vendor' },
  InvalidDescription: { status: 400, message: 'The description is not valid', origin: 'vendor' },
  'InvalidRegionId.NotFound': {
    status: 404,
    message: 'The specified region is not found during access authentication.',
    origin: 'vendor',
  },
  IdempotentParameterMismatch: {
    status: 400,
    message: 'The request is retried with updated parameters.',
    origin: 'vendor',
  },
  DryRunOperation: {
    status: 400,
    message: 'Request validation has been passed with DryRun flag set.',
    origin: 'vendor',
  },
  TaskConflict: {
    status: 400,
    message: 'The operation is too frequent. Please wait a moment and try again.',
    origin: 'vendor',
  },
  OperationConflict: {
    status: 400,
    message: 'The operation conflicts with another one that is still running. Please try again later.',
    origin: 'vendor-code',
  },
  SystemBusy: { status: 400, message: 'The system is busy. Please try again later.', origin: 'recalled' },
  UnknownError: {
    status: 400,
    message: 'The request failed for a reason that is not known.',
    origin: 'vendor-code',
  },

  // --- Quotas -----------------------------------------------------------------------------------------------
  'Resource.QuotaFull': { status: 400, message: 'The quota of resource is full', origin: 'vendor' },
  'QuotaExceeded.PolicyBasedRoute': {
    status: 400,
    message:
      'The maximum number of policy-based routes is exceeded. Existing routes: {existing}. Routes to be created: {wanted}. Maximum routes: {limit}.',
    origin: 'vendor',
  },
  'QuotaExceeded.PBR': {
    status: 400,
    message: 'The maximum number of policy-based routes ({limit}) is exceeded.',
    origin: 'recalled',
  },

  // --- VPN gateway ------------------------------------------------------------------------------------------
  'InvalidVpnGatewayInstanceId.NotFound': {
    status: 404,
    message: 'The specified vpn gateway instance id does not exist.',
    origin: 'vendor',
  },
  /** What Terraform takes for "already deleted" on DeleteVpnGateway. */
  'InvalidVpnGatewayId.NotFound': {
    status: 404,
    message: 'The specified vpn gateway instance id does not exist.',
    origin: 'vendor-code',
  },
  'InvalidVpnInstanceId.NotFound': {
    status: 404,
    message: 'The specified vpn instance id does not exist.',
    origin: 'vendor-code',
  },
  INSTANCE_NOT_EXISTS: {
    status: 404,
    message: 'The specified instance does not exist.',
    origin: 'vendor-code',
  },
  'VpnGateway.Configuring': {
    status: 400,
    message: 'The specified service is configuring.',
    origin: 'vendor',
  },
  'VpnGateway.FinancialLocked': {
    status: 400,
    message: 'The specified service is financial locked.',
    origin: 'vendor',
  },
  'IncorrectStatus.VpnGateway': {
    status: 400,
    message: 'The VPN gateway {id} is in a status that does not allow the operation.',
    origin: 'vendor-code',
  },
  ForbiddenRelease: {
    status: 403,
    message: 'Forbidden to release a prepaid instance within validity period',
    origin: 'vendor',
  },
  'VpnGateway.SslVpnDisabled': {
    status: 400,
    message: 'The VPN gateway has not enabled SSL VPN.',
    origin: 'vendor',
  },
  'OperationUnsupported.IPsecServer': {
    status: 400,
    message: 'The current version of the VPN gateway does not support IPsec server.',
    origin: 'vendor',
  },
  'InvalidSslVpnServerId.NotFound': {
    status: 404,
    message: 'The specified SSL VPN server id does not exist.',
    origin: 'vendor',
  },
  'InvalidSslVpnClientCertId.NotFound': {
    status: 404,
    message: 'The specified SSL VPN client certificate does not exist.',
    origin: 'vendor-code',
  },
  'InvalidIpsecServerId.NotFound': {
    status: 404,
    message: 'The specified IPsec server does not exist.',
    origin: 'ours',
  },
  'OperationFailed.SslNotSupport': {
    status: 400,
    message: 'SSL-VPN is not supported here.',
    origin: 'vendor-code',
  },
  'InvalidVSwitchId.SecondVswitchNotSupport': {
    status: 400,
    message: 'The second vSwitch {id} cannot be used for this VPN gateway.',
    origin: 'vendor-code',
  },
  'DependencyViolation.VpnConnection': {
    status: 400,
    message: 'The VPN gateway {id} still has IPsec connections.',
    origin: 'ours',
  },

  // --- Customer gateway -------------------------------------------------------------------------------------
  'InvalidCustomerGatewayInstanceId.NotFound': {
    status: 404,
    message: 'The specified customer gateway instance id does not exist.',
    origin: 'vendor',
  },
  'InvalidIpAddress.WrongFormat': {
    status: 400,
    message: 'Specified IpAddress is invalid.',
    origin: 'vendor',
  },
  'InvalidIpAddress.AlreadyExist': {
    status: 400,
    message: 'Specified IpAddress is already exist.',
    origin: 'vendor',
  },
  'InvalidCustomerGateway.InUse': {
    status: 400,
    message: 'The customer gateway {id} is used by an IPsec connection.',
    origin: 'ours',
  },
  'CustomerGateway.ConflictRouteEntry': {
    status: 400,
    message: 'The customer gateway {id} conflicts with a route entry.',
    origin: 'recalled',
  },

  // --- IPsec connection and tunnel --------------------------------------------------------------------------
  'InvalidVpnConnectionInstanceId.NotFound': {
    status: 404,
    message: 'The specified vpn connection instance id does not exist.',
    origin: 'vendor',
  },
  'InvalidWebhookId.NotFound': {
    status: 404,
    message: 'The specified webhook does not exist.',
    origin: 'ours',
  },
  'InvalidTunnelId.NotFound': {
    status: 404,
    message: 'The specified tunnel id does not exist.',
    origin: 'ours',
  },
  'InvalidVpnConnection.AlreadyExists': {
    status: 400,
    message: 'Vpn connection already exists.',
    origin: 'vendor',
  },
  'VpnConnection.Configuring': {
    status: 400,
    message: 'The specified vpn connection is configuring.',
    origin: 'vendor-code',
  },
  'Appliance.Configuring': {
    status: 400,
    message: 'The specified appliance is configuring.',
    origin: 'vendor-code',
  },
  'VpnTask.CONFLICT': {
    status: 400,
    message: 'Another task on the VPN gateway is still running. Please try again later.',
    origin: 'vendor-code',
  },
  'VpnConnection.InvalidCreateTunnelOptions': {
    status: 400,
    message: 'The tunnel options do not fit the mode of the connection.',
    origin: 'vendor-code',
  },
  'IncorrectStatus.VpnConnection': {
    status: 400,
    message: 'The IPsec connection {id} is in a status that does not allow the operation.',
    origin: 'ours',
  },
  'NotSupportVpnConnectionParameter.IpsecPfs': {
    status: 400,
    message: unsupportedParam,
    origin: 'recalled',
  },
  'NotSupportVpnConnectionParameter.IpsecAuthAlg': {
    status: 400,
    message: unsupportedParam,
    origin: 'recalled',
  },
  'NotSupportVpnConnectionParameter.IkePfs': { status: 400, message: unsupportedParam, origin: 'recalled' },
  'NotSupportVpnConnectionParameter.IkeAuthAlg': {
    status: 400,
    message: unsupportedParam,
    origin: 'recalled',
  },
  'OperationUnsupported.SetDPD': { status: 400, message: 'DPD cannot be set here.', origin: 'recalled' },
  'OperationUnsupported.SetNatTraversal': {
    status: 400,
    message: 'NAT traversal cannot be set here.',
    origin: 'recalled',
  },
  'OperationUnsupported.EnableBgp': {
    status: 400,
    message: 'BGP cannot be enabled here.',
    origin: 'recalled',
  },
  'InvalidTunnelCidr.Malformed': {
    status: 400,
    message: 'The specified TunnelCidr ({value}) is not valid.',
    origin: 'recalled',
  },
  'InvalidLocalBgpIp.Malformed': {
    status: 400,
    message: 'The specified LocalBgpIp ({value}) is not valid.',
    origin: 'recalled',
  },

  // --- Routes -----------------------------------------------------------------------------------------------
  'InvalidRouteEntry.NotFound': {
    status: 404,
    message: 'The specified route entry does not exist.',
    origin: 'vendor-code',
  },
  'VpnRouteEntry.Configuring': {
    status: 400,
    message: 'The specified route entry is configuring.',
    origin: 'vendor-code',
  },
  'VpnRouteEntry.AlreadyExists': {
    status: 400,
    message: 'The specified route entry already exists.',
    origin: 'recalled',
  },
  'VpnRouteEntry.Conflict': {
    status: 400,
    message: 'The specified route entry conflicts with {value}.',
    origin: 'recalled',
  },
  'VpnRouteEntry.ConflictSSL': {
    status: 400,
    message: 'The specified route entry conflicts with an SSL-VPN client network.',
    origin: 'recalled',
  },
  'VpnRouteEntry.BackupRoute': {
    status: 400,
    message: 'The standby route of the pair must be deleted first.',
    origin: 'recalled',
  },
  'VpnRouteEntry.InvalidWeight': {
    status: 400,
    message: 'The specified weight ({value}) is not valid for this route entry.',
    origin: 'recalled',
  },
  'OperationFailed.RouteConflictWithIPsecServer': {
    status: 400,
    message: 'The route conflicts with the client network of an IPsec server.',
    origin: 'recalled',
  },

  // --- VPC and vSwitch --------------------------------------------------------------------------------------
  'InvalidVpcId.NotFound': { status: 404, message: 'The specified VPC does not exist.', origin: 'recalled' },
  'InvalidVSwitchId.NotFound': {
    status: 404,
    message: 'The specified vSwitch does not exist.',
    origin: 'vendor-code',
  },
  'InvalidVswitchID.NotFound': {
    status: 404,
    message: 'The specified vSwitch does not exist.',
    origin: 'vendor-code',
  },
  'InvalidZoneId.NotFound': {
    status: 404,
    message: 'The specified zone does not exist.',
    origin: 'recalled',
  },
  'DependencyViolation.VSwitch': {
    status: 400,
    message: 'The VPC {id} still has vSwitches.',
    origin: 'recalled',
  },
  'DependencyViolation.VpnGateway': {
    status: 400,
    message: 'The resource {id} is still used by a VPN gateway.',
    origin: 'ours',
  },
  'InvalidCidrBlock.Malformed': {
    status: 400,
    message: 'The specified CIDR block ({value}) is not valid.',
    origin: 'recalled',
  },
  'InvalidCidrBlock.Overlapped': {
    status: 400,
    message: 'The specified CIDR block ({value}) overlaps with an existing one.',
    origin: 'recalled',
  },
  'InvalidCidrBlock.NotInVpc': {
    status: 400,
    message: 'The specified CIDR block ({value}) is not inside the network of the VPC.',
    origin: 'ours',
  },

  // --- Diagnosis and logs -----------------------------------------------------------------------------------
  'InvalidDiagnoseId.NotFound': {
    status: 404,
    message: 'The specified diagnosis does not exist.',
    origin: 'ours',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>

/**
 * A code an action may answer. `Missing<Param>` and `IllegalParam.<Param>` exist for every parameter
 * (documented: `Missing<Param>`, 2026; `IllegalParam.LocalSubnet`, 2021; the others follow their pattern).
 */
export type ErrorCode = keyof typeof errorTable | `Missing${string}` | `IllegalParam.${string}`

/** What the call site knows: values of the text's places, and `reason`, a sentence that goes behind any text. */
export interface ErrorValues {
  /** One more sentence: what was expected, which other resource is in the way. Never a secret, never `NotFound`. */
  readonly reason?: string
  readonly [place: string]: string | number | undefined
}

/** Longest value repeated in a text, in characters. */
const maxValueLength = 200

/**
 * An answer for the caller. Throw it anywhere below the pipeline; anything else thrown is an InternalError.
 * `message` may repeat what the caller sent (a string to sign holds every parameter): it is for the caller
 * and never for a log. Logs get the code.
 */
export class ApiError extends Error {
  readonly code: ErrorCode
  readonly status: number
  /** Milliseconds after which to try again; sent as `x-acs-retry-after`. */
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, status: number, message: string, retryAfter?: number) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.status = status
    this.retryAfter = retryAfter
  }
}

function fill(template: string, values: ErrorValues): string {
  return template.replace(/\{(\w+)\}/g, (_, place: string) => {
    const value = values[place]
    if (value === undefined) return ''
    const text = String(value)
    // The explanation of a signature mismatch is compared whole by clients; every other value is only for people.
    return place === 'explanation' || text.length <= maxValueLength
      ? text
      : `${text.slice(0, maxValueLength)}...`
  })
}

function entryOf(code: ErrorCode, values: ErrorValues): ErrorEntry {
  if (Object.hasOwn(errorTable, code)) return errorTable[code as keyof typeof errorTable]
  if (code.startsWith('Missing')) {
    // `MissingTunnelCidr`, but also `MissingParameter.TunnelCidr`.
    const name = code.slice(Math.max(code.lastIndexOf('.') + 1, 'Missing'.length))
    const param = values['param'] === undefined ? name : '{param}'
    return { status: 400, message: `${param} is mandatory for this action.`, origin: 'vendor' }
  }
  // A secret is refused without repeating it: no value, no parentheses.
  const param = values['param'] === undefined ? code.slice('IllegalParam.'.length) : '{param}'
  const value = values['value'] === undefined ? '' : ' ({value})'
  return { status: 400, message: `The specified "${param}"${value} is invalid.`, origin: 'vendor' }
}

/**
 * The error of a code, with its text filled in.
 *
 * `Missing<Param>` and `IllegalParam.<Param>` name the parameter themselves; `values.param` names it more exactly
 * (`TunnelOptionsSpecification.1.Role`). `IllegalParam.X` repeats `values.value` when given: leave it out for secrets.
 */
export function apiError(
  code: ErrorCode,
  values: ErrorValues = {},
  options: { readonly retryAfter?: number } = {},
): ApiError {
  const { status, message } = entryOf(code, values)
  const text = fill(message, values)
  return new ApiError(code, status, values.reason ? `${text} ${values.reason}` : text, options.retryAfter)
}
