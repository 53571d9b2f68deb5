/** A pod's containers with their processes under them. */
import type { Pod } from '../../src/api/types.ts'
import type { PodProcesses, ProcessFacts } from '../store/processes.ts'
import type { UsageSeries } from '../store/usage.ts'
import { fit } from '../text/fit.ts'
import { bytesText, cpuText, memoryText } from '../text/numbers.ts'
import { sanitize } from '../text/sanitize.ts'
import type { StyleName } from '../theme/palette.ts'
import { type ContainerView, containerViews, stateWords } from './pod-object.ts'

export interface ContainerRow { id: string; container: string; pid?: number; text: string; style: StyleName }

export const containerHeading = `${fit('NAME', 22)} ${fit('RDY', 5)} ${fit('STATE', 22)} ${fit('RST', 4, 'right')} ${fit('CPU', 5, 'right')} ${fit('MEM', 6, 'right')} IMAGE`

const containerRow = ({ container, status, init }: ContainerView, usage: UsageSeries | undefined): ContainerRow => {
  const used = usage?.containers.get(container.name)
  const finished = status?.state?.terminated?.exitCode === 0
  return {
    id: container.name, container: container.name,
    text: `${fit(container.name + (init ? ' (init)' : ''), 22)} ${fit(String(status?.ready ?? false), 5)} ${fit(sanitize(stateWords(status)), 22)} ${fit(String(status?.restartCount ?? 0), 4, 'right')} `
      + `${fit(used ? cpuText(used.cpuNanoCores) : 'n/a', 5, 'right')} ${fit(used ? memoryText(used.memoryBytes) : 'n/a', 6, 'right')} ${sanitize(container.image ?? '')}`,
    style: finished ? 'completed' : status?.state?.running ? (status.ready || init ? 'standard' : 'error') : status?.state?.waiting ? 'pending' : 'error',
  }
}

/** Children under their parents, two cells further in. */
const tree = (processes: readonly ProcessFacts[]): { process: ProcessFacts; depth: number }[] => {
  const pids = new Set(processes.map(({ pid }) => pid))
  const under = (ppid: number | undefined, depth: number): { process: ProcessFacts; depth: number }[] =>
    processes.filter((each) => (ppid === undefined ? !pids.has(each.ppid) : each.ppid === ppid && each.pid !== ppid)).flatMap((process) => [{ process, depth }, ...under(process.pid, depth + 1)])
  return under(undefined, 0)
}

const processText = ({ pid, ppid, state, command, cpuMilliseconds, rssBytes, threads, fds }: ProcessFacts, depth: number): string =>
  `${fit(String(pid), 8, 'right')} ${fit(String(ppid), 8, 'right')} ${state} ${fit(`${(cpuMilliseconds / 1000).toFixed(1)}s`, 8, 'right')} ${fit(bytesText(rssBytes), 6, 'right')} ${fit(String(threads), 3, 'right')} ${fit(String(fds), 4, 'right')} ${'  '.repeat(depth)}${sanitize(command)}`
export const processHeading = `${fit('PID', 8, 'right')} ${fit('PPID', 8, 'right')} S ${fit('CPU', 8, 'right')} ${fit('RSS', 6, 'right')} ${fit('THR', 3, 'right')} ${fit('FDS', 4, 'right')} COMMAND`

/** `processes`: a text when there are none to show. */
export const containerRows = (pod: Pod, { processes, usage }: { processes: PodProcesses | string | undefined; usage: UsageSeries | undefined }): ContainerRow[] => containerViews(pod).flatMap((view) => {
  const own = typeof processes === 'object' ? (processes.containers.find(({ name }) => name === view.container.name)?.processes ?? []) : []
  return [containerRow(view, usage), ...tree(own).map(({ process, depth }): ContainerRow => ({
    id: `${view.container.name}/${process.pid}`, container: view.container.name, pid: process.pid, style: process.state === 'T' || process.state === 'Z' ? 'pending' : 'dim', text: `  ${processText(process, depth)}`,
  }))]
})

export const processLines = (processes: PodProcesses): string[] => processes.containers.flatMap(({ name, processes: own }) => [`${name}:`, ...tree(own).map(({ process, depth }) => processText(process, depth))])
