/** The binding: the pod's `binding` subresource puts it on its node. Mirrors `plugins/defaultbinder`. */
import { Pods } from '../api/kinds.ts'
import type { Client } from '../client/client.ts'
import type { Plugin } from './framework.ts'

export const defaultBinder = (client: Client): Plugin => ({
  name: 'DefaultBinder',
  bind: async ({ pod: { metadata: { name, namespace, uid } } }, node, signal) => {
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target: { apiVersion: 'v1', kind: 'Node', name: node } }
    await client.createSubresource(Pods, { namespace, name }, 'binding', body, { signal })
    return true
  },
})
