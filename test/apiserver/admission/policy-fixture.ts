/** An API server with all built-in admission, and policies made in one line. */
import type { JsonObject } from '../../../src/api/meta.ts'
import { builtInAdmission } from '../../../src/apiserver/admission/built-in.ts'
import { alwaysAllow, type Authorizer } from '../../../src/apiserver/authorization/authorizer.ts'
import type { UserInfo } from '../../../src/apiserver/registry/strategy.ts'
import { type Answer, startTestServer, type TestServer } from '../support.ts'

const base = '/apis/admissionregistration.k8s.io/v1'
export const onResources = (group: string, resources: string[], ...operations: string[]): JsonObject => ({ apiGroups: [group], apiVersions: ['v1'], resources, operations })
export const onConfigMaps = (...operations: string[]): JsonObject => onResources('', ['configmaps'], ...(operations.length > 0 ? operations : ['CREATE', 'UPDATE']))
export const onDeployments = onResources('apps', ['deployments'], 'CREATE', 'UPDATE')

export interface PolicyFixture extends AsyncDisposable {
  api: TestServer
  /** Annotations of audit events would go here. */
  post(path: string, body: JsonObject, user?: UserInfo): Promise<Answer>
  /** A policy of the kind, and a binding of the same name; removed by `clear`. Throws what the server says against them. */
  register(kind: 'Validating' | 'Mutating', name: string, spec: JsonObject, binding?: JsonObject): Promise<void>
  clear(): Promise<void>
  configMap(name: string, more?: JsonObject): Promise<Answer>
}

export const configMap = (name: string, more: JsonObject = {}): JsonObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more })

export const deployment = (name: string, replicas: number, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, ...more },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'host' }] } } },
})

export const startPolicyFixture = async (authorizer: Authorizer = alwaysAllow): Promise<PolicyFixture> => {
  const api = await startTestServer({
    admission: (parts) => builtInAdmission({ ...parts, authorizer, organizationsOf: () => Promise.resolve([]) }),
    bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' },
  })
  const fixture: PolicyFixture = {
    api,
    post: (path, body, user) => api.ask('POST', path, { body, ...(user && { user }) }),
    async register(kind, name, spec, binding = {}) {
      const plural = `${kind.toLowerCase()}admissionpolicies`
      const made = await api.ask('POST', `${base}/${plural}`, { body: { apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}AdmissionPolicy`, metadata: { name }, spec } })
      if (made.status !== 201) throw new Error(made.text)
      const bound = await api.ask('POST', `${base}/${plural.replace('policies', 'policybindings')}`, { body: {
        apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}AdmissionPolicyBinding`, metadata: { name }, spec: { policyName: name, ...(kind === 'Validating' && { validationActions: ['Deny'] }), ...binding },
      } })
      if (bound.status !== 201) throw new Error(bound.text)
    },
    async clear() {
      for (const kind of ['validating', 'mutating']) for (const plural of ['policies', 'policybindings']) await api.ask('DELETE', `${base}/${kind}admission${plural}`)
      await api.ask('DELETE', '/api/v1/namespaces/default/configmaps')
      await api.ask('DELETE', '/apis/apps/v1/namespaces/default/deployments')
    },
    configMap: (name, more) => fixture.post('/api/v1/namespaces/default/configmaps', configMap(name, more)),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  }
  for (;;) if ((await api.ask('GET', '/readyz')).status === 200 && (await api.ask('GET', '/api/v1/namespaces/default')).status === 200) return fixture
}
