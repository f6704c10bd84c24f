import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encode } from '../../test/support/toy-api.ts'
import { ApiError } from './errors.ts'
import { compileParams, maxParameters, parseJsonPairs, parsePairs, unflatten } from './params.ts'
import type { ParamFields } from './spec.ts'

const pairsOf = (text: string): [string, string][] => [...parsePairs(text).map]
const refusedWith = (code: string, message?: RegExp) => (error: unknown) =>
  error instanceof ApiError &&
  error.code === code &&
  error.status === 400 &&
  (message?.test(error.message) ?? true)

describe('query and form', () => {
  const cases: [name: string, text: string, want: [string, string][]][] = [
    ['nothing', '', []],
    [
      'plain',
      'a=1&b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'empty segments are skipped',
      '&a=1&&b=2&',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'a value may be empty, with or without the sign',
      'a=&b',
      [
        ['a', ''],
        ['b', ''],
      ],
    ],
    ['only the first sign separates', 'a=b=c', [['a', 'b=c']]],
    ['plus is a space, %2B a plus', 'a+b=c+d%2Be%20f', [['a b', 'c d+e f']]],
    ['hexadecimal in either case', 'a=%e6%B5%8b', [['a', '测']]],
    ['raw signs that clients leave', 'a=*~!()\'"', [['a', '*~!()\'"']]],
    ['a raw UTF-8 byte sequence', Buffer.from('a=隧道 😀').toString('latin1'), [['a', '隧道 😀']]],
    ['a byte order mark stays', 'a=%EF%BB%BFx', [['a', '\ufeffx']]],
    [
      'names of objects are only names',
      '__proto__=1&constructor=2',
      [
        ['__proto__', '1'],
        ['constructor', '2'],
      ],
    ],
  ]
  for (const [name, text, want] of cases) it(name, () => assert.deepEqual(pairsOf(text), want))

  for (const text of [
    'a=%',
    'a=%1',
    'a=%g0',
    'a=%0g',
    '%=1',
    'a=%C3',
    'a=%C0%80',
    'a=%ED%A0%80',
    'a=%FF',
    'a=\xff',
    '=1',
    'a=1&=2',
  ]) {
    it(`${JSON.stringify(text)} is refused`, () =>
      assert.throws(() => parsePairs(text), refusedWith('InvalidParameter')))
  }

  it('a name given twice is refused and named, also when it is written in two ways', () => {
    assert.throws(
      () => parsePairs('a=1&b=2&a=1'),
      refusedWith('InvalidParameter', /parameter a is not valid. It is given twice/),
    )
    assert.throws(() => parsePairs('ab=1&%61b=2'), refusedWith('InvalidParameter', /twice/))
  })

  it(`${maxParameters} parameters pass and one more does not; 100,000 are refused before they are read`, () => {
    const many = (count: number): string =>
      Array.from({ length: count }, (_, at) => `Ids.${at + 1}=x`).join('&')
    assert.equal(parsePairs(many(maxParameters)).names.length, maxParameters)
    assert.throws(
      () => parsePairs(many(maxParameters + 1)),
      refusedWith('InvalidParameter', /more than 2000/),
    )
    const text = many(100_000)
    const before = process.cpuUsage()
    assert.throws(() => parsePairs(text), refusedWith('InvalidParameter'))
    assert.ok(process.cpuUsage(before).user < 100_000, 'must take less than 100 ms of processor time')
  })

  it('reads back whatever was encoded', () => {
    const text = fc.string({ unit: 'grapheme' })
    const names = fc.uniqueArray(
      text.filter((name) => name !== ''),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(names, fc.infiniteStream(text), fc.boolean(), (keys, values, plus) => {
        const pairs = keys.map((key) => [key, values.next().value!] as [string, string])
        const write = (part: string) => (plus ? encode(part).replaceAll('%20', '+') : encode(part))
        assert.deepEqual(
          pairsOf(pairs.map(([key, value]) => `${write(key)}=${write(value)}`).join('&')),
          pairs,
        )
      }),
    )
  })

  it('answers any bytes with pairs or a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parsePairs(Buffer.from(bytes).toString('latin1'))
        } catch (error) {
          assert.ok(error instanceof ApiError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('JSON bodies', () => {
  it('become the pairs a form would have had', () => {
    const body = '{"a":1,"b":true,"c":null,"T":[{"K":"x"},{"K":"y"}],"s":{"t":{"u":"v"}},"e":""}'
    assert.deepEqual(
      [...parseJsonPairs(body).map],
      [
        ['a', '1'],
        ['b', 'true'],
        ['T.1.K', 'x'],
        ['T.2.K', 'y'],
        ['s.t.u', 'v'],
        ['e', ''],
      ],
    )
  })
  for (const body of [
    '',
    '{',
    '[]',
    'null',
    '1',
    `{"a":${'['.repeat(9)}1${']'.repeat(9)}}`,
    '{"a.b":1,"a":{"b":2}}',
  ]) {
    it(`${body.slice(0, 30)} is refused`, () => {
      assert.throws(() => parseJsonPairs(body), refusedWith('InvalidParameter'))
    })
  }
  it('too many members are refused', () => {
    const body = JSON.stringify({ a: Array.from({ length: maxParameters + 1 }, () => 'x') })
    assert.throws(() => parseJsonPairs(body), refusedWith('InvalidParameter', /more than 2000/))
  })
})

describe('trees', () => {
  const tree = (...pairs: [string, string][]) => JSON.parse(JSON.stringify(unflatten(new Map(pairs))))

  it('lists begin at 1, are ordered by number, and close their holes', () => {
    assert.deepEqual(tree(['T.10', 'c'], ['T.2', 'b'], ['T.1', 'a']), { T: ['a', 'b', 'c'] })
    assert.deepEqual(tree(['T.2.K', 'x'], ['T.2.V', 'y'], ['T.7.K', 'z']), {
      T: [{ K: 'x', V: 'y' }, { K: 'z' }],
    })
  })
  it('structures nest, and a map with other keys beside numbers stays a map', () => {
    assert.deepEqual(tree(['A.B.C', 'x'], ['A.D', 'y']), { A: { B: { C: 'x' }, D: 'y' } })
    assert.deepEqual(tree(['A.1', 'x'], ['A.b', 'y']), { A: { 1: 'x', b: 'y' } })
  })
  it('names of objects stay names: no prototype is reached', () => {
    const built = unflatten(
      new Map([
        ['a.__proto__.x', '1'],
        ['__proto__.x', '2'],
        ['b.constructor.prototype.y', '3'],
      ]),
    )
    assert.equal(Object.getPrototypeOf(built), null)
    assert.equal(({} as Record<string, unknown>)['x'], undefined)
    assert.equal(({} as Record<string, unknown>)['y'], undefined)
    assert.equal(JSON.stringify(built['a']), '{"__proto__":{"x":"1"}}')
  })
  for (const names of [
    ['a.'],
    ['.a'],
    ['a..b'],
    ['a.0'],
    ['a.01'],
    ['a.1001'],
    ['a.99999999999999999999'],
    ['a.b.c.d.e.f.g.h.i'],
    ['a', 'a.b'],
    ['a.b', 'a'],
    ['a.1', 'a.1.b'],
    ['a.1.b', 'a.1'],
  ]) {
    it(`${names.join(' and ')} is refused`, () => {
      const params = new Map(names.map((name) => [name, 'x']))
      assert.throws(() => unflatten(params), refusedWith('InvalidParameter'))
    })
  }
  it('names outside the wanted roots are not even looked at', () => {
    const params = new Map([
      ['junk..x', '1'],
      ['junk', '2'],
      ['T.1', 'a'],
    ])
    assert.equal(JSON.stringify(unflatten(params, new Set(['T']))), '{"T":["a"]}')
  })

  it('builds again what was flattened', () => {
    const key = fc.stringMatching(/^[A-Za-z_][A-Za-z]{0,5}$/)
    type Node = string | Node[] | { [name: string]: Node }
    const { node } = fc.letrec<{ node: Node }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', maxDepth: 5 },
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('node'), { minLength: 1, maxLength: 12 }),
        fc.dictionary(key, tie('node'), { minKeys: 1, maxKeys: 4 }),
      ),
    }))
    const flatten = (value: Node, name: string): [string, string][] =>
      typeof value === 'string'
        ? [[name, value]]
        : Object.entries(value).flatMap(([part, member]) =>
            flatten(member, `${name}.${Array.isArray(value) ? Number(part) + 1 : part}`),
          )
    fc.assert(
      fc.property(fc.dictionary(key, node, { maxKeys: 4 }), fc.func(fc.integer()), (wanted, order) => {
        const pairs = Object.entries(wanted).flatMap(([name, value]) => flatten(value, name))
        const shuffled = pairs.toSorted(([a], [b]) => order(a) - order(b))
        assert.deepEqual(
          JSON.parse(JSON.stringify(unflatten(new Map(shuffled)))),
          JSON.parse(JSON.stringify(wanted)),
        )
      }),
    )
  })
})

