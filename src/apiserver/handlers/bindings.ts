/** POST to the bindings of a namespace: the older way to bind a pod, whose name is the Binding's. Mirrors LegacyBindingREST of upstream's `pkg/registry/core/pod/storage`. */
import { kind, Pods } from '../../api/kinds.ts'
import { methodNotAllowed, resourceNotFound } from '../../api/status.ts'
import type { Binding } from '../../api/types.ts'
import type { VirtualResource } from '../extension.ts'
import { bindPod, decodedBinding } from './binding.ts'
import { writeOptions } from './write-options.ts'

export const Bindings = kind<Binding>({ group: '', version: 'v1', kind: 'Binding', plural: 'bindings', verbs: ['create'] })

export const bindings: VirtualResource<Binding> = {
  kind: Bindings,
  async handle(request, server) {
    const { info, exchange } = request
    const pods = server.resources.find(Pods.group, Pods.version, Pods.plural)?.stored
    if (!pods) throw resourceNotFound()
    if (info.namespace === '' || info.parts.length > 1) throw methodNotAllowed()
    const options = writeOptions(exchange, 'CreateOptions')
    const binding = await decodedBinding(request, options)
    await bindPod({ ...request, server, resource: pods, namespace: info.namespace, name: binding.metadata.name, subresource: 'binding' }, binding, options)
  },
}
