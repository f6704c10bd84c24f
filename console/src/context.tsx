/** Who is signed in, which region is shown, and whether the server's events come in. */
import { createContext, useContext } from 'react'
import type { Session } from './api.ts'

export interface ConsoleContext {
  readonly session: Session
  readonly region: string
  readonly setRegion: (region: string) => void
  /** `live`: events come in. Otherwise pages ask every now and then. */
  readonly connection: 'live' | 'connecting'
  readonly leave: (everywhere: boolean) => Promise<void>
}

export const Console = createContext<ConsoleContext | undefined>(undefined)

export function useConsole(): ConsoleContext {
  const context = useContext(Console)
  if (!context) throw new Error('nobody is signed in')
  return context
}
