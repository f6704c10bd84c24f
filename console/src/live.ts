/** Follows the server's events, and brings what is kept up to date with them. */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { heardTime } from './clock.ts'
import { refreshChanged } from './data.ts'

/** The server sends a sign of life every 10 s; without one for this long, it is not there. Milliseconds. */
const silence = 25_000
const again = 2_000
/** Changes are worked off together. */
const collectFor = 300

export function useLive(onSignedOut: () => void): 'live' | 'connecting' {
  const cache = useQueryClient()
  const [state, setState] = useState<'live' | 'connecting'>('connecting')

  useEffect(() => {
    let source: EventSource | undefined
    let watchdog: ReturnType<typeof setTimeout> | undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    let collecting: ReturnType<typeof setTimeout> | undefined
    let wasLost = false
    const waiting = new Map<string, Set<string>>()

    const flush = () => {
      collecting = undefined
      for (const [region, keys] of waiting) void refreshChanged(cache, region, [...keys])
      waiting.clear()
    }
    const lost = () => {
      source?.close()
      source = undefined
      clearTimeout(watchdog)
      setState('connecting')
      wasLost = true
      clearTimeout(retry)
      retry = setTimeout(open, again)
    }
    const alive = ({ data }: MessageEvent<string>) => {
      heardTime((JSON.parse(data) as { time: number }).time)
      setState('live')
      clearTimeout(watchdog)
      watchdog = setTimeout(lost, silence)
    }
    const open = () => {
      source = new EventSource('/console/live')
      source.addEventListener('hello', (event: MessageEvent<string>) => {
        alive(event)
        // What happened in between was not told.
        if (wasLost) void cache.invalidateQueries()
        wasLost = false
      })
      source.addEventListener('beat', alive)
      source.addEventListener('resync', () => void cache.invalidateQueries())
      source.addEventListener('signed-out', () => {
        source?.close()
        onSignedOut()
      })
      source.addEventListener('change', (event: MessageEvent<string>) => {
        alive(event)
        const { region, keys } = JSON.parse(event.data) as { region: string; keys: string[] }
        const known = waiting.get(region) ?? new Set()
        waiting.set(region, known)
        for (const key of keys) known.add(key)
        collecting ??= setTimeout(flush, collectFor)
      })
      source.onerror = lost
    }
    open()
    return () => {
      source?.close()
      for (const timer of [watchdog, retry, collecting]) clearTimeout(timer)
    }
  }, [cache, onSignedOut])

  return state
}
