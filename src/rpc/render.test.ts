import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { parseXml, type XmlNode } from '../../test/support/xml.ts'
import { apiError } from './errors.ts'
import { compileResult, createPacker, renderError } from './render.ts'
import type { ActionSpec, FieldSpec, ResultFields } from './spec.ts'

const id = 'ABCDEF01-0000-4000-8000-000000000000'

const specOf = (result: ResultFields): ActionSpec => ({
  name: 'DescribeX',
  summary: '',
  kind: 'read',
  resources: [],
  params: {},
  result,
  errors: [],
  source: 'test',
})

const write = (result: ResultFields, value: object) => {
  const writer = compileResult(specOf(result))
  const xml = writer.xml(value, id)
  const start = `<?xml version='1.0' encoding='UTF-8'?><DescribeXResponse><RequestId>${id}</RequestId>`
  assert.ok(xml.startsWith(start), xml)
  return {
    json: writer.json(value, id).replace(`{"RequestId":"${id}"`, '').replace(/^,/, '').slice(0, -1),
    xml: xml.slice(start.length, -'</DescribeXResponse>'.length),
  }
}

const string: FieldSpec = { type: 'string' }
const number: FieldSpec = { type: 'number' }
const boolean: FieldSpec = { type: 'boolean' }
const pair: FieldSpec = { type: 'object', fields: { Key: string, Value: string } }

describe('the spec decides how a value is written', () => {
  const cases: [name: string, field: FieldSpec, value: unknown, json: string, xml: string][] = [
    ['text', string, 'a', '"a"', '<F>a</F>'],
    ['text of a boolean', string, true, '"true"', '<F>true</F>'],
    ['text of a number', string, 45104, '"45104"', '<F>45104</F>'],
    ['empty text', string, '', '""', '<F/>'],
    ['text to escape', string, 'a"\\\n<&>\'', '"a\\"\\\\\\n<&>\'"', '<F>a"\\\n&lt;&amp;&gt;\'</F>'],
    ['control characters', string, 'a\u0000\u001b\tb', '"a\\u0000\\u001b\\tb"', '<F>a\ufffd\ufffd\tb</F>'],
    ['half a character', string, 'a\ud800b', '"a\\ud800b"', '<F>a\ufffdb</F>'],
    ['no characters of XML', string, '\uffff\ufffe', '"\uffff\ufffe"', '<F>\ufffd\ufffd</F>'],
    ['any language', string, '隧道 😀 é', '"隧道 😀 é"', '<F>隧道 😀 é</F>'],
    ['carriage return', string, 'a\r\nb', '"a\\r\\nb"', '<F>a&#13;\nb</F>'],
    ['number', number, 1700000000000, '1700000000000', '<F>1700000000000</F>'],
    ['number of a text', number, '5', '5', '<F>5</F>'],
    ['number of a bigint', number, 4294967295n, '4294967295', '<F>4294967295</F>'],
    ['zero', number, -0, '0', '<F>0</F>'],
    ['fraction', number, 1.5, '1.5', '<F>1.5</F>'],
    ['boolean', boolean, false, 'false', '<F>false</F>'],
    ['boolean of a text', boolean, 'true', 'true', '<F>true</F>'],
    [
      'object',
      pair,
      { Value: 'v', Key: 'k', Other: 1 },
      '{"Key":"k","Value":"v"}',
      '<F><Key>k</Key><Value>v</Value></F>',
    ],
    ['object without members', pair, {}, '{}', '<F/>'],
    [
      'wrapped list',
      { type: 'list', wrapper: 'Tag', item: pair },
      [{ Key: 'a' }, { Key: 'b' }],
      '{"Tag":[{"Key":"a"},{"Key":"b"}]}',
      '<F><Tag><Key>a</Key></Tag><Tag><Key>b</Key></Tag></F>',
    ],
    ['empty wrapped list', { type: 'list', wrapper: 'Tag', item: pair }, [], '{"Tag":[]}', '<F/>'],
    [
      'list of texts',
      { type: 'list', wrapper: 'Id', item: string },
      ['a', ''],
      '{"Id":["a",""]}',
      '<F><Id>a</Id><Id/></F>',
    ],
    ['bare list', { type: 'list', wrapper: null, item: string }, ['a', 'b'], '["a","b"]', '<F>a</F><F>b</F>'],
    ['empty bare list', { type: 'list', wrapper: null, item: string }, [], '[]', ''],
    [
      'bare list of objects',
      { type: 'list', wrapper: null, item: pair },
      [{ Key: 'a' }, {}],
      '[{"Key":"a"},{}]',
      '<F><Key>a</Key></F><F/>',
    ],
  ]
  for (const [name, field, value, json, xml] of cases) {
    it(name, () => assert.deepEqual(write({ F: field }, { F: value }), { json: `"F":${json}`, xml }))
  }

  const misfits: [field: FieldSpec, value: unknown][] = [
    [string, {}],
    [string, Number.NaN],
    [number, Number.NaN],
    [number, Number.POSITIVE_INFINITY],
    [number, 1e21],
    [number, 1e-7],
    [number, ''],
    [number, '5M'],
    [number, '1e3'],
    [number, '007'],
    [number, true],
    [boolean, 'yes'],
    [boolean, 1],
    [pair, 'text'],
    [pair, []],
    [{ type: 'list', wrapper: 'T', item: string }, {}],
    [{ type: 'list', wrapper: 'T', item: string }, [undefined]],
  ]
  for (const [field, value] of misfits) {
    it(`${JSON.stringify(value)} is no ${field.type}: our fault, and the field is named`, () => {
      const writer = compileResult(specOf({ F: field }))
      for (const format of ['json', 'xml'] as const) {
        assert.throws(
          () => writer[format]({ F: value }, id),
          (error) => error instanceof TypeError && error.message.startsWith('DescribeX.F'),
        )
      }
    })
  }
})

