/**
 * The logs of tunnels on disk: one folder for each tunnel, files that follow each other in it.
 *
 *     <dir>/<tunnel id>/1764115200123.log      lines `<epoch ms> <text>`; the name is the time of the first one
 *
 * Bounded by bytes for each tunnel and by age, a whole file at a time. Lines are written in batches, so a process that
 * is killed loses what came in the last moment and nothing else; a line that was cut off is not shown, and the next one
 * begins on a line of its own.
 */
import { appendFile, mkdir, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'

export interface LogbookLine {
  /** Epoch milliseconds. */
  readonly at: number
  readonly text: string
}

export interface LogbookPage {
  /** Oldest first. */
  readonly lines: readonly LogbookLine[]
  /** False when lines of this range were there once and have been removed to keep the bound. */
  readonly complete: boolean
}

export interface Logbook {
  /** Returns at once; the line is on its way to the disk. Line ends in `text` become blanks. */
  append(tunnelId: string, line: LogbookLine): void
  /** Lines with `from <= at < to` (epoch milliseconds), oldest first, without the first `skip`, at most `limit`. */
  read(
    tunnelId: string,
    range: { from: number; to: number },
    skip: number,
    limit: number,
  ): Promise<LogbookPage>
  /** Removes what is too old, and everything of tunnels that are not kept. */
  tidy(now: number, isKept: (tunnelId: string) => Promise<boolean>): Promise<void>
  /** Resolves when everything that was appended is written. */
  close(): Promise<void>
}

export interface LogbookOptions {
  readonly dir: string
  /** Bytes for each tunnel. */
  readonly maxBytes?: number
  /** Milliseconds. */
  readonly maxAge?: number
  /** Told of a failure to write (a full disk); the lines are lost. */
  readonly failed?: (cause: unknown) => void
}

const defaultMaxBytes = 8 << 20
/** The vendor keeps about 180 days (help page of DescribeVpnConnectionLogs, 2026). */
const defaultMaxAge = 180 * 86_400_000
/** Files of a tunnel: with one more than this, the oldest goes. */
const filesPerTunnel = 8
/** Milliseconds that a line may wait for others to be written with. */
const gatherMs = 100

/** A file of a tunnel. `lines` is known once a file that is not written to any more has been read whole. */
interface Segment {
  readonly start: number
  lines?: number
}

interface Book {
  readonly dir: string
  readonly segments: Segment[]
  /** Bytes of the last segment. */
  size: number
  /** Lines older than this have been removed, as far as there were any. */
  removedUntil: number
  /** The time of the last line: what comes later never reads as earlier. */
  last: number
}

export function createLogbook({ dir, maxBytes, maxAge, failed }: LogbookOptions): Logbook {
  const segmentBytes = Math.ceil((maxBytes ?? defaultMaxBytes) / filesPerTunnel)
  const age = maxAge ?? defaultMaxAge
  const books = new Map<string, Promise<Book>>()
  /** Work on one tunnel comes one after the other. */
  const queues = new Map<string, Promise<unknown>>()
  const gathered = new Map<string, LogbookLine[]>()
  let timer: NodeJS.Timeout | undefined

  const file = (book: Book, segment: Segment) => join(book.dir, `${segment.start}.log`)

  function inTurn<T>(tunnelId: string, job: () => Promise<T>): Promise<T> {
    const done = (queues.get(tunnelId) ?? Promise.resolve()).then(job)
    const settled = done
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        if (queues.get(tunnelId) === settled) queues.delete(tunnelId)
      })
    queues.set(tunnelId, settled)
    return done
  }

  function bookOf(tunnelId: string): Promise<Book> {
    let book = books.get(tunnelId)
    if (!book) {
      book = openBook(join(dir, folderName(tunnelId)))
      books.set(tunnelId, book)
      book.catch(() => books.delete(tunnelId))
    }
    return book
  }

  async function write(tunnelId: string, lines: readonly LogbookLine[]): Promise<void> {
    const book = await bookOf(tunnelId)
    let text = ''
    let bytes = 0
    let start: number | undefined
    const flush = async () => {
      if (start === undefined) return
      let segment = book.segments.at(-1)
      if (!segment || book.size >= segmentBytes) {
        if (!segment) await mkdir(book.dir, { recursive: true, mode: 0o700 })
        // Two files cannot begin in the same millisecond.
        segment = { start: Math.max(start, (segment?.start ?? 0) + 1) }
        book.segments.push(segment)
        book.size = 0
      }
      await appendFile(file(book, segment), text, { mode: 0o600 })
      book.size += bytes
      text = ''
      bytes = 0
      start = undefined
      if (book.segments.length > filesPerTunnel) await removeOldest(book)
    }
    for (const line of lines) {
      // Clocks are set back at times; a log that jumps back could not be read by time.
      book.last = Math.max(book.last, line.at)
      start ??= book.last
      const entry = `${book.last} ${line.text.replace(/[\r\n]+/g, ' ')}\n`
      text += entry
      bytes += Buffer.byteLength(entry)
      if (book.size + bytes >= segmentBytes) await flush()
    }
    await flush()
  }

  async function removeOldest(book: Book): Promise<void> {
    const [oldest, next] = book.segments
    await rm(file(book, oldest!), { force: true })
    book.segments.shift()
    book.removedUntil = next?.start ?? book.last + 1
  }

  /** Hands what was gathered to the queues of its tunnels. */
  function writeGathered(): void {
    clearTimeout(timer)
    timer = undefined
    for (const [tunnelId, lines] of gathered) {
      inTurn(tunnelId, () => write(tunnelId, lines)).catch((cause) => failed?.(cause))
    }
    gathered.clear()
  }

  async function linesOf(book: Book, segment: Segment): Promise<LogbookLine[]> {
    const text = await readFile(file(book, segment), 'utf8').catch((cause) => {
      if (cause.code === 'ENOENT') return ''
      throw cause
    })
    const lines = parseLines(text)
    if (segment !== book.segments.at(-1)) segment.lines = lines.length
    return lines
  }

  function forget(tunnelId: string): Promise<void> {
    gathered.delete(tunnelId)
    return inTurn(tunnelId, async () => {
      books.delete(tunnelId)
      await rm(join(dir, folderName(tunnelId)), { recursive: true, force: true })
    })
  }

  return {
    append(tunnelId, line) {
      const lines = gathered.get(tunnelId)
      if (lines) lines.push(line)
      else gathered.set(tunnelId, [line])
      timer ??= setTimeout(writeGathered, gatherMs).unref()
    },

    read(tunnelId, { from, to }, skip, limit) {
      writeGathered()
      return inTurn(tunnelId, async () => {
        const book = await bookOf(tunnelId)
        const found: LogbookLine[] = []
        let toSkip = skip
        for (const [index, segment] of book.segments.entries()) {
          const next = book.segments[index + 1]?.start ?? Number.POSITIVE_INFINITY
          if (found.length >= limit || segment.start >= to) break
          // The next file begins with a line at its start, and this one may end with lines of that millisecond.
          if (next < from) continue
          const isWhole = segment.start >= from && next < to
          if (isWhole && segment.lines !== undefined && segment.lines <= toSkip) {
            toSkip -= segment.lines
            continue
          }
          const lines = (await linesOf(book, segment)).filter(({ at }) => at >= from && at < to)
          found.push(...lines.slice(toSkip, toSkip + limit - found.length))
          toSkip = Math.max(0, toSkip - lines.length)
        }
        return { lines: found, complete: from >= book.removedUntil }
      })
    },

    async tidy(now, isKept) {
      const names = await readdir(dir).catch(() => [])
      for (const name of names) {
        const tunnelId = decodeURIComponent(name)
        if (!(await isKept(tunnelId))) await forget(tunnelId)
        else
          await inTurn(tunnelId, async () => {
            const book = await bookOf(tunnelId)
            // A file is as old as its last line: that of the next file's first, or of the last one of all.
            while (book.segments.length > 0 && (book.segments[1]?.start ?? book.last) < now - age) {
              await removeOldest(book)
            }
            if (book.segments.length === 0) await rm(book.dir, { recursive: true, force: true })
          })
      }
    },

    async close() {
      writeGathered()
      while (queues.size > 0) await Promise.all(queues.values())
    },
  }
}

