/** Policies and webhooks that admit, as objects and in action. Upstream: test/e2e/apimachinery/{validatingadmissionpolicy,mutatingadmissionpolicy,webhook,flowcontrol}.go. */
import { expect } from 'vitest'
import { Deployments, FlowSchemas, MutatingAdmissionPolicies, MutatingAdmissionPolicyBindings, MutatingWebhookConfigurations, Namespaces, PriorityLevelConfigurations, ReplicaSets, ValidatingAdmissionPolicies, ValidatingAdmissionPolicyBindings, ValidatingWebhookConfigurations } from '../../src/api/kinds.ts'
import { StatusError } from '../../src/api/status.ts'
import { until } from '../support/cluster.ts'
import { type Behaviour, refused, type World } from '../support/conformance.ts'
import { apiOperations } from './api-operations.ts'

const rule = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }
const matchConstraints = { resourceRules: [rule] }
const workload = (name: string, namespace: string, replicas: number) => ({ metadata: { name, namespace }, spec: {
  replicas, selector: { matchLabels: { app: 'test' } }, template: { metadata: { labels: { app: 'test' } }, spec: { containers: [{ name: 'sample', image: 'nginx:latest' }] } } } }) as never

/** The policy and its binding to this namespace alone; waits until a Deployment that tries it is answered as it must be. */
const enforced = async (world: World, namespace: string, validating: boolean, policy: object): Promise<void> => {
  const { client, updated } = world
  await updated(Namespaces, { name: namespace }, ({ metadata }) => { metadata.labels = { ...metadata.labels, [namespace]: 'true' } })
  const namespaceSelector = { matchLabels: { [namespace]: 'true' } }
  const metadata = { name: `${namespace}.policy.example.com` }
  const spec = { matchConstraints: { namespaceSelector, resourceRules: [{ ...rule, operations: ['CREATE', 'UPDATE'] }] }, ...policy }
  const binding = { policyName: metadata.name, matchResources: { namespaceSelector } }
  if (validating) {
    await client.create(ValidatingAdmissionPolicies, { metadata, spec } as never)
    await client.create(ValidatingAdmissionPolicyBindings, { metadata: { name: `${namespace}.binding.example.com` }, spec: { ...binding, validationActions: ['Deny'] } } as never)
  } else {
    await client.create(MutatingAdmissionPolicies, { metadata, spec } as never)
    await client.create(MutatingAdmissionPolicyBindings, { metadata: { name: `${namespace}.binding.example.com` }, spec: binding } as never)
  }
}

const released = async ({ client }: World, namespace: string, validating: boolean): Promise<void> => {
  await client.delete(validating ? ValidatingAdmissionPolicyBindings : MutatingAdmissionPolicyBindings, { name: `${namespace}.binding.example.com` })
  await client.delete(validating ? ValidatingAdmissionPolicies : MutatingAdmissionPolicies, { name: `${namespace}.policy.example.com` })
}

const denial = async ({ client }: World, namespace: string, replicas: number): Promise<string> => until('the policy denies', async () => {
  try {
    await client.create(Deployments, workload(`denied-${String(performance.now()).replace('.', '')}`, namespace, replicas))
    return ''
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    expect(error.status).toMatchObject({ code: 422, reason: 'Invalid' })
    return error.status.message ?? ''
  }
})

/** Until the policy acts, Deployments come out as they went in. */
const mutated = async ({ client }: World, namespace: string, acts: (deployment: unknown) => boolean): Promise<void> => {
  let tries = 0
  await until('the policy mutates', async () => acts(await client.create(Deployments, workload(`test-deployment-${++tries}`, namespace, 2))))
}

