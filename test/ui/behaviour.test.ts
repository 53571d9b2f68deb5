/** What keys do, and what time and the cluster do without keys. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openDashboard } from './open-dashboard.ts'
import { aPod, pushScene, scene } from './scene.ts'

const cursorLine = (text: string): string => text.split('\n').find((line) => line.startsWith('|>'))?.slice(2).trim().split(/\s+/)[0] ?? ''

describe('the cursor', () => {
  test('glued keys move it as often', async () => {
    using open = await openDashboard(scene())
    open.dashboard.press(['j', 'j', 'j'])
    await open.pass(250)
    expect(cursorLine(open.text())).toBe('web-7d9f-8mmsd')
  })

  test('stays on its object, whatever is sorted, added or deleted around it', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom('add', 'sicken', 'heal', 'delete', 'N', 'A', 'S', 'P', 'O'), { maxLength: 12 }), fc.integer({ min: 0, max: 8 }), async (steps, downs) => {
      const cluster = scene()
      using open = await openDashboard(cluster)
      await open.press('k', ...Array.from({ length: downs }, () => 'j'))
      const aimed = cursorLine(open.text())
      for (const [index, step] of steps.entries()) {
        const other = [...(cluster.rows['pods']?.values() ?? [])].filter(({ object }) => object.metadata.name !== aimed)[index]?.object.metadata.name
        if (step === 'add') cluster.put('pods', aPod({ name: `new-${index}`, status: index % 2 ? 'Running' : 'Error' }))
        else if (step === 'sicken') cluster.put('pods', aPod({ name: aimed, status: 'Error', ready: '0/1' }))
        else if (step === 'heal') cluster.put('pods', aPod({ name: aimed }))
        else if (step === 'delete') cluster.remove('pods', `uid-${other ?? ''}`)
        else await open.press(step)
        await open.pass(300)
        expect(cursorLine(open.text())).toBe(aimed)
      }
    }), { numRuns: 25 })
  })

  test('is on the worst pod until a key is pressed, then on that pod', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    const sicken = async (name: string): Promise<string> => {
      cluster.put('pods', aPod({ name, status: 'Error', ready: '0/1' }))
      await open.pass(300)
      return cursorLine(open.text())
    }
    expect(await sicken('a-first')).toBe('a-first')
    await open.press('/', 'a', '-')
    expect(await sicken('a-earlier')).toBe('a-earlier')
    await open.press('enter', 'd', 'esc')
    expect(await sicken('a-before')).toBe('a-earlier')
  })

  test('goes to the neighbour when its object goes', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press('j', 'j')
    cluster.remove('pods', 'uid-db-0')
    await open.pass(300)
    expect(cursorLine(open.text())).toBe('web-7d9f-8mmsd')
  })
})

describe('frames are drawn when something differs', () => {
  test('none while nothing happens', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    const before = open.frames()
    await open.pass(20_000)
    expect(open.frames()).toBe(before)
  })

  test('none for a change that is not on screen', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    const before = open.frames()
    const [row] = [...(cluster.rows['deployments']?.values() ?? [])]
    if (row) cluster.put('deployments', row)
    await open.pass(2_000)
    expect(open.frames()).toBe(before)
  })

  test('at most four a second for a busy cluster', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    const before = open.frames()
    for (let step = 0; step < 100; step++) {
      cluster.put('pods', aPod({ name: 'db-0', restarts: String(step) }))
      await open.pass(20)
    }
    expect(open.frames() - before).toBeGreaterThanOrEqual(7)
    expect(open.frames() - before).toBeLessThanOrEqual(9)
    await open.pass(300)
    expect(open.text()).toMatch(/db-0 +1\/1 Running +99 /)
  })

  test('a key is answered at once', async () => {
    using open = await openDashboard(scene())
    open.dashboard.press(['j'])
    expect(cursorLine(open.text())).toBe('cache-6b4f-lq2ws')
  })

  test('a paused picture stands still, though keys still move', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press('=')
    expect(open.text()).toContain('PAUSED')
    const before = open.frames()
    cluster.put('pods', aPod({ name: 'zz-new', status: 'Error' }))
    await open.pass(2_000)
    expect(open.frames()).toBe(before)
  })
})

describe('destruction asks first', () => {
  test('^d deletes with the uid that was aimed at, after y', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press('j', '^d', 'right', 'enter')
    expect(cluster.writes).toEqual([])
    await open.press('^d', 'right', 'y')
    expect(cluster.writes).toEqual(['DELETE /api/v1/namespaces/default/pods/cache-6b4f-lq2ws {"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"propagationPolicy":"Background","preconditions":{"uid":"uid-cache-6b4f-lq2ws"}}'])
    expect(open.text()).toContain('deleted pod default/cache-6b4f-lq2ws')
  })

  test('marked objects go together', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press(' ', 'j', ' ', '^d')
    expect(open.text()).toContain('Delete pod default/api-5c8d-q9zml, pod default/cache-6b4f-lq2ws?')
    await open.press('y')
    expect(cluster.writes.map((write) => write.split(' ').slice(0, 2).join(' '))).toEqual(['DELETE /api/v1/namespaces/default/pods/api-5c8d-q9zml', 'DELETE /api/v1/namespaces/default/pods/cache-6b4f-lq2ws'])
  })

  test('^k kills on the second press within two seconds, through the node', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    pushScene(cluster)
    await open.press('j', '^k')
    expect(open.text()).toContain('press ^k again')
    await open.pass(2_500)
    await open.press('^k')
    expect(cluster.writes).toEqual([])
    await open.press('^k')
    expect(cluster.writes).toEqual(['POST n3/wherry/signal {"podUid":"uid-cache-6b4f-lq2ws","container":"main","signal":"SIGKILL"}'])
  })

  test('a static pod is known to its node by the hash of its manifest', async () => {
    const cluster = scene()
    const mirror = aPod({ name: 'etcd-n1', namespace: 'kube-system', status: 'Error' })
    cluster.put('pods', { ...mirror, object: { ...mirror.object, metadata: { ...mirror.object.metadata, annotations: { 'kubernetes.io/config.hash': 'hash-1', 'kubernetes.io/config.mirror': 'hash-1' } } } })
    using open = await openDashboard(cluster)
    cluster.push('n1', 'usage', { node: { cpuNanoCores: 1, memoryWorkingSetBytes: 1 }, pods: [{ podUid: 'hash-1', cpuNanoCores: 77e6, memoryWorkingSetBytes: 88 * 2 ** 20, containers: [] }] })
    await open.pass(1_500)
    expect(open.text()).toMatch(/etcd-n1 .* 77 +88 /)
    await open.press('j', '^k', '^k')
    expect(cluster.writes).toEqual(['POST n1/wherry/signal {"podUid":"hash-1","container":"main","signal":"SIGKILL"}'])
  })

  test('moving on disarms', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press('^k', 'j', '^k')
    expect(cluster.writes).toEqual([])
  })

  test('where nodes take no signals the pod is deleted, and that is said', async () => {
    const cluster = scene()
    cluster.pushes = false
    using open = await openDashboard(cluster)
    await open.press('j', '^k', '^k')
    expect(cluster.writes[0]).toMatch(/^DELETE .*cache-6b4f-lq2ws .*"gracePeriodSeconds":0/)
    expect(open.text()).toContain('this node takes no signals')
  })

  test('^x sends what was chosen, or a number, to a process', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press('j', '^x', 'right', 'right', 'enter', 'enter', 'j', '^x', '1', '0', 'enter')
    expect(cluster.writes).toEqual(['POST n3/wherry/signal {"podUid":"uid-cache-6b4f-lq2ws","container":"main","signal":"SIGSTOP"}', 'POST n3/wherry/signal {"podUid":"uid-cache-6b4f-lq2ws","container":"main","signal":10,"pid":41903}'])
  })

  test('nothing at all in read-only', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster, { readOnly: true })
    await open.press('^d', '^k', '^k', '^x', 'e', 's')
    expect(cluster.writes).toEqual([])
    expect(open.text()).toContain('read-only')
  })
})

describe('workloads and nodes', () => {
  test('scale', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press(':', 'd', 'p', 'enter', 's', 'backspace', '5', 'enter')
    expect(cluster.writes).toEqual(['PATCH /apis/apps/v1/namespaces/default/deployments/web/scale {"spec":{"replicas":5}}'])
  })
  test('restart, as kubectl does it', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press(':', 'd', 'p', 'enter', 'r', 'y')
    expect(cluster.writes[0]).toMatch(/^PATCH \S+\/web \{"spec":\{"template":\{"metadata":\{"annotations":\{"kubectl.kubernetes.io\/restartedAt":"2026-03-01T12:04:\d\dZ"/)
  })
  test('cordon and uncordon', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    await open.press(':', 'n', 'o', 'enter', 'c', 'y', 'u', 'y')
    expect(cluster.writes).toEqual(['PATCH /api/v1/nodes/n1 {"spec":{"unschedulable":true}}', 'PATCH /api/v1/nodes/n1 {"spec":{"unschedulable":null}}'])
  })
  test('enter on a deployment shows its pods, on a node what runs there', async () => {
    using open = await openDashboard(scene())
    await open.press(':', 'd', 'p', 'enter', 'enter')
    expect(open.text()).toContain('pods(default) of deploy/web[3]')
    await open.press('esc', 'esc', ':', 'n', 'o', 'enter', 'j', 'enter')
    expect(open.text()).toContain('pods(all) of no/n2[2]')
  })
})

describe('filters', () => {
  test.each([['text', 'web', 3], ['not', '!web', 6], ['several words', 'web n2', 1], ['a selector', '-l app=web', 3], ['a selector that is not whole yet', '-l app in (', 0], ['nothing', 'zzz', 0]] as const)('%s', async (_, filter, count) => {
    using open = await openDashboard(scene())
    await open.press('/', ...filter, 'enter')
    expect(open.text()).toContain(`pods(all)[${count}]`)
  })
  test('esc takes the filter away before it leaves the screen', async () => {
    using open = await openDashboard(scene())
    await open.press('/', 'd', 'b', 'enter', 'esc')
    expect(open.text()).toContain('pods(all)[9]')
  })
})

describe('commands', () => {
  test.each([['a short name with a namespace', ':po kube-system', 'pods(kube-system)[2]'], ['a beginning', ':depl', 'deployments(all)[1]'], ['an unknown one', ':zzz', 'zzz: no such command or kind'], ['read-only', ':ro', 'RO LIVE'], ['why', ':why', 'why this node: default/api']] as const)('%s', async (_, typed, expected) => {
    using open = await openDashboard(scene())
    await open.press(...typed, 'enter')
    expect(open.text()).toContain(expected)
  })
  test('tab completes', async () => {
    using open = await openDashboard(scene())
    await open.press(':', 'd', 'e', 'p', 'tab')
    expect(open.text()).toContain(':deployments')
  })
  test.each([':q', ':quit', '^c', 'q'])('%s leaves', async (typed) => {
    using open = await openDashboard(scene())
    await open.press(...(typed.startsWith(':') ? [...typed, 'enter'] : [typed]))
    expect(open.left()).toBe(true)
  })
  test('esc never leaves, and q only from the first screen', async () => {
    using open = await openDashboard(scene())
    await open.press('esc', 'esc', 'd', 'q')
    expect(open.left()).toBe(false)
    expect(open.text()).toContain('pods(all)')
  })
  test('history: back, forward, last', async () => {
    using open = await openDashboard(scene())
    await open.press('d', '[')
    expect(open.text()).toContain('pods(all)')
    await open.press(']')
    expect(open.text()).toContain('describe pod/api')
    await open.press('-')
    expect(open.text()).toContain('pods(all)')
  })
})

describe('logs', () => {
  test('escape sequences of programs do not reach the screen', async () => {
    using open = await openDashboard(scene())
    await open.press('j', 'l')
    expect(open.text()).toContain('| GET / 200 2ms ')
  })
  test('search finds, n goes on, the match is on screen', async () => {
    const cluster = scene()
    cluster.logLines = Array.from({ length: 100 }, (_, index) => `2026-03-01T12:00:00.${String(index).padStart(3, '0')}Z line ${index}${index % 40 === 0 ? ' needle' : ''}`)
    using open = await openDashboard(cluster)
    await open.press('l', '/', ...'needle', 'enter')
    expect(open.text()).toContain('line 0 needle')
    await open.press('n')
    expect(open.text()).toContain('line 40 needle')
    expect(open.text()).toContain('follow off')
  })
})

describe('the server is away', () => {
  test('the screen stays, says so, and counts', async () => {
    const cluster = scene()
    using open = await openDashboard(cluster)
    cluster.leave()
    await open.pass(1_500)
    expect(open.text()).toMatch(/AWAY [12]s/)
    expect(open.text()).toContain('web-7d9f-x2k4q')
    await open.pass(60_000)
    expect(open.text()).toMatch(/AWAY 6\ds/)
    cluster.away = false
    await open.pass(4_000)
    expect(open.text()).toContain('LIVE')
  })
  test('never there: one sentence and what to type', async () => {
    const cluster = scene()
    cluster.away = true
    using open = await openDashboard(cluster)
    expect(open.text()).toContain('No control plane answers at https://127.0.0.1:6443.')
    expect(open.text()).toContain('Start it with: wherry up')
  })
})

describe('usage', () => {
  test('where nodes push none, metrics.k8s.io is asked', async () => {
    const cluster = scene()
    cluster.pushes = false
    cluster.metrics = { pods: [{ metadata: { name: 'db-0', namespace: 'default' }, containers: [{ name: 'main', usage: { cpu: '112m', memory: '340Mi' } }] }], nodes: [{ metadata: { name: 'n1' }, usage: { cpu: '1', memory: '1Gi' } }] }
    using open = await openDashboard(cluster)
    await open.pass(1_000)
    expect(open.text()).toMatch(/db-0 .* 112 +340 /)
    expect(open.text()).toContain('cpu 50%')
  })
  test('where there is neither, it says n/a', async () => {
    const cluster = scene()
    cluster.pushes = false
    using open = await openDashboard(cluster)
    expect(open.text()).toMatch(/db-0 .* n\/a +n\/a /)
  })
})

test('namespaces by digit', async () => {
  using open = await openDashboard(scene())
  await open.press('2')
  expect(open.text()).toContain('pods(kube-system)[2]')
  await open.press('0')
  expect(open.text()).toContain('pods(all)[9]')
})
