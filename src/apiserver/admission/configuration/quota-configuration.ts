/** ResourceQuotaConfiguration: what may only be consumed where a quota covers it. Mirrors `plugin/pkg/admission/resourcequota/apis/resourcequota`. */
import type { JsonObject } from '../../../api/meta.ts'
import { type FieldError, fieldError } from '../../../api/status.ts'
import type { ScopedResourceSelectorRequirement } from '../../../api/types.ts'
import { type FileKind, shapeErrors } from '../../configuration-file.ts'
import { isQuotaScope } from '../../../api/quota-scope.ts'

export interface LimitedResource {
  apiGroup?: string
  /** The plural: `pods`. */
  resource: string
  /** Names of quota resources that contain one of these. */
  matchContains?: readonly string[]
  matchScopes?: readonly ScopedResourceSelectorRequirement[]
}

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist']

const scopeErrors = (scope: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(scope, { scopeName: 'string', operator: 'string', values: 'strings' }, `${at}.`)
  if (shape.length > 0) return shape
  return [
    ...(isQuotaScope(String(scope['scopeName'] ?? '')) ? [] : [fieldError.invalid(`${at}.scopeName`, scope['scopeName'] ?? '', 'unsupported scope')]),
    ...(operators.includes(String(scope['operator'] ?? '')) ? [] : [fieldError.notSupported(`${at}.operator`, scope['operator'] ?? '', operators)]),
  ]
}

const limitedErrors = (limited: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(limited, { apiGroup: 'string', resource: 'string', matchContains: 'strings', matchScopes: 'objects' }, `${at}.`)
  if (shape.length > 0) return shape
  return [...(limited['resource'] ? [] : [fieldError.required(`${at}.resource`)]), ...((limited['matchScopes'] ?? []) as JsonObject[]).flatMap((scope, index) => scopeErrors(scope, `${at}.matchScopes[${index}]`))]
}

export const quotaFile: FileKind = {
  apiVersions: ['apiserver.config.k8s.io/v1', 'resourcequota.admission.k8s.io/v1', 'resourcequota.admission.k8s.io/v1beta1', 'resourcequota.admission.k8s.io/v1alpha1'], kind: 'ResourceQuotaConfiguration',
  errors: (value) => {
    const shape = shapeErrors(value, { apiVersion: 'string', kind: 'string', limitedResources: 'objects' }, '')
    return shape.length > 0 ? shape : ((value['limitedResources'] ?? []) as JsonObject[]).flatMap((limited, index) => limitedErrors(limited, `limitedResources[${index}]`))
  },
}
