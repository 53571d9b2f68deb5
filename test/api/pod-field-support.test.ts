/** The table of a pod's fields against the schema, the code and the README. What the kubelet does with the refused ones: test/kubelet/unsupported.test.ts. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { refusals, refusedWith, supportedFields } from '../../src/api/pod-field-support.ts'
import { type FieldType, typeSchema } from '../../src/api/schema.ts'
import { fieldTable, tableEnd, tableStart, withFieldTable } from '../../src/setup/field-table.ts'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

/** Objects of other kinds that stand in a pod: not the pod's fields. */
const foreign = ['ObjectMeta', 'PersistentVolumeClaimSpec']

const inner = (type: FieldType): string | undefined => (type.kind === 'ref' ? type.name : type.kind === 'array' ? inner(type.items) : type.kind === 'map' ? inner(type.values) : undefined)

/** Type → its fields, of everything that a pod's spec can hold. */
const schema = new Map<string, string[]>()
const collect = (type: string): void => {
  if (schema.has(type) || foreign.includes(type)) return
  const fields = [...typeSchema(type).fields.values()]
  schema.set(type, fields.map(({ name }) => name))
  for (const field of fields) { const name = inner(field.type); if (name !== undefined) collect(name) }
}
collect('PodSpec')

const rows = new Set([...Object.entries(supportedFields).flatMap(([type, fields]) => fields.split(' ').map((field) => `${type}.${field}`)), ...Object.keys(refusals)])
const fields = [...schema].filter(([type]) => !Object.hasOwn(refusedWith, type)).flatMap(([type, names]) => names.map((name) => `${type}.${name}`))

describe('against the schema', () => {
  test('every field has a row', () => expect(fields.filter((field) => !rows.has(field))).toEqual([]))
  test('every row has a field', () => expect([...rows].filter((row) => !fields.includes(row))).toEqual([]))
  test('every type is there, and refused as a whole only by a row that refuses', () => {
    expect(Object.keys(refusedWith).filter((type) => !schema.has(type) || Object.hasOwn(supportedFields, type))).toEqual([])
    expect(Object.values(refusedWith).filter((row) => refusals[row] === undefined || refusals[row].only !== undefined)).toEqual([])
  })
  test('a type that is refused as a whole stands nowhere but in fields that are refused', () => {
    const open = [...schema].filter(([type]) => !Object.hasOwn(refusedWith, type)).flatMap(([type]) => [...typeSchema(type).fields.values()].filter((field) => {
      const name = inner(field.type)
      const row = refusals[`${type}.${field.name}`]
      return name !== undefined && Object.hasOwn(refusedWith, name) && (row === undefined || row.only !== undefined)
    }).map(({ name }) => `${type}.${name}`))
    expect(open).toEqual([])
  })
  test('a field is supported or refused, or refused for some of its values', () => {
    const both = Object.keys(refusals).filter((row) => { const [type = '', field = ''] = row.split('.'); return (supportedFields[type] ?? '').split(' ').includes(field) !== (refusals[row]?.only !== undefined) })
    expect(both).toEqual([])
  })
})

test('what is supported is acted upon: the code of agents, scheduler, controllers or admission names it', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'agents', 'src/scheduler', 'src/controller-manager', 'src/apiserver/admission', 'src/api'], { cwd: root, encoding: 'utf8' })
    .split('\n').filter((file) => /\.(ts|mjs)$/.test(file) && !/generated|src\/api\/(facts|types|protobuf-fields|pod-field-support|go-types|schema)\.ts$/.test(file))
  const words = new Set(files.flatMap((file) => read(file).match(/\b[A-Za-z]\w+/g) ?? []))
  // A version says how a path is read, and there is one.
  const known = ['ObjectFieldSelector.apiVersion']
  const unnamed = Object.entries(supportedFields).flatMap(([type, names]) => names.split(' ').filter((name) => !words.has(name)).map((name) => `${type}.${name}`))
  expect(unnamed.filter((field) => !known.includes(field))).toEqual([])
})

test('the README has this table (node src/setup/field-table.ts writes it)', () => {
  const readme = read('README.md')
  expect(withFieldTable(readme)).toBe(readme)
  expect(readme.slice(readme.indexOf(tableStart), readme.indexOf(tableEnd))).toContain(fieldTable())
  expect(fieldTable()).toContain('| Volume | configMap,')
})

test('a README without the comments is no place for it', () => expect(() => withFieldTable('# Wherry')).toThrow(/lacks the comments/))
