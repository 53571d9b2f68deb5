/** Parameters of operations in the words of OpenAPI v3, by what they belong to. Mirrors upstream's ListOptions, CreateOptions, PatchOptions, DeleteOptions and the options of conversations. Pure. */
import type { JsonObject } from '../../api/meta.ts'
import type { Descriptions } from './definitions.ts'

/** `name:type`, strings where none is given. Parameters behind gates that are off (`shardSelector`) are not served and not published. */
const groups = {
  list: ['allowWatchBookmarks:boolean', 'continue', 'fieldSelector', 'labelSelector', 'limit:integer', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents:boolean', 'timeoutSeconds:integer', 'watch:boolean'],
  write: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force:boolean'],
  delete: ['dryRun', 'gracePeriodSeconds:integer', 'ignoreStoreReadErrorWithClusterBreakingPotential:boolean', 'orphanDependents:boolean', 'propagationPolicy'],
  log: ['container', 'follow:boolean', 'insecureSkipTLSVerifyBackend:boolean', 'limitBytes:integer', 'previous:boolean', 'sinceSeconds:integer', 'stream', 'tailLines:integer', 'timestamps:boolean'],
  PodAttachOptions: ['container', 'stderr:boolean', 'stdin:boolean', 'stdout:boolean', 'tty:boolean'],
  PodExecOptions: ['command', 'container', 'stderr:boolean', 'stdin:boolean', 'stdout:boolean', 'tty:boolean'],
  PodPortForwardOptions: ['ports:integer'],
  PodProxyOptions: ['path'], ServiceProxyOptions: ['path'], NodeProxyOptions: ['path'],
} as const

export type ParameterGroup = keyof typeof groups
export const isParameterGroup = (name: string): name is ParameterGroup => Object.hasOwn(groups, name)

const parameter = (given: { in: 'query' | 'path'; name: string; type?: string | undefined; description?: string | undefined }): JsonObject => ({
  ...(given.description && { description: given.description }), in: given.in, name: given.name, ...(given.in === 'path' && { required: true }), schema: { type: given.type ?? 'string', uniqueItems: true },
})

const described = (descriptions: Descriptions, group: ParameterGroup, name: string): string | undefined => descriptions[`parameters of ${group}`]?.fields[name]

/** The query parameters of a group; `except` are left out. */
export const queryParameters = (group: ParameterGroup, descriptions: Descriptions, except: readonly string[] = []): JsonObject[] => groups[group].map((each) => each.split(':')).filter(([name = '']) => !except.includes(name))
  .map(([name = '', type]) => parameter({ in: 'query', name, type, description: described(descriptions, group, name) }))

export const prettyParameter = (descriptions: Descriptions): JsonObject => parameter({ in: 'query', name: 'pretty', description: described(descriptions, 'list', 'pretty') })
export const nameParameter = (kind: string): JsonObject => parameter({ in: 'path', name: 'name', description: `name of the ${kind}` })
export const namespaceParameter = (): JsonObject => parameter({ in: 'path', name: 'namespace', description: 'object name and auth scope, such as for teams and projects' })
/** Of a proxy: what follows it. */
export const tailParameter = (): JsonObject => parameter({ in: 'path', name: 'path', description: 'path to the resource' })
