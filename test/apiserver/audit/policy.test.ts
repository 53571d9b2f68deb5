/** Rules of audit policies, in the words of upstream's task page on auditing and of the Policy's reference. */
import { describe, expect, test } from 'vitest'
import { policyEvaluator } from '../../../src/apiserver/audit/policy.ts'
import { parsePolicy, PolicyFileError } from '../../../src/apiserver/audit/policy-file.ts'
import { attributesOf } from '../../../src/apiserver/filters/authorize.ts'
import { requestInfo } from '../../../src/apiserver/request-info.ts'

const documented = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: ["RequestReceived"]
rules:
  - level: RequestResponse
    resources:
    - group: ""
      resources: ["pods"]
  - level: Metadata
    resources:
    - group: ""
      resources: ["pods/log", "pods/status"]
  - level: None
    resources:
    - group: ""
      resources: ["configmaps"]
      resourceNames: ["controller-leader"]
  - level: None
    users: ["system:kube-proxy"]
    verbs: ["watch"]
    resources:
    - group: ""
      resources: ["endpoints", "services"]
  - level: None
    userGroups: ["system:authenticated"]
    nonResourceURLs: ["/api*", "/version"]
  - level: Request
    resources:
    - group: ""
      resources: ["configmaps"]
    namespaces: ["kube-system"]
  - level: Metadata
    resources:
    - group: ""
      resources: ["secrets", "configmaps"]
  - level: Request
    resources:
    - group: ""
    - group: "extensions"
  - level: Metadata
    omitStages: ["ResponseStarted"]
