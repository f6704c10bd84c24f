/** Texts up to this are written faster from here than by a call into the runtime. */
const longText = 48

/**
 * Text written piece by piece into one buffer that is used again and again. Adding up strings instead makes a tree of a
 * hundred small objects for each answer, which then has to be flattened to be sent.
 */
export class TextBuffer {
  #bytes = Buffer.allocUnsafe(64 * 1024)
  #ascii = true
  /** Bytes written. It may be set back to where it was. */
  length = 0

  begin(): void {
    this.length = 0
    this.#ascii = true
  }

  /** The text, or a part of it between two places; a place is what `length` was there. */
  slice(from = 0, to = this.length): string {
    return this.#bytes.toString(this.#ascii ? 'latin1' : 'utf8', from, to)
  }

  put(text: string): void {
    this.#makeRoom(text)
    const bytes = this.#bytes
    if (text.length > longText) {
      const written = bytes.write(text, this.length)
      if (written > text.length) this.#ascii = false
      this.length += written
      return
    }
    let to = this.length
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      if (unit > 0x7f) {
        this.#putUtf8(text)
        return
      }
      bytes[to++] = unit
    }
    this.length = to
  }

  /** A JSON string with its quotes. */
  putJsonString(text: string): void {
    this.#makeRoom(text)
    const bytes = this.#bytes
    let to = this.length
    bytes[to++] = 0x22
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      // Most texts hold nothing to escape and nothing but ASCII.
      if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit > 0x7f) {
        this.put(JSON.stringify(text))
        return
      }
      bytes[to++] = unit
    }
    bytes[to++] = 0x22
    this.length = to
  }

  #putUtf8(text: string): void {
    this.#ascii = false
    this.length += this.#bytes.write(text, this.length)
  }

  /** Three bytes for each UTF-16 unit are enough, and two quotes. */
  #makeRoom(text: string): void {
    const most = this.length + text.length * 3 + 2
    if (most <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(most * 2)
    this.#bytes.copy(larger, 0, 0, this.length)
    this.#bytes = larger
  }
}