describe('members', () => {
  it('stand in the order of the spec, absent ones are left out, others than those of the spec too', () => {
    const fields = { A: string, B: string, C: string }
    assert.deepEqual(write(fields, { C: 'c', Z: 'z', A: 'a', B: undefined }), {
      json: '"A":"a","C":"c"',
      xml: '<A>a</A><C>c</C>',
    })
    assert.deepEqual(write(fields, {}), { json: '', xml: '' })
  })
  it('RequestId stands where the spec has it', () => {
    const writer = compileResult(specOf({ A: string, RequestId: string, B: string }))
    assert.equal(writer.json({ A: 'a', B: 'b' }, id), `{"A":"a","RequestId":"${id}","B":"b"}`)
    assert.equal(writer.json({ B: 'b' }, id), `{"RequestId":"${id}","B":"b"}`)
    assert.equal(writer.json({ A: 'a' }, id), `{"A":"a","RequestId":"${id}"}`)
    assert.match(writer.xml({ A: 'a', B: 'b' }, id), /<A>a<\/A><RequestId>.*<\/RequestId><B>b<\/B>/)
  })
  it('the extra object is written as it is, last', () => {
    const extra = {
      reason: 'a&b',
      since: 5,
      list: [],
      none: null,
      flag: true,
      nested: { '1st': 'x' },
      gone: undefined,
    }
    assert.deepEqual(write({ A: string }, { A: 'a', 'X-Suidao': extra }), {
      json: '"A":"a","X-Suidao":{"reason":"a&b","since":5,"list":[],"none":null,"flag":true,"nested":{"1st":"x"}}',
      xml: '<A>a</A><X-Suidao><reason>a&amp;b</reason><since>5</since><list/><none/><flag>true</flag><nested><_1st>x</_1st></nested></X-Suidao>',
    })
  })
})

