/** In the words of upstream's `pkg/apis/flowcontrol/validation/validation_test.go` and defaults_test.go. */
import { describe, expect, test } from 'vitest'
import { FlowSchemas, type Kind, PriorityLevelConfigurations } from '../../../../src/api/kinds.ts'
import type { KubeObject } from '../../../../src/api/meta.ts'
import type { FlowSchema, PriorityLevelConfiguration } from '../../../../src/api/types.ts'
import { flowControlObjects } from '../../../../src/apiserver/bootstrap/flow-control-objects.ts'
import { created, sent, updated } from '../support.ts'

const check = (kind: Kind, spec: object, name = 'it'): string[] => created(kind, sent<KubeObject>({ spec, status: {} }, { name })).errors

describe('flow schemas', () => {
  const user = { kind: 'User', user: { name: 'noxu' } }
  const resourceRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }
  const right = { matchingPrecedence: 50, priorityLevelConfiguration: { name: 'system' }, distinguisherMethod: { type: 'ByUser' }, rules: [{ subjects: [user], resourceRules: [resourceRule] }] }
  const schema = (spec: object, name?: string): string[] => check(FlowSchemas, { ...right, ...spec }, name)
  const subject = (given: object): string[] => schema({ rules: [{ subjects: [given], resourceRules: [resourceRule] }] })
  const rule = (given: object): string[] => schema({ rules: [{ subjects: [user], resourceRules: [{ ...resourceRule, ...given }] }] })
  const url = (...nonResourceURLs: string[]): string[] => schema({ rules: [{ subjects: [user], nonResourceRules: [{ verbs: ['*'], nonResourceURLs }] }] })
  const [subjectAt, ruleAt, urlAt] = ['spec.rules[0].subjects[0]', 'spec.rules[0].resourceRules[0]', 'spec.rules[0].nonResourceRules[0].nonResourceURLs']
  for (const [name, errors, expected] of [
    ['right', schema({}), []],
    ['precedence', schema({ matchingPrecedence: 10_001 }), ['spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000']],
    ['the first', schema({ matchingPrecedence: 1 }), ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"]],
    ['a negative one', schema({ matchingPrecedence: -1 }), ['spec.matchingPrecedence: Invalid value: -1: must be a positive value']],
    ['method', schema({ distinguisherMethod: { type: 'ByColor' } }), ['spec.distinguisherMethod.type: Unsupported value: {"type":"ByColor"}: supported values: "ByNamespace", "ByUser"']],
    ['no level', schema({ priorityLevelConfiguration: { name: '' } }), ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level']],
    ['no subject', schema({ rules: [{ subjects: [], resourceRules: [resourceRule] }] }), ['spec.rules[0].subjects: Required value: subjects must contain at least one value']],
    ['no rule', schema({ rules: [{ subjects: [user] }] }), ['spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty']],
    ['a user and a group', subject({ ...user, group: { name: 'g' } }), [`${subjectAt}.group: Forbidden: group is forbidden when subject kind is not 'Group'`]],
    ['no user', subject({ kind: 'User' }), [`${subjectAt}.user: Required value: user is required when subject kind is 'User'`]],
    ['an account without namespace', subject({ kind: 'ServiceAccount', serviceAccount: { name: '*' } }), [`${subjectAt}.serviceAccount.namespace: Required value: must specify namespace for service account`]],
    ['another subject', subject({ kind: 'Robot' }), [`${subjectAt}.kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"`]],
    ['verbs', rule({ verbs: ['feed'] }), [`${ruleAt}.verbs: Unsupported value: ["feed"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"`]],
    ['all verbs and one', rule({ verbs: ['*', 'get'] }), [`${ruleAt}.verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`]],
    ['no namespace', rule({ namespaces: [] }), [`${ruleAt}.namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace`]],
    ['no namespace of the cluster', rule({ namespaces: [], clusterScope: true }), []],
    ['wildcard in the middle', url('/a/*/b'), [`${urlAt}[0]: Invalid value: "/a/*/b": wildcard can only do suffix matching`]],
    ['URLs', url('a', '/a//b', '/a b', ''), [`${urlAt}[0]: Invalid value: "a": must start with slash`, `${urlAt}[1]: Invalid value: "/a//b": must not contain double slash`, `${urlAt}[2]: Invalid value: "/a b": must not contain white-space`, `${urlAt}[3]: Invalid value: "": must not be empty`]],
    ['the catch-all, changed', schema({}, 'catch-all').map((line) => line.slice(-45)), ["spec of 'catch-all' must equal the fixed value"].map((line) => line.slice(-45))],
  ] as const) test(name, () => expect(errors).toEqual(expected))
  test('defaults, and conditions of the status', () => {
    const { object } = created(FlowSchemas, sent<FlowSchema>({ spec: { ...right, matchingPrecedence: 0 }, status: {} }))
    expect(object.spec.matchingPrecedence).toBe(1000)
    expect(updated(FlowSchemas, object, (next) => { next.status = { conditions: [{ type: 'Dangling', status: 'True' }, { type: 'Dangling', status: 'True' }, { status: 'True' }] } }, { subresource: 'status' }).errors)
      .toEqual(['status.conditions[1].type: Duplicate value: "Dangling"', 'status.conditions[2].type: Required value: must not be empty'])
  })
})

describe('priority levels', () => {
  const limited = (more: object): string[] => check(PriorityLevelConfigurations, { type: 'Limited', limited: { limitResponse: { type: 'Reject' }, ...more } })
  const queuing = (given: object): string[] => limited({ limitResponse: { type: 'Queue', queuing: given } })
  const at = 'spec.limited.limitResponse'
  for (const [name, errors, expected] of [
    ['right', queuing({}), []],
    ['exempt by another name', check(PriorityLevelConfigurations, { type: 'Exempt' }), ['spec.type: Invalid value: "Exempt": type must be \'Exempt\' if and only if name is \'exempt\'']],
    ['another type', check(PriorityLevelConfigurations, { type: 'Some' }), ['spec.type: Unsupported value: "Some": supported values: "Exempt", "Limited"']],
    ['no limits', check(PriorityLevelConfigurations, { type: 'Limited' }), ['spec.limited: Required value: must not be empty when type is Limited']],
    ['limits of the exempt', check(PriorityLevelConfigurations, { type: 'Limited', exempt: {}, limited: { limitResponse: { type: 'Reject' } } }), ['spec.exempt: Forbidden: must be nil if the type is Limited']],
    ['shares', limited({ nominalConcurrencyShares: -1 }), ['spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer']],
    ['no shares', limited({ nominalConcurrencyShares: 0 }), []],
    ['lending', limited({ lendablePercent: 101, borrowingLimitPercent: -1 }), ['spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive', 'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer']],
    ['response', limited({ limitResponse: { type: 'Drop' } }), [`${at}.type: Unsupported value: "Drop": supported values: "Queue", "Reject"`]],
    ['queues of who rejects', limited({ limitResponse: { type: 'Reject', queuing: {} } }), [`${at}.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited`]],
    ['no queues', limited({ limitResponse: { type: 'Queue' } }), [`${at}.queuing: Required value: must not be empty if limited.limitResponse.type is Limited`]],
    ['a hand too large', queuing({ queues: 4, handSize: 5 }), [`${at}.queuing.handSize: Invalid value: 5: should not be greater than queues (4)`]],
    ['entropy', queuing({ queues: 512, handSize: 8 }), [`${at}.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60`]],
    ['too many queues', queuing({ queues: 10_000_001, handSize: 1 }), [`${at}.queuing.queues: Invalid value: 10000001: must not be greater than 10000000`]],
  ] as const) test(name, () => expect(errors).toEqual(expected))
  test('defaults', () => expect(created(PriorityLevelConfigurations, sent<PriorityLevelConfiguration>({ spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } }, status: {} })).object.spec)
    .toEqual({ type: 'Limited', limited: { nominalConcurrencyShares: 30, lendablePercent: 0, limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } } } }))
  test('of the exempt level only its worth may change', () => {
    expect(check(PriorityLevelConfigurations, { type: 'Exempt', exempt: { nominalConcurrencyShares: 10 } }, 'exempt')).toEqual([])
    expect(check(PriorityLevelConfigurations, { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } }, 'exempt').at(-1)).toMatch(/: spec of 'exempt' except the 'spec.exempt' field must equal the fixed value$/)
  })
})

test('what the server makes for itself is right, and nothing is filled in', () => {
  for (const { kind, name, object } of flowControlObjects) {
    const made = created(kind, sent<KubeObject & { spec: unknown }>({ ...object, status: {} }, { name }))
    expect([name, made.errors, (made.object as KubeObject & { spec: unknown }).spec]).toEqual([name, [], object['spec']])
  }
})
