/** Expressions that would cost too much, or are no expressions at all, end quickly and in an error. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CostMeter, perCallLimit } from '../../../src/apiserver/cel/cost.ts'
import { CelCompileError, CelCostError, CelEvaluationError } from '../../../src/apiserver/cel/errors.ts'
import { toCel } from '../../../src/apiserver/cel/json-value.ts'
import { kubernetesEnvironment } from '../../../src/apiserver/cel/kubernetes-environment.ts'
import { compile } from '../../../src/apiserver/cel/program.ts'
import { dyn } from '../../../src/apiserver/cel/types.ts'
import { cpuMilliseconds } from '../../support/cpu-time.ts'

const environment = kubernetesEnvironment({ x: dyn, y: dyn })
/** Generous: machines may be slow; what is not bounded takes minutes. */
const bound = 10_000

const outcome = (expression: string, x: unknown = null): string => {
  const meter = new CostMeter()
  try {
    compile(expression, environment).evaluate(new Map([['x', toCel(x as never)], ['y', toCel(null)]]), meter)
    return 'a value'
  } catch (error) {
    if (error instanceof CelCompileError) return 'does not compile'
    if (error instanceof CelCostError) return 'costs too much'
    if (error instanceof CelEvaluationError) return 'an error'
    throw error
  }
}

const ones = Array.from({ length: 1000 }, () => 1)
const long = 'a'.repeat(100_000)
const nested = (open: string, middle: string, close: string, depth: number): string => open.repeat(depth) + middle + close.repeat(depth)

describe('within bounds of time', () => {
  const cases: readonly (readonly [what: string, expression: string, expected: string, x?: unknown])[] = [
    ['loops in loops', 'x.all(a, x.all(b, x.all(c, x.all(d, a == b || c == d || true))))', 'costs too much', ones],
    ['loops whose errors are absorbed', 'x.exists(a, x.exists(b, a / 0 == b))', 'costs too much', ones],
    ['text that doubles', `${nested('(', 'x', ' + x)', 200)}.size()`, 'costs too much', long],
    ['text made of text', "x.split('').map(a, x).join().size()", 'costs too much', long],
    ['replacements that grow', "x.replace('', x).size()", 'costs too much', long],
    ['a regular expression that backtracks elsewhere', "x.matches('^(a+)+$') && x.matches('(a|aa)+b') && x.matches('(.*)(.*)(.*)(.*)(.*)b')", 'a value', 'a'.repeat(2000)],
    ['long text, searched again and again', "[1, 2, 3, 4, 5, 6, 7, 8, 9].all(i, x.matches('(a*)*b') || true)", 'a value', long],
    ['a regular expression that counts', "x.matches('((a{1,100}){1,100}){1,100}')", 'does not compile', 'a'],
    ['a regular expression that becomes a long program', "x.matches('([ab]{1,30}a){1,30}$')", 'costs too much', 'ab'.repeat(50_000)],
    ['a regular expression of many states', "[1, 2, 3, 4, 5, 6, 7, 8, 9].all(i, !x.matches('(a|b)*a(a|b){12}[^ab]'))", 'costs too much', Array.from({ length: 100_000 }, (_, index) => 'ab'[(index * index * 7 + index) % 11 % 2]).join('')],
    ['searches that look ahead for each of many', "x.findAll('.*y|a').size() > 0", 'costs too much', long],
    ['equality of large values', 'x.all(a, x.all(b, a == b))', 'costs too much', Array.from({ length: 300 }, () => ones.slice(0, 300))],
    ['sets of everything', 'sets.equivalent(x, x)', 'costs too much', Array.from({ length: 5000 }, (_, index) => index)],
    ['formats', "'%s'.format([dyn(x)])", 'costs too much', Array.from({ length: 1000 }, () => long.slice(0, 20_000))],
    ['text that is joined', "'%s'.format([dyn(x.split('').map(a, x))])", 'costs too much', long],
    ['lists of lists', 'x.map(a, x).map(b, b + b).size() > 0', 'costs too much', ones],
    ['deep parentheses', nested('(', '1', ')', 5000), 'does not compile'],
    ['deep lists', nested('[', '1', ']', 5000), 'does not compile'],
    ['deep negations', `${'!'.repeat(5000)}true`, 'does not compile'],
    ['deep selections', `x${'.a'.repeat(5000)}`, 'does not compile'],
    ['deep conditions', `${'true ? 1 : '.repeat(5000)}1`, 'does not compile'],
    ['a long chain of ands', `${'true && '.repeat(9000)}true`, 'a value'],
    ['a long sum', `${'1 + '.repeat(2000)}1`, 'does not compile'],
    ['a long text', `'${'a'.repeat(99_000)}'.size() > 0`, 'a value'],
    ['too long a text', `'${'a'.repeat(100_001)}'`, 'does not compile'],
    ['quotes that never close', "'".repeat(50_000), 'does not compile'],
    ['numbers', '9'.repeat(50_000), 'does not compile'],
    ['a number with an exponent', `1e${'9'.repeat(1000)}`, 'does not compile'],
    ['a duration', `duration('${'1h'.repeat(5000)}')`, 'does not compile'],
    ['a quantity', `quantity('1e999999999').asInteger()`, 'an error'],
  ]
  test.each(cases.map(([what, expression, expected, x]) => ({ what, expression, expected, x })))('$what', ({ expression, expected, x }) => {
    const begun = cpuMilliseconds()
    expect(outcome(expression, x)).toBe(expected)
    expect(cpuMilliseconds() - begun).toBeLessThan(bound)
  })
})

