/**
 * One conversation with charon over its VICI socket.
 *
 * VICI has no request id: answers come in the order of the questions, with events in between. So one exchange is
 * in flight and the rest wait in a queue. Use two sessions per daemon, one for commands and one for events: a
 * stream of `log` events delays answers behind it.
 *
 * Rules a caller may rely on:
 * - When the socket closes or something unreadable arrives, everything that waits fails at once, nothing is read
 *   any more, and `closed` resolves. A session does not reconnect; make a new one.
 * - A request that runs out of time fails alone. Its answer, should it come, is still paired with it, so the
 *   requests behind it get their own.
 * - No listener is called after `close`.
 * - Errors name commands and events, never what was sent with them.
 */
import { createConnection, type Socket } from 'node:net'
import {
  decodeMessage,
  decodePacket,
  encodeMessage,
  encodePacket,
  type Packet,
  SegmentReader,
  textOf,
  type ViciMessage,
  ViciProtocolError,
  type ViciSection,
} from './message.ts'

/** `refused`: a streaming command was answered with `success=no`. */
export type ViciErrorKind = 'connect' | 'closed' | 'timeout' | 'unknown-command' | 'unknown-event' | 'refused'

export class ViciError extends Error {
  override readonly name = 'ViciError'
  readonly kind: ViciErrorKind

