import { expect, test } from 'vitest'
import { readAnswer } from '../../agents/kubelet/prober/http-answer.ts'

const head = (...lines: string[]): string => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`
const read = (text: string, ended = false) => readAnswer(Buffer.from(text, 'latin1'), ended)
const ok = (body: string) => ({ status: 200, location: undefined, body })

for (const [name, text, ended, expected] of [
  ['nothing yet', '', false, undefined], ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le', false, undefined],
  ['a length, and half of it', `${head('Content-Length: 4')}ab`, false, undefined], ['a length, and all of it', `${head('Content-Length: 4')}abcd`, false, ok('abcd')], ['more than its length', `${head('Content-Length: 2')}abcd`, false, ok('ab')],
  ['no length: until the end', `${head()}ab`, false, undefined], ['no length, ended', `${head()}ab`, true, ok('ab')],
  ['chunks, and one missing', `${head('Transfer-Encoding: chunked')}2\r\nab\r\n`, false, undefined], ['chunks, half of one', `${head('Transfer-Encoding: chunked')}4\r\nab`, false, undefined],
  ['all chunks', `${head('Transfer-Encoding: chunked')}2\r\nab\r\n3;x=y\r\nc\nd\r\n0\r\n\r\n`, false, ok('abc\nd')],
  ['more body than anybody reads', `${head('Content-Length: 99999')}${'x'.repeat(20_000)}`, false, ok('x'.repeat(10_240))],
  ['more chunks than anybody reads', `${head('Transfer-Encoding: chunked')}${'400\r\n'.concat('y'.repeat(1024), '\r\n').repeat(12)}`, false, ok('y'.repeat(10_240))],
  ['no body by its status', 'HTTP/1.1 204 No Content\r\n\r\n', false, { status: 204, location: undefined, body: '' }],
  ['a word before the answer', `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${head('content-length: 1')}z`, false, ok('z')],
  ['a redirect', 'HTTP/1.0 302 Found\r\nLOCATION: /there\r\ncontent-length: 0\r\n\r\n', false, { status: 302, location: '/there', body: '' }],
  ['bare line ends', 'HTTP/1.1 200 OK\ncontent-length: 1\n\na', false, ok('a')], ['no words of its status', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', false, ok('')],
] as const) {
  test(name, () => { expect(read(text, ended)).toEqual(expected) })
}

for (const [name, text, ended, message] of [
  ['a connection that is closed at once', '', true, /^EOF$/], ['closed within the head', 'HTTP/1.1 200', true, /^unexpected EOF$/], ['closed within the body', `${head('content-length: 4')}ab`, true, /^unexpected EOF$/],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', false, /malformed HTTP response "SSH-2.0-OpenSSH_9.2"$/], ['HTTP of another kind', 'HTTP/2 200 OK\r\n\r\n', false, /malformed HTTP response/], ['a status that is none', 'HTTP/1.1 20 OK\r\n\r\n', false, /malformed/],
  ['a head without an end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`, false, /headers exceeded/], ['a length that is none', head('content-length: -1'), false, /bad Content-Length "-1"/], ['a chunk length that is none', `${head('transfer-encoding: chunked')}no\r\n`, false, /invalid byte in chunk length/],
] as const) {
  test(name, () => { expect(() => read(text, ended)).toThrow(message) })
}

test('a byte at a time it is the same', () => {
  const whole = Buffer.from(`${head('transfer-encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`)
  const answers = Array.from(whole, (_, index) => readAnswer(whole.subarray(0, index + 1), false)).filter((each) => each !== undefined)
  expect(answers[0]).toEqual(ok('hello'))
})
