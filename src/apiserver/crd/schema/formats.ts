/** The formats of strings that are checked; others mean nothing. Mirrors kube-openapi's `pkg/validation/strfmt` and apiextensions-apiserver's list of supported formats. */
import { isIPv4, isIPv6 } from 'node:net'
import { isDns1123Label, isDns1123Subdomain } from '../../../api/names.ts'

type Check = (text: string) => boolean
const matching = (pattern: RegExp): Check => (text) => pattern.test(text)

const digits = (text: string): number[] => [...text.replaceAll(/[- ]/g, '')].map((each) => (each === 'X' || each === 'x' ? 10 : Number(each)))

const isbn10: Check = (text) => /^(?:[0-9][- ]?){9}[0-9Xx]$/.test(text) && digits(text).reduce((sum, digit, index) => sum + (10 - index) * digit, 0) % 11 === 0
const isbn13: Check = (text) => /^(?:[0-9][- ]?){12}[0-9]$/.test(text) && digits(text).reduce((sum, digit, index) => sum + (index % 2 === 0 ? 1 : 3) * digit, 0) % 10 === 0

const creditCard: Check = (text) => {
  const plain = text.replaceAll(/[- ]/g, '')
  if (!/^[0-9]{12,19}$/.test(plain)) return false
  const sum = [...plain].toReversed().reduce((total, each, index) => {
    const doubled = Number(each) * (index % 2 === 0 ? 1 : 2)
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return sum % 10 === 0
}

const dateParts = /^(\d{4})-(\d{2})-(\d{2})$/
const isDate: Check = (text) => {
  const [, year = '', month = '', day = ''] = dateParts.exec(text) ?? []
  if (year === '') return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day)
}

const time = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([zZ]|[+-]([01]\d|2[0-3]):?[0-5]\d)?$/
const isDateTime: Check = (text) => {
  const [date = '', clock = '', ...rest] = text.split(/[tT]/)
  return rest.length === 0 && isDate(date) && time.test(clock)
}

const isCIDR: Check = (text) => {
  const [address = '', length = '', ...rest] = text.split('/')
  if (rest.length > 0 || !/^\d{1,3}$/.test(length)) return false
  return isIPv4(address) ? Number(length) <= 32 : isIPv6(address) && Number(length) <= 128
}

const units = '(?:ns|us|µs|ms|s|m|h|d|w)'
const words = '(?:nanoseconds?|nanos?|microseconds?|micros?|milliseconds?|millis?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|wks?)'
const duration = new RegExp(`^[-+]?(?:0|(?:\\d+(?:\\.\\d*)?|\\.\\d+)${units}(?:(?:\\d+(?:\\.\\d*)?|\\.\\d+)${units})*|\\d+ *(?:${units}|${words}))$`)

const isUri: Check = (text) => {
  if (text === '' || /[^!-~\u0080-\uffff]/.test(text)) return false
  return text.startsWith('/') || URL.canParse(text)
}

const hostname = /^(?=.{1,255}$)[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?)*\.?$/u
const uuid = (version: string, variant: string): Check => matching(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i'))

const checks: Readonly<Record<string, Check>> = {
  bsonobjectid: matching(/^[0-9a-f]{24}$/i), uri: isUri, email: matching(/^[^\s@<>"]+@[^\s@<>"]+$/), hostname: matching(hostname), ipv4: isIPv4, ipv6: isIPv6, cidr: isCIDR,
  mac: matching(/^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\2){6}[0-9a-f]{2})$/i),
  uuid: uuid('[0-9a-f]', '[0-9a-f]'), uuid3: uuid('3', '[0-9a-f]'), uuid4: uuid('4', '[89ab]'), uuid5: uuid('5', '[89ab]'),
  isbn: (text) => isbn10(text) || isbn13(text), isbn10, isbn13, creditcard: creditCard, ssn: matching(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matching(/^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i), rgbcolor: matching(/^rgb\((?:\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,){2}\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$/),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/), password: () => true, date: isDate, duration: matching(duration), datetime: isDateTime,
  'k8s-short-name': (text) => isDns1123Label(text).length === 0, 'k8s-long-name': (text) => isDns1123Subdomain(text).length === 0,
}

/** Hyphens in the name of a format do not count: `date-time` is `datetime`; those of Kubernetes' own are kept. */
const checkOf = (format: string): Check | undefined => {
  const name = format.startsWith('k8s-') ? format : format.replaceAll('-', '')
  return Object.hasOwn(checks, name) ? checks[name] : undefined
}

export const isKnownFormat = (format: string): boolean => checkOf(format) !== undefined

/** False only for a supported format that the text is not of. */
export const fitsFormat = (format: string, text: string): boolean => checkOf(format)?.(text) ?? true
