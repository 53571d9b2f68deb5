import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { arch, tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { maxStepsBytes, stepRunnerProgram } from '../../../agents/kubelet/machine-code/step-runner.ts'
import { machineOf } from '../../../agents/kubelet/seccomp/syscalls/tables.ts'
import { execute, notePid, open, openAs, openFile, say, writeTo } from '../../../agents/kubelet/runtime/steps/calls.ts'
import { newSteps, put, space, type Steps, text } from '../../../agents/kubelet/runtime/steps/steps.ts'
import { readErrors } from '../../../agents/kubelet/runtime/attempt-files.ts'
import { sayWhatIsSkipped } from '../../support/skipped.ts'

const program = stepRunnerProgram(arch())
const numbers = machineOf(arch())?.abis[0]?.numbers ?? new Map<string, number>()

sayWhatIsSkipped('steps.test.ts, in part', !program, 'there is no such program for this machine\'s architecture')

describe.skipIf(!program)('steps', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'wherry-steps-'))
  const runner = path.join(directory, 'runner')
  const file = (name: string): string => path.join(directory, name)
  beforeAll(() => { writeFileSync(runner, program ?? '', { mode: 0o755 }) })
  afterAll(() => { rmSync(directory, { recursive: true, force: true }) })

  const carryOut = (write: (steps: Steps) => void, ending: (steps: Steps) => void = (steps) => { steps.call('exit_group', [0], 'cannot end') }): { status: number | null; stdout: string; stderr: string } => {
    const steps = newSteps(numbers)
    write(steps)
    ending(steps)
    writeFileSync(file('steps'), steps.encode())
    const { status, stdout, stderr } = spawnSync(runner, ['label'], { cwd: directory, stdio: [openSync(file('steps'), 'r'), 'pipe', 'pipe'], encoding: 'utf8', timeout: 10_000 })
    return { status, stdout, stderr }
  }

  test('one after the other, each with what others have answered', () => {
    const answer = carryOut((steps) => {
      const opened = openFile(steps, 'note', open.writeOnly | open.create | open.append)
      for (const word of ['one ', 'two ', 'three']) say(steps, opened, word)
      steps.call('close', [opened], 'cannot close')
      say(steps, 1, 'done')
    })
    expect(answer).toEqual({ status: 0, stdout: 'done', stderr: '' })
    expect(readFileSync(file('note'), 'utf8')).toBe('one two three')
  })

  test('a file as a certain descriptor', () => {
    carryOut((steps) => { openAs(steps, 9, 'nine', open.writeOnly | open.create); say(steps, 9, 'x') })
    expect(readFileSync(file('nine'), 'utf8')).toBe('x')
  })

  test('a program in its own words: arguments with blanks, an environment of its own', () => {
    const { stdout } = carryOut((steps) => { execute(steps, ['/bin/sh', '-c', 'echo "$0|$1|$WORD|$HOME"', 'a b', ''], { WORD: 'c d' }) }, () => {})
    expect(stdout).toBe('a b||c d|\n')
  })

  test('the process by its number', () => {
    carryOut((steps) => { notePid(steps, 'pid') })
    expect(Number(readFileSync(file('pid'), 'utf8'))).toBeGreaterThan(1)
  })

  test('what fails ends it, and is said in the words of the kernel', () => {
    const { status, stderr } = carryOut((steps) => { writeTo(steps, file('no/such/file'), 'x'); writeTo(steps, file('after'), 'x') })
    expect(status).toBe(125)
    expect(stderr).toBe(`cannot write x to ${file('no/such/file')}: errno 2\n`)
    expect(existsSync(file('after'))).toBe(false)
    writeFileSync(file('errors'), stderr)
    expect(readErrors(directory)).toBe(`cannot write x to ${file('no/such/file')}: no such file or directory`)
  })

  test('what may fail does not', () => {
    expect(carryOut((steps) => { writeTo(steps, file('no/such/file'), 'x', { mayFail: true }); say(steps, 1, 'on') })).toMatchObject({ status: 0, stdout: 'on' })
  })

  for (const [name, value, status] of [['a negative answer in memory is an error', -17, 125], ['zero is none', 0, 0], ['neither is what is above it', 7, 0]] as const) {
    test(name, () => {
      const answer = Buffer.alloc(8)
      answer.writeInt32LE(value, 4)
      const { stderr, ...rest } = carryOut((steps) => { steps.look({ data: answer, offset: 4 }, 'refused') })
      expect(rest.status).toBe(status)
      expect(stderr).toBe(status === 0 ? '' : 'refused: errno 17\n')
    })
  }

  test('an answer can be put into what is sent later, and leaves what lies beside it', () => {
    const message = Buffer.from('....wxyz')
    const { stdout } = carryOut((steps) => {
      put(steps.look({ data: Buffer.from('abcd'), offset: 0 }, 'no'), { data: message, offset: 0 })
      steps.call('write', [1, { data: message, offset: 0 }, message.length], 'no')
    })
    expect(stdout).toBe('abcdwxyz')
  })

  test('a list that ends nowhere, or is too long, does no harm', () => {
    expect(spawnSync(runner, { input: '', timeout: 10_000 }).status).not.toBe(0)
    expect(() => { const steps = newSteps(numbers); steps.call('write', [1, space(maxStepsBytes), 1], 'no'); steps.encode() }).toThrow('more than can be carried out')
    expect(() => newSteps(numbers).call('no_such_call', [], '')).toThrow('no_such_call')
    expect(text('x').data.toString()).toBe('x\0')
  })
})
