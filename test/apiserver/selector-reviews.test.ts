/** Selectors in access reviews. Named after upstream's pkg/apis/authorization/validation and pkg/registry/authorization/util. */
import { describe, expect, test } from 'vitest'
import type { AuthorizationAttributes } from '../../src/apiserver/authorization/authorizer.ts'
import { accessReviews } from '../../src/apiserver/authorization/reviews.ts'
import { startTestServer } from './support.ts'

const review = async (resourceAttributes: object) => {
  const asked: AuthorizationAttributes[] = []
  await using api = await startTestServer({ virtualResources: accessReviews({ authorize: (attributes) => { asked.push(attributes); return { verdict: 'allow', reason: '' } } }) })
  const { status, body } = await api.ask('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'jane', resourceAttributes: { verb: 'list', resource: 'pods', ...resourceAttributes } } } })
  return { status, message: body.message, field: asked[0]?.fieldSelector, label: asked[0]?.labelSelector }
}
const at = 'spec.resourceAttributes.fieldSelector'

describe('what is asked', () => test.each<[string, object, object]>([
  ['nothing', {}, { field: undefined, label: undefined }],
  ['text', { fieldSelector: { rawSelector: 'spec.nodeName=n' }, labelSelector: { rawSelector: 'a in (b,c)' } }, { field: [{ field: 'spec.nodeName', operator: '=', value: 'n' }], label: [{ key: 'a', operator: 'in', values: ['b', 'c'] }] }],
  ['requirements', { fieldSelector: { requirements: [{ key: 'x', operator: 'In', values: ['1'] }, { key: 'y', operator: 'NotIn', values: ['2'] }] }, labelSelector: { requirements: [{ key: 'a', operator: 'Exists' }] } },
    { field: [{ field: 'x', operator: '=', value: '1' }, { field: 'y', operator: '!=', value: '2' }], label: [{ key: 'a', operator: 'exists', values: [] }] }],
  ['what fields cannot be selected by is left out', { fieldSelector: { requirements: [{ key: 'x', operator: 'In', values: ['1', '2'] }, { key: 'y', operator: 'In', values: ['2'] }] } }, { field: [{ field: 'y', operator: '=', value: '2' }], label: undefined }],
  ['text that is no selector asks for everything', { fieldSelector: { rawSelector: 'odd' } }, { field: undefined }],
])('%s', async (_, attributes, expected) => expect(await review(attributes)).toMatchObject({ status: 201, ...expected })))

describe('what is refused', () => test.each<[string, object, string]>([
  ['both', { fieldSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] } }, `${at}.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements`],
  ['neither', { fieldSelector: {} }, `${at}.requirements: Required value: when ${at} is specified, requirements or rawSelector is required`],
  ['no key', { labelSelector: { requirements: [{ key: '', operator: 'Exists' }] } }, 'spec.resourceAttributes.labelSelector.requirements[0].key: Required value: must be specified'],
  ['no values', { fieldSelector: { requirements: [{ key: 'a', operator: 'In' }] } }, `${at}.requirements[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`],
  ['values that mean nothing', { fieldSelector: { requirements: [{ key: 'a', operator: 'Exists', values: ['b'] }] } }, `${at}.requirements[0].values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`],
])('%s', async (_, attributes, message) => {
  const answer = await review(attributes)
  expect(answer.status).toBe(422)
  expect(answer.message).toContain(message)
}))
