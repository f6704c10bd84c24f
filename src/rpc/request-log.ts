/**
 * One JSON line per answered request. No parameters and no texts of errors: both may hold keys.
 */

export interface RequestLog {
  /** Epoch milliseconds at which the request was accepted. */
  readonly time: number
  readonly requestId: string
  /** As the caller named it; empty when it could not be read. */
  readonly action: string
  readonly accessKeyId: string
  readonly status: number
  /** Code of the error; `OK` for success. */
  readonly code: string
  /** Microseconds from the whole request to its answer. */
  readonly duration: number
  readonly remoteAddress: string
  /** What was thrown behind an InternalError. */
  readonly cause?: unknown
}

/** Where lines go; a Node stream fits. */
export interface LogDestination {
  write(text: Uint8Array): unknown
  /** Bytes accepted and not yet written. */
  readonly writableLength?: number
}

export interface RequestLogger {
  log(entry: RequestLog): void
  /** Writes what is still held. */
  flush(): void
}

/** Held back no longer than this, in milliseconds. */
const longestWait = 200
/** Each write wakes a thread, which costs what a hundred lines cost. */
const fullBuffer = 128 * 1024
/** A reader this far behind loses lines rather than this process its memory; the next line written says how many. */
const mostPending = 16 * 1024 * 1024
/** Names callers choose are cut to this. */
const longestName = 128

function quote(text: string): string {
  const short = text.length > longestName ? text.slice(0, longestName) : text
  for (let at = 0; at < short.length; at++) {
    const unit = short.charCodeAt(at)
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit > 0x7e) return JSON.stringify(short)
  }
  return `"${short}"`
}

function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return `Thrown: ${typeof cause}`
  const text = cause.stack ?? String(cause)
  return cause.cause === undefined ? text : `${text}\ncaused by: ${causeText(cause.cause)}`
}

// Requests of one millisecond, mostly of one second, share most of their time.
let lastTime = Number.NaN
let lastTimeText = ''

function timeText(time: number): string {
  if (time !== lastTime) {
    lastTime = time
    lastTimeText = new Date(time).toISOString()
  }
  return lastTimeText
}

/** The line of an entry, with its line feed. */
export function renderLine(entry: RequestLog): string {
  const cause = entry.cause === undefined ? '' : `,"cause":${JSON.stringify(causeText(entry.cause))}`
  return (
    `{"time":"${timeText(entry.time)}","requestId":"${entry.requestId}","action":${quote(entry.action)},` +
    `"accessKeyId":${quote(entry.accessKeyId)},"status":${entry.status},"code":"${entry.code}",` +
    `"durationUs":${entry.duration},"remoteAddress":"${entry.remoteAddress}"${cause}}\n`
  )
}

/** Collects lines and writes them in few large pieces. */
export function createRequestLogger(destination: LogDestination): RequestLogger {
  // Copied at once: a growing string would keep the pieces of every line alive.
  let held = Buffer.allocUnsafe(fullBuffer)
  let length = 0
  let timer: NodeJS.Timeout | undefined
  let dropped = 0

  function flush(): void {
    if (timer) clearTimeout(timer)
    timer = undefined
    if (length === 0) return
    destination.write(held.subarray(0, length))
    // The destination may still be writing the old one.
    held = Buffer.allocUnsafe(fullBuffer)
    length = 0
  }

  function hold(line: string): void {
    // 3 bytes at most for each UTF-16 unit.
    if (length + line.length * 3 > fullBuffer) flush()
    if (line.length * 3 > fullBuffer) destination.write(Buffer.from(line))
    else length += held.write(line, length)
    timer ??= setTimeout(flush, longestWait).unref()
  }

  return {
    log(entry) {
      if ((destination.writableLength ?? 0) > mostPending) {
        dropped++
        return
      }
      if (dropped > 0) {
        hold(`{"time":${quote(timeText(entry.time))},"droppedLines":${dropped}}\n`)
        dropped = 0
      }
      hold(renderLine(entry))
    },
    flush,
  }
}
