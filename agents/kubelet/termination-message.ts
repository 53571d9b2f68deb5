/** What a container says about its own end: the runtime reads the file that it wrote; where it wrote none, failed and wants it, the end of its log. Mirrors kuberuntime's getTerminationMessage. */
import type { Container } from '../../src/api/types.ts'
import { logTail } from './container-log.ts'
import type { ContainerState } from './runtime/runtime.ts'

const maxLogBytes = 2048
const maxLogLines = 80

export const messageFromLog = async (container: Container, state: ContainerState): Promise<string> =>
  (container.terminationMessagePolicy === 'FallbackToLogsOnError' && state.exitCode !== 0 ? logTail(state.logPath, { lines: maxLogLines, bytes: maxLogBytes }) : '')
