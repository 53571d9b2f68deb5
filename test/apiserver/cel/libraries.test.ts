/** Kubernetes' libraries, from the words and examples of the documentation (kubernetes.io/docs/reference/using-api/cel, and the comments of k8s.io/apiserver/pkg/cel/library). */
import { describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../src/api/meta.ts'
import { evaluate } from './evaluate.ts'

const table = (title: string, cases: readonly (readonly [expression: string, expected: JsonValue, variables?: JsonObject])[]): void => {
  describe(title, () => test.each(cases.map((each) => ({ expression: each[0], expected: each[1], variables: each[2] ?? {} })))('$expression', ({ expression, expected, variables }) => {
    expect(evaluate(expression, variables)).toEqual(expected)
  }))
}

table('strings', [
  ["'hello'.charAt(4)", 'o'], ["'hello'.charAt(5)", ''], ["'hello'.charAt(6)", 'error: index out of range: 6'], ["'h😀llo'.charAt(1)", '😀'],
  ["'hello mellow'.indexOf('')", 0], ["'hello mellow'.indexOf('ello')", 1], ["'hello mellow'.indexOf('jello')", -1], ["'hello mellow'.indexOf('', 2)", 2], ["'hello mellow'.indexOf('ello', 2)", 7], ["'hello mellow'.indexOf('ello', 20)", 'error: index out of range: 20'], ["'😀a'.indexOf('a')", 1],
  ["'hello mellow'.lastIndexOf('')", 12], ["'hello mellow'.lastIndexOf('ello')", 7], ["'hello mellow'.lastIndexOf('ello', 6)", 1], ["'hello mellow'.lastIndexOf('jello')", -1],
  ["'TacoCat'.lowerAscii()", 'tacocat'], ["'TacoCÆt Xii'.lowerAscii()", 'tacocÆt xii'], ["'TacoCat'.upperAscii()", 'TACOCAT'],
  ["'hello hello'.replace('he', 'we')", 'wello wello'], ["'hello hello'.replace('he', 'we', -1)", 'wello wello'], ["'hello hello'.replace('he', 'we', 1)", 'wello hello'], ["'hello hello'.replace('he', 'we', 0)", 'hello hello'], ["'ab'.replace('', '-')", '-a-b-'], ["'ab'.replace('', '-', 2)", '-a-b'],
  ["'hello hello hello'.split(' ')", ['hello', 'hello', 'hello']], ["'hello hello hello'.split(' ', 0)", []], ["'hello hello hello'.split(' ', 1)", ['hello hello hello']], ["'hello hello hello'.split(' ', 2)", ['hello', 'hello hello']], ["'abc'.split('')", ['a', 'b', 'c']],
  ["'tacocat'.substring(4)", 'cat'], ["'tacocat'.substring(0, 4)", 'taco'], ["'tacocat'.substring(-1)", 'error: index out of range: -1'], ["'tacocat'.substring(2, 1)", 'error: invalid substring range. start: 2, end: 1'],
  ["'  \\ttrim\\n    '.trim()", 'trim'], ["['hello', 'mellow'].join()", 'hellomellow'], ["['hello', 'mellow'].join(' ')", 'hello mellow'], ["[].join('/')", ''], ["['a', x].join()", 'error: no such overload', { x: 1 }],
  ["strings.quote('single-quote with \"double quote\"')", '"single-quote with \\"double quote\\""'], ["'a'.reverse()", "cannot compile: undeclared reference to 'reverse' (in container '')"],
  ["'abc'.startsWith('ab') && 'abc'.endsWith('bc') && 'abc'.contains('b')", true],
])

table('format', [
  ["'this is a string: %s and an integer: %d'.format([dyn('str'), dyn(42)])", 'this is a string: str and an integer: 42'], ["'%s %d'.format(['str', 42])", "cannot compile: expected type 'string' but found 'int'"], ["'%s'.format([['a', 1, 1.5, null, {'k': dyn(true)}]])", "cannot compile: expected type 'string' but found 'int'"],
  ["'%s %s %s'.format([dyn([1, 2]), dyn({'b': 1, 'a': 2}), dyn(null)])", '[1, 2] {a: 2, b: 1} null'], ["'%.2f %e %x %X %o %b %%'.format([dyn(1.5), 1234.5, 255, 255, 8, 5])", '1.50 1.234500e+03 ff FF 10 101 %'], ["'%x'.format(['hi'])", '6869'],
  ["'%d'.format(['a'])", 'error: error during formatting: decimal clause can only be used on integers, was given string'], ["'%s'.format([])", 'error: index 0 out of range'], ["'%s'.format([duration('1h')])", '3600s'], ["'%s'.format([type(1)])", 'int'],
])

table('lists', [
  ['[1, 2, 3].isSorted()', true], ['[1, 3, 2].isSorted()', false], ["['a', 'b'].isSorted()", true], ['[].isSorted()', true], ['[1, 3].sum()', 4], ['[1.0, 3.0].sum()', 4], ['[].sum()', 0], ["dyn(['a']).sum()", 'error: no such overload'], ["[duration('1m'), duration('1s')].sum() == duration('61s')", true],
  ['[1, 3].min()', 1], ['[1, 3].max()', 3], ['[].min()', 'error: min called on empty list'], ["['b', 'a'].max()", 'b'], ['[1, 2, 2, 3].indexOf(2)', 1], ["['a', 'b', 'b', 'c'].lastIndexOf('b')", 2], ['[1].indexOf(9)', -1],
  ['sets.contains([1, 2, 3, 4], [2, 3])', true], ['sets.contains([], [1])', false], ['sets.equivalent([1, 1], [1])', true], ['sets.equivalent([1], [2])', false], ['sets.intersects([1], [1, 2])', true], ['sets.intersects([1], [])', false],
])

table('regular expressions', [
  ['"abc 123".find("[0-9]*")', ''], ['"abc 123".find("[0-9]+")', '123'], ['"abc 123".find("xyz")', ''], ['"123 abc 456".findAll("[0-9]+")', ['123', '456']], ['"123 abc 456".findAll("[0-9]+", 1)', ['123']], ['"a".findAll("b")', []],
  ['"foobar".matches("foo.*")', true], ['"xfoo".matches("^foo")', false], ['matches("foobar", "o{2}")', true], ['x.matches("(")', 'cannot compile: invalid matches argument'], ['"a".matches(x)', 'error: error parsing regexp: missing closing ): `(`', { x: '(' }], ['"é".matches("^\\\\p{L}$")', true], ['"a".matches("(?=a)")', 'cannot compile: invalid matches argument'],
])

table('URLs', [
  ["url('https://example.com:80/').getHost()", 'example.com:80'], ["url('https://example.com/path with spaces/').getEscapedPath()", '/path%20with%20spaces/'], ["isURL('https://user:pass@example.com:80/path?query=val#fragment')", true], ["isURL('/absolute-path')", true], ["isURL('https://a:b:c/')", false],
  ["isURL('../relative-path')", false], ["isURL('')", false], ["url('https://user:pass@example.com:80/').getHostname()", 'example.com'], ["url('/path').getHostname()", ''], ["url('https://[2001:db8::1]:80/').getHostname()", '2001:db8::1'], ["url('https://example.com:80/').getPort()", '80'], ["url('https://example.com/').getPort()", ''],
  ["url('https://example.com/path?k1=a&k2=b&k2=c').getQuery()", { k1: ['a'], k2: ['b', 'c'] }], ["url('/path').getScheme()", ''], ["url('HTTPS://example.com').getScheme()", 'https'], ["url('../relative')", 'error: URL parse error during conversion from string: parse "../relative": invalid URI for request'],
])

table('addresses', [
  ["type(ip('::1')) == net.IP && type(cidr('::/0')) != net.IP", true], ["isIP('127.0.0.1') && isIP('::1') && !isIP('127.0.0.256') && !isIP('not-an-ip') && !isIP('010.0.0.1')", true], ["ip('127.0.0.1') == ip('127.0.0.1')", true], ["ip('192.168.0.1').family()", 4], ["ip('::1').family()", 6], ["ip.isCanonical('127.0.0.1') && !ip.isCanonical('2001:DB8::abcd')", true],
  ["ip('0.0.0.0').isUnspecified() && ip('127.0.0.1').isLoopback() && ip('224.0.0.1').isLinkLocalMulticast() && ip('169.254.169.254').isLinkLocalUnicast() && ip('192.168.0.1').isGlobalUnicast()", true], ["ip('fe80::1').isGlobalUnicast()", false], ["string(ip('2001:DB8:0:0::1'))", '2001:db8::1'],
  ["ip('nope')", 'error: IP Address "nope" parse error during conversion from string: unable to parse IP'], ["isCIDR('192.168.0.0/24') && isCIDR('::1/128') && !isCIDR('192.168.0.0/33') && !isCIDR('192.168.0.0')", true], ["cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))", true], ["cidr('192.168.0.0/24').containsIP('192.168.1.1')", false],
  ["cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24'))", true], ["cidr('192.168.1.0/24').containsCIDR('192.168.2.0/24')", false], ["string(cidr('192.168.0.1/24').ip())", '192.168.0.1'], ["cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')", true], ["cidr('192.168.0.0/24').prefixLength()", 24],
])

table('quantities', [
  ["isQuantity('1.3Gi') && isQuantity('10,3') == false && isQuantity('10k')", true], ["quantity('1.5G').isInteger() && quantity('5m').isInteger() == false", true], ["quantity('50k').asInteger()", 50_000], ["quantity('9.9').asInteger()", 'error: cannot convert value to integer'], ["quantity('50.703k').asApproximateFloat()", 50_703],
  ["quantity('1Mi').compareTo(quantity('1048576'))", 0], ["quantity('50k').add(quantity('20')) == quantity('50020')", true], ["quantity('50k').add(20).sub(20) == quantity('50k')", true], ["quantity('100M').isGreaterThan(quantity('50Mi'))", true], ["quantity('50M').isLessThan(quantity('100M'))", true], ["quantity('-1').sign()", -1], ["quantity('x')", "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
])

table('named formats', [
  ["format.dns1123Label().validate('my-label-name').hasValue()", false], ["format.dns1123Subdomain().validate('apiextensions.k8s.io').hasValue()", false], ["format.dns1123Label().validate('contains a space').value().size() > 0", true], ["format.named('dns1123Label').hasValue() && !format.named('none').hasValue()", true],
  ["format.dns1123LabelPrefix().validate('my-label-prefix-').hasValue()", false], ["format.qualifiedName().validate('apiextensions.k8s.io/v1beta1').hasValue()", false], ["format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()", false], ["format.uuid().validate('x').value()", ['does not match the UUID format']],
  ["format.byte().validate('aGVsbG8=').hasValue() || format.date().validate('2021-01-01').hasValue() || format.datetime().validate('2021-01-01T00:00:00Z').hasValue() || format.uri().validate('http://example.com').hasValue()", false], ["format.date().validate('2021-02-30').value()", ['invalid date']],
])

const digest = `sha256:${'6aefddb645ee6963'.repeat(4)}`
table('images', [
  ["isImage('registry.k8s.io/kube-apiserver-arm64:latest') && isImage('nginx') && !isImage('registry.k8s.io//kube-apiserver-arm64') && !isImage('UPPER') && !isImage('a:b c')", true],
  [`isImage('registry.k8s.io/kube-apiserver-arm64@${digest}') && isImage('registry.k8s.io/kube-apiserver-arm64:latest@${digest}') && !isImage('nginx@sha256:12')`, true],
  ["image('kube-apiserver-arm64:testtag').registry()", 'index.docker.io'], ["image('registry.k8s.io/kube-apiserver-arm64').registry()", 'registry.k8s.io'], ["image('localhost:5000/a/b:1').registry()", 'localhost:5000'], ["image('registry.k8s.io/kube-apiserver-arm64').repository()", 'kube-apiserver-arm64'],
  ["image('nginx').repository()", 'library/nginx'], ["image('registry.k8s.io/kube-apiserver-arm64').tag()", 'latest'], ["image('registry.k8s.io/kube-apiserver-arm64:testtag').identifier()", 'testtag'], [`image('registry.k8s.io/x1:latest@${digest}').digest()`, digest],
  [`image('registry.k8s.io/x1:latest@${digest}').containsDigest() && !image('registry.k8s.io/x1:latest').containsDigest()`, true], ["image('registry.k8s.io//x').tag()", 'error: could not parse reference: registry.k8s.io//x'],
])

table('semantic versions', [
  ["isSemver('1.0.0') && !isSemver('v1.0') && isSemver('v1.0', true) && !isSemver('hello')", true], ["semver('v01.01', true) == semver('1.1.0')", true], ["semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-alpha.1').isLessThan(semver('1.0.0')) && semver('1.0.0-2').isLessThan(semver('1.0.0-10'))", true],
  ["semver('1.2.3').compareTo(semver('1.2.3+build'))", 0], ["[semver('1.2.3').major(), semver('1.2.3').minor(), semver('1.2.3').patch()]", [1, 2, 3]], ["semver('1.0')", 'error: Semver parse error during conversion from string: "1.0" is not a semantic version'],
])
