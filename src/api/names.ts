/** Names, labels and their validators: each returns what is wrong, in upstream's words; an empty list is right. Mirrors apimachinery `pkg/util/validation`. */

const labelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`
const label1035Format = '[a-z]([-a-z0-9]*[a-z0-9])?'
const qualifiedFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValueFormat = `(${qualifiedFormat})?`
const wildcardFormat = `\\*\\.${subdomainFormat}`
const envVarFormat = '[-._a-zA-Z][-._a-zA-Z0-9]*'
const configMapKeyFormat = '[-._a-zA-Z0-9]+'
const percentFormat = '[0-9]+%'
const httpHeaderFormat = '[-A-Za-z0-9]+'
const identifierFormat = '[A-Za-z_][A-Za-z0-9_]*'

const whole = (format: string): RegExp => new RegExp(`^(?:${format})$`)
const patterns = {
  label: whole(labelFormat), subdomain: whole(subdomainFormat), label1035: whole(label1035Format), qualified: whole(qualifiedFormat), labelValue: whole(labelValueFormat),
  wildcard: whole(wildcardFormat), envVar: whole(envVarFormat), configMapKey: whole(configMapKeyFormat), percent: whole(percentFormat), httpHeader: whole(httpHeaderFormat), identifier: whole(identifierFormat),
}

/** `must consist of … (e.g. 'a',  or 'b', regex used for validation is '…')`, with upstream's two spaces. */
export const regexError = (message: string, format: string, ...examples: string[]): string =>
  examples.length === 0 ? `${message} (regex used for validation is '${format}')`
    : `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${format}')`

export const maxLengthError = (length: number): string => `must be no more than ${length} bytes`
export const rangeError = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`
const empty = 'must be non-empty'

const byteLength = (value: string): number => Buffer.byteLength(value)
const limited = (value: string, length: number): string[] => (byteLength(value) > length ? [maxLengthError(length)] : [])

export const isDns1123Label = (value: string): string[] => [...limited(value, 63), ...(patterns.label.test(value) ? [] : [regexError(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", labelFormat, 'my-name', '123-abc')])]

export const isDns1123Subdomain = (value: string): string[] => [...limited(value, 253), ...(patterns.subdomain.test(value) ? [] : [regexError(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character", subdomainFormat, 'example.com')])]

export const isDns1035Label = (value: string): string[] => [...limited(value, 63), ...(patterns.label1035.test(value) ? [] : [regexError(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character", label1035Format, 'my-name', 'abc-123')])]

export const isWildcardDns1123Subdomain = (value: string): string[] => [...limited(value, 253), ...(patterns.wildcard.test(value) ? [] : [regexError(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  wildcardFormat, '*.example.com')])]

const qualifiedMessage = regexError("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", qualifiedFormat, 'MyName', 'my.name', '123-abc')

/** `name` or `prefix/name`: keys of labels and annotations, finalizers, resource names, condition types. */
export const isQualifiedName = (value: string): string[] => {
  const parts = value.split('/')
  if (parts.length > 2) return [`a qualified name ${qualifiedMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  const name = parts.at(-1) ?? ''
  const errors: string[] = []
  if (parts.length === 2) {
    const prefix = parts[0] ?? ''
    errors.push(...(prefix === '' ? [empty] : isDns1123Subdomain(prefix)).map((error) => `prefix part ${error}`))
  }
  if (name === '') errors.push(`name part ${empty}`)
  errors.push(...limited(name, 63).map((error) => `name part ${error}`))
  if (!patterns.qualified.test(name)) errors.push(`name part ${qualifiedMessage}`)
  return errors
}

export const isLabelValue = (value: string): string[] => [...limited(value, 63), ...(patterns.labelValue.test(value) ? [] : [regexError(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", labelValueFormat, 'MyValue', 'my_value', '12345')])]

/** The name of a container's or Service's port. */
export const isPortName = (value: string): string[] => [
  ...limited(value, 15),
  ...(/^[-a-z0-9]+$/.test(value) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
  ...(/[a-z]/.test(value) ? [] : ['must contain at least one letter (a-z)']),
  ...(value.includes('--') ? ['must not contain consecutive hyphens'] : []),
  ...(/^-|-$/.test(value) ? ['must not begin or end with a hyphen'] : []),
]

export const isPortNumber = (value: number): string[] => (Number.isInteger(value) && value >= 1 && value <= 65535 ? [] : [rangeError(1, 65535)])

const dotted = (value: string): string[] => {
  if (value === '.') return ["must not be '.'"]
  if (value === '..') return ["must not be '..'"]
  return value.startsWith('..') ? ["must not start with '..'"] : []
}

/** A key of a ConfigMap or Secret. */
export const isConfigMapKey = (value: string): string[] => [...limited(value, 253),
  ...(patterns.configMapKey.test(value) ? [] : [regexError("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", configMapKeyFormat, 'key.name', 'KEY_NAME', 'key-name')]), ...dotted(value)]

/** The strict rule of old; since 1.34 containers follow `isRelaxedEnvVarName`. */
export const isEnvVarName = (value: string): string[] => [...(patterns.envVar.test(value) ? [] : [regexError(
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit", envVarFormat, 'my.env-name', 'MY_ENV.NAME', 'MyEnvName1')]), ...dotted(value)]

export const isRelaxedEnvVarName = (value: string): string[] => {
  if (value === '') return ['environment variable name must be non-empty']
  return /^[\x20-\x3c\x3e-\x7e]+$/.test(value) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

export const isCIdentifier = (value: string): string[] => (patterns.identifier.test(value) ? [] : [regexError(
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'", identifierFormat, 'my_name', 'MY_NAME', 'MyName')])

export const isHttpHeaderName = (value: string): string[] => (patterns.httpHeader.test(value) ? [] : [regexError("a valid HTTP header must consist of alphanumeric characters or '-'", httpHeaderFormat, 'X-Header-Name')])

export const isPercent = (value: string): string[] => (patterns.percent.test(value) ? [] : [regexError("a valid percent string must be a numeric string followed by an ending '%'", percentFormat, '1%', '93%')])

/** Names that become a part of a URL path (roles, bindings). Mirrors `pkg/api/validation/path`. */
export const isPathSegmentName = (value: string): string[] => {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  return ['/', '%'].filter((each) => value.includes(each)).map((each) => `may not contain '${each}'`)
}