const policies = (behaviour: Behaviour): void => {
  behaviour('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations [Conformance]', (world, namespace) => apiOperations(world, namespace, {
    kind: ValidatingAdmissionPolicies, template: { spec: { validations: [{ expression: 'object.spec.replicas <= 100' }], matchConstraints } } as never, conditions: true,
    patch: { body: { spec: { failurePolicy: 'Ignore' } }, answer: { spec: { failurePolicy: 'Ignore' } } },
    update: { change: ({ spec }) => { spec.failurePolicy = 'Fail' }, answer: { spec: { failurePolicy: 'Fail' } } },
  }))
  behaviour('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations [Conformance]', (world, namespace) => apiOperations(world, namespace, {
    kind: ValidatingAdmissionPolicyBindings, template: { spec: { policyName: 'replicalimit-policy.example.com', validationActions: ['Deny'] } } as never,
  }))
  behaviour('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations [Conformance]', (world, namespace) => apiOperations(world, namespace, {
    kind: MutatingAdmissionPolicies, template: { spec: { reinvocationPolicy: 'Never', matchConstraints, mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: {
      expression: 'Object{ metadata: Object.metadata{ annotations: { "my-foo-annotation": "myAnnotationValue" } } }' } }] } } as never,
    patch: { body: { spec: { failurePolicy: 'Ignore' } }, answer: { spec: { failurePolicy: 'Ignore' } } },
    update: { change: ({ spec }) => { spec.failurePolicy = 'Fail' }, answer: { spec: { failurePolicy: 'Fail' } } },
  }))
  behaviour('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations [Conformance]', (world, namespace) => apiOperations(world, namespace, {
    kind: MutatingAdmissionPolicyBindings, template: { spec: { policyName: 'replicalimit-policy.example.com' } } as never,
  }))
  behaviour('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment [Conformance]', async (world, namespace) => {
    // The message expression joins a text and a number: it fails at run time, and the message falls back to the expression.
    await enforced(world, namespace, true, { validations: [{ expression: 'object.spec.replicas > 1', messageExpression: '\'wants replicas > 1, got \' + object.spec.replicas' },
      { expression: `namespaceObject.metadata.name == '${namespace}'`, message: 'Internal error! Other namespace should not be allowed.' }] })
    const message = await denial(world, namespace, 1)
    expect(message).toContain(`ValidatingAdmissionPolicy '${namespace}.policy.example.com' with binding '${namespace}.binding.example.com' denied request: failed expression: object.spec.replicas > 1`)
    await world.client.create(Deployments, workload('replicated', namespace, 2))
    await world.client.create(ReplicaSets, workload('non-replicated', namespace, 1))
    await released(world, namespace, true)
  })
  behaviour('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer variables. [Conformance]', async (world, namespace) => {
    await enforced(world, namespace, true, { variables: [{ name: 'replicas', expression: 'object.spec.replicas' }, { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' }],
      validations: [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }] })
    expect(await denial(world, namespace, 1)).toContain('failed expression: variables.replicas > 1')
    await world.client.create(Deployments, workload('replicated', namespace, 3))
    expect(await denial(world, namespace, 4)).toContain('failed expression: variables.oddReplicas')
    await released(world, namespace, true)
  })
  behaviour('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment [Conformance]', async (world, namespace) => {
    await enforced(world, namespace, false, { reinvocationPolicy: 'Never', mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{ spec: Object.spec{ replicas: object.spec.replicas + 100 } }' } }] })
    await mutated(world, namespace, (deployment) => (deployment as { spec: { replicas: number } }).spec.replicas === 102)
    await released(world, namespace, false)
  })
  behaviour('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with annotations [Conformance]', async (world, namespace) => {
    await enforced(world, namespace, false, { reinvocationPolicy: 'Never', mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: `
      Object{
        metadata: Object.metadata{
          annotations: {
            "mutated-by": "admission-policy"
          }
        }
      }` } }] })
    await mutated(world, namespace, (deployment) => (deployment as { metadata: { annotations?: Record<string, string> } }).metadata.annotations?.['mutated-by'] === 'admission-policy')
    await released(world, namespace, false)
  })
}

