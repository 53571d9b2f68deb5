/** Runs the admission plugins. */
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../admission/plugin.ts'
import { Reinvocation } from '../admission/reinvocation.ts'
import { remainingMs } from '../filters/limit-time.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { bookkeeping } from './bookkeeping.ts'
import { warn } from './warnings.ts'

export const admissionContext = ({ server, exchange }: Pick<ResourceRequest, 'server' | 'exchange'>): AdmissionContext => {
  let rounds: Reinvocation | undefined
  return {
    lookup: server.cache.lookup, resources: server.resources, warn: (message) => warn(exchange, message), get signal() { return exchange.signal },
    remainingMs: () => remainingMs(exchange, server.clock),
    timing: () => {
      const begun = server.clock.monotonic()
      return (labels) => server.counters.pluginTimes.observe(labels, (server.clock.monotonic() - begun) / 1000)
    },
    waited: (seconds) => { exchange.waitedSeconds = (exchange.waitedSeconds ?? 0) + seconds },
    get annotate() { const { audit } = exchange; return audit && ((key: string, value: string) => audit.annotate(key, value)) },
    get books() { return bookkeeping(server) },
    get reinvocation() { return rounds ??= new Reinvocation() },
  }
}

/** Only of plugins that wait for something: what others take is less than measuring it. */
const timed = async (context: AdmissionContext, { plugin, attributes, type }: { plugin: AdmissionPlugin; attributes: AdmissionAttributes; type: 'admit' | 'validate' }, pending: Promise<void>): Promise<void> => {
  if (!context.timing) return pending
  const finish = context.timing()
  const labels = { name: plugin.name, operation: attributes.operation, type }
  try {
    await pending
    finish({ ...labels, rejected: 'false' })
  } catch (error) {
    finish({ ...labels, rejected: 'true' })
    throw error
  }
}

const mutateAll = async (plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes, context: AdmissionContext): Promise<boolean> => {
  let asked = false
  for (const plugin of plugins) {
    if (!plugin.mutate || plugin.handles?.(attributes) === false) continue
    asked = true
    const pending = plugin.mutate(attributes, context)
    if (pending) await timed(context, { plugin, attributes, type: 'admit' }, pending)
  }
  return asked
}

/** Lets every plugin change the object, in order, and once more if one of them asks for that. Whether any was asked. */
export const admitMutations = async (plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes, context: AdmissionContext): Promise<boolean> => {
  const asked = await mutateAll(plugins, attributes, context)
  if (asked && context.reinvocation.requested) {
    context.reinvocation.again = true
    await mutateAll(plugins, attributes, context)
  }
  return asked
}

/** Lets every plugin refuse. */
export const admitValidations = async (plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> => {
  for (const plugin of plugins) {
    if (!plugin.validate || plugin.handles?.(attributes) === false) continue
    const pending = plugin.validate(attributes, context)
    if (pending) await timed(context, { plugin, attributes, type: 'validate' }, pending)
  }
}
