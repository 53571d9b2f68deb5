import type { Key } from 'ink'
import { describe, expect, test } from 'vitest'
import { keyNames } from '../../ui/keys/key-names.ts'
import { commandFor, keymap } from '../../ui/keys/keymap.ts'

const key = (pressed: Partial<Key> = {}): Key => ({ eventType: 'press', ...pressed }) as Key

describe('keys have names', () => {
  test.each([
    ['a letter', 'j', {}, ['j']], ['held keys arrive glued', 'jjj', {}, ['j', 'j', 'j']], ['typed fast, with enter', 'po\r', {}, ['p', 'o', 'enter']], ['capitals', 'G', { shift: true }, ['G']],
    ['control', 'd', { ctrl: true }, ['^d']], ['control space', ' ', { ctrl: true }, ['^ ']], ['arrows', '', { downArrow: true }, ['down']], ['escape', '', { escape: true }, ['esc']],
    ['tab and back', '', { tab: true, shift: true }, ['backtab']], ['F1, as xterm sends it', 'OP', {}, ['f1']], ['a released key says nothing', 'j', { eventType: 'release' }, []], ['control characters inside a paste', 'a\u0001b', {}, ['a', 'b']],
  ] as const)('%s', (_, input, pressed, expected) => expect(keyNames(input, key(pressed as Partial<Key>))).toEqual(expected))
})

describe('the key map', () => {
  test.each([['table', 'd', 'describe'], ['table', '^d', 'delete'], ['table', 'q', 'leave'], ['table', '0', 'namespace0'], ['logs', '0', 'range0'], ['logs', 's', 'toggleFollow'], ['table', 's', 'shell'], ['text', '/', 'search'], ['table', '/', 'filter'], ['logs', '^c', 'quit']] as const)(
    'in %s, %s is %s', (context, name, command) => expect(commandFor(context, name)).toBe(command))
  test.each(Object.entries(keymap))('no key means two things in %s', (_, bindings) => {
    const keys = bindings.flatMap((binding) => binding.keys)
    expect(keys.filter((name, index) => keys.indexOf(name) !== index)).toEqual([])
  })
})
