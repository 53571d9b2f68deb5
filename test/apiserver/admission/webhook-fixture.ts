/** An API server whose Services all lead to one real HTTPS server, which answers AdmissionReviews as a test says. */
import type { JsonObject } from '../../../src/api/meta.ts'
import { builtInAdmission } from '../../../src/apiserver/admission/built-in.ts'
import { alwaysAllow } from '../../../src/apiserver/authorization/authorizer.ts'
import { webhookCaller } from '../../../src/apiserver/outbound/call-webhook.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../support.ts'
import { startWebhookServer, type WebhookServer } from '../webhook-server.ts'

export interface Review {
  uid: string
  kind: { group: string; version: string; kind: string }
  resource: { group: string; version: string; resource: string }
  requestKind: object
  requestResource: object
  subResource?: string
  name?: string
  namespace?: string
  operation: string
  object: (JsonObject & { metadata: JsonObject }) | null
  oldObject: (JsonObject & { metadata: JsonObject }) | null
  options: JsonObject | null
  dryRun: boolean
  userInfo: JsonObject
}

type Answer = JsonObject | undefined | Promise<JsonObject | undefined>
/** What a webhook at a path answers: a response without its uid; undefined: never. */
export type Handlers = Record<string, (request: Review) => Answer>

export interface WebhookFixture extends AsyncDisposable {
  api: TestServer
  hook: WebhookServer
  /** By path, in the order of their arrival. */
  reviews: { path: string; request: Review }[]
  handlers: Handlers
  /** Makes configurations of one webhook each, as `{ name: [path, more of the webhook] }`; removed by `clear`. */
  register(type: 'mutating' | 'validating', webhooks: Record<string, [path: string, more?: JsonObject]>): Promise<void>
  clear(): Promise<void>
}

export const jsonPatch = (...operations: JsonObject[]): JsonObject => ({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') })
export const allow = (): JsonObject => ({ allowed: true })
export const deny = (message?: string): JsonObject => ({ allowed: false, ...(message !== undefined && { status: { message } }) })
export const onConfigMaps = (...operations: string[]): JsonObject => ({ operations, apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] })
const base = '/apis/admissionregistration.k8s.io/v1'

export const startWebhookFixture = async (options: TestServerOptions = {}): Promise<WebhookFixture> => {
  const hook = await startWebhookServer(async ({ path, body }) => {
    const at = path.split('?')[0] ?? ''
    const request = body['request'] as unknown as Review
    fixture.reviews.push({ path: at, request })
    const response = await (fixture.handlers[at] ?? allow)(request)
    return response && { apiVersion: body['apiVersion'] ?? '', kind: 'AdmissionReview', response: { uid: request.uid, ...response } }
  })
  const api = await startTestServer({
    admission: (parts) => builtInAdmission({ ...parts, authorizer: alwaysAllow, organizationsOf: () => Promise.resolve([]), callWebhook: webhookCaller(() => ({ host: '127.0.0.1', port: hook.port })) }),
    bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' }, ...options,
  })
  const fixture: WebhookFixture = {
    api, hook, reviews: [], handlers: {},
    async register(type, webhooks) {
      for (const [name, [path, more = {}]] of Object.entries(webhooks)) {
        const webhook = { name: `${name}.example.com`, clientConfig: { service: { namespace: 'default', name: 'hook', path }, caBundle: hook.caBundle }, rules: [onConfigMaps('CREATE', 'UPDATE')], sideEffects: 'None', admissionReviewVersions: ['v1'], ...more }
        const kind = type === 'mutating' ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration'
        const answer = await api.ask('POST', `${base}/${kind.toLowerCase()}s`, { body: { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name }, webhooks: [webhook] } })
        if (answer.status !== 201) throw new Error(answer.text)
      }
    },
    async clear() {
      for (const plural of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) await api.ask('DELETE', `${base}/${plural}`)
      fixture.handlers = {}
      fixture.reviews.length = 0
    },
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      await hook[Symbol.asyncDispose]()
    },
  }
  for (;;) {
    const { status } = await api.ask('GET', '/readyz')
    if (status === 200) return fixture
    await new Promise((resolve) => { setImmediate(resolve) })
  }
}
