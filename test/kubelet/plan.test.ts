/** Named cases after upstream's kuberuntime_manager_test.go: TestComputePodActions, TestComputePodActionsWithInitContainers, ...WithRestartableInitContainers. */
import { describe, expect, test } from 'vitest'
import type { Observed } from '../../agents/kubelet/observed.ts'
import { plan, type PlanInput, type PodAction } from '../../agents/kubelet/plan.ts'
import { aContainer, aPod, aSandbox, aState, observed, planInput, start } from './builders.ts'

/** `start foo1#2`, `kill foo1#0`: short enough to read a plan in a line. */
const brief = (actions: readonly PodAction[]): string[] => actions.map((action) => {
  switch (action.do) {
    case 'startContainer': return `start ${action.container}#${action.attempt}${action.armed ? ' armed' : ''}`
    case 'killContainer': return `kill ${action.container}#${action.attempt}`
    case 'armContainer': return `arm ${action.container}#${action.attempt}`
    case 'removeContainer': return `remove ${action.container}#${action.attempt}`
    case 'holdBack': return `hold ${action.container} ${action.remainingMilliseconds / 1000}s of ${action.delayMilliseconds / 1000}s`
    case 'createSandbox': return `sandbox#${action.attempt}`
    default: return action.do
  }
})

const three = ['foo1', 'foo2', 'foo3'].map((name) => aContainer(name))
const pod = (restartPolicy: string) => aPod({ containers: three, restartPolicy })
const running = (): Observed => observed(...three.map(({ name }) => aState(name, 'running')))
const with_ = (seen: Observed, name: string, ...states: ReturnType<typeof aState>[]): Observed =>
  ({ ...seen, containers: [...seen.containers.filter((state) => state.name !== name), ...states] })
const lost = (seen: Observed): Observed => ({ ...seen, sandbox: aSandbox({ ready: false }) })
const exited = (name: string, exitCode: number, attempt = 0) => aState(name, 'exited', { exitCode, attempt })

type Case = [name: string, policy: string, seen: Observed, expected: string[], more?: Partial<PlanInput>]

