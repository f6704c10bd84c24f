import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Condition, compileCondition } from './condition.ts'

const noon = Date.parse('2026-11-01T12:00:00Z')
const ip = (...values: string[]): Condition => ({ IpAddress: { 'acs:SourceIp': values } })
const time = (operator: string, ...values: string[]): Condition => ({
  [operator]: { 'acs:CurrentTime': values },
})

describe('conditions', () => {
  const cases: [name: string, condition: Condition, sourceIp: string, holds: boolean][] = [
    ['an address inside a network', ip('10.0.0.0/8'), '10.9.8.7', true],
    ['an address outside of it', ip('10.0.0.0/8'), '11.0.0.1', false],
    ['one of several', ip('192.0.2.1', '10.0.0.0/8'), '192.0.2.1', true],
    ['an address is itself alone', ip('192.0.2.1'), '192.0.2.2', false],
    ['everybody', ip('0.0.0.0/0'), '192.0.2.2', true],
    ['an IPv4 caller of a dual listener', ip('10.0.0.0/8'), '::ffff:10.9.8.7', true],
    ['an IPv6 network', ip('2001:db8::/32'), '2001:db8::5', true],
    ['an IPv6 caller is in no IPv4 network', ip('0.0.0.0/0'), '2001:db8::5', false],
    ['a caller who is gone has no address', ip('0.0.0.0/0'), '', false],
    ['not in a network', { NotIpAddress: { 'acs:SourceIp': ['10.0.0.0/8'] } }, '11.0.0.1', true],
    [
      'in none of several',
      { NotIpAddress: { 'acs:SourceIp': ['10.0.0.0/8', '11.0.0.0/8'] } },
      '11.0.0.1',
      false,
    ],
    ['keys in any letter case', { IpAddress: { 'ACS:sourceIP': ['10.0.0.1'] } }, '10.0.0.1', true],
    ['before', time('DateLessThan', '2026-11-01T12:00:01Z'), '', true],
    ['not before itself', time('DateLessThan', '2026-11-01T12:00:00Z'), '', false],
    ['until itself', time('DateLessThanEquals', '2026-11-01T20:00:00+08:00'), '', true],
    ['after', time('DateGreaterThan', '2026-11-01T12:00:00Z'), '', false],
    ['from itself', time('DateGreaterThanEquals', '2026-11-01T12:00Z'), '', true],
    ['at', time('DateEquals', '2026-11-01T12:00:00Z'), '', true],
    ['not at any of', time('DateNotEquals', '2026-11-01T12:00:00Z', '2027-01-01T00:00:00Z'), '', false],
    [
      'all of several operators',
      { ...ip('10.0.0.0/8'), ...time('DateLessThan', '2026-01-01T00:00:00Z') },
      '10.0.0.1',
      false,
    ],
    ['none', {}, '', true],
  ]
  for (const [name, condition, sourceIp, holds] of cases) {
    it(name, () => assert.equal(compileCondition(condition)({ sourceIp, now: noon }), holds))
  }

  const refused: [condition: Condition, message: RegExp][] = [
    [{ StringEquals: { 'acs:SourceIp': ['x'] } }, /^StringEquals is not supported \(IpAddress, /],
    [{ toString: {} }, /^toString is not supported/],
    [
      { IpAddress: { 'acs:CurrentTime': ['x'] } },
      /^IpAddress: acs:CurrentTime is not supported \(acs:SourceIp is\)/,
    ],
    ...['', 'x', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0/8', '::/129', '10.0.0.0/-1'].map(
      (value): [Condition, RegExp] => [ip(value), /^IpAddress: acs:SourceIp must be an address or a network/],
    ),
    ...['', '2026-11-01', '2026-11-01T12:00:00', '2026-13-01T12:00:00Z', '1762000000'].map(
      (value): [Condition, RegExp] => [time('DateEquals', value), /must be a time with its zone/],
    ),
  ]
  for (const [condition, message] of refused) {
    it(`refuses ${JSON.stringify(condition)}`, () =>
      assert.throws(() => compileCondition(condition), { message }))
  }
})
