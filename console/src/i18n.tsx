/** Words in two languages. A message is a pair, so that none can be there in one language alone. */
import { createContext, type ReactNode, useContext, useMemo, useState } from 'react'
import type { Text } from '../../src/engine/reason.ts'
import { messages } from './messages.ts'

export type Language = 'en' | 'zh'
export type MessageKey = keyof typeof messages

const storageKey = 'suidao.language'

/** What was chosen here before, else what the browser asks for. */
export function preferredLanguage(stored: string | null, browser: readonly string[]): Language {
  if (stored === 'en' || stored === 'zh') return stored
  return browser[0]?.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

export type Translate = (key: MessageKey, values?: Readonly<Record<string, string | number>>) => string

export function translate(
  language: Language,
  key: MessageKey,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return messages[key][language === 'en' ? 0 : 1].replace(/\{(\w+)\}/g, (whole, name) =>
    String(values[name] ?? whole),
  )
}

interface Words {
  readonly language: Language
  readonly setLanguage: (language: Language) => void
  readonly t: Translate
  /** The language's half of a text that comes in both. */
  readonly text: (both: Text) => string
}

const WordsContext = createContext<Words | undefined>(undefined)

export function WordsProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(() =>
    preferredLanguage(localStorage.getItem(storageKey), navigator.languages),
  )
  const words = useMemo<Words>(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
    return {
      language,
      setLanguage(next) {
        localStorage.setItem(storageKey, next)
        setLanguage(next)
      },
      t: (key, values) => translate(language, key, values),
      text: (both) => both[language],
    }
  }, [language])
  return <WordsContext value={words}>{children}</WordsContext>
}

export function useWords(): Words {
  const words = useContext(WordsContext)
  if (!words) throw new Error('no WordsProvider above')
  return words
}
