/** What is found out about an aggregated server stands among the conditions that others set. */
import { expect, test } from 'vitest'
import { withFinding } from '../../../src/apiserver/aggregation/availability.ts'
import type { APIService } from '../../../src/api/types.ts'

const then = '2026-01-01T00:00:00Z'
const now = new Date('2026-02-02T00:00:00Z')
const available = { type: 'Available', status: 'False', lastTransitionTime: then, reason: 'ServiceNotFound', message: 'not there' }
const foreign = { type: 'StatusUpdated', status: 'True', reason: 'E2E', message: 'Set from e2e test' }
const service = (conditions?: object[]): APIService => ({ metadata: { name: 'v1.example.com' }, spec: { groupPriorityMinimum: 1, versionPriority: 1 }, status: conditions ? { conditions } : {} }) as never
const passed = { status: 'True' as const, reason: 'Passed', message: 'all checks passed' }
const after = (conditions: object[] | undefined, finding: Parameters<typeof withFinding>[1]) => withFinding(service(conditions), finding, now)?.status.conditions

test('the first finding is added', () => expect(after([foreign], passed)).toEqual([foreign, { type: 'Available', ...passed, lastTransitionTime: '2026-02-02T00:00:00Z' }]))
test('a later one takes the place of its forerunner', () => expect(after([available, foreign], passed)).toEqual([{ type: 'Available', ...passed, lastTransitionTime: '2026-02-02T00:00:00Z' }, foreign]))
test('the same status for another reason has not changed since', () => expect(after([available], { status: 'False', reason: 'MissingEndpoints', message: 'none' })).toMatchObject([{ reason: 'MissingEndpoints', lastTransitionTime: then }]))
test('nothing new is no write', () => expect(after([available, foreign], { status: 'False', reason: 'ServiceNotFound', message: 'not there' })).toBeUndefined())