describe('containers', () => {
  const cases: Case[] = [
    ['everything is good; do nothing', 'Always', running(), []],
    ['start pod sandbox and all containers for a new pod', 'Always', { sandbox: undefined, containers: [] }, ['sandbox#0', 'start foo1#0', 'start foo2#0', 'start foo3#0']],
    ['restart exited containers if RestartPolicy == Always', 'Always', with_(with_(running(), 'foo1', exited('foo1', 0)), 'foo2', exited('foo2', 1)), ['start foo1#1', 'start foo2#1']],
    ['restart failed containers if RestartPolicy == OnFailure', 'OnFailure', with_(with_(running(), 'foo1', exited('foo1', 0)), 'foo2', exited('foo2', 1)), ['start foo2#1']],
    ['don\'t restart containers if RestartPolicy == Never', 'Never', with_(with_(running(), 'foo1', exited('foo1', 0)), 'foo2', exited('foo2', 111)), []],
    ['kill pod and recreate everything if the pod sandbox is dead, and RestartPolicy == Always', 'Always', lost(running()), ['kill foo1#0', 'kill foo2#0', 'kill foo3#0']],
    ['then, when nothing of it runs, the new sandbox', 'Always', lost(observed(exited('foo1', 137), exited('foo2', 137), exited('foo3', 137))),
      ['discardSandbox', 'sandbox#1', 'start foo1#1', 'start foo2#1', 'start foo3#1']],
    ['sandbox dead, RestartPolicy == OnFailure, one succeeded: it is not started again', 'OnFailure', lost(observed(exited('foo1', 0), exited('foo2', 1), exited('foo3', 1))),
      ['discardSandbox', 'sandbox#1', 'start foo2#1', 'start foo3#1']],
    ['sandbox dead, everything succeeded: no new sandbox', 'OnFailure', lost(observed(exited('foo1', 0), exited('foo2', 0), exited('foo3', 0))), []],
    ['sandbox dead and RestartPolicy == Never: no new sandbox', 'Never', lost(running()), ['kill foo1#0', 'kill foo2#0', 'kill foo3#0']],
    ['sandbox without an address is made again', 'Always', { ...observed(), sandbox: aSandbox({ podIP: undefined }) }, ['discardSandbox', 'sandbox#1', 'start foo1#0', 'start foo2#0', 'start foo3#0']],
    ['kill and recreate a container if its image changed', 'Always', running(), ['kill foo2#0'], { imageOf: (state) => (state.name === 'foo2' ? 'old' : 'host') }],
    ['kill and recreate a container if the liveness check has failed', 'Always', running(), ['kill foo2#0'], { verdict: (probe, state) => (probe === 'liveness' && state.name === 'foo2' ? 'failure' : undefined) }],
    ['kill a container if the startup check has failed', 'Never', running(), ['kill foo3#0'], { verdict: (probe, state) => (probe === 'startup' && state.name === 'foo3' ? 'failure' : undefined) }],
    ['a container in unknown state is killed before it is started', 'Always', with_(running(), 'foo2', aState('foo2', 'unknown')), ['kill foo2#0']],
    ['what is being killed is left alone', 'Always', running(), [], { verdict: () => 'failure', isBeingKilled: () => true }],
    ['an armed attempt is used', 'Always', with_(running(), 'foo1', exited('foo1', 1), aState('foo1', 'created', { attempt: 1 })), ['start foo1#1 armed']],
    ['spares for what runs', 'Always', running(), ['arm foo1#1', 'arm foo2#1'], { mayArm: (name) => name !== 'foo3' }],
    ['no spares where nothing restarts', 'Never', running(), [], { mayArm: () => true }],
    ['only the last dead attempt beside the running one is kept', 'Always', with_(running(), 'foo1', exited('foo1', 1, 0), exited('foo1', 1, 1), aState('foo1', 'running', { attempt: 2 })), ['remove foo1#0']],
    ['in back-off', 'Always', with_(running(), 'foo1', exited('foo1', 1)), ['hold foo1 6s of 10s'], { backOff: () => ({ delayMilliseconds: 10_000, updatedAt: start.getTime() }), now: start.getTime() + 4_000 }],
    ['after back-off', 'Always', with_(running(), 'foo1', exited('foo1', 1)), ['start foo1#1'], { backOff: () => ({ delayMilliseconds: 10_000, updatedAt: start.getTime() }), now: start.getTime() + 10_000 }],
  ]
  test.each(cases)('%s', (_, policy, seen, expected, more = {}) => {
    expect(brief(plan(planInput(pod(policy), seen, more)))).toEqual(expected)
  })

  test('messages say what happens, in upstream\'s words', () => {
    const failing = (probe: 'liveness' | 'startup') => plan(planInput(pod('Always'), running(), { verdict: (asked, state) => (asked === probe && state.name === 'foo1' ? 'failure' : undefined) }))
    expect(failing('liveness')[0]).toMatchObject({ reason: 'livenessProbe', message: 'Container foo1 failed liveness probe, will be restarted' })
    expect(failing('startup')[0]).toMatchObject({ reason: 'startupProbe', message: 'Container foo1 failed startup probe, will be restarted' })
  })

  test('a failed probe\'s own grace period', () => {
    const probed = aPod({ containers: [aContainer('web', { livenessProbe: { terminationGracePeriodSeconds: 3 } })] })
    expect(plan(planInput(probed, observed(aState('web', 'running')), { verdict: (probe) => (probe === 'liveness' ? 'failure' : undefined) }))[0]).toMatchObject({ graceSeconds: 3 })
  })

  test('a rule restarts a container that never restarts', () => {
    const ruled = aPod({ restartPolicy: 'Never', containers: [aContainer('web', { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] })] })
    expect(brief(plan(planInput(ruled, observed(exited('web', 42)))))).toEqual(['start web#1'])
    expect(brief(plan(planInput(ruled, observed(exited('web', 41)))))).toEqual([])
  })
})