describe('values', () => {
  const decode = (fields: ParamFields, params: Record<string, string>) =>
    compileParams(fields)(new Map(Object.entries(params)), 'cn-hangzhou')
  const value = (spec: ParamFields[string], text: string): unknown => {
    const { input, illegal, missing } = decode({ P: spec }, { P: text })
    return illegal ? illegal.code : missing ? missing.code : input['P']
  }
  const illegal = 'IllegalParam.P'

  const cases: [name: string, spec: ParamFields[string], given: string, want: unknown][] = [
    ['string', { type: 'string' }, 'x y', 'x y'],
    ['empty is not given', { type: 'string' }, '', undefined],
    ['empty takes the default', { type: 'string', default: 'd' }, '', 'd'],
    ['empty required', { type: 'string', required: true }, '', 'MissingP'],
    ['enum', { type: 'string', enum: ['a', 'b'] }, 'b', 'b'],
    ['enum in other case', { type: 'string', enum: ['a', 'b'] }, 'B', illegal],
    ['enum in any case', { type: 'string', enum: ['VpnGateway'], anyCase: true }, 'VPNGATEWAY', 'VpnGateway'],
    ['pattern', { type: 'string', pattern: /^a+$/ }, 'aaa', 'aaa'],
    ['pattern broken', { type: 'string', pattern: /^a+$/ }, 'aab', illegal],
    ['own code', { type: 'string', maxLength: 1, illegal: 'InvalidName' }, 'ab', 'InvalidName'],
    ['length counts characters', { type: 'string', maxLength: 2 }, '😀😀', '😀😀'],
    ['too long', { type: 'string', maxLength: 2 }, '😀😀a', illegal],
    ['too short', { type: 'string', minLength: 2 }, '😀', illegal],
    ['NUL', { type: 'string' }, 'a\0b', illegal],
    ['integer', { type: 'integer' }, '-42', -42],
    ['zero is a value', { type: 'integer', default: 5 }, '0', 0],
    ['integer with rubbish', { type: 'integer' }, '1x', illegal],
    ['fraction', { type: 'integer' }, '1.5', illegal],
    ['exponent', { type: 'integer' }, '1e3', illegal],
    ['hexadecimal', { type: 'integer' }, '0x10', illegal],
    ['blank', { type: 'integer' }, ' 1', illegal],
    ['beyond exact numbers', { type: 'integer' }, '9007199254740993', illegal],
    ['min', { type: 'integer', min: 1 }, '0', illegal],
    ['max', { type: 'integer', max: 9 }, '10', illegal],
    ['integer enum', { type: 'integer', enum: [5, 10] }, '7', illegal],
    ['true', { type: 'boolean' }, 'true', true],
    ["Python's False", { type: 'boolean' }, 'False', false],
    ['TRUE', { type: 'boolean' }, 'TRUE', true],
    ['yes', { type: 'boolean' }, 'yes', illegal],
    ['one', { type: 'boolean' }, '1', illegal],
    ['JSON', { type: 'json', fields: { A: { type: 'string' } } }, '{"A":"x"}', { A: 'x' }],
    ['JSON with blanks', { type: 'json', fields: { A: { type: 'integer' } } }, ' { "A" : 1 } ', { A: 1 }],
    ['empty object', { type: 'json', fields: { A: { type: 'string', default: 'd' } } }, '{}', { A: 'd' }],
    [
      'JSON, any letter case',
      { type: 'json', fields: { IkeVersion: { type: 'string' } } },
      '{"ikeversion":"x"}',
      { IkeVersion: 'x' },
    ],
    [
      'JSON alias',
      { type: 'json', fields: { LocalId: { type: 'string', aliases: ['LocalIdIPsec'] } } },
      '{"LocalIdIPsec":"x"}',
      { LocalId: 'x' },
    ],
    ['JSON number as text', { type: 'json', fields: { A: { type: 'integer' } } }, '{"A":"3"}', { A: 3 }],
    [
      'JSON text as number',
      { type: 'json', fields: { A: { type: 'string' } } },
      '{"A":45104}',
      { A: '45104' },
    ],
    [
      'JSON boolean as text',
      { type: 'json', fields: { A: { type: 'boolean' } } },
      '{"A":"True"}',
      { A: true },
    ],
    [
      'JSON text as boolean',
      { type: 'json', fields: { A: { type: 'string' } } },
      '{"A":true}',
      { A: 'true' },
    ],
    [
      'JSON null and empty are not given',
      { type: 'json', fields: { A: { type: 'string' }, B: { type: 'integer' } } },
      '{"A":null,"B":""}',
      {},
    ],
    ['unknown members are ignored', { type: 'json', fields: {} }, '{"X":1,"__proto__":{"a":1}}', {}],
    ['member twice', { type: 'json', fields: { A: { type: 'string' } } }, '{"A":"x","a":"y"}', illegal],
    ['not JSON', { type: 'json', fields: {} }, '{', illegal],
    ['JSON list for an object', { type: 'json', fields: {} }, '[]', illegal],
    ['scalar for an object', { type: 'json', fields: {} }, '1', illegal],
    ["a careless caller's object", { type: 'json', fields: {} }, '[object Object]', illegal],
    ['fraction in JSON', { type: 'json', fields: { A: { type: 'integer' } } }, '{"A":1.5}', 'IllegalParam.A'],
    [
      'object for a scalar in JSON',
      { type: 'json', fields: { A: { type: 'string' } } },
      '{"A":{}}',
      'IllegalParam.A',
    ],
    [
      'lone surrogate in JSON',
      { type: 'json', fields: { A: { type: 'string' } } },
      '{"A":"\\ud800"}',
      'IllegalParam.A',
    ],
    ['missing member', { type: 'json', fields: { A: { type: 'string', required: true } } }, '{}', 'MissingA'],
    ['JSON text for a list', { type: 'list', item: { type: 'string' } }, '["a","","b",null]', ['a', 'b']],
    [
      'JSON text for a list of structs',
      { type: 'list', item: { type: 'struct', fields: { Key: { type: 'string' } } } },
      '[{"key":"a"}]',
      [{ Key: 'a' }],
    ],
    ['empty JSON list is not given', { type: 'list', item: { type: 'string' } }, '[]', undefined],
    ['scalar for a list', { type: 'list', item: { type: 'string' } }, 'a', illegal],
    [
      'item of the wrong kind',
      { type: 'list', item: { type: 'string', maxLength: 1 } },
      '["a","bb"]',
      illegal,
    ],
    ['too many items', { type: 'list', maxItems: 2, item: { type: 'string' } }, '["a","b","c"]', illegal],
  ]
  for (const [name, spec, given, want] of cases) it(name, () => assert.deepEqual(value(spec, given), want))

  const tags: ParamFields = {
    Tags: {
      type: 'list',
      aliases: ['Tag'],
      maxItems: 3,
      item: {
        type: 'struct',
        fields: { Key: { type: 'string', required: true }, Value: { type: 'string' } },
      },
    },
  }
  it('flattened lists, under the name or another spelling', () => {
    const want = [{ Key: 'a', Value: 'b' }, { Key: 'c' }]
    for (const name of ['Tags', 'Tag']) {
      const params = {
        [`${name}.1.Key`]: 'a',
        [`${name}.1.Value`]: 'b',
        [`${name}.5.Key`]: 'c',
        [`${name}.5.Value`]: '',
      }
      assert.deepEqual(decode(tags, params).input, { Tags: want })
    }
  })
  it('a missing member of an item is named with its place', () => {
    const { missing } = decode(tags, { 'Tags.1.Key': 'a', 'Tags.2.Value': 'b' })
    assert.equal(missing!.code, 'MissingKey')
    assert.equal(missing!.message, 'Tags.2.Key is mandatory for this action.')
  })
  it('a struct may be flattened, also where JSON is usual, or be JSON text', () => {
    const fields = {
      A: { type: 'string' },
      B: { type: 'struct', fields: { C: { type: 'integer' } } },
    } as const
    for (const type of ['struct', 'json'] as const) {
      const spec: ParamFields = { S: { type, fields } }
      const want = { S: { A: 'x', B: { C: 1 } } }
      assert.deepEqual(decode(spec, { 'S.A': 'x', 'S.B.C': '1' }).input, want)
      assert.deepEqual(decode(spec, { 'S.A': 'x', 'S.B': '{"C":1}' }).input, want)
      assert.deepEqual(decode(spec, { S: '{"A":"x","B":{"C":"1"}}' }).input, want)
    }
  })
  it('the region stands in for an absent RegionId, required or not', () => {
    const fields: ParamFields = { RegionId: { type: 'string', required: true } }
    assert.deepEqual(decode(fields, {}).input, { RegionId: 'cn-hangzhou' })
    assert.deepEqual(decode(fields, { RegionId: '' }).input, { RegionId: 'cn-hangzhou' })
    assert.deepEqual(decode(fields, { RegionId: 'x' }).input, { RegionId: 'x' })
  })
  it('parameters nobody declared do not reach the action', () => {
    assert.deepEqual(
      decode({ A: { type: 'string' } }, { A: 'x', B: 'y', 'A.1': 'z', __proto__: 'p', 'C..': '' }).input,
      { A: 'x' },
    )
  })
  it('missing and illegal are both reported, the first of each', () => {
    const { missing, illegal } = decode(
      {
        A: { type: 'integer' },
        B: { type: 'integer' },
        C: { type: 'string', required: true },
        D: { type: 'string', required: true },
      },
      { A: 'x', B: 'y' },
    )
    assert.equal(illegal!.code, 'IllegalParam.A')
    assert.equal(illegal!.message, 'The specified "A" (x) is invalid. It must be an integer.')
    assert.equal(missing!.code, 'MissingC')
    assert.equal(missing!.message, 'C is mandatory for this action.')
  })
  it('a required value that is illegal is not also missing', () => {
    const { missing, illegal } = decode({ A: { type: 'integer', required: true } }, { A: 'x' })
    assert.equal(missing, undefined)
    assert.equal(illegal!.code, 'IllegalParam.A')
  })
  it('a refused secret is not repeated, wherever it stood', () => {
    const secret: ParamFields[string] = { type: 'string', secret: true, maxLength: 3, pattern: /^a/ }
    const fields: ParamFields = {
      Psk: secret,
      IkeConfig: { type: 'json', fields: { Psk: secret } },
      Tunnels: {
        type: 'list',
        item: { type: 'struct', fields: { Ike: { type: 'struct', fields: { Psk: secret } } } },
      },
    }
    const cases: Record<string, string>[] = [
      { Psk: 'hush' },
      { Psk: 'hus' },
      { IkeConfig: '{"psk":"hush"}' },
      { IkeConfig: '{"psk":"hush"' },
      { IkeConfig: '{"psk":"hus","PSK":"hush"}' },
      { IkeConfig: '{"psk":{"hush":"hush"}}' },
      { Tunnels: '[{"Ike":{"Psk":"hush"}}]' },
      { Tunnels: '[{"Ike":{"Psk":"hush"}}' },
      { Tunnels: 'hush' },
      { 'Tunnels.1.Ike.Psk': 'hush' },
      { 'Tunnels.1.Ike': '{"Psk":"hush"' },
    ]
    for (const params of cases) {
      const { illegal } = decode(fields, params)
      assert.ok(illegal, JSON.stringify(params))
      assert.ok(!illegal.message.includes('hus'), illegal.message)
    }
  })
  it('any text for any kind of parameter is a value or a refusal', () => {
    const fields: ParamFields = {
      A: { type: 'integer' },
      B: { type: 'boolean' },
      C: {
        type: 'json',
        fields: { D: { type: 'list', item: { type: 'string' } }, E: { type: 'json', fields: {} } },
      },
      F: { type: 'list', item: { type: 'struct', fields: { G: { type: 'integer' } } } },
    }
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"D":${json},"E":${json}}`),
      fc.json().map((json) => `[{"G":${json}}]`),
    )
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('A', 'B', 'C', 'F', 'F.1', 'F.2.G', 'C.D.1'), text),
        (params) => {
          try {
            const { input, illegal } = decode(fields, params)
            assert.ok(illegal instanceof ApiError || typeof input === 'object')
          } catch (error) {
            assert.ok(error instanceof ApiError && error.code === 'InvalidParameter', String(error))
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})
