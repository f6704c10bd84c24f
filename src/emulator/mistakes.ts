/**
 * What clients did wrong, as far as it can be seen from here: things that pass on a good day and cost something on a
 * bad one.
 */
import type { LetIn, Passage } from '../rpc/gate.ts'
import type { RequestLog } from '../rpc/request-log.ts'
import type { Mistake, MistakeReport } from './types.ts'

export interface Mistakes {
  /** A call has been let in. The answer says how it will have gone. */
  called(call: LetIn, passage: Passage): Passage
  /** A call was refused by a fault, before it was done. */
  refused(call: LetIn, code: string): void
  answered(entry: RequestLog): void
  report(): MistakeReport
  clear(): void
}

/** Parameters of every call, read by the protocol or by nobody on purpose. */
const common = new Set([
  ...['Action', 'Version', 'Format', 'RegionId', 'AccessKeyId', 'SecurityToken', 'BearerToken', 'Timestamp'],
  ...['Signature', 'SignatureMethod', 'SignatureVersion', 'SignatureType', 'SignatureNonce'],
  ...['ClientToken', 'DryRun', 'X-Suidao', 'AcceptLanguage'],
  // Sent by older SDKs with every call.
  ...['OwnerId', 'OwnerAccount', 'ResourceOwnerId', 'ResourceOwnerAccount', 'SourceRegionId', 'Product'],
])

const unsignedCodes = new Set(['MissingAccessKeyId', 'MissingSignature', 'InvalidAccessKeyId.NotFound'])
const signatureCodes = new Set(['SignatureDoesNotMatch', 'IncompleteSignature'])
const staleCodes = new Set(['InvalidTimeStamp.Format', 'InvalidTimeStamp.Expired', 'SignatureNonceUsed'])

/** How the last call with the same content went. */
interface Before {
  readonly token: string
  readonly outcome: 'lost' | 'refused'
}

const mostMistakes = 1_000
const mostRemembered = 10_000

export function createMistakes(now: () => number): Mistakes {
  let mistakes: Mistake[] = []
  let duplicates = 0
  const before = new Map<string, Before>()

  function note(kind: Mistake['kind'], action: string, accessKeyId: string, message: string): void {
    mistakes.push({ at: now(), kind, action, accessKeyId, message })
    if (mistakes.length > mostMistakes) mistakes.shift()
  }

  function remember(key: string, outcome: Before | undefined): void {
    before.delete(key)
    if (outcome) before.set(key, outcome)
    if (before.size > mostRemembered) before.delete(before.keys().next().value!)
  }

  /** The call without what changes from one try to the next. */
  const contentOf = ({ spec, principal, parameters }: LetIn) =>
    JSON.stringify([
      spec.name,
      principal.accountId,
      [...parameters]
        .filter(([name]) => !/^(ClientToken|Timestamp|Signature.*|AccessKeyId)$/.test(name))
        .toSorted(),
    ])

  function lookAtParameters({ spec, principal, parameters }: LetIn): void {
    const known = new Set<string>(common)
    for (const [name, field] of Object.entries(spec.params)) {
      known.add(name)
      for (const alias of field.aliases ?? []) known.add(alias)
    }
    for (const name of parameters.keys()) {
      const root = name.split('.')[0]!
      if (known.has(name) || known.has(root) || [...known].some((each) => name.startsWith(`${each}.`)))
        continue
      note(
        'unread-parameter',
        spec.name,
        principal.accessKeyId,
        `${name} is no parameter of ${spec.name}: nobody reads it`,
      )
    }
  }

  return {
    called(call, passage) {
      lookAtParameters(call)
      if (call.spec.kind !== 'write') return passage
      const key = contentOf(call)
      const token = call.parameters.get('ClientToken') ?? ''
      const earlier = before.get(key)
      const takesToken = Object.hasOwn(call.spec.params, 'ClientToken')
      const isRisky = earlier !== undefined && takesToken && (token === '' || token !== earlier.token)
      if (isRisky) {
        note(
          token === '' ? 'client-token-missing' : 'client-token-changed',
          call.spec.name,
          call.principal.accessKeyId,
          earlier.outcome === 'lost'
            ? 'tried again after a lost answer without the same ClientToken: it is done twice'
            : 'tried again after an error without the same ClientToken: had only the answer been lost, it would be done twice',
        )
      }
      return {
        ...passage,
        done(code) {
          if (code === 'OK' && isRisky && earlier.outcome === 'lost') duplicates += 1
          remember(key, passage.loseAnswer && code === 'OK' ? { token, outcome: 'lost' } : undefined)
        },
      }
    },
    refused(call, code) {
      if (call.spec.kind !== 'write') return
      lookAtParameters(call)
      if (/^(Throttling|InternalError|ServiceUnavailable)/.test(code)) {
        remember(contentOf(call), { token: call.parameters.get('ClientToken') ?? '', outcome: 'refused' })
      }
    },
    answered({ code, action, accessKeyId }) {
      if (unsignedCodes.has(code))
        note(
          'unsigned-call',
          action,
          accessKeyId,
          `refused with ${code}: the call is not signed by a key known here`,
        )
      else if (signatureCodes.has(code))
        note('unsigned-call', action, accessKeyId, `refused with ${code}: the signature is wrong`)
      else if (staleCodes.has(code))
        note(
          'stale-signature',
          action,
          accessKeyId,
          `refused with ${code}: the call was dated or sent wrongly`,
        )
    },
    report: () => ({ mistakes: [...mistakes], duplicates }),
    clear() {
      mistakes = []
      duplicates = 0
      before.clear()
    },
  }
}
