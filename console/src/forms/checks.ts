/** What can be told of a form before it is sent. The server decides; this only spares a round, and warns of what it would accept. Pure. */
import {
  formatIpv4,
  type Ipv4Network,
  overlap,
  parseIpv4,
  parseNetwork,
} from '../../../src/resources/ipv4.ts'
import { reservedTag } from '../../../src/resources/patterns.ts'
import type { MessageKey } from '../i18n.tsx'
import { readCertificate } from './certificate.ts'
import { filledTags, type TagFields } from './tags.ts'

export interface Finding {
  /** An error keeps the form from being sent. */
  readonly level: 'error' | 'warning'
  readonly message: MessageKey
  readonly values?: Readonly<Record<string, string>>
}

const error = (message: MessageKey, values?: Finding['values']): Finding => ({
  level: 'error',
  message,
  values,
})
const warning = (message: MessageKey, values?: Finding['values']): Finding => ({
  level: 'warning',
  message,
  values,
})

/** `10.0.0.1/8` -> `10.0.0.0/8`; `undefined` when it is no network at all. */
export function withoutHostBits(text: string): string | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text.trim())
  const address = match ? parseIpv4(match[1]!) : undefined
  const length = Number(match?.[2])
  if (address === undefined || length > 32) return undefined
  const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
  return `${formatIpv4((address & mask) >>> 0)}/${length}`
}

/** One network of a list. */
export function checkNetwork(text: string): Finding | undefined {
  if (parseNetwork(text.trim())) return undefined
  const meant = withoutHostBits(text)
  return meant === undefined
    ? error('check.noNetwork', { value: text })
    : error('check.hostBits', { value: text, meant })
}

const networksOf = (items: readonly string[]): readonly { text: string; network: Ipv4Network }[] =>
  items.flatMap((item) => {
    const network = parseNetwork(item.trim())
    return network ? [{ text: item.trim(), network }] : []
  })

const isEverything = ({ network }: { network: Ipv4Network }) => network.prefixLength === 0

export interface ConnectionDraft {
  readonly local: readonly string[]
  readonly remote: readonly string[]
  readonly ikeVersion: string
  readonly psk: string
  readonly ikeMode?: string
  /** PEM of the peer's CA; empty where it proves itself with the key. */
  readonly remoteCa?: string
  /** `/30` of the BGP session, when one is wanted. */
  readonly tunnelCidr?: string
  readonly localBgpIp?: string
  /** Of the health check, when one is wanted. */
  readonly addresses?: readonly string[]
}

export interface Other {
  readonly name: string
  readonly local: readonly string[]
  readonly remote: readonly string[]
}

/**
 * @param others connections on the same VPN gateway
 * @param now epoch milliseconds
 */
export function checkConnection(
  draft: ConnectionDraft,
  others: readonly Other[],
  subnetsPerSide: number,
  now: number,
): readonly Finding[] {
  const findings: Finding[] = []
  for (const [side, items] of [
    ['local', draft.local],
    ['remote', draft.remote],
  ] as const) {
    for (const item of items) {
      const finding = checkNetwork(item)
      if (finding) findings.push(finding)
    }
    const twice = items.find((item, index) => items.indexOf(item) !== index)
    if (twice !== undefined) findings.push(error('check.twice', { value: twice }))
    if (items.length > subnetsPerSide) {
      findings.push(
        error(side === 'local' ? 'check.manyLocal' : 'check.manyRemote', { most: String(subnetsPerSide) }),
      )
    }
  }
  const local = networksOf(draft.local)
  const remote = networksOf(draft.remote)
  for (const a of local) {
    for (const b of remote) {
      // 0.0.0.0/0 on a side means "whatever the routes say".
      if (isEverything(a) || isEverything(b) || !overlap(a.network, b.network)) continue
      findings.push(warning('check.sidesOverlap', { local: a.text, remote: b.text }))
    }
  }
  for (const other of others) {
    const theirs = networksOf(other.remote)
    const clash = remote.find(
      (a) => !isEverything(a) && theirs.some((b) => !isEverything(b) && overlap(a.network, b.network)),
    )
    if (clash) findings.push(warning('check.otherOverlap', { value: clash.text, name: other.name }))
  }
  if (draft.ikeVersion === 'ikev1' && local.length * remote.length > 1) {
    findings.push(warning('check.ikev1Several', { count: String(local.length * remote.length) }))
  }
  findings.push(...checkPsk(draft.psk))
  if (draft.remoteCa) {
    findings.push(...checkCertificate(draft.remoteCa, now))
    if (draft.ikeVersion === 'ikev1' && draft.ikeMode === 'aggressive') {
      findings.push(error('check.caAggressive'))
    }
  }
  for (const address of draft.addresses ?? []) {
    if (address !== '' && parseIpv4(address) === undefined)
      findings.push(error('check.noAddress', { value: address }))
  }
  if (draft.tunnelCidr) findings.push(...checkTunnelCidr(draft.tunnelCidr, draft.localBgpIp ?? ''))
  return findings
}