describe('init containers', () => {
  const names = ['init1', 'init2', 'init3']
  const initPod = (restartPolicy: string) => aPod({ restartPolicy, initContainers: names.map((name) => aContainer(name)), containers: three })
  const initDone = observed(...names.map((name) => exited(name, 0)))
  const cases: Case[] = [
    ['a new pod: sandbox and the first', 'Always', { sandbox: undefined, containers: [] }, ['sandbox#0', 'start init1#0']],
    ['initialization completed; start all containers', 'Always', initDone, ['start foo1#0', 'start foo2#0', 'start foo3#0']],
    ['no init containers have been started; start the first one', 'Always', observed(), ['start init1#0']],
    ['initialization in progress; do nothing', 'Always', with_(initDone, 'init3', aState('init3', 'running')), []],
    ['the first is done; start the second', 'Always', observed(exited('init1', 0)), ['start init2#0']],
    ['some of the init containers (but the last) have been forgotten', 'Always', observed(exited('init3', 0)), ['start foo1#0', 'start foo2#0', 'start foo3#0']],
    ['kill pod and restart the first init container if the pod sandbox is dead', 'Always', lost(initDone), ['discardSandbox', 'remove init1#0', 'remove init2#0', 'remove init3#0', 'sandbox#1', 'start init1#1']],
    ['initialization failed; restart the last init container if RestartPolicy == Always', 'Always', with_(initDone, 'init3', exited('init3', 137)), ['start init3#1']],
    ['initialization failed; restart it if RestartPolicy == OnFailure', 'OnFailure', with_(initDone, 'init3', exited('init3', 137)), ['start init3#1']],
    ['initialization failed; kill pod if RestartPolicy == Never', 'Never', with_(initDone, 'init3', exited('init3', 137)), []],
    ['main containers run: init containers are not looked at', 'Always', running(), []],
    ['main containers run: a failed init container is not run again', 'Always', { ...running(), containers: [...running().containers, exited('init3', 1)] }, []],
    ['an init container in back-off', 'Always', observed(exited('init1', 1)), ['hold init1 10s of 10s'], { backOff: () => ({ delayMilliseconds: 10_000, updatedAt: start.getTime() }) }],
  ]
  test.each(cases)('%s', (_, policy, seen, expected, more = {}) => {
    expect(brief(plan(planInput(initPod(policy), seen, more)))).toEqual(expected)
  })
})

describe('sidecars', () => {
  const sidecar = (name: string, more = {}) => aContainer(name, { restartPolicy: 'Always', ...more })
  const sidecarPod = (restartPolicy = 'Always', more = {}) => aPod({ restartPolicy, initContainers: [sidecar('side1', more), aContainer('init2'), sidecar('side3')], containers: [aContainer('foo1')] })
  const up = observed(aState('side1', 'running'), exited('init2', 0), aState('side3', 'running'), aState('foo1', 'running'))
  const cases: Case[] = [
    ['everything runs', 'Always', up, []],
    ['the first sidecar runs; start the next', 'Always', observed(aState('side1', 'running')), ['start init2#0']],
    ['the last sidecar runs; start the containers', 'Always', with_(up, 'foo1'), ['start foo1#0']],
    ['a sidecar that ended is started, whatever its exit code and the pod\'s policy', 'Never', with_(up, 'side1', exited('side1', 0)), ['start side1#1']],
    ['a forgotten sidecar is started when the pod is initialized', 'Always', with_(up, 'side1'), ['start side1#0']],
    ['a failed init container beside a running sidecar kills the pod if RestartPolicy == Never', 'Never', observed(aState('side1', 'running'), exited('init2', 1)), ['kill side1#0']],
    ['a sidecar that died while an init container runs', 'Always', observed(exited('side1', 1), aState('init2', 'running')), ['start side1#1']],
  ]
  test.each(cases)('%s', (_, policy, seen, expected, more = {}) => {
    expect(brief(plan(planInput(sidecarPod(policy), seen, more)))).toEqual(expected)
  })

  test.each([['unknown', undefined, []], ['failed', 'failure', ['kill side1#0']], ['succeeded', 'success', ['start init2#0']]] as const)('its startup probe %s', (_, verdict, expected) => {
    const input = planInput(sidecarPod('Always', { startupProbe: {} }), observed(aState('side1', 'running')), { verdict: (probe) => (probe === 'startup' ? verdict : undefined) })
    expect(brief(plan(input))).toEqual(expected)
  })
})
