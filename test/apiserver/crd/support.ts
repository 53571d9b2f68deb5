/** Definitions for tests, and a server that serves them. */
import type { JsonObject } from '../../../src/api/meta.ts'
import { type Answer, startTestServer, type TestServer, type TestServerOptions } from '../support.ts'

export const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

export interface CrdParts {
  group?: string
  plural?: string
  kind?: string
  scope?: 'Namespaced' | 'Cluster'
  schema?: JsonObject
  /** More of the one version. */
  version?: JsonObject
  versions?: JsonObject[]
  spec?: JsonObject
  names?: JsonObject
  metadata?: JsonObject
}

export const anyObject: JsonObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

export const crd = ({ group = 'stable.example.com', plural = 'crontabs', kind = 'CronTab', scope = 'Namespaced', schema = anyObject, version = {}, versions, spec = {}, names = {}, metadata = {} }: CrdParts = {}): JsonObject => ({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${group}`, ...metadata },
  spec: { group, scope, names: { plural, kind, ...names }, versions: versions ?? [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }], ...spec },
})

interface Condition { type: string; status: string; reason: string; message: string }
export const conditionsOf = (answer: Answer): Condition[] => ((answer.body['status'] as { conditions?: Condition[] } | undefined)?.conditions ?? [])
export const conditionOf = (answer: Answer, type: string): Condition | undefined => conditionsOf(answer).find((each) => each.type === type)

/** Follows the definition by a watch until `holds`. */
export const until = async (server: TestServer, path: string, holds: (object: JsonObject, type: string) => boolean): Promise<void> => {
  const stop = AbortSignal.timeout(10_000)
  const [collection = '', name = ''] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]
  for await (const { type, object } of server.watch(`${collection}?watch=true&fieldSelector=metadata.name=${name}`, stop)) if (holds(object, type)) return
  throw new Error(`${path}: what was waited for did not happen`)
}

const isEstablished = (object: JsonObject): boolean => ((object['status'] as { conditions?: Condition[] }).conditions ?? []).some(({ type, status }) => type === 'Established' && status === 'True')

/** Creates a definition and waits until it is established. */
export const establish = async (server: TestServer, parts: CrdParts = {}): Promise<void> => {
  const body = crd(parts)
  const { name } = body['metadata'] as { name: string }
  const answer = await server.ask('POST', definitions, { body })
  if (answer.status !== 201) throw new Error(answer.text)
  await until(server, `${definitions}/${name}`, isEstablished)
}

export const startCrdServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const server = await startTestServer(options)
  await server.ask('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } } })
  return server
}
