/** Something that is done with one press: asked about before where it takes something away, refused in a dialog. */
import { useMutation } from '@tanstack/react-query'
import { App, Button } from 'antd'
import type { ReactNode } from 'react'
import { useConsole } from '../context.tsx'
import { useRefreshRegion } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { Failure } from '../parts/states.tsx'

export function Deed({
  label,
  name,
  ask,
  danger,
  icon,
  work,
}: {
  readonly label: string
  /** The whole name for those who do not see where it stands. */
  readonly name?: string
  readonly ask?: { readonly title: string; readonly text: string }
  readonly danger?: boolean
  readonly icon?: ReactNode
  readonly work: () => Promise<void>
}) {
  const { t } = useWords()
  const { modal } = App.useApp()
  const { mutate, isPending } = useMutation({
    mutationFn: work,
    onError: (error) => modal.error({ title: t('access.refused'), content: <Failure error={error} /> }),
    onSettled: useRefreshRegion(useConsole().region),
  })
  return (
    <Button
      size="small"
      danger={danger}
      icon={icon}
      loading={isPending}
      aria-label={name}
      onClick={() =>
        ask
          ? modal.confirm({
              title: ask.title,
              content: ask.text,
              okText: label,
              okButtonProps: { danger },
              onOk: () => mutate(),
            })
          : mutate()
      }
    >
      {label}
    </Button>
  )
}
