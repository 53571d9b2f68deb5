/** An object told in kubectl describe's style: fields as `Name: value`, lists indented, its events last. Works on any kind. */
import type { Kind } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { fit } from '../text/fit.ts'
import { sanitize } from '../text/sanitize.ts'
import type { EventWords } from './events.ts'

const titled = (name: string): string => name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/^./, (first) => first.toUpperCase())

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isFlat = (value: unknown): boolean => !isRecord(value) && !Array.isArray(value)

const field = (name: string, value: unknown, indent: number): string[] => {
  const pad = '  '.repeat(indent)
  if (isFlat(value)) return [`${pad}${fit(`${titled(name)}:`, Math.max(titled(name).length + 2, 18 - indent * 2))} ${String(value)}`]
  if (Array.isArray(value)) return value.length === 0 ? [] : value.every(isFlat) ? [`${pad}${titled(name)}: ${value.join(' ')}`] : [`${pad}${titled(name)}:`, ...value.flatMap((each, index) => item(each, index, indent + 1))]
  const entries = Object.entries(value as Record<string, unknown>)
  return entries.length === 0 ? [] : [`${pad}${titled(name)}:`, ...entries.flatMap(([key, each]) => field(key, each, indent + 1))]
}

const item = (value: unknown, index: number, indent: number): string[] => {
  const pad = '  '.repeat(indent)
  if (!isRecord(value)) return [`${pad}${String(value)}`]
  const { name, type, ...rest } = value
  const head = name ?? type ?? index
  return [`${pad}${String(head)}:`, ...Object.entries(name === undefined ? rest : { ...(type !== undefined && { type }), ...rest }).flatMap(([key, each]) => field(key, each, indent + 1))]
}

const map = (name: string, entries: Readonly<Record<string, string>> | undefined, separator: string): string[] => {
  const [first, ...more] = Object.entries(entries ?? {}).map(([key, value]) => `${key}${separator}${value}`)
  return [`${fit(`${name}:`, 18)} ${first ?? '<none>'}`, ...more.map((each) => `${' '.repeat(19)}${each}`)]
}

/** Without what kubectl apply keeps there for itself. */
const annotationsOf = (annotations: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== 'kubectl.kubernetes.io/last-applied-configuration'))

/** Conditions as kubectl's table. */
const conditionLines = (conditions: readonly Record<string, unknown>[]): string[] => [
  'Conditions:', `  ${fit('Type', 28)} ${fit('Status', 8)} ${fit('Reason', 24)} Message`,
  ...conditions.map(({ type, status, reason, message }) => `  ${fit(String(type), 28)} ${fit(String(status), 8)} ${fit(String(reason ?? ''), 24)} ${String(message ?? '')}`),
]

/** Values of secrets are never shown, only their sizes. */
const secretLines = (data: Readonly<Record<string, unknown>>): string[] => ['Data:', ...Object.entries(data).map(([key, value]) => `  ${key}: ${Buffer.from(String(value), 'base64').length} bytes`)]

const eventLines = (events: readonly EventWords[]): string[] => events.length === 0 ? ['Events:            <none>'] : [
  'Events:', `  ${fit('Type', 8)} ${fit('Reason', 20)} ${fit('Age', 5)} ${fit('From', 22)} Message`,
  ...events.map(({ type, reason, age, from, message, count }) => `  ${fit(type, 8)} ${fit(reason, 20)} ${fit(age, 5)} ${fit(from, 22)} ${count > 1 ? `(x${count}) ` : ''}${message}`),
]

export const describeLines = (object: KubeObject & Readonly<Record<string, unknown>>, { kind, events }: { kind: Kind; events: readonly EventWords[] }): string[] => {
  const { metadata, apiVersion: _version, kind: _kind, spec, status, data, ...rest } = object
  const { conditions, ...state } = isRecord(status) ? status : {}
  return [
    `${fit('Name:', 18)} ${metadata.name}`, ...(kind.namespaced ? [`${fit('Namespace:', 18)} ${metadata.namespace ?? ''}`] : []),
    ...map('Labels', metadata.labels, '='), ...map('Annotations', annotationsOf(metadata.annotations), ': '), `${fit('Created:', 18)} ${metadata.creationTimestamp}`,
    ...(metadata.deletionTimestamp ? [`${fit('Terminating since:', 18)} ${metadata.deletionTimestamp}`] : []),
    ...(metadata.ownerReferences?.length ? [`${fit('Controlled By:', 18)} ${metadata.ownerReferences.map((owner) => `${owner.kind}/${owner.name}`).join(', ')}`] : []),
    ...Object.entries(isRecord(spec) ? spec : {}).flatMap(([name, value]) => field(name, value, 0)),
    ...Object.entries(rest).flatMap(([name, value]) => field(name, value, 0)),
    ...(isRecord(data) ? (kind.kind === 'Secret' ? secretLines(data) : field('data', data, 0)) : []),
    ...Object.entries(state).flatMap(([name, value]) => field(name, value, 0)),
    ...(Array.isArray(conditions) ? conditionLines(conditions.filter(isRecord)) : []),
    ...eventLines(events),
  ].flatMap((text) => text.split('\n')).map(sanitize)
}