describe('a packed result', () => {
  const spec = specOf({ A: string, Pair: pair, Tags: { type: 'list', wrapper: 'Tag', item: pair } })
  const writer = compileResult(spec)
  const results = [
    { A: 'a', Pair: { Key: 'k' }, Tags: [{ Key: 'x' }] },
    { A: 'a', Pair: { Key: 'k' }, Tags: [{ Key: 'x' }] },
    { A: 'b\ud800"', Pair: {}, Tags: [] },
    { Pair: { Key: 'k', Value: 'v' }, Tags: [{ Key: 'x' }, { Key: 'y', Value: '' }] },
    {},
  ]
  it('is written like the result itself, in both formats, whatever was packed before it', () => {
    for (const first of results) {
      const pack = createPacker(spec)
      pack(first)
      for (const result of results) {
        assert.equal(writer.json(pack(result)!, id), writer.json(result, id))
        assert.equal(writer.xml(pack(result)!, id), writer.xml(result, id))
      }
    }
  })
  it('is written alike whenever it was packed: before the others differed, and after', () => {
    const pack = createPacker(spec)
    const made = Array.from({ length: 200 }, (_, n) => ({
      A: n < 20 ? 'a' : `é${n % 7}"<&\n`,
      ...(n % 5 ? { Pair: { Key: id, Value: n < 50 ? 'v' : `${n}` } } : {}),
      Tags: n < 100 ? [] : Array.from({ length: n % 4 }, (_, at) => ({ Key: `${at}`, Value: '文' })),
    }))
    const packed = made.map(pack)
    for (const [n, result] of made.entries()) {
      assert.equal(writer.json(packed[n]!, `ID-${n}`), writer.json(result, `ID-${n}`))
      assert.equal(writer.xml(packed[n]!, `ID-${n}`), writer.xml(result, `ID-${n}`))
    }
  })
  it('does not exist of a value with a NUL, and of more forms than there should be', () => {
    const pack = createPacker(spec)
    assert.ok(pack({ A: 'a' }))
    assert.equal(pack({ A: 'a\0' }), undefined)
    const many = specOf(Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`F${at}`, string])))
    const packMany = createPacker(many)
    const results = Array.from({ length: 256 }, (_, n) =>
      Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`F${at}`, (n >> at) & 1 ? 'x' : undefined])),
    )
    assert.equal(results.filter((result) => packMany(result)).length, 64)
  })
  it('prints nothing of itself', () => {
    const packed = createPacker(spec)({ A: 'key' })!
    assert.equal(inspect(packed, { showHidden: true, depth: null }), 'PackedResult {}')
    assert.equal(JSON.stringify(packed), '{}')
  })
  it('of one action is not taken for that of another', () => {
    const packed = createPacker(spec)({ A: 'a' })!
    assert.throws(() => compileResult(specOf({ A: number })).json(packed, id), TypeError)
  })
})

