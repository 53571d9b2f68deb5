/** What of pod-field-support.ts a spec asks for and cannot have. Pure. */
import { type Refusal, refusals } from './pod-field-support.ts'
import { type FieldSchema, typeSchema } from './schema.ts'
import type { PersistentVolumeSpec, PodSpec } from './types.ts'

export interface RefusedField extends Refusal {
  /** `volumes[0].rbd` */
  path: string
  value: unknown
}

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)

/** The fields of `spec` that are refused or without effect, in the order of the schema; what stands below a refused one is not looked at. */
export const refusedFields = (spec: PodSpec): RefusedField[] => {
  const ofValue = (field: FieldSchema, value: unknown, at: string): RefusedField[] => {
    const type = field.type.kind === 'array' ? field.type.items : field.type
    if (type.kind !== 'ref') return []
    return Array.isArray(value) ? value.flatMap((item, index) => ofObject(type.name, item as object, `${at}[${index}]`)) : ofObject(type.name, value as object, at)
  }
  const ofObject = (type: string, object: object, at: string): RefusedField[] => [...typeSchema(type).fields.values()].flatMap((field) => {
    const value = (object as Readonly<Record<string, unknown>>)[field.name]
    if (!isSet(value)) return []
    const path = at ? `${at}.${field.name}` : field.name
    const key = `${type}.${field.name}`
    const refusal = Object.hasOwn(refusals, key) ? refusals[key] : undefined
    if (refusal && (refusal.only === undefined || refusal.only.is(value, object, spec))) return [{ ...refusal, path, value }]
    return ofValue(field, value, path)
  })
  return ofObject('PodSpec', spec, '')
}

const notSupported = (path: string, why: string): string => `${path}: not supported by the nodes of this cluster: ${why}`

/** What is told to whoever creates a pod or a template with such a spec. */
export const refusalWarnings = (path: string, spec: PodSpec): string[] => refusedFields(spec).filter(({ verdict }) => verdict !== 'api' && verdict !== 'forbidden').map(({ path: at, verdict, why }) =>
  (verdict === 'none' ? `${path}.${at}: has no effect on the nodes of this cluster: ${why}` : notSupported(`${path}.${at}`, why)))

/** What is told to whoever creates a PersistentVolume that no node can mount, as it is said of a pod's own volume of the type. */
export const volumeWarnings = (spec: PersistentVolumeSpec): string[] => [
  ...Object.entries(spec).flatMap(([type, source]) => { const refusal = source === undefined || !Object.hasOwn(refusals, `Volume.${type}`) ? undefined : refusals[`Volume.${type}`]; return refusal ? [notSupported(`spec.${type}`, refusal.why)] : [] }),
  ...(spec.volumeMode === 'Block' && !spec.csi && !spec.local ? [notSupported('spec.volumeMode', 'no block volumes')] : []),
]
