/** The certificate of a CA: pasted or read from a file, and what it says of itself. */
import { UploadOutlined } from '@ant-design/icons'
import { Button, Form, Input, Upload } from 'antd'
import { formatTime } from '../format.ts'
import { useWords } from '../i18n.tsx'
import { readCertificate } from './certificate.ts'

/** Whose it is and until when; nothing where it cannot be read, which the checks of the form say. */
export function CertificateLine({ pem }: { readonly pem: string }) {
  const { t, language } = useWords()
  const facts = readCertificate(pem)
  if (typeof facts === 'string') return null
  return (
    <span className="wrap">
      {t('ca.facts', {
        subject: facts.subject,
        from: formatTime(facts.notBefore, language),
        to: formatTime(facts.notAfter, language),
      })}
    </span>
  )
}

/** How PEM begins (RFC 7468), in every language. */
const begin = '-----BEGIN CERTIFICATE-----'

/**
 * @param name in the list around it
 * @param path from the top of the form
 */
export function CertificateItem({
  name,
  path,
}: {
  readonly name: (string | number)[]
  readonly path: (string | number)[]
}) {
  const { t } = useWords()
  const form = Form.useFormInstance()
  const pem = Form.useWatch(path, form) as string | undefined
  const read = async (file: File) => {
    form.setFieldValue(path, await file.text())
    // It is not sent from here.
    return Upload.LIST_IGNORE
  }
  return (
    <>
      <Form.Item name={name} label={t('ca.label')} extra={pem ? <CertificateLine pem={pem} /> : t('ca.hint')}>
        <Input.TextArea rows={4} className="mono" spellCheck={false} placeholder={begin} />
      </Form.Item>
      <Upload accept=".pem,.crt,.cer" showUploadList={false} beforeUpload={read}>
        <Button size="small" icon={<UploadOutlined aria-hidden />}>
          {t('ca.choose')}
        </Button>
      </Upload>
    </>
  )
}
