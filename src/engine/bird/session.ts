/**
 * One conversation with BIRD over its control socket.
 *
 * There is no request id: one command is in flight and the rest wait in a queue. When the socket closes, when
 * something unreadable arrives or when an answer does not come in time, everything that waits fails at once and
 * `closed` resolves: an answer that came late could not be told from the next one. A session does not reconnect.
 * Errors quote what BIRD said, never a configuration.
 */
import { createConnection, type Socket } from 'node:net'
import { type Heard, type ReplyLine, ReplyReader } from './reply.ts'

export type BirdErrorKind = 'connect' | 'closed' | 'refused'

export class BirdError extends Error {
  override readonly name = 'BirdError'
  readonly kind: BirdErrorKind

  constructor(kind: BirdErrorKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

interface Exchange {
  readonly command: string
  readonly settle: (answer: readonly ReplyLine[] | BirdError) => void
}

const defaultTimeoutMs = 5_000
const firstRefusal = 8_000

export class BirdSession {
  readonly #socket: Socket
  readonly #timeoutMs: number
  readonly #reader = new ReplyReader()
  #notice: ((text: string) => void) | undefined
  #queue: Exchange[] = []
  #inFlight: Exchange | undefined
  #timer: NodeJS.Timeout | undefined
  #over: BirdError | undefined
  #resolveClosed: (cause: BirdError) => void = () => {}

  /** Resolves, never rejects, with the reason when the session is over, whoever ended it. */
  readonly closed: Promise<BirdError>

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (cause) => this.#end(new BirdError('closed', 'the socket of BIRD failed', cause)))
    socket.on('close', () => this.#end(new BirdError('closed', 'BIRD closed its socket')))
  }

  /**
   * Connects and waits for BIRD's greeting.
   *
   * @throws BirdError `connect` when there is no socket or nobody listens, `closed` when there is no greeting
   */
  static async connect(
    path: string,
    { timeoutMs = defaultTimeoutMs }: { timeoutMs?: number } = {},
  ): Promise<BirdSession> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const connecting = createConnection({ path })
      connecting.once('connect', () => resolve(connecting))
      connecting.once('error', (cause) =>
        reject(new BirdError('connect', `cannot connect to the socket of BIRD ${path}`, cause)),
      )
    })
    const session = new BirdSession(socket, timeoutMs)
    await session.#exchange('greeting')
    return session
  }

  /**
   * Asks one thing.
   *
   * @throws BirdError `refused` with BIRD's words, `closed`
   */
  async ask(command: string): Promise<readonly ReplyLine[]> {
    if (/[\r\n]/.test(command)) throw new BirdError('refused', 'a command is one line')
    const lines = await this.#exchange(command)
    const last = lines.at(-1)
    if (last && last.code >= firstRefusal) throw new BirdError('refused', `BIRD: ${last.text}`)
    return lines
  }

  /** Hears every line of the log from now on, in order. @throws BirdError as `ask` */
  async listen(notice: (text: string) => void): Promise<void> {
    this.#notice = notice
    await this.ask('echo all')
  }

  /** Ends the session; whatever waits fails with `closed`. Repeating it is fine. */
  close(): void {
    this.#end(new BirdError('closed', 'the session with BIRD was closed'))
  }

  #exchange(command: string): Promise<readonly ReplyLine[]> {
    if (this.#over) return Promise.reject(this.#failure())
    return new Promise((resolve, reject) => {
      this.#queue.push({
        command,
        settle: (answer) => (answer instanceof BirdError ? reject(answer) : resolve(answer)),
      })
      this.#sendNext()
    })
  }

  #sendNext(): void {
    if (this.#inFlight || this.#over) return
    const next = this.#queue.shift()
    if (!next) return
    this.#inFlight = next
    this.#timer = setTimeout(() => {
      const what = next.command.split(' ', 2).join(' ')
      this.#end(new BirdError('closed', `BIRD: no answer to "${what}" within ${this.#timeoutMs} ms`))
    }, this.#timeoutMs).unref()
    // The greeting comes without being asked for.
    if (next.command !== 'greeting') this.#socket.write(`${next.command}\n`)
  }

  #receive(chunk: Uint8Array): void {
    if (this.#over) return
    let heard: Heard[]
    try {
      heard = this.#reader.push(chunk)
    } catch (cause) {
      this.#end(new BirdError('closed', 'BIRD said something that is no answer', cause))
      return
    }
    for (const one of heard) {
      if (this.#over) return
      if (one.kind === 'notice') this.#notice?.(one.text)
      else this.#answered(one.lines)
    }
  }

  #answered(lines: readonly ReplyLine[]): void {
    const exchange = this.#inFlight
    if (!exchange) {
      this.#end(new BirdError('closed', 'BIRD answered what nobody had asked'))
      return
    }
    clearTimeout(this.#timer)
    this.#inFlight = undefined
    exchange.settle(lines)
    this.#sendNext()
  }

  #failure(): BirdError {
    return new BirdError('closed', this.#over?.message ?? 'closed', this.#over?.cause)
  }

  #end(cause: BirdError): void {
    if (this.#over) return
    this.#over = cause
    clearTimeout(this.#timer)
    this.#socket.destroy()
    const waiting = this.#inFlight ? [this.#inFlight, ...this.#queue] : this.#queue
    this.#inFlight = undefined
    this.#queue = []
    for (const exchange of waiting) exchange.settle(this.#failure())
    this.#resolveClosed(cause)
  }
}