test('the meter tells the cost, and what is cheap costs little', () => {
  const meter = new CostMeter()
  compile('x.all(a, a > 0)', environment).evaluate(new Map([['x', toCel(ones)]]), meter)
  expect(meter.spent).toBeGreaterThan(ones.length)
  expect(meter.spent).toBeLessThan(perCallLimit / 10)
})

describe('whatever the text', () => {
  const pieces = fc.constantFrom('x', 'y', '1', '1.5', '2u', "'a'", 'b"a"', 'true', 'null', '[', ']', '{', '}', '(', ')', '.', '.?', '[?', ',', ':', '?', '+', '-', '*', '/', '%', '==', '!=', '<', '>', '&&', '||', '!', ' in ', 'has(', '.all(i, ', '.map(i, ', '.exists(i, ', '.filter(i, ', 'i', 'size(', '.size()', 'type(', 'int(', 'string(', 'dyn(', 'timestamp(', 'optional.of(', '.orValue(', '.matches(', 'quantity(', 'Object{', '//', '\n', '`a`', '\\', '"')
  test('made of pieces of the language: it compiles or is refused, it evaluates or ends in an error', () => {
    fc.assert(fc.property(fc.array(pieces, { maxLength: 25 }), fc.json(), (parts, json) => { outcome(parts.join(''), JSON.parse(json)) }), { numRuns: 3000 })
  })
  test('any text at all', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => { outcome(text) }), { numRuns: 500 })
  })
  test('functions of any arguments', () => {
    const names = [...environment.functions.keys()].filter((name) => /^[\w.]+$/.test(name))
    const value = fc.constantFrom('x', 'dyn(1)', 'dyn("a")', 'dyn(1.5)', 'dyn([])', 'dyn({})', 'dyn(null)', 'dyn(-1)', 'dyn(9223372036854775807)', 'dyn(1u)', 'dyn(b"\\xff")', 'dyn(duration("1h"))', 'dyn(timestamp("2020-01-01T00:00:00Z"))', 'dyn("😀")')
    fc.assert(fc.property(fc.constantFrom(...names), fc.array(value, { maxLength: 3 }), fc.boolean(), fc.jsonValue(), (name, args, member, x) => {
      outcome(member && args.length > 0 ? `${args[0]}.${name}(${args.slice(1).join(', ')})` : `${name}(${args.join(', ')})`, x)
    }), { numRuns: 4000 })
  })
})
