/**
 * What a certificate says of itself (X.509 in DER, RFC 5280, section 4.1), as far as a form shows it before it is sent.
 * Whether it is taken is for the server to say. Pure.
 */

export interface CertificateFacts {
  /** `CN=..., O=...`, as the certificate has them. */
  readonly subject: string
  /** Epoch milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  /** Its basic constraints say that it may issue others. */
  readonly isCa: boolean
}

export type CertificateProblem = 'not-pem' | 'several' | 'unreadable'

export function readCertificate(pem: string): CertificateFacts | CertificateProblem {
  const bodies = [
    ...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*?)-----END CERTIFICATE-----/g),
  ]
  if (bodies.length !== 1) return bodies.length === 0 ? 'not-pem' : 'several'
  try {
    const binary = atob(bodies[0]![1]!.replace(/\s/g, ''))
    return factsOf(Uint8Array.from(binary, (letter) => letter.charCodeAt(0)))
  } catch {
    return 'unreadable'
  }
}

interface Element {
  readonly tag: number
  readonly content: Uint8Array
}

/** The elements that stand one after the other in `bytes` (X.690, 8.1). */
function elementsIn(bytes: Uint8Array): readonly Element[] {
  const found: Element[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = bytes[at]!
    let length = bytes[at + 1]!
    at += 2
    if (length > 0x80) {
      const octets = length & 0x7f
      length = 0
      for (let index = 0; index < octets; index++) length = length * 256 + bytes[at + index]!
      at += octets
    }
    if (!(at + length <= bytes.length)) throw new Error('an element is cut off')
    found.push({ tag, content: bytes.subarray(at, at + length) })
    at += length
  }
  return found
}

const tags = {
  boolean: 0x01,
  octets: 0x04,
  utcTime: 0x17,
  bmpString: 0x1e,
  version: 0xa0,
  extensions: 0xa3,
} as const

function factsOf(der: Uint8Array): CertificateFacts {
  const [certificate] = elementsIn(der)
  const [signed] = elementsIn(certificate!.content)
  const members = elementsIn(signed!.content)
  // The version is missing where it is the first one: serial, algorithm, issuer, validity, subject follow.
  const offset = members[0]!.tag === tags.version ? 1 : 0
  const [notBefore, notAfter] = elementsIn(members[offset + 3]!.content)
  const extensions = members.find(({ tag }) => tag === tags.extensions)
  return {
    subject: nameOf(members[offset + 4]!),
    notBefore: timeOf(notBefore!),
    notAfter: timeOf(notAfter!),
    isCa: extensions !== undefined && mayIssue(extensions),
  }
}

/** Short names of what a subject is made of (RFC 4514, section 3). */
const attributeNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
}

const nameOf = (name: Element): string =>
  elementsIn(name.content)
    .flatMap((set) => elementsIn(set.content))
    .map((attribute) => {
      const [type, value] = elementsIn(attribute.content)
      const id = identifierOf(type!)
      return `${attributeNames[id] ?? id}=${textOf(value!)}`
    })
    .join(', ')

const textOf = ({ tag, content }: Element): string =>
  new TextDecoder(tag === tags.bmpString ? 'utf-16be' : 'utf-8').decode(content)

function identifierOf({ content }: Element): string {
  const [first = 0, ...rest] = content
  const parts = [Math.floor(first / 40), first % 40]
  let part = 0
  for (const octet of rest) {
    part = part * 128 + (octet & 0x7f)
    if (octet < 0x80) {
      parts.push(part)
      part = 0
    }
  }
  return parts.join('.')
}

/** `261126061000Z`, of this century up to 49 (RFC 5280, 4.1.2.5.1), or with all digits of the year. */
function timeOf(element: Element): number {
  const text = textOf(element)
  const whole = element.tag === tags.utcTime ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(whole)
  if (!parts) throw new Error('a time that RFC 5280 does not know')
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as number[]
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!)
}

const basicConstraints = '2.5.29.19'

const mayIssue = (extensions: Element): boolean =>
  elementsIn(elementsIn(extensions.content)[0]!.content).some((extension) => {
    const members = elementsIn(extension.content)
    if (identifierOf(members[0]!) !== basicConstraints) return false
    const value = members.find(({ tag }) => tag === tags.octets)
    const constraints = value && elementsIn(value.content)[0]
    return (
      constraints !== undefined &&
      elementsIn(constraints.content).some(({ tag, content }) => tag === tags.boolean && content[0] !== 0)
    )
  })
