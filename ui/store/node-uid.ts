/** How a node calls a pod: by its uid, but a static pod by the hash of its manifest, since what the API server shows of it is only a mirror with a uid of its own. */
import type { KubeObject } from '../../src/api/meta.ts'

export const nodeUidOf = ({ metadata }: KubeObject): string => (metadata.annotations?.['kubernetes.io/config.mirror'] && metadata.annotations['kubernetes.io/config.hash']) || metadata.uid
