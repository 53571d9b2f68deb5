/** Taints of nodes and the tolerations of pods. Mirrors validateNodeTaints and ValidateTolerations of upstream's core validation. */
import { isLabelValue } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Taint, Toleration } from '../../../api/types.ts'
import { checkEach } from '../field-checks.ts'
import { checkLabelName } from '../label-checks.ts'

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

const checkOperator = (path: string, { operator, value = '' }: Toleration): FieldError[] => {
  switch (operator) {
    case undefined:
    case '':
    case 'Equal': {
      const errors = isLabelValue(value)
      return errors.length > 0 ? [fieldError.invalid(`${path}.operator`, value, errors.join(';'))] : []
    }
    case 'Exists': return value ? [fieldError.invalid(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'")] : []
    default: return [fieldError.notSupported(`${path}.operator`, operator, ['Equal', 'Exists'])]
  }
}

export const checkTolerations = (path: string, tolerations: readonly Toleration[] | undefined): FieldError[] => checkEach(path, tolerations, (toleration, at) => {
  const { key, operator, effect, tolerationSeconds } = toleration
  return [
    ...(key ? checkLabelName(`${at}.key`, key) : []),
    ...(!key && operator !== 'Exists' ? [fieldError.invalid(`${at}.operator`, operator ?? '', 'operator must be Exists when `key` is empty, which means "match all values and all keys"')] : []),
    ...(tolerationSeconds !== undefined && effect !== 'NoExecute' ? [fieldError.invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set")] : []),
    ...checkOperator(at, toleration),
    ...(effect && !effects.includes(effect) ? [fieldError.notSupported(`${at}.effect`, effect, effects)] : []),
  ]
})

export const checkTaints = (path: string, taints: readonly Taint[] | undefined): FieldError[] => {
  const seen = new Set<string>()
  return checkEach(path, taints, (taint, at) => {
    const { key = '', value = '', effect } = taint
    const valueErrors = isLabelValue(value)
    const errors = [
      ...checkLabelName(`${at}.key`, key),
      ...(valueErrors.length > 0 ? [fieldError.invalid(`${at}.value`, value, valueErrors.join(';'))] : []),
      ...(effect ? effects.includes(effect) ? [] : [fieldError.notSupported(`${at}.effect`, effect, effects)] : [fieldError.required(`${at}.effect`)]),
    ]
    const pair = JSON.stringify([key, effect])
    if (seen.has(pair)) {
      const twice = fieldError.duplicate(at, taint)
      errors.push({ ...twice, message: `${twice.message}: taints must be unique by key and effect pair` })
    }
    seen.add(pair)
    return errors
  })
}
