/** Buttons that change or remove one thing. */
import { useMutation } from '@tanstack/react-query'
import { App, Button, Space } from 'antd'
import type { ActionSpec } from '../../../src/rpc/spec.ts'
import { call } from '../api.ts'
import { useConsole } from '../context.tsx'
import { useRefreshRegion } from '../data.ts'
import { useWords } from '../i18n.tsx'
import { Failure } from './states.tsx'

interface Removal {
  readonly spec: ActionSpec
  readonly params: object
}

/** Asks before it removes; what the server refuses stays in the dialog, with code and request id. */
export function useRemove(): (name: string, removal: Removal, after?: () => void) => void {
  const { t } = useWords()
  const { modal, message } = App.useApp()
  const refresh = useRefreshRegion(useConsole().region)
  const { mutateAsync } = useMutation({
    mutationFn: ({ spec, params }: Removal) => call(spec, params as never),
    onSettled: refresh,
  })
  return (name, removal, after) => {
    modal.confirm({
      title: t('remove.title', { name }),
      content: t('remove.text'),
      okText: t('action.delete'),
      okButtonProps: { danger: true },
      async onOk() {
        try {
          await mutateAsync(removal)
          message.success(t('remove.done', { name }))
          after?.()
        } catch (error) {
          modal.error({ title: t('remove.refused', { name }), content: <Failure error={error as Error} /> })
        }
      },
    })
  }
}

export function RowActions({
  name,
  onEdit,
  remove,
}: {
  readonly name: string
  readonly onEdit?: () => void
  readonly remove: Removal
}) {
  const { t } = useWords()
  const ask = useRemove()
  return (
    <Space size={12} className="row-actions">
      {onEdit && (
        <Button type="link" size="small" aria-label={t('action.editNamed', { name })} onClick={onEdit}>
          {t('action.edit')}
        </Button>
      )}
      <Button
        type="link"
        size="small"
        danger
        aria-label={t('action.deleteNamed', { name })}
        onClick={() => ask(name, remove)}
      >
        {t('action.delete')}
      </Button>
    </Space>
  )
}
