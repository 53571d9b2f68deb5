/** WebhookAdmissionConfiguration: a kubeconfig whose users are named for the webhooks that they are for. Mirrors apiserver's `pkg/admission/plugin/webhook/config`. */
import { fieldError } from '../../../api/status.ts'
import { type FileKind, shapeErrors } from '../../configuration-file.ts'

export const webhookFile: FileKind = {
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1alpha1'], kind: 'WebhookAdmissionConfiguration',
  errors: (value) => {
    const shape = shapeErrors(value, { apiVersion: 'string', kind: 'string', kubeConfigFile: 'string' }, '')
    if (shape.length > 0) return shape
    const file = value['kubeConfigFile']
    return typeof file === 'string' && file !== '' && !file.startsWith('/') ? [fieldError.invalid('kubeConfigFile', file, 'kubeConfigFile must be an absolute path')] : []
  },
}

/** Of the users' names the one for a webhook at this host and port, the closest first: `web.ns.svc:443`, `web.ns.svc` (the usual port only), `*.ns.svc`, `*.svc`, `*`. Mirrors apiserver's `pkg/util/webhook/authentication.go`. */
export const userFor = (host: string, port: number, has: (name: string) => boolean): string | undefined => {
  const candidates = [`${host}:${port}`, ...(port === 443 ? [host] : [])]
  const exact = candidates.find(has)
  if (exact !== undefined) return exact
  const parts = host.split('.')
  for (let index = 1; index < parts.length; index += 1) {
    const name = `*.${parts.slice(index).join('.')}`
    if (has(name)) return name
  }
  return has('*') ? '*' : undefined
}