const webhook = (name: string, matchConditions: object[]) => ({ metadata: { name }, webhooks: [{
  name: 'validation-webhook-with-match-conditions.k8s.io', matchConditions, rules: [{ ...rule, apiGroups: [''], resources: ['configmaps'] }], sideEffects: 'None', admissionReviewVersions: ['v1', 'v1beta1'],
  clientConfig: { service: { namespace: name, name: 'e2e-test-webhook', path: '/always-allow-delay-5s', port: 8443 }, caBundle: '' }, timeoutSeconds: 5, namespaceSelector: { matchLabels: { [name]: 'true' } } }] }) as never
type Hooks = { webhooks?: { matchConditions?: object[] }[] }
const conditionsOf = (configuration: unknown): object[] | undefined => (configuration as Hooks).webhooks?.[0]?.matchConditions

const matchConditions = async ({ client, updated }: World, name: string, kind: typeof ValidatingWebhookConfigurations | typeof MutatingWebhookConfigurations): Promise<void> => {
  const initial = [{ name: 'expression-1', expression: 'object.metadata.namespace == \'production\'' }]
  expect(conditionsOf(await client.create(kind, webhook(name, initial)))).toEqual(initial)
  const next = [{ name: 'expression-1', expression: 'object.metadata.namespace == \'production\'' }, { name: 'expression-2', expression: 'object.metadata.namespace == \'staging\'' }]
  await updated(kind, { name }, (object) => { for (const each of (object as Hooks).webhooks ?? []) each.matchConditions = next })
  expect(conditionsOf(await client.get(kind, { name }))).toEqual(next)
  await client.delete(kind, { name })
}
const invalidConditions = async ({ client }: World, name: string, kind: typeof ValidatingWebhookConfigurations | typeof MutatingWebhookConfigurations): Promise<void> => {
  const answer = await refused(client.create(kind, webhook(name, [{ name: 'invalid-expression-1', expression: '... [] bad expression' }])))
  expect(answer).toMatchObject({ code: 422, reason: 'Invalid', message: expect.stringContaining('compilation failed') as string })
}

export const admission = (behaviour: Behaviour): void => {
  policies(behaviour)
  behaviour('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update mutating webhook configurations with match conditions [Conformance]', (world, namespace) => matchConditions(world, namespace, MutatingWebhookConfigurations))
  behaviour('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update validating webhook configurations with match conditions [Conformance]', (world, namespace) => matchConditions(world, namespace, ValidatingWebhookConfigurations))
  behaviour('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject mutating webhook configurations with invalid match conditions [Conformance]', (world, namespace) => invalidConditions(world, namespace, MutatingWebhookConfigurations))
  behaviour('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject validating webhook configurations with invalid match conditions [Conformance]', (world, namespace) => invalidConditions(world, namespace, ValidatingWebhookConfigurations))
  behaviour('[sig-api-machinery] API priority and fairness should support FlowSchema API operations [Conformance]', (world, namespace) => apiOperations(world, namespace, {
    kind: FlowSchemas, conditions: true, template: { spec: { matchingPrecedence: 10000, priorityLevelConfiguration: { name: 'global-default' }, distinguisherMethod: { type: 'ByUser' },
      rules: [{ subjects: [{ kind: 'User', user: { name: 'example-e2e-non-existent-user' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }] } } as never,
    patch: { body: { spec: { matchingPrecedence: 9999 } }, answer: { spec: { matchingPrecedence: 9999 } } },
    update: { change: ({ spec }) => { (spec as { matchingPrecedence?: number }).matchingPrecedence = 9998 }, answer: { spec: { matchingPrecedence: 9998 } } },
  }))
  behaviour('[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations [Conformance]', (world, namespace) => apiOperations(world, namespace, {
    kind: PriorityLevelConfigurations, conditions: true, template: { spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } } } as never,
    patch: { body: { spec: { limited: { nominalConcurrencyShares: 4 } } }, answer: { spec: { limited: { nominalConcurrencyShares: 4 } } } },
    update: { change: ({ spec }) => { (spec as { limited: { nominalConcurrencyShares: number } }).limited.nominalConcurrencyShares = 6 }, answer: { spec: { limited: { nominalConcurrencyShares: 6 } } } },
  }))
}
