/** Who may do what: authentication, RBAC, reviews, impersonation, tokens. */
import { absent, type Case, code, conformance, page, present } from './case.ts'
import { configMap, pod, serviceAccount } from './objects.ts'

const rbac = page('reference/access-authn-authz/rbac/', 'role-and-clusterrole')
const bindings = page('reference/access-authn-authz/rbac/', 'rolebinding-and-clusterrolebinding')
const escalation = page('reference/access-authn-authz/rbac/', 'privilege-escalation-prevention-and-bootstrapping')
const resources = page('reference/access-authn-authz/rbac/', 'referring-to-resources')
const impersonation = page('reference/access-authn-authz/user-impersonation/', 'impersonation')
const reviews = conformance('SubjectReview, API Operations')
const checking = page('reference/access-authn-authz/authorization/', 'checking-api-access')
const tokens = conformance('ServiceAccount, create and review token')
const anonymous = page('reference/access-authn-authz/authentication/', 'anonymous-requests')
const rules = (...list: object[]) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r' }, rules: list })
const rule = (verbs: string[], resources: string[], more: object = {}) => ({ apiGroups: [''], resources, verbs, ...more })
const bind = (name = 'jane', kind = 'User') => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: `b-${name.replaceAll(':', '-')}` }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
  subjects: [kind === 'ServiceAccount' ? { kind, name, namespace: '{ns}' } : { apiGroup: 'rbac.authorization.k8s.io', kind, name }] })
const role = (object: object) => ({ ask: 'POST {roles}', send: object })
const binding = (object: object) => ({ ask: 'POST {rolebindings}', send: object })
const may = (...list: object[]) => [role(rules(...list)), binding(bind())]
const review = (kind: string, spec: object) => ({ apiVersion: 'authorization.k8s.io/v1', kind, metadata: {}, spec })
const token = { ask: 'POST {sa}/robot/token', send: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }, save: { token: 'status.token' } }
const bearer = { authorization: 'Bearer {token}' }

