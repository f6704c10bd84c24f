/**
 * What BIRD writes into its control socket, read apart. Pure.
 *
 * Lines of text. `NNNN-text` begins or continues an answer, ` text` continues it with the code of the line before,
 * `NNNN text` ends it. `+text` is a line of the log that somebody has asked to hear (`echo`), and may come at any time.
 * Codes: 0 done, 1 and 2 data, 8 refused, 9 not understood (first digit).
 */

export interface ReplyLine {
  readonly code: number
  /** Without the code, with its indentation. */
  readonly text: string
}

export type Heard =
  | { readonly kind: 'reply'; readonly lines: readonly ReplyLine[] }
  | { readonly kind: 'notice'; readonly text: string }

export class BirdProtocolError extends Error {
  override readonly name = 'BirdProtocolError'
}

/** Far above what a gateway full of sessions answers. */
const maxLine = 64 * 1024
const maxReplyLines = 1_000_000

/** Takes bytes as they come and gives what is complete. Unusable after it has thrown. */
export class ReplyReader {
  readonly #decoder = new TextDecoder('latin1')
  #pending = ''
  #lines: ReplyLine[] = []

  /** @throws BirdProtocolError for a line that is none of the above, or one without end */
  push(chunk: Uint8Array): Heard[] {
    const lines = (this.#pending + this.#decoder.decode(chunk, { stream: true })).split('\n')
    this.#pending = lines.pop() ?? ''
    if (this.#pending.length > maxLine) throw new BirdProtocolError('a line without end')
    return lines.flatMap((line) => this.#line(line) ?? [])
  }

  #line(line: string): Heard | undefined {
    if (line.length > maxLine) throw new BirdProtocolError('a line without end')
    if (line.startsWith('+')) return { kind: 'notice', text: line.slice(1) }
    const previous = this.#lines.at(-1)
    const [, digits, mark, text = ''] = /^(\d{4})([ -])(.*)$/s.exec(line) ?? []
    if (digits === undefined) {
      if (!line.startsWith(' ') || !previous) throw new BirdProtocolError('a line that belongs to no answer')
      this.#add({ code: previous.code, text: line.slice(1) })
      return undefined
    }
    this.#add({ code: Number(digits), text })
    if (mark === '-') return undefined
    const lines = this.#lines
    this.#lines = []
    return { kind: 'reply', lines }
  }

  #add(line: ReplyLine): void {
    if (this.#lines.length >= maxReplyLines) throw new BirdProtocolError('an answer without end')
    this.#lines.push(line)
  }
}