describe('any result can be read back', () => {
  // A spec and a value that fits it, made together.
  interface Made {
    readonly field: FieldSpec
    readonly value: unknown
  }
  const name = fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,6}$/).filter((text) => text !== 'RequestId')
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom('<', '&', '>', '"', '\\', '\r', '\n', '\u0000', '\ud800'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 12,
  })
  const { made } = fc.letrec<{ made: Made; members: Record<string, Made> }>((tie) => ({
    made: fc.oneof(
      { depthSize: 'small', maxDepth: 3 },
      text.map((value) => ({ field: string, value })),
      fc.integer().map((value) => ({ field: number, value })),
      fc.boolean().map((value) => ({ field: boolean, value })),
      tie('members').map((members) => objectOf(members as Record<string, Made>)),
      fc
        .tuple(name, fc.array(text, { maxLength: 4 }))
        .map(([wrapper, value]) => ({ field: { type: 'list', wrapper, item: string } as const, value })),
      fc.tuple(name, tie('members'), fc.nat(3)).map(([wrapper, members, count]) => {
        const item = objectOf(members as Record<string, Made>)
        return {
          field: { type: 'list', wrapper, item: item.field } as const,
          value: Array(count).fill(item.value),
        }
      }),
    ),
    members: fc.dictionary(name, tie('made') as fc.Arbitrary<Made>, { maxKeys: 4, noNullPrototype: true }),
  }))
  function objectOf(
    members: Record<string, Made>,
  ): Made & { field: { type: 'object'; fields: ResultFields } } {
    const entries = Object.entries(members)
    return {
      field: {
        type: 'object',
        fields: Object.fromEntries(entries.map(([key, member]) => [key, member.field])),
      },
      value: Object.fromEntries(entries.map(([key, member]) => [key, member.value])),
    }
  }

  /** The value as it should be read from JSON: lists in their wrappers. */
  const inJson = (field: FieldSpec, value: unknown): unknown => {
    if (field.type === 'object') {
      return Object.fromEntries(
        Object.entries(value as object).map(([key, member]) => [key, inJson(field.fields[key]!, member)]),
      )
    }
    if (field.type === 'list') {
      const items = (value as unknown[]).map((item) => inJson(field.item, item))
      return field.wrapper === null ? items : { [field.wrapper]: items }
    }
    return value
  }
  /** What XML 1.0 can hold of a text. */
  const inXml = (given: string): string =>
    given.toWellFormed().replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
  const compareXml = (field: FieldSpec, value: unknown, node: XmlNode): void => {
    if (field.type === 'object') {
      const members = Object.entries(value as object)
      assert.deepEqual(
        node.children.map((child) => child.name),
        members.map(([key]) => key),
      )
      for (const [at, [key, member]] of members.entries())
        compareXml(field.fields[key]!, member, node.children[at]!)
    } else if (field.type === 'list') {
      assert.equal(node.children.length, (value as unknown[]).length)
      for (const [at, item] of (value as unknown[]).entries()) {
        assert.equal(node.children[at]!.name, field.wrapper)
        compareXml(field.item, item, node.children[at]!)
      }
    } else {
      assert.equal(node.text, inXml(String(value)))
    }
  }

  /** A value of the same form, with another one at every place where there may be one. */
  function varied(field: FieldSpec, value: unknown): unknown {
    if (value === undefined || value === null) return value
    switch (field.type) {
      case 'string':
        return `é${String(value)}<`
      case 'number':
        return String(value) === '7' ? 8 : 7
      case 'boolean':
        return String(value) !== 'true'
      case 'list':
        return (value as unknown[]).flatMap((item) => [varied(field.item, item), item])
      case 'object':
        return Object.fromEntries(
          Object.entries(field.fields).map(([key, member]) => [
            key,
            varied(member, (value as Record<string, unknown>)[key]),
          ]),
        )
    }
  }

  it('in both formats', () => {
    const object = fc.dictionary(name, made, { maxKeys: 5, noNullPrototype: true }).map(objectOf)
    fc.assert(
      fc.property(object, ({ field, value }) => {
        const spec = specOf(field.fields)
        const writer = compileResult(spec)
        const json = writer.json(value as object, id)
        const pack = createPacker(spec)
        const other = varied(field, value)
        for (const one of [other, value, other, {}, value] as object[]) {
          const packed = pack(one)
          if (!packed) assert.match(JSON.stringify(one), /\\u0000/)
          assert.equal(writer.json(packed ?? one, id), writer.json(one, id))
          assert.equal(writer.xml(packed ?? one, id), writer.xml(one, id))
          // As an object it is what it was made of, but for the types of numbers and booleans.
          if (packed) assert.equal(writer.json(packed.members(), id), writer.json(one, id))
        }
        assert.deepEqual(JSON.parse(json), { RequestId: id, ...(inJson(field, value) as object) })
        const root = parseXml(writer.xml(value as object, id))
        assert.equal(root.name, 'DescribeXResponse')
        assert.deepEqual([root.children[0]!.name, root.children[0]!.text], ['RequestId', id])
        compareXml(field, value, { ...root, children: root.children.slice(1) })
      }),
      { numRuns: 500 },
    )
  })
})

describe('errors', () => {
  const facts = { requestId: id, hostId: 'h<&>', recommend: undefined }
  it('are five strings in JSON, and elements in XML', () => {
    const error = apiError('IllegalParam.Name', { value: 'a"<]]>\u0001' })
    const message = 'The specified \\"Name\\" (a\\"<]]>\\u0001) is invalid.'
    assert.equal(
      renderError('json', error, { ...facts, recommend: 'https://x/#y' }),
      `{"RequestId":"${id}","Message":"${message}","Recommend":"https://x/#y","HostId":"h<&>","Code":"IllegalParam.Name"}`,
    )
    assert.equal(
      renderError('xml', error, { ...facts, recommend: 'https://x/]]>#y' }),
      `<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>${id}</RequestId><HostId>h&lt;&amp;&gt;</HostId>` +
        '<Code>IllegalParam.Name</Code><Message>The specified "Name" (a"&lt;]]&gt;\ufffd) is invalid.</Message>' +
        '<Recommend><![CDATA[https://x/]]&gt;#y]]></Recommend></Error>',
    )
  })
  it('leave the link out when there is none', () => {
    assert.ok(!renderError('json', apiError('TaskConflict'), facts).includes('Recommend'))
    assert.ok(!renderError('xml', apiError('TaskConflict'), facts).includes('Recommend'))
  })
})
