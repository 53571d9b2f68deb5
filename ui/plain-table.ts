/** Where nobody watches (a pipe, a log): one table of pods as kubectl prints it. */
import { Pods, resourcePath } from '../src/api/kinds.ts'
import type { Client } from '../src/client/client.ts'
import { failureOf } from '../src/client/failure.ts'
import type { ApiRequest } from '../src/client/transport.ts'
import { text } from '../src/client/watch.ts'
import { readTable, type WireTable } from './store/table-row.ts'
import { fit } from './text/fit.ts'
import { sanitize } from './text/sanitize.ts'

const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1,application/json'

/** Throws the server's Status, or a ConnectionError. */
export const podsTable = async (client: Client, namespace: string | undefined, signal: AbortSignal): Promise<string> => {
  const request: ApiRequest = { method: 'GET', path: resourcePath(Pods, { namespace }), headers: { accept } }
  const response = await client.raw(request, signal)
  const body = await text(response.body)
  if (response.status >= 400) throw failureOf(request, response, body)
  const { columns = [], rows } = readTable(JSON.parse(body) as WireTable)
  const shown = columns.flatMap(({ name, priority }, index) => (priority === 0 ? [{ name, index }] : []))
  const cells = [['NAMESPACE', ...shown.map(({ name }) => name.toUpperCase())], ...rows.map((row) => [row.namespace, ...shown.map(({ index }) => sanitize(String(row.cells[index] ?? '')))])]
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((each) => (each[column] ?? '').length))) ?? []
  return `${cells.map((each) => each.map((cell, column) => fit(cell, widths[column] ?? 0)).join('   ').trimEnd()).join('\n')}\n`
}
