/**
 * HMAC (RFC 2104) with a key that is prepared once: two one-shot hashes for a signature, which for the short texts that are
 * signed here take half of what a `createHmac` of Node takes.
 */
import { hash, timingSafeEqual } from 'node:crypto'

/** Bytes that SHA-1 and SHA-256 work on at a time. */
const blockSize = 64

let inner = Buffer.allocUnsafe(blockSize + 8 * 1024)

/** Where two signatures are compared, by their length: `timingSafeEqual` wants bytes. */
const scales = new Map<number, readonly [Buffer, Buffer]>()

function scaleOf(length: number): readonly [Buffer, Buffer] {
  let scale = scales.get(length)
  if (!scale) {
    scale = [Buffer.alloc(length), Buffer.alloc(length)]
    scales.set(length, scale)
  }
  return scale
}

/** A key for signatures. It prints nothing of itself. */
export class HmacKey {
  readonly #algorithm: 'sha1' | 'sha256'
  /** The key, padded to a block, XOR `ipad`; and XOR `opad`, with room for the inner hash behind it. */
  readonly #innerPad: Buffer
  readonly #outer: Buffer

  constructor(algorithm: 'sha1' | 'sha256', secret: string) {
    this.#algorithm = algorithm
    const key = Buffer.alloc(blockSize)
    const bytes = Buffer.from(secret)
    ;(bytes.length > blockSize ? hash(algorithm, bytes, 'buffer') : bytes).copy(key)
    this.#innerPad = Buffer.from(key.map((byte) => byte ^ 0x36))
    this.#outer = Buffer.alloc(blockSize + (algorithm === 'sha1' ? 20 : 32))
    this.#outer.set(key.map((byte) => byte ^ 0x5c))
  }

  sign(message: Buffer, encoding: 'base64' | 'hex'): string {
    const length = blockSize + message.length
    if (length > inner.length) inner = Buffer.allocUnsafe(length)
    inner.set(this.#innerPad)
    inner.set(message, blockSize)
    this.#outer.write(hash(this.#algorithm, inner.subarray(0, length), 'binary'), blockSize, 'latin1')
    return hash(this.#algorithm, this.#outer, encoding)
  }

  /** Whether `given` is the signature of the message; how long it takes does not tell how much of it is right. */
  verify(message: Buffer, encoding: 'base64' | 'hex', given: string): boolean {
    const wanted = this.sign(message, encoding)
    if (given.length !== wanted.length) return false
    const [left, right] = scaleOf(wanted.length)
    left.write(wanted)
    // A letter outside ASCII takes several bytes, none of which a signature has.
    right.fill(0)
    right.write(given)
    return timingSafeEqual(left, right)
  }
}
