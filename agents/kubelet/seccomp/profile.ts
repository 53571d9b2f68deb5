/** A seccomp profile as container runtimes write it in JSON: the OCI runtime specification's form, and Docker's with its conditions. Pure. */

export interface Condition { index: number; value: bigint; valueTwo: bigint; op: Comparison }
export type Comparison = 'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ'
export const comparisons: readonly Comparison[] = ['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ']

/** When a rule stands: for these capabilities, machines, kernels. */
export interface Selector { caps?: readonly string[]; arches?: readonly string[]; minKernel?: string }

export interface Rule {
  names: readonly string[]
  action: string
  errnoRet?: number
  args?: readonly Condition[]
  includes?: Selector
  excludes?: Selector
}

export interface Profile {
  defaultAction: string
  defaultErrnoRet?: number
  architectures?: readonly string[]
  archMap?: readonly { architecture: string; subArchitectures?: readonly string[] | null }[]
  flags?: readonly string[]
  syscalls: readonly Rule[]
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string')

/** Throws an Error naming the field. */
export const parseProfile = (text: string): Profile => {
  const root = object(readJson(text), 'the profile', ['defaultAction', 'defaultErrnoRet', 'defaultErrno', 'architectures', 'archMap', 'flags', 'syscalls'])
  if (root['architectures'] && root['archMap']) throw new Error('both architectures and archMap are specified in the seccomp profile, use either architectures or archMap')
  const defaultErrnoRet = errno(root, 'defaultErrnoRet', 'defaultErrno', '')
  const architectures = optionalStrings(root['architectures'], 'architectures')
  const flags = optionalStrings(root['flags'], 'flags')
  return {
    defaultAction: word(root['defaultAction'], 'defaultAction'), ...(defaultErrnoRet !== undefined && { defaultErrnoRet }), ...(architectures && { architectures }), ...(flags && { flags }),
    ...(root['archMap'] !== undefined && root['archMap'] !== null && { archMap: list(root['archMap'], 'archMap').map((entry, index) => {
      const at = `archMap[${index}]`
      const { architecture, subArchitectures } = object(entry, at, ['architecture', 'subArchitectures'])
      return { architecture: word(architecture, `${at}.architecture`), subArchitectures: optionalStrings(subArchitectures, `${at}.subArchitectures`) ?? [] }
    }) }),
    syscalls: (root['syscalls'] === undefined || root['syscalls'] === null ? [] : list(root['syscalls'], 'syscalls')).map((entry, index) => rule(entry, `syscalls[${index}]`)),
  }
}

// Values of arguments have 64 bits, more than a JavaScript number keeps.
const readJson = (text: string): unknown => {
  const keep = (key: string, value: unknown, context?: { source?: string }): unknown =>
    ((key === 'value' || key === 'valueTwo') && typeof value === 'number' && /^\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? '') : value)
  try {
    return JSON.parse(text, keep)
  } catch (error) {
    throw new Error(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

const rule = (entry: unknown, at: string): Rule => {
  const fields = object(entry, at, ['name', 'names', 'action', 'errnoRet', 'errno', 'args', 'includes', 'excludes'])
  if (fields['name'] !== undefined && fields['name'] !== '' && fields['names']) throw new Error(`${at}: both name and names are specified in the seccomp profile, use either name or names`)
  const names = fields['name'] ? [word(fields['name'], `${at}.name`)] : optionalStrings(fields['names'], `${at}.names`) ?? []
  const errnoRet = errno(fields, 'errnoRet', 'errno', `${at}.`)
  const includes = selector(fields['includes'], `${at}.includes`)
  const excludes = selector(fields['excludes'], `${at}.excludes`)
  const args = fields['args'] === undefined || fields['args'] === null ? [] : list(fields['args'], `${at}.args`)
  return {
    names, action: word(fields['action'], `${at}.action`), ...(errnoRet !== undefined && { errnoRet }), ...(includes && { includes }), ...(excludes && { excludes }),
    args: args.map((each, index) => condition(each, `${at}.args[${index}]`)),
  }
}

const condition = (entry: unknown, at: string): Condition => {
  const { index, value, valueTwo, op } = object(entry, at, ['index', 'value', 'valueTwo', 'op'])
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > 5) throw new Error(`${at}.index must be a number from 0 to 5: a system call has six arguments`)
  if (!comparisons.some((each) => each === op)) throw new Error(`${at}.op must be one of ${comparisons.join(', ')}`)
  return { index, value: word64(value ?? 0n, `${at}.value`), valueTwo: word64(valueTwo ?? 0n, `${at}.valueTwo`), op: op as Comparison }
}

const selector = (value: unknown, at: string): Selector | undefined => {
  if (value === undefined || value === null) return undefined
  const fields = object(value, at, ['caps', 'arches', 'minKernel'])
  const caps = optionalStrings(fields['caps'], `${at}.caps`)
  const arches = optionalStrings(fields['arches'], `${at}.arches`)
  const minKernel = fields['minKernel'] === undefined || fields['minKernel'] === null ? '' : word(fields['minKernel'], `${at}.minKernel`)
  if (minKernel && !/^\d+\.\d+$/.test(minKernel)) throw new Error(`${at}.minKernel must be a version like "4.8"`)
  return { ...(caps && { caps }), ...(arches && { arches }), ...(minKernel && { minKernel }) }
}

/** What is not in `known` is refused by name, but for comments. */
const object = (value: unknown, at: string, known: readonly string[]): Json => {
  if (!isObject(value)) throw new Error(`${at} must be an object`)
  const unknown = Object.keys(value).find((key) => !known.includes(key) && key !== 'comment')
  if (unknown !== undefined) throw new Error(`${at}: field ${JSON.stringify(unknown)} is not supported`)
  return value
}

const list = (value: unknown, at: string): unknown[] => {
  if (!Array.isArray(value)) throw new Error(`${at} must be a list`)
  return value as unknown[]
}

const optionalStrings = (value: unknown, at: string): string[] | undefined => {
  if (value === undefined || value === null) return undefined
  if (!isStrings(value)) throw new Error(`${at} must be a list of strings`)
  return value
}

const word = (value: unknown, at: string): string => {
  if (typeof value !== 'string' || value === '') throw new Error(`${at} must be a string`)
  return value
}

const word64 = (value: unknown, at: string): bigint => {
  if (typeof value !== 'bigint' || value >= 1n << 64n) throw new Error(`${at} must be a number of 64 bits`)
  return value
}

/** `label`: the field in which some runtimes also write the number's name. */
const errno = (fields: Json, field: string, label: string, at: string): number | undefined => {
  const value = fields[field]
  if (value === undefined || value === null) {
    if (fields[label] !== undefined) throw new Error(`${at}${label} is not supported without ${at}${field}`)
    return undefined
  }
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 4095) throw new Error(`${at}${field} must be a number from 0 to 4095`)
  return value
}
