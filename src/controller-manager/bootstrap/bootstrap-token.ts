/** Bootstrap tokens: Secrets in kube-system by which new machines prove themselves, and know the cluster. Mirrors k8s.io/cluster-bootstrap/token. */
import { createHmac } from 'node:crypto'
import type { Secret } from '../../api/types.ts'

export const tokenNamespace = 'kube-system'
const tokenType = 'bootstrap.kubernetes.io/token'
const namePrefix = 'bootstrap-token-'

export interface BootstrapToken { id: string; secret: string; signs: boolean; /** Milliseconds of the epoch; undefined: never. */ expires: number | undefined }

const textOf = ({ data }: Secret, key: string): string => Buffer.from(data?.[key] ?? '', 'base64').toString()

/** RFC 3339, or nothing; what cannot be read has expired. */
const expiryOf = (text: string): number | undefined => (text === '' ? undefined : Number.isNaN(Date.parse(text)) ? 0 : Date.parse(text))

/** Undefined for a Secret that is none, or whose name and content do not agree. */
export const bootstrapTokenOf = (secret: Secret): BootstrapToken | undefined => {
  const id = textOf(secret, 'token-id')
  const value = textOf(secret, 'token-secret')
  const named = secret.metadata.namespace === tokenNamespace && secret.metadata.name === `${namePrefix}${id}` && id !== '' && value !== ''
  if (secret.type !== tokenType || !named) return undefined
  return { id, secret: value, signs: textOf(secret, 'usage-bootstrap-signing') === 'true', expires: expiryOf(textOf(secret, 'expiration')) }
}

/** A JSON Web Signature (HS256) whose payload is left out: whoever knows the token can tell that the content is the cluster's. */
export const detachedSignature = (content: string, { id, secret }: Pick<BootstrapToken, 'id' | 'secret'>): string => {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url')
  const signature = createHmac('sha256', secret).update(`${header}.${Buffer.from(content).toString('base64url')}`).digest('base64url')
  return `${header}..${signature}`
}
