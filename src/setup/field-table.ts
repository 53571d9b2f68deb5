/**
 * The README's table of a pod's fields, from src/api/pod-field-support.ts: `node src/setup/field-table.ts` writes it between its two comments; a test fails when it differs.
 * Types are folded: a field is told where its own type does not say more.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Refusal, refusals, refusedWith, supportedFields } from '../api/pod-field-support.ts'

export const tableStart = '<!-- fields: written by src/setup/field-table.ts -->'
export const tableEnd = '<!-- /fields -->'

const how = ({ verdict, reason, why }: Refusal): string => {
  switch (verdict) {
    case 'waits': return `refused by the kubelet: the pod waits, event \`${reason}\` (${why})`
    case 'rejected': return `refused by the kubelet: the pod is Failed, \`${reason}\` (${why})`
    case 'api': return `refused by the API server, 422 (${why})`
    case 'forbidden': return `refused by the API server, 422, as upstream (${why})`
    case 'none': return `accepted with a warning, no effect (${why})`
  }
}

/** A row for the fields of a type that share their fate. */
const rowsOf = (type: string): string[] => {
  const own = Object.entries(refusals).filter(([row]) => row.startsWith(`${type}.`)).map(([row, refusal]) => ({ field: row.slice(type.length + 1), refusal }))
  const fates = new Map<string, string[]>()
  for (const { field, refusal } of own) {
    const fate = `${refusal.only ? `supported; ${refusal.only.what}: ` : ''}${how(refusal)}`
    fates.set(fate, [...(fates.get(fate) ?? []), field])
  }
  const partly = new Set(own.map(({ field }) => field))
  const whole = (supportedFields[type] ?? '').split(' ').filter((field) => field && !partly.has(field))
  return [
    ...(whole.length > 0 ? [`| ${type} | ${whole.join(', ')} | supported |`] : []),
    ...[...fates].map(([fate, fields]) => `| ${type} | ${fields.join(', ')} | ${fate} |`),
  ]
}

/** The volumes that no plugin mounts differ in their names only. */
const sameWords = (rows: readonly string[]): string[] => {
  const plugin = /^\| Volume \| (\w+) \| (.*)\(no volume plugin for \w+\) \|$/
  const plugins = rows.filter((row) => plugin.test(row))
  const [, , words = ''] = plugin.exec(plugins[0] ?? '') ?? []
  return [...rows.filter((row) => !plugin.test(row)), `| Volume | ${plugins.map((row) => plugin.exec(row)?.[1] ?? '').join(', ')} | ${words}(no volume plugin) |`]
}

export const fieldTable = (): string => {
  const types = Object.keys(supportedFields)
  return [
    '| type | fields | what becomes of them |', '|---|---|---|',
    ...types.flatMap((type) => (type === 'Volume' ? sameWords(rowsOf(type)) : rowsOf(type))),
    ...Object.entries(refusedWith).map(([type, row]) => `| ${type} | all | as ${row} |`),
  ].join('\n')
}

/** The text with the table of today; throws where the comments are missing. */
export const withFieldTable = (readme: string): string => {
  const [start, end] = [readme.indexOf(tableStart), readme.indexOf(tableEnd)]
  if (start < 0 || end < start) throw new Error(`README.md lacks the comments ${tableStart} and ${tableEnd}`)
  return `${readme.slice(0, start + tableStart.length)}\n\n${fieldTable()}\n\n${readme.slice(end)}`
}

if (process.argv[1] === import.meta.filename) {
  const file = path.resolve(import.meta.dirname, '../../README.md')
  writeFileSync(file, withFieldTable(readFileSync(file, 'utf8')))
}
