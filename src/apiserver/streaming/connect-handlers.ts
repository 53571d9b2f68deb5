/** All subresources that are conversations. */
import type { Clock } from '../../api/clock.ts'
import type { Random } from '../../api/random.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { ConnectHandler } from './connect-handler.ts'
import type { DialGuard } from './dial-guard.ts'
import type { KubeletClient } from './kubelet-access.ts'
import { podAttach, podExec } from './pod-exec.ts'
import { podLog } from './pod-log.ts'
import { podPortForward } from './pod-port-forward.ts'
import { proxies } from './proxy.ts'

export interface ConnectParts { kubelets: KubeletClient; guard: DialGuard; authorizer: Authorizer; clock: Clock; random: Random }

export const connectHandlers = (parts: ConnectParts): readonly ConnectHandler[] => [podLog(parts.kubelets), podExec(parts), podAttach(parts), podPortForward(parts), ...proxies(parts)]