/** A vSwitch lies in its VPC. */
export function checkInside(cidr: string, around: string): readonly Finding[] {
  const [inner, outer] = [parseNetwork(cidr.trim()), parseNetwork(around)]
  if (!inner || !outer || (inner.prefixLength >= outer.prefixLength && overlap(inner, outer))) return []
  return [error('check.outside', { value: cidr, around })]
}

export function checkPsk(psk: string): readonly Finding[] {
  if (psk === '') return []
  if (psk !== psk.trim()) return [error('check.pskBlanks')]
  if (!/^[\x21-\x7e]{1,100}$/.test(psk)) return [error('check.pskSigns')]
  return psk.length < 16 ? [warning('check.pskShort')] : []
}

/**
 * The certificate of the CA that issues those of the peers, one and in PEM.
 *
 * @param now epoch milliseconds
 */
export function checkCertificate(pem: string, now: number): readonly Finding[] {
  const facts = readCertificate(pem)
  if (typeof facts === 'string') return [error(`check.ca.${facts}`)]
  if (!facts.isCa) return [error('check.ca.notCa', { subject: facts.subject })]
  if (facts.notAfter < now || facts.notBefore > now) return [error('check.ca.notValid')]
  return []
}

/** The vendor's rules for tags, which `tag/model.ts` keeps. @param most tags on one resource */
export function checkTags(tags: readonly TagFields[] | undefined, most: number): readonly Finding[] {
  const filled = filledTags(tags)
  const keys = filled.map(({ Key }) => Key)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  const reserved = filled.flatMap(({ Key, Value }) => [Key, Value]).find((text) => reservedTag.test(text))
  return [
    ...(twice === undefined ? [] : [error('check.twice', { value: twice })]),
    ...(reserved === undefined ? [] : [error('check.tagReserved', { value: reserved })]),
    ...(filled.length > most ? [error('check.manyTags', { most: String(most) })] : []),
  ]
}

/** BGP inside a tunnel lives in a /30 of 169.254.0.0/16, whose two hosts are the ends. */
export function checkTunnelCidr(cidr: string, localIp: string): readonly Finding[] {
  const network = parseNetwork(cidr)
  const linkLocal = parseNetwork('169.254.0.0/16')!
  if (network?.prefixLength !== 30 || !overlap(linkLocal, network))
    return [error('check.tunnelCidr', { value: cidr })]
  const local = parseIpv4(localIp)
  if (
    localIp !== '' &&
    (local === undefined || (local !== network.address + 1 && local !== network.address + 2))
  ) {
    return [
      error('check.localBgpIp', {
        value: localIp,
        first: formatIpv4(network.address + 1),
        second: formatIpv4(network.address + 2),
      }),
    ]
  }
  return []
}

type Statement = Readonly<Record<string, unknown>>

/** The statements of a document, or what is wrong with it. */
function statementsOf(
  text: string,
  isComplete: (statement: Statement) => boolean,
  incomplete: 'check.statement' | 'check.trust',
): readonly Statement[] | Finding {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    return error('check.notJson', { why: (cause as Error).message })
  }
  const { Version, Statement } = (document ?? {}) as {
    readonly Version?: unknown
    readonly Statement?: unknown
  }
  if (Version !== '1') return error('check.policyVersion')
  if (!Array.isArray(Statement) || Statement.length === 0) return error('check.noStatement')
  const hasEffect = (one: Statement) => one['Effect'] === 'Allow' || one['Effect'] === 'Deny'
  const index = Statement.findIndex((one: Statement | null) => !one || !hasEffect(one) || !isComplete(one))
  return index < 0 ? Statement : error(incomplete, { number: String(index + 1) })
}

/** A policy document. What is left to say of it the server says. */
export function checkPolicy(text: string): readonly Finding[] {
  const statements = statementsOf(text, (one) => Boolean(one['Action'] && one['Resource']), 'check.statement')
  if ('level' in statements) return [statements]
  const names = (value: unknown) => (Array.isArray(value) ? value : [value])
  const allowsAll = statements.some(
    ({ Effect, Action, Resource, Condition }) =>
      Effect === 'Allow' &&
      Condition === undefined &&
      names(Action).some((action) => action === '*' || action === 'ram:*') &&
      names(Resource).includes('*'),
  )
  return allowsAll ? [warning('check.everything')] : []
}

/** A trust policy, as far as it can be said here. */
export function checkTrust(text: string): readonly Finding[] {
  const names = (one: Statement) => (one['Principal'] as Statement | null | undefined)?.['RAM']
  const statements = statementsOf(text, (one) => Boolean(one['Action'] && names(one)), 'check.trust')
  return 'level' in statements ? [statements] : []
}
