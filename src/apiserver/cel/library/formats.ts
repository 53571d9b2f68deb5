/** Named formats of strings. Mirrors `k8s.io/apiserver/pkg/cel/library/format.go`. */
import { isDns1035Label, isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from '../../../api/names.ts'
import { type Overload, overload } from '../signature.ts'
import { CelOpaque, CelOptional, type CelValue, noOptional } from '../values.ts'
import { parseTimestamp } from './time-text.ts'
import { urlError } from './urls.ts'

type Validate = (text: string) => readonly string[]

/** A prefix may end in a dash, since something follows. */
const prefix = (validate: Validate): Validate => (text) => validate(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text)
const matching = (pattern: RegExp, message: string): Validate => (text) => (pattern.test(text) ? [] : [message])

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const formats: Readonly<Record<string, Validate>> = {
  dns1123Label: isDns1123Label, dns1123Subdomain: isDns1123Subdomain, dns1035Label: isDns1035Label, qualifiedName: isQualifiedName,
  dns1123LabelPrefix: prefix(isDns1123Label), dns1123SubdomainPrefix: prefix(isDns1123Subdomain), dns1035LabelPrefix: prefix(isDns1035Label), labelValue: isLabelValue,
  uri: (text) => { const error = urlError(text); return error === undefined ? [] : [error] },
  uuid: matching(uuid, 'does not match the UUID format'), byte: matching(base64, 'invalid base64'),
  date: (text) => (/^\d{4}-\d{2}-\d{2}$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined ? [] : ['invalid date']),
  datetime: (text) => (parseTimestamp(text) === undefined ? ['invalid datetime'] : []),
}

class CelFormat extends CelOpaque {
  readonly typeName = 'kubernetes.NamedFormat'
  readonly name: string
  readonly validate: Validate
  constructor(name: string, validate: Validate) {
    super()
    this.name = name
    this.validate = validate
  }
  equals(other: CelValue): boolean { return other instanceof CelFormat && other.name === this.name }
}

const named = new Map(Object.entries(formats).map(([name, validate]) => [name, new CelFormat(name, validate)]))

export const formatFunctions: readonly Overload[] = [
  ...[...named].map(([name, format]) => overload(`format.${name}(): kubernetes.NamedFormat`, () => format)),
  overload('format.named(string): optional<kubernetes.NamedFormat>', ([name]) => { const format = named.get(String(name)); return format ? new CelOptional(format) : noOptional }),
  overload('(kubernetes.NamedFormat).validate(string): optional<list<string>>', ([format, text]) => {
    const errors = format instanceof CelFormat ? format.validate(String(text)) : []
    return errors.length === 0 ? noOptional : new CelOptional(errors)
  }),
]