`

const one = (rule: string): string => `{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [${rule}]}`
const asked = (policy: string, request: string, user = { name: 'jane', groups: ['system:authenticated'] }): ReturnType<ReturnType<typeof policyEvaluator>> => {
  const [method = '', target = ''] = request.split(' ')
  const [path = '', query = ''] = target.split('?')
  return policyEvaluator(parsePolicy(policy, 'audit.yaml'))(attributesOf(user, requestInfo(method, path, () => new URLSearchParams(query))))
}

describe('the policy of the documentation', () => {
  const proxy = { name: 'system:kube-proxy', groups: ['system:authenticated'] }
  for (const [what, request, level, user] of [
    ['changes of pods', 'POST /api/v1/namespaces/default/pods', 'RequestResponse'],
    ['"pods" does not match their subresources, as with RBAC', 'GET /api/v1/namespaces/default/pods/web/exec', 'Request'],
    ['pods/log', 'GET /api/v1/namespaces/default/pods/web/log', 'Metadata'],
    ['pods/status', 'PUT /api/v1/namespaces/default/pods/web/status', 'Metadata'],
    ['one configmap, in any namespace', 'GET /api/v1/namespaces/kube-system/configmaps/controller-leader', 'None'],
    ['watches of kube-proxy', 'GET /api/v1/services?watch=true', 'None', proxy],
    ['other requests of kube-proxy', 'GET /api/v1/services', 'Request', proxy],
    ['watches of others', 'GET /api/v1/services?watch=true', 'Request'],
    ['paths by wildcard', 'GET /api', 'None'], ['paths below', 'GET /apis', 'None'], ['paths as they are', 'GET /version', 'None'],
    ['not below', 'GET /version/x', 'Metadata'], ['of strangers', 'GET /version', 'Metadata', { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
    ['configmaps of kube-system', 'POST /api/v1/namespaces/kube-system/configmaps', 'Request'],
    ['configmaps elsewhere', 'POST /api/v1/namespaces/default/configmaps', 'Metadata'],
    ['secrets', 'POST /api/v1/namespaces/kube-system/secrets', 'Metadata'],
    ['the rest of the core group', 'DELETE /api/v1/nodes/n', 'Request'],
    ['everything else', 'POST /apis/apps/v1/namespaces/default/deployments', 'Metadata'],
  ] as const) test(`${what}: ${request}`, () => expect(asked(documented, request, user as never).level).toBe(level))

  test('stages are omitted by the policy and by the rule together', () => {
    expect([...asked(documented, 'GET /apis/apps/v1/deployments').omitStages]).toEqual(['RequestReceived', 'ResponseStarted'])
    expect([...asked(documented, 'GET /api/v1/pods').omitStages]).toEqual(['RequestReceived'])
  })
})

describe('one rule', () => {
  for (const [rule, request, matches] of [
    ['level: Metadata, resources: [{group: "", resources: ["pods/*"]}]', 'GET /api/v1/namespaces/a/pods/b/log', true],
    ['level: Metadata, resources: [{group: "", resources: ["pods/*"]}]', 'GET /api/v1/namespaces/a/pods/b', true],
    ['level: Metadata, resources: [{group: "", resources: ["*/scale"]}]', 'GET /api/v1/namespaces/a/replicationcontrollers/b/scale', true],
    ['level: Metadata, resources: [{group: "", resources: ["*/scale"]}]', 'GET /apis/apps/v1/namespaces/a/deployments/b/scale', false],
    ['level: Metadata, resources: [{group: "apps", resources: ["*"]}]', 'GET /apis/apps/v1/namespaces/a/deployments/b/scale', true],
    ['level: Metadata, resources: [{group: "apps"}]', 'GET /apis/batch/v1/namespaces/a/jobs', false],
    ['level: Metadata, resources: [{group: "apps"}]', 'GET /version', false],
    ['level: Metadata, namespaces: [""]', 'GET /api/v1/nodes', true],
    ['level: Metadata, namespaces: ["a"]', 'GET /api/v1/nodes', false],
    ['level: Metadata, nonResourceURLs: ["*"]', 'GET /healthz', true],
    ['level: Metadata, nonResourceURLs: ["*"]', 'GET /api/v1/nodes', false],
    ['level: Metadata, nonResourceURLs: ["/healthz*"]', 'GET /healthz/etcd', true],
    ['level: Metadata, userGroups: ["other"]', 'GET /api/v1/nodes', false],
    ['level: Metadata, users: [jane], verbs: [list]', 'GET /api/v1/nodes', true],
    ['level: Metadata, users: [jane], verbs: [get]', 'GET /api/v1/nodes', false],
  ] as const) test(`{${rule}} and ${request}: ${matches}`, () => expect(asked(one(`{${rule}}`), request).level).toBe(matches ? 'Metadata' : 'None'))

  test("its omitManagedFields goes before the policy's", () => {
    const both = (rule: string): boolean => asked(`{apiVersion: audit.k8s.io/v1, kind: Policy, omitManagedFields: true, rules: [{level: Request${rule}}]}`, 'GET /api').omitManagedFields
    expect([both(''), both(', omitManagedFields: false')]).toEqual([true, false])
  })
})

describe('files that are refused', () => {
  for (const [what, text, message] of [
    ['nothing', '', 'audit.yaml:1: the file is empty'],
    ['no YAML', 'a: [', 'audit.yaml:1: '],
    ['no object', '- a', 'audit.yaml:1: an object is needed'],
    ['another version', 'apiVersion: audit.k8s.io/v1beta1\nkind: Policy', 'audit.yaml:1: apiVersion: Unsupported value: "audit.k8s.io/v1beta1"'],
    ['another kind', 'apiVersion: audit.k8s.io/v1\nkind: Event', 'audit.yaml:2: kind: Unsupported value: "Event"'],
    ['no rules', 'apiVersion: audit.k8s.io/v1\nkind: Policy', 'loaded illegal policy with 0 rules'],
    ['no level', one('{users: [jane]}'), 'rules[0].level: Required value'],
    ['an unknown level', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n- level: Everything\n', 'audit.yaml:5: rules[1].level: Unsupported value: "Everything"'],
    ['an unknown field', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n  user: [jane]\n', 'audit.yaml:5: rules[0].user: Forbidden: unknown field'],
    ['a field of another type', one('{level: None, users: jane}'), 'rules[0].users: Invalid value: "jane": must be a list of strings'],
    ['a relative path', one('{level: None, nonResourceURLs: [healthz]}'), "rules[0].nonResourceURLs[0]: Invalid value: \"healthz\": non-resource URL rules must begin with a '/' character"],
    ['a star in the middle', one('{level: None, nonResourceURLs: ["/a*b"]}'), "non-resource URL wildcards '*' must be the final character of the rule"],
    ['a group with its version', one('{level: None, resources: [{group: apps/v1}]}'), 'rules[0].resources[0].group: Invalid value: "apps/v1"'],
    ['names of nothing', one('{level: None, resources: [{resourceNames: [a]}]}'), 'using resourceNames requires at least one resource'],
    ['an unknown stage', one('{level: None, omitStages: [Done]}'), 'rules[0].omitStages[0]: Invalid value: "Done": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic'],
    ['both', one('{level: None, namespaces: [a], nonResourceURLs: ["/a"]}'), 'rules cannot apply to both regular resources and non-resource URLs'],
  ] as const) test(what, () => {
    expect(() => parsePolicy(text, 'audit.yaml')).toThrow(PolicyFileError)
    expect(() => parsePolicy(text, 'audit.yaml')).toThrow(message)
  })
})
