/** Fields of pods behind gates of upstream that are off: refused by name, never dropped silently. What the nodes cannot honour is accepted, as upstream, with a warning: see pod-warnings.ts. */
import { refusedFields } from '../../../api/refused-fields.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PodSpec } from '../../../api/types.ts'

export const unsupportedInPodSpec = (path: string, spec: PodSpec): FieldError[] =>
  refusedFields(spec).filter(({ verdict }) => verdict === 'api').map(({ path: at, why }) => fieldError.forbidden(`${path}.${at}`, `not supported: ${why}`))
