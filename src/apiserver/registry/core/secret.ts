/** Secrets. Mirrors ValidateSecret and ValidateSecretUpdate of upstream's core validation. */
import { setOwn } from '../../../api/equal.ts'
import { Secrets } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Secret } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkImmutable } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'
import { base64Bytes, checkKept, checkKeys, type DataMap, maxDataBytes } from './data-map.ts'

const accountAnnotation = 'kubernetes.io/service-account.name'

const missing = (key: string): FieldError => fieldError.required(`data[${key}]`)

const checkJson = (data: DataMap, key: string): FieldError[] => {
  if (!Object.hasOwn(data, key)) return [missing(key)]
  try {
    const parsed: unknown = JSON.parse(Buffer.from(data[key] ?? '', 'base64').toString())
    return typeof parsed === 'object' && !Array.isArray(parsed) ? [] : [fieldError.invalid(`data[${key}]`, '<secret contents redacted>', 'must be a JSON object')]
  } catch (error) {
    // The parser's own message would quote what is secret.
    if (error instanceof SyntaxError) return [fieldError.invalid(`data[${key}]`, '<secret contents redacted>', 'must be valid JSON')]
    throw error
  }
}

/** What each type asks of the data, and of the annotations. */
const typeRules: Readonly<Record<string, (data: DataMap, secret: Secret) => FieldError[]>> = {
  'kubernetes.io/service-account-token': (_data, { metadata }) => (metadata.annotations?.[accountAnnotation] ? [] : [fieldError.required(`metadata.annotations[${accountAnnotation}]`)]),
  'kubernetes.io/dockercfg': (data) => checkJson(data, '.dockercfg'),
  'kubernetes.io/dockerconfigjson': (data) => checkJson(data, '.dockerconfigjson'),
  'kubernetes.io/basic-auth': (data) => (Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password') ? [] : [missing('username'), missing('password')]),
  'kubernetes.io/ssh-auth': (data) => (Object.hasOwn(data, 'ssh-privatekey') && data['ssh-privatekey'] ? [] : [missing('ssh-privatekey')]),
  'kubernetes.io/tls': (data) => ['tls.crt', 'tls.key'].filter((key) => !Object.hasOwn(data, key)).map(missing),
}

const check = (secret: Secret): FieldError[] => {
  const { data = {}, type = '' } = secret
  return [
    ...checkKeys('data', data),
    ...(base64Bytes(data) > maxDataBytes ? [fieldError.tooLong('data', maxDataBytes)] : []),
    ...(Object.hasOwn(typeRules, type) ? typeRules[type]?.(data, secret) ?? [] : []),
  ]
}

/** Text that a client wrote becomes data, and wins over it. */
const mergeStringData = (secret: Secret): void => {
  for (const [key, value] of Object.entries(secret.stringData ?? {})) {
    secret.data ??= {}
    setOwn(secret.data, key, Buffer.from(value).toString('base64'))
  }
  delete secret.stringData
}

export const secretStrategy: Strategy<Secret> = {
  kind: Secrets,
  setDefaults(secret) {
    secret.type ||= 'Opaque'
    mergeStringData(secret)
  },
  validate: check,
  validateUpdate: (next, old) => [...checkImmutable('type', next.type, old.type), ...checkKept(next, old, ['data']), ...check(next)],
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', description: 'What kind of secret this is.', value: ({ type }) => type ?? '' },
    { name: 'Data', type: 'string', description: 'How many keys the secret has.', value: ({ data }) => Object.keys(data ?? {}).length },
    ageColumn,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
}
