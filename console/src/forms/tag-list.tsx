/** Tags in a form, and the calls that set and take them away. */
import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Form, Input, Space } from 'antd'
import { type resourceTypes, tagResources, unTagResources } from '../../../src/resources/tag/spec.ts'
import { call } from '../api.ts'
import { useWords } from '../i18n.tsx'
import { required } from './parts.tsx'
import { type TagFields, tagChanges } from './tags.ts'

/** The list `Tags` of the form around it. */
export function TagList() {
  const { t } = useWords()
  return (
    <Form.List name="Tags">
      {(fields, { add, remove }) => (
        <fieldset className="tags">
          <legend>{t('field.tags')}</legend>
          {fields.map(({ key, name }) => (
            <Space key={key} align="start">
              <Form.Item name={[name, 'Key']} rules={required(t('form.needed'))}>
                <Input
                  maxLength={64}
                  placeholder={t('tags.key')}
                  aria-label={t('tags.keyOf', { number: name + 1 })}
                />
              </Form.Item>
              <Form.Item name={[name, 'Value']}>
                <Input
                  maxLength={128}
                  placeholder={t('tags.value')}
                  aria-label={t('tags.valueOf', { number: name + 1 })}
                />
              </Form.Item>
              <Button
                type="text"
                icon={<DeleteOutlined aria-hidden />}
                aria-label={t('tags.removeOf', { number: name + 1 })}
                onClick={() => remove(name)}
              />
            </Space>
          ))}
          <Button size="small" icon={<PlusOutlined aria-hidden />} onClick={() => add({})}>
            {t('tags.add')}
          </Button>
        </fieldset>
      )}
    </Form.List>
  )
}

/** Calls nothing where nothing differs. Keys go first: they count towards the quota. */
export async function saveTags(
  RegionId: string,
  ResourceType: (typeof resourceTypes)[number],
  id: string,
  before: readonly TagFields[] | undefined,
  now: readonly TagFields[] | undefined,
): Promise<void> {
  const { put, gone } = tagChanges(before, now)
  const named = { RegionId, ResourceType, ResourceId: [id] }
  if (gone.length > 0) await call(unTagResources, { ...named, TagKey: [...gone] })
  if (put.length > 0) await call(tagResources, { ...named, Tag: [...put] })
}
