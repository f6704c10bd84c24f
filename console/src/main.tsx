import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { App, ConfigProvider, theme } from 'antd'
import enUS from 'antd/locale/en_US'
import zhCN from 'antd/locale/zh_CN'
import dayjs from 'dayjs'
import 'dayjs/locale/zh-cn'
import { StrictMode, useEffect, useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiFailure } from './api.ts'
import { useWords, WordsProvider } from './i18n.tsx'
import { Root } from './root.tsx'
import './styles.css'

const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? undefined
if (nonce) {
  // Parts of the component library (scroll bars, scroll locks) write style elements without asking for a nonce.
  const create = document.createElement.bind(document)
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options)
    if (element instanceof HTMLStyleElement) element.nonce = nonce
    return element
  }) as typeof document.createElement
}

const cache = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server has answered, it would answer again.
      retry: (count, error) =>
        count < 2 && error instanceof ApiFailure && (error.status === 0 || error.status >= 500),
      retryDelay: (count) => 500 * 2 ** count,
    },
    mutations: { retry: false },
  },
})

const lessMotion = matchMedia('(prefers-reduced-motion: reduce)').matches
const darkQuery = matchMedia('(prefers-color-scheme: dark)')
const subscribeDark = (changed: () => void) => {
  darkQuery.addEventListener('change', changed)
  return () => darkQuery.removeEventListener('change', changed)
}

function Themed() {
  const { language } = useWords()
  const dark = useSyncExternalStore(subscribeDark, () => darkQuery.matches)
  useEffect(() => {
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light'
  }, [dark])
  dayjs.locale(language === 'zh' ? 'zh-cn' : 'en')
  return (
    <ConfigProvider
      locale={language === 'zh' ? zhCN : enUS}
      {...(nonce ? { csp: { nonce } } : {})}
      button={{ autoInsertSpace: false }}
      theme={{
        algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
        token: {
          colorPrimary: '#0e7490',
          colorLink: dark ? '#22d3ee' : '#0e7490',
          colorLinkHover: dark ? '#67e8f9' : '#0b5a70',
          colorError: dark ? '#ff7875' : '#c81e1e',
          // The library's own are too pale to be read (WCAG 2.2, 1.4.3).
          colorTextDescription: dark ? '#a3acba' : '#5b6472',
          colorTextPlaceholder: dark ? '#98a2b3' : '#667085',
          borderRadius: 8,
          // The library waits for the end of transitions that a browser asked for less motion never begins.
          motion: !lessMotion,
        },
        components: {
          Layout: {
            headerBg: dark ? '#141414' : '#fff',
            siderBg: dark ? '#141414' : '#fff',
            headerHeight: 56,
            headerPadding: '0 20px',
          },
          // Under the pointer, too.
          Button: {
            defaultHoverColor: dark ? '#67e8f9' : '#0b5a70',
            defaultHoverBorderColor: dark ? '#67e8f9' : '#0b5a70',
          },
          Card: { headerHeight: 48, headerFontSize: 15, bodyPadding: 20, headerPadding: 20 },
          Descriptions: { labelColor: dark ? '#a3acba' : '#5b6472', titleMarginBottom: 10 },
          ...(dark ? { Radio: { colorPrimary: '#22d3ee', colorPrimaryHover: '#67e8f9' } } : {}),
          Tabs: dark
            ? { itemSelectedColor: '#22d3ee', itemHoverColor: '#67e8f9', inkBarColor: '#22d3ee' }
            : {},
          Menu: {
            itemSelectedBg: dark ? '#123c47' : '#e0f4f8',
            itemSelectedColor: dark ? '#67e8f9' : '#0b5a70',
            activeBarBorderWidth: 0,
          },
        },
      }}
    >
      <App>
        <Root />
      </App>
    </ConfigProvider>
  )
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <WordsProvider>
      <QueryClientProvider client={cache}>
        <Themed />
      </QueryClientProvider>
    </WordsProvider>
  </StrictMode>,
)