/** Ids are letters, digits and dashes; whatever else comes makes no path. */
const folderName = (tunnelId: string) => encodeURIComponent(tunnelId).replaceAll('.', '%2E')

/** Takes up what an earlier process has written. */
async function openBook(dir: string): Promise<Book> {
  const names = await readdir(dir).catch((cause) => {
    if (cause.code === 'ENOENT') return []
    throw cause
  })
  const segments = names
    .flatMap((name) => (/^\d+\.log$/.test(name) ? [{ start: Number.parseInt(name, 10) }] : []))
    .sort((a, b) => a.start - b.start)
  const newest = segments.at(-1)
  const book: Book = {
    dir,
    segments,
    size: 0,
    // What was removed before this start is known by the number of files alone.
    removedUntil: segments.length >= filesPerTunnel ? segments[0]!.start : 0,
    last: newest?.start ?? 0,
  }
  if (!newest) return book
  const path = join(dir, `${newest.start}.log`)
  const content = await readFile(path)
  book.size = content.lastIndexOf(10) + 1
  if (book.size < content.length) await truncate(path, book.size)
  book.last = parseLines(content.toString('utf8', 0, book.size)).at(-1)?.at ?? newest.start
  return book
}

function parseLines(text: string): LogbookLine[] {
  return text.split('\n').flatMap((line) => {
    const [, at, rest] = /^(\d+) (.*)$/.exec(line) ?? []
    return at === undefined ? [] : [{ at: Number(at), text: rest! }]
  })
}
