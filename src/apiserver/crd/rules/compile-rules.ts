import type { FieldError } from '../../../api/status.ts'
import type { JSONSchemaProps } from '../../../api/types.ts'

export const checkSchemaRules = (_schema: JSONSchemaProps, _path: string): FieldError[] => []
