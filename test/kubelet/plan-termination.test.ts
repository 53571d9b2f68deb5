import { describe, expect, test } from 'vitest'
import { planTermination, type TerminationInput } from '../../agents/kubelet/plan-termination.ts'
import { aContainer, aPod, aSandbox, aState, observed, start } from './builders.ts'

const pod = aPod({ initContainers: [aContainer('side1', { restartPolicy: 'Always' }), aContainer('side2', { restartPolicy: 'Always' })], containers: [aContainer('web'), aContainer('log')] })
const all = observed(...['side1', 'side2', 'web', 'log'].map((name) => aState(name, 'running')))
const without = (...names: string[]) => ({ ...all, containers: all.containers.map((state) => (names.includes(state.name) ? aState(state.name, 'exited') : state)) })
const input = (seen = all, more: Partial<TerminationInput> = {}): TerminationInput => ({ pod, observed: seen, graceSeconds: 30, since: start.getTime(), killDeadline: () => undefined, now: start.getTime(), ...more })
const brief = (of: TerminationInput) => planTermination(of).actions.map((action) => (action.do === 'killContainer' ? `${action.container} ${action.graceSeconds}${action.preStop ? '' : ' no hook'}` : action.do))
const at = (seconds: number) => start.getTime() + seconds * 1000

describe('stopping a pod', () => {
  test.each<[string, TerminationInput, string[]]>([
    ['containers first', input(), ['web 30', 'log 30']],
    ['sidecars wait for all containers', input(without('web'), { now: at(5) }), ['log 30']],
    ['then the last sidecar, with what is left of the time', input(without('web', 'log'), { now: at(10) }), ['side2 20']],
    ['then the first', input(without('web', 'log', 'side2'), { now: at(12) }), ['side1 18']],
    ['late sidecars get two seconds', input(without('web', 'log'), { now: at(29) }), ['side2 2']],
    ['at the deadline nobody waits', input(all, { now: at(30) }), ['side1 2', 'side2 2', 'web 30', 'log 30']],
    ['what is being stopped is left alone', input(all, { now: at(1), killDeadline: () => at(30) }), []],
    ['a shorter deletion shortens what is under way', input(all, { graceSeconds: 5, now: at(1), killDeadline: () => at(30) }), ['web 4 no hook', 'log 4 no hook']],
    ['then the sandbox', input(without('web', 'log', 'side1', 'side2')), ['stopSandbox']],
    ['armed attempts are disarmed', input({ sandbox: aSandbox({ ready: false }), containers: [aState('web', 'exited'), aState('web', 'created', { attempt: 1 })] }), ['removeContainer']],
  ])('%s', (_, of, expected) => { expect(brief(of)).toEqual(expected) })

  test('it is stopped when nothing runs and the sandbox is gone', () => {
    expect(planTermination(input({ sandbox: aSandbox({ ready: false }), containers: [aState('web', 'exited')] })).stopped).toBe(true)
    expect(planTermination(input({ sandbox: undefined, containers: [] })).stopped).toBe(true)
  })

  test('it looks again at the deadline while somebody waits for a turn', () => {
    expect(planTermination(input(all, { now: at(10) })).wakeMilliseconds).toBe(20_000)
  })
})
