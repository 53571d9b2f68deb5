/** What classes of storage name: a driver and settings for it. Mirrors validateProvisioner and validateParameters of upstream's `pkg/apis/storage/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import { checkDnsSubdomain, checkQualifiedName } from '../field-checks.ts'

const maxCount = 512
const maxBytes = 256 * 1024
const maxDriverNameBytes = 63

export const checkProvisioner = (path: string, name: string): FieldError[] => (name ? checkQualifiedName(path, name.toLowerCase()) : [fieldError.required(path)])

export const bytesOf = (map: Readonly<Record<string, string>> | undefined): number =>
  Object.entries(map ?? {}).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)

export const checkParameters = (path: string, parameters: Readonly<Record<string, string>> | undefined, { mayBeEmpty }: { mayBeEmpty: boolean }): FieldError[] => {
  const keys = Object.keys(parameters ?? {})
  if (keys.length > maxCount) return [fieldError.tooLong(path, maxCount)]
  return [
    ...(keys.includes('') ? [fieldError.invalid(path, '', 'field can not be empty.')] : []),
    ...(bytesOf(parameters) > maxBytes ? [fieldError.tooLong(path, maxBytes)] : []),
    ...(keys.length === 0 && !mayBeEmpty ? [fieldError.required(path, 'must contain at least one key/value pair')] : []),
  ]
}

/** The name of a CSI driver, or of one for dynamic resources. Mirrors core's ValidateCSIDriverName. */
export const checkDriverName = (path: string, name: string): FieldError[] => [
  ...(name ? [] : [fieldError.required(path)]),
  ...(name.length > maxDriverNameBytes ? [fieldError.tooLong(path, maxDriverNameBytes)] : []),
  ...checkDnsSubdomain(path, name.toLowerCase()).map((error) => ({ ...error, message: error.message.replace(JSON.stringify(name.toLowerCase()), JSON.stringify(name)) })),
]
