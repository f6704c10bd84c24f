import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiError, apiError, type ErrorCode, errorTable } from './errors.ts'

describe('the table', () => {
  for (const [code, { status, message }] of Object.entries(errorTable)) {
    it(`${code}: every place of its text can be filled, and nothing remains of the template`, () => {
      const places = [...message.matchAll(/\{(\w+)\}/g)].map(([, place]) => place!)
      const error = apiError(
        code as ErrorCode,
        Object.fromEntries(places.map((place) => [place, `<${place}>`])),
      )
      assert.equal(error.status, status)
      for (const place of places) assert.ok(error.message.includes(`<${place}>`))
      assert.doesNotMatch(error.message, /[{}]/)
    })
  }
  it('has 404 only for things that do not exist: clients take it for "gone"', () => {
    const codes = Object.entries(errorTable).filter(([, { status }]) => status === 404)
    for (const [code] of codes) assert.match(code, /NotFound$|^INSTANCE_NOT_EXISTS$|^EntityNotExist\./)
  })
  it('has no text with NotFound in it, which Terraform takes for "gone"', () => {
    for (const { message } of Object.values(errorTable)) assert.ok(!message.includes('NotFound'))
  })
  it('has 5xx only where repeating the call can help', () => {
    const codes = Object.entries(errorTable).filter(([, { status }]) => status >= 500)
    assert.deepEqual(
      codes.map(([code]) => code),
      ['InternalError', 'ServiceUnavailable'],
    )
  })
})

describe('texts', () => {
  const cases: [code: ErrorCode, values: Parameters<typeof apiError>[1], want: string][] = [
    ['MissingVpnConnectionId', {}, 'VpnConnectionId is mandatory for this action.'],
    ['MissingParameter.TunnelCidr', {}, 'TunnelCidr is mandatory for this action.'],
    ['MissingRole', { param: 'Tunnels.1.Role' }, 'Tunnels.1.Role is mandatory for this action.'],
    [
      'IllegalParam.LocalSubnet',
      { value: '10.0.0.0/33' },
      'The specified "LocalSubnet" (10.0.0.0/33) is invalid.',
    ],
    ['IllegalParam.Psk', {}, 'The specified "Psk" is invalid.'],
    ['IllegalParam.Psk', { reason: 'It is too long.' }, 'The specified "Psk" is invalid. It is too long.'],
    ['IllegalParam.X', { value: '{value}{param}$&' }, 'The specified "X" ({value}{param}$&) is invalid.'],
    [
      'QuotaExceeded.PolicyBasedRoute',
      { existing: 19, wanted: 2, limit: 20 },
      'The maximum number of policy-based routes is exceeded. Existing routes: 19. Routes to be created: 2. Maximum routes: 20.',
    ],
    ['InvalidVpcId.NotFound', { unknown: 1 }, 'The specified VPC does not exist.'],
  ]
  for (const [code, values, want] of cases) it(want, () => assert.equal(apiError(code, values).message, want))

  it('a long value is cut, an explanation never', () => {
    assert.ok(apiError('IllegalParam.X', { value: 'a'.repeat(10_000) }).message.length < 300)
    assert.equal(
      apiError('SignatureDoesNotMatch', { explanation: 'a'.repeat(10_000) }).message.length,
      10_000,
    )
  })
  it('codes with a pattern are 400; names of objects are no codes of the table', () => {
    assert.equal(apiError('MissingX').status, 400)
    assert.equal(apiError('IllegalParam.constructor').status, 400)
    assert.ok(apiError('Throttling', {}, { retryAfter: 5 }) instanceof ApiError)
  })
})
