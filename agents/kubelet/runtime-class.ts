/** Which runtime a pod's RuntimeClass asks for. Mirrors pkg/kubelet/runtimeclass/runtimeclass_manager.go; the refusal has the words of upstream's container runtimes. */
import { RuntimeClasses } from '../../src/api/kinds.ts'
import { isNotFound } from '../../src/api/status.ts'
import type { Pod } from '../../src/api/types.ts'
import type { Client } from '../../src/client/client.ts'

/** There is one runtime: host processes. A class names it like this, or leaves the choice to the node. */
export const runtimeHandler = 'wherry'

/** Resolves where this node can run the pod. Throws what its sandbox then fails with: the class is not there, or its handler is not. `client` undefined: no API server, so no classes. */
export const checkRuntimeClass = async (client: Client | undefined, { spec: { runtimeClassName } }: Pod, signal: AbortSignal): Promise<void> => {
  if (!runtimeClassName) return
  const runtimeClass = await client?.get(RuntimeClasses, { name: runtimeClassName }, { signal }).catch((error: unknown) => { if (isNotFound(error)) return undefined; throw error })
  if (!runtimeClass) throw new Error(`runtimeclass.node.k8s.io ${JSON.stringify(runtimeClassName)} not found`)
  if (runtimeClass.handler !== runtimeHandler) throw new Error(`failed to get sandbox runtime: no runtime for ${JSON.stringify(runtimeClass.handler)} is configured`)
}
