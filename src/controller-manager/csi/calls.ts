/** What all that call drivers share: secrets, turns that fail and come again, and whether a sidecar of the driver's own does the work. */
import { Secrets } from '../../api/kinds.ts'
import type { PersistentVolume } from '../../api/types.ts'
import { volumeCapability } from '../../api/csi-capability.ts'
import type { Client } from '../../client/client.ts'
import { type Action } from '../../client/action.ts'
import type { ControllerService, Site } from './controller-service.ts'

export interface CsiContext {
  client: Client
  service: ControllerService
}

export interface SecretRef { name?: string | undefined; namespace?: string | undefined }

/** The texts of a Secret; none for no reference. */
export const secretTexts = async (client: Client, ref: SecretRef | undefined): Promise<Record<string, string>> => {
  if (!ref?.name || !ref.namespace) return {}
  const { data = {} } = await client.get(Secrets, { namespace: ref.namespace, name: ref.name }).catch((error: Error) => { throw new Error(`error getting secret ${ref.name ?? ''} in namespace ${ref.namespace ?? ''}: ${error.message}`, { cause: error }) })
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

/** Upstream's sidecars begin with a second and end with five minutes. */
export const retries = (): { failed(key: string): Action; worked(key: string): void } => {
  const failures = new Map<string, number>()
  return {
    failed(key) {
      const before = failures.get(key) ?? 0
      failures.set(key, before + 1)
      return { do: 'requeueAfter', milliseconds: Math.min(1_000 * 2 ** before, 300_000) }
    },
    worked: (key) => { failures.delete(key) },
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const tellsApart = ({ capabilities }: Site): boolean => capabilities.includes('SINGLE_NODE_MULTI_WRITER')

export const capabilityOf = ({ spec }: PersistentVolume, site: Site): object => volumeCapability({
  accessModes: spec.accessModes ?? [], block: spec.volumeMode === 'Block', fsType: spec.csi?.fsType ?? '', mountOptions: spec.mountOptions ?? [],
}, { tellsApart: tellsApart(site) })

export const withoutFinalizer = <T extends { metadata: { finalizers?: string[] | undefined } }>(object: T, finalizer: string): T =>
  ({ ...object, metadata: { ...object.metadata, finalizers: (object.metadata.finalizers ?? []).filter((each) => each !== finalizer) } })
export const withFinalizer = <T extends { metadata: { finalizers?: string[] | undefined } }>(object: T, finalizer: string): T =>
  (object.metadata.finalizers?.includes(finalizer) ? object : { ...object, metadata: { ...object.metadata, finalizers: [...(object.metadata.finalizers ?? []), finalizer] } })
