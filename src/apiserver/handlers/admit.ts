/** Runs the admission plugins. */
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../admission/plugin.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { warn } from './warnings.ts'

export const admissionContext = ({ server, exchange }: Pick<ResourceRequest, 'server' | 'exchange'>): AdmissionContext => ({
  lookup: server.cache.lookup, warn: (message) => warn(exchange, message), get signal() { return exchange.signal },
})

/** Lets every plugin change the object, in order. Whether any was asked. */
export const admitMutations = async (plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes, context: AdmissionContext): Promise<boolean> => {
  let asked = false
  for (const plugin of plugins) {
    if (!plugin.mutate || plugin.handles?.(attributes) === false) continue
    asked = true
    const pending = plugin.mutate(attributes, context)
    if (pending) await pending
  }
  return asked
}

/** Lets every plugin refuse. */
export const admitValidations = async (plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> => {
  for (const plugin of plugins) {
    if (!plugin.validate || plugin.handles?.(attributes) === false) continue
    const pending = plugin.validate(attributes, context)
    if (pending) await pending
  }
}
