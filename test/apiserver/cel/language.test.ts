/** The language, from the words of the CEL specification (github.com/google/cel-spec, doc/langdef.md). */
import { describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../src/api/meta.ts'
import { evaluate } from './evaluate.ts'

const table = (title: string, cases: readonly (readonly [expression: string, expected: JsonValue, variables?: JsonObject])[]): void => {
  describe(title, () => test.each(cases.map((each) => ({ expression: each[0], expected: each[1], variables: each[2] ?? {} })))('$expression', ({ expression, expected, variables }) => {
    expect(evaluate(expression, variables)).toEqual(expected)
  }))
}

table('literals', [
  ['-9223372036854775808 < 0', true], ['9223372036854775807 + 1', 'error: integer overflow'], ['9223372036854775808', 'cannot compile: invalid int literal'],
  ['0x1F', 31], ['18446744073709551615u > 1u', true], ['1.5e3', 1500], ['.5', 0.5], ["'single' == \"single\"", true], ['r"\\n".size()', 2], ['"""a\nb"""', 'a\nb'],
  ['"\\u00e9\\x41\\101"', 'éAA'], ['b"\\xff".size()', 1], ['"\\q"', 'cannot compile: unable to unescape string'], ['null', null], ['"unclosed', 'cannot compile: Syntax error: token recognition error at: \'"unclosed\''],
  ['[1, 2, 3,]', [1, 2, 3]], ['{"a": 1, "b": 2,}', { a: 1, b: 2 }], ['{dyn(1): "int", dyn("1"): "string"}.size()', 2], ['{"a": 1, "a": 2}', 'error: Failed with repeated key'], ['1 // a comment', 1],
])

table('operators', [
  ['1 + 2 * 3', 7], ['(1 + 2) * 3', 9], ['7 / 2', 3], ['-7 / 2', -3], ['-7 % 3', -1], ['7.0 / 2.0', 3.5], ['1 / 0', 'error: division by zero'], ['1 % 0', 'error: modulus by zero'],
  ['1u - 2u', 'error: unsigned integer overflow'], ['"a" + "b"', 'ab'], ['[1] + [2]', [1, 2]], ['!true', false], ['!!true', true], ['- -1', 1], ['1 == 1 && 2 > 1', true], ['true ? 1 : 2', 1],
  ['false ? 1 : true ? 2 : 3', 2], ['1 in [1, 2]', true], ['"a" in {"a": 1}', true], ['3 in [1, 2]', false], ['1 < 1.5', true], ['2u > 1', true], ['dyn(1) == 1.0', true], ['dyn(1u) == 1', true],
  ['[1, 2][1]', 2], ['[1][5]', 'error: index out of bounds: 5'], ['{"a": 1}["b"]', 'error: no such key: b'], ['{"a": 1}.a', 1], ['"b" > "a"', true], ['[1, [2]] == [1, [2]]', 'cannot compile: expected type \'int\' but found \'list(int)\''],
  ['dyn([1, 2]) == [1.0, 2.0]', true], ['{"a": [1]} == {"a": [1]}', true], ['dyn(1) == "1"', false], ['null == null', true], ['x == null', true], ['a.b', "cannot compile: undeclared reference to 'a' (in container '')"],
])

table('errors that another side absorbs', [
  ['false && 1 / 0 == 1', false], ['1 / 0 == 1 && false', false], ['true || 1 / 0 == 1', true], ['1 / 0 == 1 || true', true], ['1 / 0 == 1 || false', 'error: division by zero'], ['x.a && false', false],
  ['[0, 1].exists(i, 1 / i == 1)', true], ['[0, 2].all(i, 1 / i == 1)', false], ['[0].all(i, 1 / i == 1)', 'error: division by zero'], ['[0, 1].filter(i, 1 / i == 1)', 'error: division by zero'],
])

const object = { metadata: { name: 'web', labels: { app: 'a', 'x/y': 'b' } }, spec: { replicas: 3, ports: [{ port: 80 }, { port: 443, name: 'tls' }], empty: null } }
table('selection and macros', [
  ['object.spec.replicas > 2', true, { object }], ['object.spec.missing', 'error: no such key: missing', { object }], ['has(object.spec.missing)', false, { object }], ['has(object.spec.ports[1].name)', true, { object }],
  ['has(object.spec.ports[0].name)', false, { object }], ['has(object.nothing.at.all)', 'error: no such key: nothing', { object }], ['has(x.y)', false], ['x.y', 'error: no such key: y'], ['has(object)', 'cannot compile: invalid argument to has() macro'],
  ['object.metadata.labels["x/y"]', 'b', { object }], ['object.metadata.labels.all(k, k.size() > 0)', true, { object }], ['object.spec.ports.map(p, p.port)', [80, 443], { object }], ['object.spec.ports.map(p, has(p.name), p.port)', [443], { object }],
  ['object.spec.ports.filter(p, p.port > 100).size()', 1, { object }], ['object.spec.ports.exists(p, p.port == 80)', true, { object }], ['object.spec.ports.exists_one(p, p.port > 1)', false, { object }],
  ['[[1, 2], [3]].map(i, i.map(j, j * 2))', [[2, 4], [6]]], ['[1, 2].map(i, [10].map(j, i + j))', [[11], [12]]], ['[1].all(1, true)', 'cannot compile: argument must be a simple name'], ['size(object.spec.ports)', 2, { object }],
  ['[3, 4].all(i, v, v - i == 3)', true], ['{"a": 1}.exists(k, v, k == "a" && v == 1)', true], ['[1, 2].transformList(i, v, i * v)', [0, 2]], ['{"a": 1, "b": 2}.transformMap(k, v, v > 1, v * 10)', { b: 20 }],
  ['["a", "b"].transformMapEntry(i, v, {v: i})', { a: 0, b: 1 }], ['["a", "a"].transformMapEntry(i, v, {v: i})', 'error: insert failed: key a already exists'], ['5.all(i, true)', "cannot compile: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"],
])

table('optional values', [
  ['object.?spec.?replicas.orValue(1)', 3, { object }], ['object.?status.replicas.orValue(0)', 0, { object }], ['object.metadata.labels[?"app"].orValue("none")', 'a', { object }], ['object.spec.ports[?7].hasValue()', false, { object }],
  ['optional.none().hasValue()', false], ['optional.none().value()', 'error: optional.none() dereference'], ['optional.of(1).or(optional.of(2)).value()', 1], ['optional.ofNonZeroValue("").hasValue()', false],
  ['[1, ?optional.none(), ?optional.of(3)]', [1, 3]], ['{?"a": optional.none(), ?"b": optional.of(1)}', { b: 1 }], ['optional.of(2).optMap(v, v * 2).value()', 4], ['optional.none().optMap(v, v * 2).orValue(7)', 7],
  ['optional.of({"a": 1}).optFlatMap(m, m.?a).value()', 1], ['has(object.?spec.replicas)', true, { object }], ['optional.of(1) == optional.of(1)', true], ['optional.of(1 / 1).orValue(1 / 0)', 1],
])

table('conversions and types', [
  ['int("12")', 12], ['int("1a")', 'error: strconv.ParseInt: parsing "1a": invalid syntax'], ['int(3.9)', 3], ['int(1e99)', 'error: integer overflow'], ['uint(-1)', 'error: unsigned integer overflow'], ['double("1.5")', 1.5],
  ['string(1.0)', '1'], ['string(1000000.0)', '1e+06'], ['string(0.00001)', '1e-05'], ['string(true)', 'true'], ['string(b"abc")', 'abc'], ['bool("true")', true], ['type(1) == int', true], ['type([]) == list', true],
  ['type("") == string && type(1.0) == double && type(null) == null_type', true], ['size("😀é")', 2], ['bytes("é").size()', 2], ['duration("1h") == duration("60m")', true], ['string(duration("90s"))', '90s'],
  ['timestamp("2020-02-30T00:00:00Z")', 'cannot compile: invalid timestamp argument'], ['timestamp("2020-01-01T00:00:00.5+02:00").getMilliseconds()', 500], ['timestamp("2020-01-01T00:00:00Z").getHours("+05:30")', 5],
  ['timestamp("2020-07-01T00:00:00Z").getHours("America/New_York")', 20], ['timestamp("2020-01-02T00:00:00Z") - timestamp("2020-01-01T00:00:00Z") == duration("24h")', true], ['timestamp("2020-03-01T00:00:00Z").getDayOfYear()', 60],
  ['string(timestamp("2020-01-01T00:00:00Z") + duration("1500ms"))', '2020-01-01T00:00:01.5Z'], ['timestamp("9999-12-31T23:59:59Z") + duration("1s")', 'error: timestamp overflow'], ['duration("1.5h").getMinutes()', 90],
])

table('what does not compile', [
  ['1 + "a"', "cannot compile: found no matching overload for '_+_' applied to '(int, string)'"], ['"a".foo()', "cannot compile: undeclared reference to 'foo' (in container '')"], ['"a".size(1)', "cannot compile: found no matching overload for 'size' applied to 'string.(int)'"],
  ['1 ? 2 : 3', "cannot compile: found no matching overload for '_?_:_' applied to '(int, int, int)'"], ['[1, "a"]', "cannot compile: expected type 'int' but found 'string'"], ['if', 'cannot compile: reserved identifier: if'],
  ['1 1', "cannot compile: Syntax error: mismatched input '1' expecting <EOF>"], ['(1', "cannot compile: Syntax error: mismatched input '<EOF>' expecting ')'"], ['1 == 1.0', "cannot compile: found no matching overload for '_==_' applied to '(int, double)'"],
  ['1.foo', "cannot compile: type 'int' does not support field selection"], ['Foo{a: 1}', "cannot compile: undeclared reference to 'Foo' (in container '')"], ['#', "cannot compile: Syntax error: token recognition error at: '#'"],
])

table('names that JavaScript knows are names like others', [
  ['has(object.constructor)', false, { object }], ['has(object.__proto__)', false, { object }], ['{"constructor": 1, "__proto__": 2}.size()', 2], ['{"__proto__": 1}["__proto__"]', 1], ['"toString" in object', false, { object }],
  ['constructor', "cannot compile: undeclared reference to 'constructor' (in container '')"], ['"a".constructor()', "cannot compile: undeclared reference to 'constructor' (in container '')"],
])
