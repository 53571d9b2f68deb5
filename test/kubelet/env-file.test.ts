import { expect, test } from 'vitest'
import { valueInEnvFile } from '../../agents/kubelet/env-file.ts'

test.each<[string, string, string]>([
  ['a value', "KEY='value'\n", 'value'], ['the first of two', "KEY='one'\nKEY='two'\n", 'one'], ['among others', "A='1'\n\n  # a comment\n\tKEY='value' # and one more\nB='2'", 'value'],
  ['what a shell would change', "KEY='$HOME \\n \"x\" # y'", '$HOME \\n "x" # y'], ['over lines', "KEY='one\n\n  # two\nthree'\n", 'one\n\n  # two\nthree'], ['after one over lines', "A='1\nKEY=2'\nKEY='3'", '3'],
  ['with equals signs', "KEY='a=b'", 'a=b'], ['nothing', "KEY=''", ''], ['a blank before the value', "KEY= 'value'", ''], ['no such key', "A='1'", ''], ['an empty file', '', ''], ['lines of another system', "KEY='value'\r\n", 'value'],
  ['what is wrong behind it', "KEY='value'\nthis is no assignment", 'value'], ['a key like a field of objects', "__proto__='1'\nKEY='2'", '2'],
])('%s', (_, text, value) => { expect(valueInEnvFile(text, 'KEY')).toBe(value) })

test.each<[string, string, string]>([
  ['no assignment', 'A', "invalid environment variable format at line 1: missing '='"], ['no name', "\n='1'", 'invalid environment variable format at line 2: empty variable name'],
  ['a blank before the equals sign', "A ='1'", 'invalid environment variable format at line 1: whitespace in or after the variable name'],
  ['no quotes', 'A=1', 'invalid environment variable format at line 1: value must be enclosed in single quotes'], ['double quotes', 'KEY="1"', 'invalid environment variable format at line 1: value must be enclosed in single quotes'],
  ['something after the quote', "KEY='1'2", 'invalid environment variable format at line 1: unexpected content after closing quote'], ['an open quote', "A='1'\nKEY='2\n3\n", 'invalid environment variable format starting at line 2: unclosed single quote'],
])('%s', (_, text, message) => { expect(() => valueInEnvFile(text, 'KEY')).toThrow(message) })
