import { describe, expect, test } from 'vitest'
import { Nodes, Pods } from '../../../src/api/kinds.ts'
import type { Pod, Taint, Toleration } from '../../../src/api/types.ts'
import { evictionTime, planEviction } from '../../../src/controller-manager/node-lifecycle/taint-eviction.ts'
import { node, noon, pod, secondsBefore } from '../builders.ts'
import { inWords, world } from '../fake-world.ts'

const taint = (key: string, effect = 'NoExecute'): Taint => ({ key, effect, timeAdded: secondsBefore(10) })
const tolerating = (...tolerations: Toleration[]): Pod => pod('a', { spec: { nodeName: 'node-1', tolerations } })
const plan = (given: Pod, taints: Taint[]) => planEviction('default/a', world([[Pods, [given]], [Nodes, [node('node-1', { spec: { taints } })]]]), (_, { timeAdded }) => Date.parse(timeAdded ?? ''))

test.each<[string, Pod, Taint[], string[]]>([
  ['not tolerated: at once', tolerating(), [taint('lost')], ['event Normal TaintManagerEviction: Marking for deletion Pod default/a', 'patch pods a/status', 'delete pods a']],
  ['another effect', tolerating(), [taint('lost', 'NoSchedule')], []],
  ['tolerated for ever', tolerating({ key: 'lost', operator: 'Exists', effect: 'NoExecute' }), [taint('lost')], []],
  ['tolerated for a time', tolerating({ key: 'lost', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }), [taint('lost')], ['requeueAfter 290000']],
  ['the shortest of several', tolerating({ operator: 'Exists', tolerationSeconds: 60 }, { key: 'lost', operator: 'Exists', tolerationSeconds: 300 }), [taint('lost')], ['requeueAfter 50000']],
  ['one of two not tolerated', tolerating({ key: 'lost', operator: 'Exists' }), [taint('lost'), taint('bad')], ['event Normal TaintManagerEviction: Marking for deletion Pod default/a', 'patch pods a/status', 'delete pods a']],
  ['its time is over', tolerating({ operator: 'Exists', tolerationSeconds: 5 }), [taint('lost')], ['event Normal TaintManagerEviction: Marking for deletion Pod default/a', 'patch pods a/status', 'delete pods a']],
  ['being deleted already', { ...tolerating(), metadata: { ...tolerating().metadata, deletionTimestamp: secondsBefore(1) } }, [taint('lost')], []],
  ['finished', { ...tolerating(), status: { phase: 'Succeeded' } }, [taint('lost')], []],
])('%s', (_, given, taints, expected) => expect(inWords(plan(given, taints))).toEqual(expected))

describe('the time', () => {
  test('counts from when the pod came, if it came later', () => {
    const late = { ...tolerating({ operator: 'Exists', tolerationSeconds: 60 }), metadata: { ...tolerating().metadata, creationTimestamp: secondsBefore(2) } }
    expect(evictionTime(late, [taint('lost')], () => noon.getTime() - 10_000) - noon.getTime()).toBe(58_000)
  })
  test('zero seconds is at once', () => expect(evictionTime(tolerating({ operator: 'Exists', tolerationSeconds: -1 }), [taint('lost')], () => 0)).toBeLessThanOrEqual(noon.getTime()))
})
