import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { fit, spread, truncate, wrapText, wrapWords } from '../../ui/text/fit.ts'
import { bar, bytesText, durationText, shortAge, trend } from '../../ui/text/numbers.ts'
import { sanitize, widthOf } from '../../ui/text/sanitize.ts'

describe('what others wrote', () => {
  test.each([
    ['plain text stays', 'GET /healthz 200', 'GET /healthz 200'],
    ['colours go', '\u001b[31mred\u001b[0m', 'red'],
    ['cursor movements go', 'a\u001b[2J\u001b[10;5Hb', 'ab'],
    ['a title set by OSC goes with its text', '\u001b]0;owned\u0007name', 'name'],
    ['a hyperlink leaves its words', '\u001b]8;;http://evil\u001b\\words\u001b]8;;\u001b\\', 'words'],
    ['an OSC that never ends eats the rest', 'x\u001b]52;c;AAAA', 'x'],
    ['one-byte CSI goes', 'a\u009b31mb', 'ab'],
    ['a device control string goes', '\u001bPq#0\u001b\\ok', 'ok'],
    ['a lone escape goes with what it introduces', 'a\u001bcb', 'ab'],
    ['controls go, tabs and line ends are spaces', 'a\u0000\u0008b\tc\r\nd', 'ab c  d'],
    ['direction marks go', 'abc\u202Etxt.exe\u202C', 'abctxt.exe'],
    ['joiners and marks without width go', 'a\u200Bb\u0301c\uFE0F', 'abc'],
    ['emoji have no agreed width', 'ok 👍🏽', 'ok ??'],
    ['Latin, Greek, Cyrillic and CJK stay', 'é λ ж 日本', 'é λ ж 日本'],
  ])('%s', (_, given, expected) => expect(sanitize(given)).toBe(expected))

  test('nothing that could move the cursor is ever left', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      const safe = sanitize(text)
      // eslint-disable-next-line no-control-regex
      expect(safe).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/)
      expect(sanitize(safe)).toBe(safe)
    }))
  })
})

describe('widths are exact', () => {
  test.each([
    ['short', 'ab', 4, 'ab  '], ['exact', 'abcd', 4, 'abcd'], ['cut', 'abcdef', 4, 'abc~'], ['wide characters', '日本語', 4, '日~ '], ['none', 'abc', 0, ''],
  ] as const)('%s', (_, text, width, expected) => expect(fit(text, width)).toBe(expected))
  test.each([
    ['what fits', '  ab cd', 7, ['  ab cd']], ['between words', 'one two three', 8, ['one two', '  three']], ['further in than its beginning', '  Message: one two', 14, ['  Message: one', '    two']],
    ['a word that is too long', 'a 0123456789', 8, ['a 012345', '  6789']], ['wide characters', '日本語 ab', 6, ['日本語', '  ab']],
  ] as const)('words, %s', (_, text, width, expected) => expect(wrapWords(text, width)).toEqual(expected))
  test('to the right', () => expect(fit('7', 3, 'right')).toBe('  7'))
  test('any text in any width', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 40 }), (text, width) => {
      const safe = sanitize(text)
      expect(widthOf(fit(safe, width))).toBe(width)
      expect(widthOf(truncate(safe, width))).toBeLessThanOrEqual(width)
      if (width > 1) expect(wrapText(safe, width).join('')).toBe(safe)
      if (width > 3) {
        expect(wrapWords(safe, width).every((piece) => widthOf(piece) <= width)).toBe(true)
        expect(wrapWords(safe, width).join('').replaceAll(' ', '')).toBe(safe.replaceAll(' ', ''))
      }
    }))
  })
  test.each([['both fit', 'ab', 'cd', 6, 'ab  cd'], ['the right one gives way', 'abcd', 'efg', 6, 'abcd  ']] as const)('%s', (_, left, right, width, expected) => expect(spread(left, right, width)).toBe(expected))
})

describe('numbers', () => {
  test.each([[412.4, '412ms'], [1240, '1.24s'], [38_100, '38.1s'], [125_000, '2m5s'], [120_000, '2m']] as const)('%d ms is %s', (milliseconds, expected) => expect(durationText(milliseconds)).toBe(expected))
  test.each([[-5, '0s'], [119_000, '119s'], [840_000, '14m'], [10_800_000, '3h'], [3 * 86_400_000, '3d']] as const)('an age of %d ms is %s', (milliseconds, expected) => expect(shortAge(milliseconds)).toBe(expected))
  test.each([[0, '0'], [2 ** 20, '1.0M'], [15.6 * 2 ** 30, '16G']] as const)('%d bytes are %s', (bytes, expected) => expect(bytesText(bytes)).toBe(expected))
  test('a bar', () => expect([bar(0, 4), bar(0.5, 4), bar(7, 4)]).toEqual(['[....]', '[##..]', '[####]']))
  test.each([['rising', [0, 25e6, 50e6, 75e6, 100e6], '_.-=#'], ['at rest below five milli-cores', [1e5, 1e5], '   __'], ['peaks of many samples stay', [0, 1e8, 0, 0, 0, 0, 0, 0, 0, 0], '#____']] as const)('%s', (_, values, expected) => expect(trend(values, 5)).toBe(expected))
})
