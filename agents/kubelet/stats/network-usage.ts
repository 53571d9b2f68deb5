/** What has gone over the interfaces of a network namespace: /proc/<pid>/net/dev. Pure but for the reading. */
import { readFile } from 'node:fs/promises'
import type { JsonObject } from '../../../src/api/meta.ts'

/** The Summary API shows the first four counters, cadvisor's metrics all. */
export interface InterfaceUsage { name: string; rxBytes: number; rxErrors: number; txBytes: number; txErrors: number; rxPackets: number; rxDropped: number; txPackets: number; txDropped: number }

/** All but the loopback. */
export const parseInterfaces = (text: string): InterfaceUsage[] => text.split('\n').flatMap((line) => {
  const [, name, rest] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? []
  const columns = rest?.trim().split(/\s+/).map(Number) ?? []
  if (name === undefined || name === 'lo' || columns.length < 12) return []
  return [{ name, rxBytes: columns[0] ?? 0, rxErrors: columns[2] ?? 0, txBytes: columns[8] ?? 0, txErrors: columns[10] ?? 0, rxPackets: columns[1] ?? 0, rxDropped: columns[3] ?? 0, txPackets: columns[9] ?? 0, txDropped: columns[11] ?? 0 }]
})

/** Of the network that a process is in; undefined: it has ended. */
export const readInterfaces = (pid: number): Promise<InterfaceUsage[] | undefined> => readFile(`/proc/${pid}/net/dev`, 'utf8').then(parseInterfaces, () => undefined)

/** As the Summary API shows it: the first interface, as cadvisor eth0 if there is one, stands for all. */
export const networkStats = (time: string, interfaces: readonly InterfaceUsage[]): JsonObject => {
  const shown = interfaces.find(({ name }) => name === 'eth0') ?? interfaces[0]
  const summed = ({ name, rxBytes, rxErrors, txBytes, txErrors }: InterfaceUsage): JsonObject => ({ name, rxBytes, rxErrors, txBytes, txErrors })
  return { time, ...(shown ? summed(shown) : { name: '' }), interfaces: interfaces.map(summed) }
}
