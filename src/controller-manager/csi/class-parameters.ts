/** What a StorageClass says for the parts of Kubernetes, beside what it says to the driver. Pure. Mirrors kubernetes-csi/external-provisioner's pkg/controller. */
import type { PersistentVolumeClaim, SecretReference, StorageClass } from '../../api/types.ts'

const prefix = 'csi.storage.k8s.io/'
export const secretUses = ['provisioner', 'controller-publish', 'node-stage', 'node-publish', 'controller-expand', 'node-expand'] as const
export type SecretUse = (typeof secretUses)[number]

export interface ClassParameters {
  /** For the driver. */
  parameters: Record<string, string>
  fsType: string
  secrets: Partial<Record<SecretUse, Required<Pick<SecretReference, 'name' | 'namespace'>>>>
}

const known = new Set(['fstype', ...secretUses.flatMap((use) => [`${use}-secret-name`, `${use}-secret-namespace`])])

/** `${pvc.name}` and its kin. Throws for one that is not known, or that the part does not allow. */
const resolve = (parameter: string, template: string, values: Readonly<Record<string, string>>): string => template.replaceAll(/\$\{([^}]*)\}/g, (whole, name: string) => {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  if (value === undefined) throw new Error(`error resolving value ${JSON.stringify(template)}: invalid tokens: [${JSON.stringify(whole.slice(2, -1))}] in ${parameter}`)
  return value
})

/** Throws what is wrong with the class. */
export const classParameters = ({ parameters: all = {} }: Pick<StorageClass, 'parameters'>, { metadata }: PersistentVolumeClaim, volume: string): ClassParameters => {
  const own = Object.entries(all).filter(([key]) => key.startsWith(prefix)).map(([key, value]): [string, string] => [key.slice(prefix.length), value])
  const unknown = own.find(([key]) => !known.has(key))
  if (unknown) throw new Error(`found unknown parameter key ${JSON.stringify(`${prefix}${unknown[0]}`)} with reserved namespace ${prefix}`)
  const given = new Map(own)
  const places = { 'pv.name': volume, 'pvc.namespace': metadata.namespace ?? '' }
  const names = { ...places, 'pvc.name': metadata.name, ...Object.fromEntries(Object.entries(metadata.annotations ?? {}).map(([key, value]) => [`pvc.annotations['${key}']`, value])) }
  const secrets: ClassParameters['secrets'] = {}
  for (const use of secretUses) {
    const [name, namespace] = [given.get(`${use}-secret-name`), given.get(`${use}-secret-namespace`)]
    if (name === undefined && namespace === undefined) continue
    if (name === undefined || namespace === undefined) throw new Error(`only one of ${prefix}${use}-secret-name and ${prefix}${use}-secret-namespace is set: both must be specified`)
    secrets[use] = { name: resolve(`${use}-secret-name`, name, names), namespace: resolve(`${use}-secret-namespace`, namespace, places) }
  }
  return { parameters: Object.fromEntries(Object.entries(all).filter(([key]) => !key.startsWith(prefix))), fsType: given.get('fstype') ?? '', secrets }
}