  constructor(kind: ViciErrorKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

export type EventListener = (event: string, message: ViciMessage) => void

/** An answer with its message read. */
interface Answer {
  readonly type: Packet['type']
  readonly message?: ViciMessage
}

interface Exchange {
  readonly what: string
  readonly segment: Uint8Array
  readonly answers: readonly Packet['type'][]
  /** Events of this name that arrive during the exchange belong to its answer. */
  readonly collects?: { readonly event: string; readonly items: ViciMessage[] }
  readonly settle: (answer: Answer | ViciError) => void
}

const defaultTimeoutMs = 30_000

export class ViciSession {
  readonly #socket: Socket
  readonly #reader = new SegmentReader()
  readonly #listeners: { readonly events: ReadonlySet<string>; readonly listener: EventListener }[] = []
  readonly #streamed = new Map<string, Promise<boolean>>()
  #inFlight: Exchange | undefined
  #queue: Exchange[] = []
  #over: ViciError | undefined
  #resolveClosed: (cause: ViciError) => void = () => {}

  /** Resolves, never rejects, with the reason when the session is over, whoever ended it. */
  readonly closed: Promise<ViciError>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (cause) => this.#end(new ViciError('closed', 'VICI socket failed', cause)))
    socket.on('close', () => {
      const where = this.#reader.pending > 0 ? ' in the middle of a packet' : ''
      this.#end(new ViciError('closed', `the daemon closed the VICI socket${where}`))
    })
  }

  /** @throws ViciError `connect` when there is no socket, nobody listens, or nobody accepts in time. */
  static connect(path: string, { timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<ViciSession> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ path })
      const fail = (cause: unknown) => {
        clearTimeout(timer)
        socket.destroy()
        reject(new ViciError('connect', `cannot connect to the VICI socket ${path}`, cause))
      }
      const timer = setTimeout(() => fail(new Error(`not accepted within ${timeoutMs} ms`)), timeoutMs)
      socket.once('error', fail)
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.off('error', fail)
        resolve(new ViciSession(socket))
      })
    })
  }

  /**
   * Runs a command. `success=no` is an answer like any other and is returned.
   *
   * @throws ViciError `unknown-command`, `timeout` (waiting in the queue counts), `closed`
   * @throws ViciProtocolError when the message cannot be encoded
   */
  async request(
    command: string,
    message: ViciSection = {},
    { timeoutMs = defaultTimeoutMs }: { timeoutMs?: number } = {},
  ): Promise<ViciMessage> {
    return this.#command(command, message, timeoutMs)
  }

  /**
   * Runs a command whose results come as events (`list-sas` and `list-sa`), and returns them in order.
   * The event stays registered for the next time: charon sends these events to the asking session only.
   *
   * @throws ViciError as `request`; `unknown-event`; `refused` with the daemon's message
   */
  async stream(
    command: string,
    event: string,
    message: ViciSection = {},
    { timeoutMs = defaultTimeoutMs }: { timeoutMs?: number } = {},
  ): Promise<readonly ViciMessage[]> {
    let registered = this.#streamed.get(event)
    if (!registered) {
      registered = this.#register(event, timeoutMs)
      this.#streamed.set(event, registered)
      registered.catch(() => this.#streamed.delete(event))
    }
    if (!(await registered)) throw new ViciError('unknown-event', `the daemon has no event ${event}`)
    const items: ViciMessage[] = []
    const answer = await this.#command(command, message, timeoutMs, { event, items })
    if (textOf(answer, 'success') === 'no') {
      throw new ViciError('refused', `${command}: ${textOf(answer, 'errmsg') ?? 'refused without a message'}`)
    }
    return items
  }

  /**
   * Registers events and hands each one to the listener, in order of arrival.
   * Returns the names that this daemon does not know; the others work.
   *
   * A listener that throws does not disturb the session; its error is thrown outside, uncaught.
   */
  async subscribe(events: readonly string[], listener: EventListener): Promise<readonly string[]> {
    this.#listeners.push({ events: new Set(events), listener })
    const known = await Promise.all(events.map((event) => this.#register(event, defaultTimeoutMs)))
    return events.filter((_, index) => !known[index])
  }

  /** Ends the session; whatever waits fails with `closed`. Repeating it is fine. */
  close(): void {
    this.#end(new ViciError('closed', 'the VICI session was closed'))
  }

  async #register(event: string, timeoutMs: number): Promise<boolean> {
    const answer = await this.#exchange(`register ${event}`, { type: 'register', name: event }, timeoutMs)
    return answer.type === 'confirm'
  }

  async #command(
    command: string,
    message: ViciSection,
    timeoutMs: number,
    collects?: Exchange['collects'],
  ): Promise<ViciMessage> {
    const packet: Packet = { type: 'request', name: command, message: encodeMessage(message) }
    const answer = await this.#exchange(command, packet, timeoutMs, collects)
    if (!answer.message) throw new ViciError('unknown-command', `the daemon has no command ${command}`)
    return answer.message
  }

  #exchange(
    what: string,
    packet: Packet,
    timeoutMs: number,
    collects?: Exchange['collects'],
  ): Promise<Answer> {
    if (this.#over) return Promise.reject(this.#failure(what))
    const segment = encodePacket(packet)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // One that was not sent yet never is; one that was keeps its place, for its answer may still come.
        this.#queue = this.#queue.filter((queued) => queued !== exchange)
        reject(new ViciError('timeout', `${what}: no answer from the daemon within ${timeoutMs} ms`))
      }, timeoutMs)
      const exchange: Exchange = {
        what,
        segment,
        answers: packet.type === 'request' ? commandAnswers : registerAnswers,
        ...(collects && { collects }),
        settle: (answer) => {
          clearTimeout(timer)
          if (answer instanceof ViciError) reject(answer)
          else resolve(answer)
        },
      }
      this.#queue.push(exchange)
      this.#sendNext()
    })
  }

  #sendNext(): void {
    if (this.#inFlight || this.#over) return
    this.#inFlight = this.#queue.shift()
    if (this.#inFlight) this.#socket.write(this.#inFlight.segment)
  }

  #receive(chunk: Uint8Array): void {
    if (this.#over) return
    try {
      for (const segment of this.#reader.push(chunk)) {
        this.#handle(decodePacket(segment))
        // A listener may have closed the session.
        if (this.#over) return
      }
    } catch (cause) {
      this.#end(new ViciError('closed', 'the daemon sent something that is not VICI', cause))
    }
  }

  #handle(packet: Packet): void {
    if (packet.type === 'event') {
      this.#deliver(packet.name, decodeMessage(packet.message))
      return
    }
    const exchange = this.#inFlight
    if (!exchange?.answers.includes(packet.type)) {
      throw new ViciProtocolError(`${packet.type} packet while waiting for ${exchange?.what ?? 'nothing'}`)
    }
    const answer: Answer =
      packet.type === 'response'
        ? { type: packet.type, message: decodeMessage(packet.message) }
        : { type: packet.type }
    this.#inFlight = undefined
    exchange.settle(answer)
    this.#sendNext()
  }

  #deliver(event: string, message: ViciMessage): void {
    const collects = this.#inFlight?.collects
    if (collects?.event === event) collects.items.push(message)
    for (const { events, listener } of this.#listeners) {
      if (!events.has(event) || this.#over) continue
      try {
        listener(event, message)
      } catch (error) {
        process.nextTick(() => {
          throw error
        })
      }
    }
  }

  /** Each waiter gets its own error, so that each stack trace names its own caller. */
  #failure(what: string): ViciError {
    return new ViciError('closed', `${what}: ${this.#over?.message}`, this.#over?.cause)
  }

  #end(cause: ViciError): void {
    if (this.#over) return
    this.#over = cause
    this.#socket.destroy()
    const waiting = this.#inFlight ? [this.#inFlight, ...this.#queue] : this.#queue
    this.#inFlight = undefined
    this.#queue = []
    for (const exchange of waiting) exchange.settle(this.#failure(exchange.what))
    this.#resolveClosed(cause)
  }
}

const commandAnswers: readonly Packet['type'][] = ['response', 'unknown-command']
const registerAnswers: readonly Packet['type'][] = ['confirm', 'unknown-event']