export const accessCases: readonly Case[] = [
  { name: 'who does not say who he is is anonymous, and may nothing', source: anonymous, ask: 'GET {cm}', as: '-', status: 403, reason: 'Forbidden', message: 'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "{ns}"' },
  { name: 'a token that is none: 401', source: page('reference/access-authn-authz/authentication/', 'authentication-strategies'), ask: 'GET {cm}', as: '-', with: { authorization: 'Bearer none' }, status: 401, reason: 'Unauthorized' },
  { name: 'health is for everybody', source: anonymous, ask: 'GET /livez', as: '-', status: 200, text: 'ok' },
  { name: 'what nobody allowed: 403, with who wanted what', source: page('reference/access-authn-authz/authorization/', 'determine-whether-a-request-is-allowed-or-denied'), ask: 'GET {cm}', as: 'jane', status: 403, reason: 'Forbidden',
    message: 'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "{ns}"', body: { details: { kind: 'configmaps' } } },
  { name: 'with a name', source: page('reference/access-authn-authz/authorization/', 'determine-whether-a-request-is-allowed-or-denied'), ask: 'DELETE {deploy}/a', as: 'jane', status: 403, message: 'deployments.apps "a" is forbidden: User "jane" cannot delete resource "deployments" in API group "apps" in the namespace "{ns}"', body: { details: { name: 'a', group: 'apps', kind: 'deployments' } } },
  { name: 'at the cluster scope', source: page('reference/access-authn-authz/authorization/', 'determine-whether-a-request-is-allowed-or-denied'), ask: 'GET {nodes}', as: 'jane', status: 403, message: 'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope' },
  { name: 'a subresource', source: resources, ask: 'GET {pods}/p/log', as: 'jane', status: 403, message: 'pods "p" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "{ns}"' },
  { name: 'a path', source: page('reference/access-authn-authz/authorization/', 'determine-the-request-verb'), ask: 'GET /metrics', as: 'jane', status: 403, message: 'forbidden: User "jane" cannot get path "/metrics"' },
  { name: 'discovery is for everybody who is known', source: page('reference/access-authn-authz/rbac/', 'api-discovery-roles'), ask: 'GET /apis', as: 'jane', status: 200 },
  { name: 'a role and its binding allow', source: bindings, given: may(rule(['list'], ['configmaps'])), ask: 'GET {cm}', as: 'jane', status: 200 },
  { name: 'only the verbs that it names', source: rbac, given: may(rule(['list'], ['configmaps'])), ask: 'POST {cm}', send: configMap('a'), as: 'jane', status: 403 },
  { name: 'only in its namespace', source: bindings, given: may(rule(['list'], ['configmaps'])), ask: 'GET /api/v1/namespaces/default/configmaps', as: 'jane', status: 403 },
  { name: 'by name', source: resources, given: [configMap('a'), configMap('b'), ...may(rule(['get'], ['configmaps'], { resourceNames: ['a'] }))], ask: 'GET {cm}/a', as: 'jane', status: 200, then: [{ ask: 'GET {cm}/b', as: 'jane', status: 403 }] },
  { name: 'a list by name is one with a field selector', source: resources, given: [configMap('a'), ...may(rule(['list'], ['configmaps'], { resourceNames: ['a'] }))], ask: 'GET {cm}?fieldSelector=metadata.name=a', as: 'jane', status: 200, then: [{ ask: 'GET {cm}', as: 'jane', status: 403 }] },
  { name: 'subresources are named by themselves', source: resources, given: [pod('p'), ...may(rule(['get'], ['pods']))], ask: 'GET {pods}/p/status', as: 'jane', status: 403 },
  { name: 'deletecollection is a verb of its own', source: page('reference/access-authn-authz/authorization/', 'determine-the-request-verb'), given: may(rule(['delete'], ['configmaps'])), ask: 'DELETE {cm}', as: 'jane', status: 403, message: /cannot deletecollection resource "configmaps"/ },
  { name: 'watching is a verb of its own', source: page('reference/access-authn-authz/authorization/', 'determine-the-request-verb'), given: may(rule(['list'], ['configmaps'])), ask: 'GET {cm}?watch=true', as: 'jane', status: 403, message: /cannot watch resource "configmaps"/ },
  { name: 'to a group', source: page('reference/access-authn-authz/rbac/', 'referring-to-subjects'), given: [role(rules(rule(['list'], ['configmaps']))), binding(bind('devs', 'Group'))], ask: 'GET {cm}', as: 'jane[devs]', status: 200 },
  { name: 'to a service account', source: page('reference/access-authn-authz/rbac/', 'referring-to-subjects'), given: [serviceAccount('robot'), role(rules(rule(['list'], ['configmaps']))), binding(bind('robot', 'ServiceAccount'))], ask: 'GET {cm}', as: 'system:serviceaccount:{ns}:robot', status: 200 },
  { name: 'stars', source: rbac, given: may({ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }), ask: 'GET {deploy}', as: 'jane', status: 200 },
  { name: 'a roleRef cannot change', source: bindings, given: may(rule(['list'], ['configmaps'])), ask: 'PATCH {rolebindings}/b-jane', send: { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'other' } }, status: 422, reason: 'Invalid', message: /roleRef: Invalid value: .*: cannot change roleRef$/ },
  { name: 'nobody grants what he does not hold', source: escalation, given: may({ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create'] }), ask: 'POST {roles}', as: 'jane', send: { ...rules(rule(['get'], ['secrets'])), metadata: { name: 'more' } }, status: 403, reason: 'Forbidden',
    message: /^roles\.rbac\.authorization\.k8s\.io "more" is forbidden: user "jane" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["secrets"\], Verbs:\["get"\]\}$/ },
  { name: 'a rule without verbs', source: code('pkg/apis/rbac/validation/validation.go'), ...role(rules(rule([], ['pods']))), status: 422, message: /rules\[0\]\.verbs: Required value: verbs must contain at least one value/ },
  { name: 'a rule without resources', source: code('pkg/apis/rbac/validation/validation.go'), ...role(rules(rule(['get'], []))), status: 422, message: /rules\[0\]\.resources: Required value: resource rules must supply at least one resource/ },
  { name: 'a role has no paths', source: code('pkg/apis/rbac/validation/validation.go'), ...role(rules({ nonResourceURLs: ['/x'], verbs: ['get'] })), status: 422, message: /rules\[0\]\.nonResourceURLs: Invalid value: .*namespaced rules cannot apply to non-resource URLs/ },
  { name: 'may I? yes', source: reviews, ask: 'POST {reviews}/selfsubjectaccessreviews', send: review('SelfSubjectAccessReview', { resourceAttributes: { namespace: '{ns}', verb: 'list', resource: 'configmaps' } }), status: 201, body: { kind: 'SelfSubjectAccessReview', status: { allowed: true } } },
  { name: 'may I? no', source: reviews, ask: 'POST {reviews}/selfsubjectaccessreviews', as: 'jane', send: review('SelfSubjectAccessReview', { resourceAttributes: { namespace: '{ns}', verb: 'list', resource: 'configmaps' } }), status: 201, body: { status: { allowed: false } } },
  { name: 'may he?', source: reviews, given: may(rule(['list'], ['configmaps'])), ask: 'POST {reviews}/subjectaccessreviews', send: review('SubjectAccessReview', { user: 'jane', resourceAttributes: { namespace: '{ns}', verb: 'list', resource: 'configmaps' } }), status: 201,
    body: { status: { allowed: true, reason: 'RBAC: allowed by RoleBinding "b-jane/{ns}" of Role "r" to User "jane"' } } },
  { name: 'may he, in this namespace?', source: reviews, given: may(rule(['list'], ['configmaps'])), ask: 'POST /apis/authorization.k8s.io/v1/namespaces/{ns}/localsubjectaccessreviews', send: { ...review('LocalSubjectAccessReview', { user: 'jane', resourceAttributes: { namespace: '{ns}', verb: 'list', resource: 'configmaps' } }), metadata: { namespace: '{ns}' } }, status: 201, body: { status: { allowed: true } } },
  { name: 'a review needs attributes', source: code('pkg/apis/authorization/validation/validation.go'), ask: 'POST {reviews}/selfsubjectaccessreviews', send: review('SelfSubjectAccessReview', {}), status: 422, reason: 'Invalid', message: /exactly one of nonResourceAttributes or resourceAttributes must be specified/ },
  { name: 'what may I?', source: checking, given: may(rule(['list'], ['configmaps'])), ask: 'POST {reviews}/selfsubjectrulesreviews', as: 'jane', send: review('SelfSubjectRulesReview', { namespace: '{ns}' }), status: 201, body: { status: { incomplete: false, resourceRules: present, nonResourceRules: present } } },
  { name: 'who am I?', source: page('reference/access-authn-authz/authentication/', 'self-subject-review'), ask: 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews', as: 'jane[devs]', send: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, status: 201, body: { status: { userInfo: { username: 'jane', groups: ['devs', 'system:authenticated'] } } } },
  { name: 'as somebody else', source: impersonation, ask: 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews', with: { 'impersonate-user': 'paul', 'impersonate-group': 'ops' }, send: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, status: 201, body: { status: { userInfo: { username: 'paul', groups: ['ops', 'system:authenticated'] } } } },
  { name: 'as somebody else, if allowed', source: impersonation, ask: 'GET {cm}', as: 'jane', with: { 'impersonate-user': 'paul' }, status: 403, reason: 'Forbidden', message: 'users "paul" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope' },
  { name: 'as a group without a user', source: impersonation, ask: 'GET {cm}', with: { 'impersonate-group': 'ops' }, status: 500, reason: 'InternalError' },
  { name: 'as a service account: its groups come along', source: impersonation, ask: 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews', with: { 'impersonate-user': 'system:serviceaccount:{ns}:robot' }, send: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, status: 201,
    body: { status: { userInfo: { username: 'system:serviceaccount:{ns}:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:{ns}', 'system:authenticated'] } } } },
  { name: 'a token for a service account', source: tokens, given: [serviceAccount('robot')], ...token, status: 201, body: { kind: 'TokenRequest', spec: { expirationSeconds: 3600, audiences: present }, status: { token: /^[\w-]+\.[\w-]+\.[\w-]+$/, expirationTimestamp: /Z$/ } } },
  { name: 'its bearer is the service account', source: tokens, given: [serviceAccount('robot'), token], ask: 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews', as: '-', with: bearer, send: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, status: 201,
    body: { status: { userInfo: { username: 'system:serviceaccount:{ns}:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:{ns}', 'system:authenticated'] } } } },
  { name: 'it is worth nothing when the account is gone', source: page('reference/access-authn-authz/service-accounts-admin/', 'bound-service-account-tokens'), given: [serviceAccount('robot'), token, { ask: 'DELETE {sa}/robot' }], ask: 'GET {cm}', as: '-', with: bearer, status: 401 },
  { name: 'a token of less than ten minutes', source: code('pkg/apis/authentication/validation/validation.go'), given: [serviceAccount('robot')], ask: 'POST {sa}/robot/token', send: { ...token.send, spec: { expirationSeconds: 60 } }, status: 422, message: /spec\.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes/ },
  { name: 'a token of nobody', source: tokens, ask: 'POST {sa}/none/token', send: token.send, status: 404, message: 'serviceaccounts "none" not found' },
  { name: 'whose is this token?', source: tokens, given: [serviceAccount('robot'), token], ask: 'POST /apis/authentication.k8s.io/v1/tokenreviews', send: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: '{token}' } }, status: 201, body: { status: { authenticated: true, user: { username: 'system:serviceaccount:{ns}:robot' } } } },
  { name: 'nobody’s', source: tokens, ask: 'POST /apis/authentication.k8s.io/v1/tokenreviews', send: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'none' } }, status: 201, body: { status: { authenticated: absent } } },
]
