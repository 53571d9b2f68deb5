/** Paths that are no resources: which groups, versions and resources there are, the server's version, the issuer of service account tokens. Pure. */
import type { Kind } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import type { Dialect } from './definitions.ts'
import { groupPart, objectTypes, type Operation, pascal, rendered, tagOf } from './operations.ts'

/** A document of /openapi/v3 that has one path without parameters. */
export interface OtherDocument { path: string; operation: JsonObject; /** The type of its answer. */ type?: string }

const plain = (given: { id: string; description: string; tag: string; schema: JsonObject; mediaTypes?: readonly string[] }): JsonObject => {
  const operation: Operation = { method: 'get', id: given.id, description: given.description, tag: given.tag, codes: [200], answer: { schema: given.schema, mediaTypes: given.mediaTypes ?? objectTypes } }
  return Object.fromEntries([rendered(operation)])
}

const small = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** `apis/apps` → what that document holds, for the groups of the kinds. */
export const otherDocuments = (kinds: readonly Kind[], reference: (type: string) => JsonObject): ReadonlyMap<string, OtherDocument> => new Map<string, OtherDocument>([
  ['.well-known/openid-configuration', { path: '/.well-known/openid-configuration/', operation: plain({
    id: 'getServiceAccountIssuerOpenIDConfiguration', description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'", tag: 'WellKnown', schema: { type: 'string' }, mediaTypes: ['application/json'] }) }],
  ['openid/v1/jwks', { path: '/openid/v1/jwks/', operation: plain({
    id: 'getServiceAccountIssuerOpenIDKeyset', description: 'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)', tag: 'openid', schema: { type: 'string' }, mediaTypes: ['application/jwk-set+json'] }) }],
  ['version', { path: '/version/', type: 'version', operation: plain({ id: 'getCodeVersion', description: 'get the version information for this server', tag: 'version', schema: reference('version'), mediaTypes: ['application/json'] }) }],
  ['api', { path: '/api/', type: 'APIVersions', operation: plain({ id: 'getCoreAPIVersions', description: 'get available API versions', tag: 'core', schema: reference('APIVersions') }) }],
  ['apis', { path: '/apis/', type: 'APIGroupList', operation: plain({ id: 'getAPIVersions', description: 'get available API versions', tag: 'apis', schema: reference('APIGroupList') }) }],
  ...[...new Set(kinds.filter(({ custom }) => !custom).map(({ group }) => group))].filter((group) => group !== '').map((group): [string, OtherDocument] => [`apis/${group}`, {
    path: `/apis/${group}/`, type: 'APIGroup', operation: plain({ id: `get${groupPart(group)}APIGroup`, description: 'get information of a group', tag: small(groupPart(group)), schema: reference('APIGroup') }) }]),
])

/** Which resources a group version has. */
export const resourceListPath = (kind: Pick<Kind, 'group' | 'version'>, reference: (type: string) => JsonObject): JsonObject => ({
  [kind.group === '' ? `/api/${kind.version}/` : `/apis/${kind.group}/${kind.version}/`]: plain({ id: `get${groupPart(kind.group)}${pascal(kind.version)}APIResources`, description: 'get available resources', tag: tagOf(kind), schema: reference('APIResourceList') }),
})

/** Upstream's version.Info, which client-node has not. */
export const versionSchema = (dialect: Dialect): JsonObject => {
  const required = ['major', 'minor', 'gitVersion', 'gitCommit', 'gitTreeState', 'buildDate', 'goVersion', 'compiler', 'platform']
  const said: Readonly<Record<string, string>> = {
    major: 'Major is the major version of the binary version', minor: 'Minor is the minor version of the binary version',
    emulationMajor: 'EmulationMajor is the major version of the emulation version', emulationMinor: 'EmulationMinor is the minor version of the emulation version',
    minCompatibilityMajor: 'MinCompatibilityMajor is the major version of the minimum compatibility version', minCompatibilityMinor: 'MinCompatibilityMinor is the minor version of the minimum compatibility version',
  }
  const names = [...required, 'emulationMajor', 'emulationMinor', 'minCompatibilityMajor', 'minCompatibilityMinor']
  return {
    description: 'Info contains versioning information. how we\'ll want to distribute that information.', type: 'object', required,
    properties: Object.fromEntries(names.map((name) => [name, { ...(said[name] && { description: said[name] }), type: 'string', ...(dialect.version === 3 && required.includes(name) && { default: '' }) }])),
  }
}
