/** Names of a definition, asked for or accepted. Mirrors ValidateCustomResourceDefinitionNames. */
import { isDns1035Label } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CustomResourceDefinitionNames } from '../../../api/types.ts'

const checkLabel = (path: string, value: string | undefined, checked = value ?? '', words = ''): FieldError[] => {
  if (!value) return []
  const errors = isDns1035Label(checked)
  return errors.length > 0 ? [fieldError.invalid(path, value, `${words}${errors.join(',')}`)] : []
}
const checkEvery = (path: string, values: readonly string[] | undefined): FieldError[] => (values ?? []).flatMap((value, index) => {
  const errors = isDns1035Label(value)
  return errors.length > 0 ? [fieldError.invalid(`${path}[${index}]`, value, errors.join(','))] : []
})

const mixedCase = 'may have mixed case, but should otherwise match: '

export const checkNames = (names: CustomResourceDefinitionNames | undefined, path: string): FieldError[] => (!names ? [] : [
  ...checkLabel(`${path}.plural`, names.plural), ...checkLabel(`${path}.singular`, names.singular),
  ...checkLabel(`${path}.kind`, names.kind, names.kind?.toLowerCase(), mixedCase), ...checkLabel(`${path}.listKind`, names.listKind, names.listKind?.toLowerCase(), mixedCase),
  ...checkEvery(`${path}.shortNames`, names.shortNames),
  ...(names.kind && names.kind === names.listKind ? [fieldError.invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same')] : []),
  ...checkEvery(`${path}.categories`, names.categories),
])

/** Those that must be given. */
export const checkNamesGiven = (names: CustomResourceDefinitionNames, path: string): FieldError[] =>
  (['plural', 'singular', 'kind', 'listKind'] as const).filter((field) => !names[field]).map((field) => fieldError.required(`${path}.${field}`))
