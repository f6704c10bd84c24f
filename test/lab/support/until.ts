import { setTimeout as pause } from 'node:timers/promises'

/**
 * Waits until `probe` gives something other than `undefined` or `false`, and returns it.
 *
 * @throws Error that names what was waited for, after `timeoutMs` (10 s unless told otherwise)
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 10_000 }: { timeoutMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`)
    await pause(10)
  }
}
