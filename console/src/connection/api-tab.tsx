import { Tabs } from 'antd'
import { useConsole } from '../context.tsx'
import type { TabProps } from '../pages/connection.tsx'
import { CodeBlock } from '../parts/page.tsx'
import { apiTexts } from './api-text.ts'

export function ApiTab({ answer }: TabProps) {
  const { region } = useConsole()
  return (
    <Tabs
      tabPlacement="top"
      size="small"
      items={apiTexts(answer, region, location.host).map(({ key, title, text }) => ({
        key,
        label: title,
        children: <CodeBlock label={title} text={text} />,
      }))}
    />
  )
}
