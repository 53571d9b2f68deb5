import { describe, expect, test } from 'vitest'
import { lines, text } from '../../src/client/watch.ts'

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> { for (const part of parts) yield Buffer.from(part as string) }
const all = async (source: AsyncIterable<string>): Promise<string[]> => { const read: string[] = []; for await (const line of source) read.push(line); return read }

describe('lines', () => {
  for (const [name, given, expected] of [
    ['one a chunk', ['{"a":1}\n', '{"b":2}\n'], ['{"a":1}', '{"b":2}']],
    ['several in a chunk', ['1\n2\n3\n'], ['1', '2', '3']],
    ['one over three chunks', ['{"a"', ':"long', '"}\n1\n'], ['{"a":"long"}', '1']],
    ['a newline alone', ['1', '\n', '2\n'], ['1', '2']],
    ['empty lines', ['\n\n1\n\n'], ['1']],
    ['the last without newline', ['1\n2'], ['1', '2']],
    ['nothing', [], []],
  ] as const) test(name, async () => expect(await all(lines(chunks(...given)))).toEqual(expected))

  test('a character cut in the middle of its bytes', async () => {
    const bytes = Buffer.from('"wherry ⛵"\n')
    expect(await all(lines(chunks(bytes.subarray(0, 10), bytes.subarray(10))))).toEqual(['"wherry ⛵"'])
  })
})

test('text joins chunks', async () => expect(await text(chunks('ab', 'cd'))).toBe('abcd'))
