/**
 * The audit trail on the disk: files of JSON lines, numbered, the oldest removed when there are enough. A line is never
 * changed, so its file and place name it for ever, and a page can go on from there.
 *
 * What a full disk or a crash takes are the last lines; that lines were lost is said in the log. The calls themselves do not
 * wait for the disk.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditRecord } from './model.ts'

export interface AuditLimits {
  readonly fileBytes: number
  readonly files: number
}

/** A place between two lines: before line `line` of file `file`. */
export interface Place {
  readonly file: number
  readonly line: number
}

export interface AuditTrail {
  append(record: AuditRecord): void
  /**
   * Records that fit, in order of time or against it, from a place on (from the end they start at when it is left out).
   * `next` is where the rest begins; absent when there is none.
   */
  find(
    fits: (record: AuditRecord) => boolean,
    order: 'BACKWARD' | 'FORWARD',
    limit: number,
    from?: Place,
  ): Promise<{ readonly records: readonly AuditRecord[]; readonly next?: Place }>
  close(): Promise<void>
}

/** Lines not yet written; more are lost rather than this process its memory. */
const mostPending = 16 * 1024 * 1024

const nameOf = (file: number) => `audit-${String(file).padStart(8, '0')}.jsonl`

/** @throws when the folder cannot be made or read */
export async function openAuditTrail(
  folder: string,
  limits: AuditLimits,
  log: (entry: object) => void,
): Promise<AuditTrail> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const existing = async () =>
    (await readdir(folder))
      .flatMap((name) => /^audit-(\d{8})\.jsonl$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)

  let current = (await existing()).at(-1) ?? 1
  let handle: FileHandle | undefined
  let size = 0
  let pending: string[] = []
  let pendingBytes = 0
  let lost = 0
  let writing: Promise<void> | undefined

  async function roll(): Promise<void> {
    await handle?.close()
    handle = undefined
    current++
  }

  async function write(text: string): Promise<void> {
    if (!handle) {
      handle = await open(join(folder, nameOf(current)), 'a+', 0o600)
      size = (await handle.stat()).size
      // A line that a crash cut off must not take the next one with it.
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1))
      if (size > 0 && buffer.toString() !== '\n') await handle.appendFile('\n')
      const old = (await existing()).slice(0, -limits.files)
      for (const file of old) await rm(join(folder, nameOf(file)), { force: true })
    }
    await handle.appendFile(text)
    size += Buffer.byteLength(text)
    if (size >= limits.fileBytes) await roll()
  }

  async function drain(): Promise<void> {
    while (pending.length > 0) {
      const lines = pending
      pending = []
      pendingBytes = 0
      try {
        await write(lines.join(''))
      } catch (error) {
        lost += lines.length
        log({ level: 'error', message: 'the audit trail cannot be written', lost, cause: String(error) })
      }
    }
    writing = undefined
  }

  async function linesOf(file: number): Promise<string[]> {
    const text = await readFile(join(folder, nameOf(file)), 'utf8').catch(() => '')
    const lines = text.split('\n')
    // Behind the last line feed stands nothing, or what a crash cut off.
    lines.pop()
    return lines
  }

  return {
    append(record) {
      const line = `${JSON.stringify(record)}\n`
      if (pendingBytes > mostPending) {
        lost++
        return
      }
      pending.push(line)
      pendingBytes += line.length
      writing ??= drain()
    },

    async find(fits, order, limit, from) {
      await writing
      const files = await existing()
      const back = order === 'BACKWARD'
      const inReach = files.filter((file) => !from || (back ? file <= from.file : file >= from.file))
      const records: AuditRecord[] = []
      for (const file of back ? inReach.reverse() : inReach) {
        const lines = await linesOf(file)
        const start = from?.file === file ? Math.min(from.line, lines.length) : back ? lines.length : 0
        for (let at = start; back ? at > 0 : at < lines.length; at += back ? -1 : 1) {
          const record = parseLine(lines[back ? at - 1 : at]!)
          if (!record || !fits(record)) continue
          if (records.length === limit) return { records, next: { file, line: at } }
          records.push(record)
        }
      }
      return { records }
    },

    async close() {
      await writing
      await handle?.close()
      handle = undefined
    },
  }
}

/** A line that somebody has broken is passed over. */
function parseLine(line: string): AuditRecord | undefined {
  try {
    return JSON.parse(line) as AuditRecord
  } catch {
    return undefined
  }
}
