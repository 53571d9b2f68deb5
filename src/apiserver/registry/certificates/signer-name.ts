/** Names of signers, `example.com/some-signer`. Mirrors ValidateSignerName of upstream's `pkg/apis/certificates/validation`. */
import { isDns1123Label, isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'

const maxDomain = 253
const maxPath = 253 + 63 + 1

/** Only the first label that is wrong is told. */
const checkLabels = (path: string, text: string, validate: (label: string) => string[]): FieldError[] => {
  const wrong = text.split('.').find((label) => validate(label).length > 0)
  return wrong === undefined ? [] : validate(wrong).map((message) => fieldError.invalid(path, text, `validating label ${JSON.stringify(wrong)}: ${message}`))
}

export const checkSignerName = (path: string, name: string): FieldError[] => {
  if (!name) return [fieldError.required(path)]
  const [domain = '', rest = '', ...more] = name.split('/')
  if (!name.includes('/') || more.length > 0) return [fieldError.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")]
  return [
    ...(domain.length > maxDomain ? [fieldError.tooLong(path, maxDomain)] : []),
    ...checkLabels(path, domain, isDns1123Label),
    ...(domain.includes('.') ? [] : [fieldError.invalid(path, domain, 'should be a domain with at least two segments separated by dots')]),
    ...checkLabels(path, rest, isDns1123Subdomain),
    ...(name.length > maxDomain + maxPath + 1 ? [fieldError.tooLong(path, maxDomain + maxPath + 1)] : []),
  ]
}
