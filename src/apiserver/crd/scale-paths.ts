/** The scale subresource of a custom resource: where its definition says that replicas and selector are. Mirrors apiextensions-apiserver's `pkg/registry/customresource/etcd.go` (scaleFromCustomResource). */
import { setOwn } from '../../api/equal.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../api/meta.ts'
import { internalError } from '../../api/status.ts'
import type { CustomResourceSubresourceScale } from '../../api/types.ts'
import type { Strategy } from '../registry/strategy.ts'
import { simplePath } from './json-path.ts'
import { isObject } from './schema/structural.ts'

export const valueAt = (object: KubeObject, path: readonly string[]): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>((value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined), object as unknown as JsonObject)

const setAt = (object: KubeObject, path: readonly string[], value: JsonValue): void => {
  let parent = object as unknown as JsonObject
  for (const name of path.slice(0, -1)) {
    const next = Object.hasOwn(parent, name) ? parent[name] : undefined
    const child: JsonObject = isObject(next) ? next : {}
    setOwn(parent, name, child)
    parent = child
  }
  setOwn(parent, path.at(-1) ?? '', value)
}

const replicasAt = (object: KubeObject, path: readonly string[]): number | undefined => {
  const value = valueAt(object, path)
  return typeof value === 'number' ? value : undefined
}

export const scalePaths = ({ specReplicasPath, statusReplicasPath, labelSelectorPath }: CustomResourceSubresourceScale): NonNullable<Strategy['scale']> => {
  const [spec, status, selector] = [specReplicasPath, statusReplicasPath, labelSelectorPath ?? ''].map((path) => simplePath(path ?? '') ?? []) as [string[], string[], string[]]
  return {
    getReplicas(object) {
      const replicas = replicasAt(object, spec)
      if (replicas === undefined) throw internalError(new Error(`the spec replicas field ${JSON.stringify(specReplicasPath)} does not exist`))
      return replicas
    },
    setReplicas: (object, replicas) => setAt(object, spec, replicas),
    getStatusReplicas: (object) => replicasAt(object, status) ?? 0,
    getSelector(object) {
      const value = selector.length > 0 ? valueAt(object, selector) : undefined
      return typeof value === 'string' ? value : ''
    },
  }
}
