/** What x-kubernetes-validations say besides their expressions: messages, reasons, paths. Mirrors the same part of apiextensions-apiserver's validation.go. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { JSONSchemaProps, ValidationRule } from '../../../api/types.ts'
import { fieldPathSchema } from '../../crd/schema/field-path.ts'

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const breaks = /[\n\r]/

const checkTexts = ({ rule, message = '', messageExpression = '' }: ValidationRule, path: string): FieldError[] => {
  const noBreaks = 'must not contain line breaks'
  const [trimmedRule, trimmedMessage] = [(rule ?? '').trim(), message.trim()]
  const first = trimmedRule === '' ? fieldError.required(`${path}.rule`, 'rule is not specified')
    : message !== '' && trimmedMessage === '' ? fieldError.invalid(`${path}.message`, message, 'must be non-empty if specified')
    : breaks.test(trimmedMessage) ? fieldError.invalid(`${path}.message`, message, noBreaks)
    : breaks.test(trimmedRule) && trimmedMessage === '' ? fieldError.required(`${path}.message`, 'message must be specified if rule contains line breaks') : undefined
  return [...(first ? [first] : []),
    ...(messageExpression !== '' && messageExpression.trim() === '' ? [fieldError.required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified')] : [])]
}

const checkFieldPath = (schema: JSONSchemaProps, fieldPath: string, path: string): FieldError[] => {
  if (fieldPath === '') return []
  return [
    ...(fieldPath.trim() === '' ? [fieldError.invalid(path, fieldPath, 'must be non-empty if specified')] : []),
    ...(breaks.test(fieldPath) ? [fieldError.invalid(path, fieldPath, 'must not contain line breaks')] : []),
    ...('error' in fieldPathSchema(fieldPath, schema) ? [fieldError.invalid(path, fieldPath, 'must be a valid path')] : []),
  ]
}

export const checkRuleTexts = (schema: JSONSchemaProps, path: string): FieldError[] => (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) => {
  const at = `${path}.x-kubernetes-validations[${index}]`
  return [...checkTexts(rule, at), ...(rule.reason !== undefined && !reasons.includes(rule.reason) ? [fieldError.notSupported(`${at}.reason`, rule.reason, reasons)] : []),
    ...checkFieldPath(schema, rule.fieldPath ?? '', `${at}.fieldPath`)]
})
