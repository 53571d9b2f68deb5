/** The parameters of a policy for one binding. Mirrors CollectParams of apiserver's `plugin/policy/generic/policy_dispatcher.go`. */
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import { selectorFromObject, selectorMatches } from '../../api/selector.ts'
import type { ParamKind, ParamRef } from '../../api/types.ts'
import type { ResourceTable, StoredResource } from '../resource-table.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'
import { namespaceOf } from './webhook-match.ts'
import { shownAs } from './webhook-versions.ts'

/** The policy or binding cannot be used as it is: what that means for the request is the failure policy's matter. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}

const split = (apiVersion: string): [group: string, version: string] => {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
}

/** What is served under a kind's name. Throws a ConfigurationError. */
export const paramResource = ({ apiVersion = '', kind = '' }: ParamKind, resources: ResourceTable): StoredResource => {
  const [group, version] = split(apiVersion)
  const found = resources.inVersion(group, version).find(({ stored }) => stored?.kind.kind === kind)?.stored
  if (!found) throw new ConfigurationError(`failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kind}'`)
  return found
}

const namespaceFor = (paramRef: ParamRef, resource: StoredResource, attributes: AdmissionAttributes): string => {
  if (!resource.kind.namespaced) {
    if (paramRef.namespace) throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
    return ''
  }
  const namespace = paramRef.namespace || namespaceOf(attributes)
  if (namespace === '') throw new ConfigurationError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  return namespace
}

const findParams = ({ name, selector }: ParamRef, { cache }: StoredResource, namespace: string): readonly KubeObject[] => {
  if (name) {
    const found = cache.get(namespace, name)
    return found ? [found.object] : []
  }
  if (!selector) throw new ConfigurationError('one of name or selector must be provided')
  const wanted = selectorFromObject(selector)
  return cache.list(namespace).map(({ current }) => current.object).filter(({ metadata }) => selectorMatches(wanted, metadata.labels))
}

export interface ParamQuestion {
  paramKind: ParamKind | undefined
  paramRef: ParamRef | undefined
  attributes: AdmissionAttributes
  context: AdmissionContext
}

/** For each of them the policy is evaluated once; undefined stands for none, with which it is evaluated, too. Throws a ConfigurationError. */
export const collectParams = ({ paramKind, paramRef, attributes, context }: ParamQuestion): readonly (JsonObject | undefined)[] => {
  if (!paramKind || !paramRef) return [undefined]
  const resource = paramResource(paramKind, context.resources)
  const params = findParams(paramRef, resource, namespaceFor(paramRef, resource, attributes))
  if (params.length === 0 && paramRef.parameterNotFoundAction === 'Deny') throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction')
  const { kind } = resource
  const version = { resource: { group: kind.group, version: kind.version, resource: kind.plural }, kind, row: resource }
  return params.map((object) => shownAs(version, object))
}
