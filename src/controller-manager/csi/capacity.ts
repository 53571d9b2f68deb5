/** How much room a driver has for which class and where, for the scheduler. Does what external-provisioner does with --enable-capacity, for drivers that come without one. */
import { createHash } from 'node:crypto'
import { CSIDrivers, CSINodes, CSIStorageCapacities, Nodes, PersistentVolumes, StorageClasses } from '../../api/kinds.ts'
import { deepEqual } from '../../api/equal.ts'
import type { Draft } from '../../api/meta.ts'
import { formatQuantity, quantityOf } from '../../api/quantity.ts'
import { isAlreadyExists } from '../../api/status.ts'
import type { CSIStorageCapacity, StorageClass } from '../../api/types.ts'
import { type Action, create, remove, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import type { CsiContext } from './calls.ts'
import { segmentsOf, type Site, sitesOf } from './controller-service.ts'

const namespace = 'kube-system'
const labelsOf = (driver: string): Record<string, string> => ({ 'csi.storage.k8s.io/drivername': driver, 'csi.storage.k8s.io/managed-by': 'external-provisioner' })
/** Upstream's --capacity-poll-interval. */
const pollMilliseconds = 60_000

type Segments = Readonly<Record<string, string>>
export interface Question { name: string; storageClass: StorageClass; segments: Segments; site: Site }

/** Every place that the driver tells apart; all nodes are one for a driver that tells none apart. */
const placesOf = (driver: string, sites: readonly Site[], world: World): Segments[] => {
  if (!sites.some(({ capabilities }) => capabilities.includes('VOLUME_ACCESSIBILITY_CONSTRAINTS'))) return [{}]
  const places = new Map<string, Segments>()
  for (const { metadata } of world.list(CSINodes)) {
    const segments = segmentsOf(driver, metadata.name, world)
    if (segments) places.set(JSON.stringify(segments), segments)
  }
  return [...places.values()]
}

/** What is to be asked of a driver, by class and place; nothing of one that its CSIDriver does not say it of. */
export const questionsOf = (driver: string, world: World): Question[] => {
  const sites = sitesOf(driver, world).filter(({ capabilities }) => capabilities.includes('GET_CAPACITY'))
  if (sites.length === 0 || !world.get(CSIDrivers, driver)?.spec.storageCapacity) return []
  const places = placesOf(driver, sites, world)
  return world.list(StorageClasses).filter(({ provisioner }) => provisioner === driver).flatMap((storageClass) => places.flatMap((segments) => {
    const site = sites.find(({ node }) => deepEqual(segmentsOf(driver, node, world) ?? {}, segments)) ?? sites[0]
    const name = `csisc-${createHash('sha256').update(JSON.stringify([driver, storageClass.metadata.name, Object.entries(segments).sort()])).digest('hex').slice(0, 16)}`
    return site ? [{ name, storageClass, segments, site }] : []
  }))
}

export const csiCapacities = ({ service }: CsiContext): Reconciler => {
  const answered = async ({ name, storageClass, segments, site }: Question): Promise<Draft<CSIStorageCapacity>> => {
    const parameters = Object.fromEntries(Object.entries(storageClass.parameters ?? {}).filter(([key]) => !key.startsWith('csi.storage.k8s.io/')))
    const { available_capacity: bytes } = await service.call<{ available_capacity: string }>(site, 'GetCapacity', { parameters, ...(Object.keys(segments).length > 0 && { accessible_topology: { segments } }) })
    return {
      metadata: { name, namespace, labels: labelsOf(site.driver) }, nodeTopology: Object.keys(segments).length > 0 ? { matchLabels: { ...segments } } : {},
      storageClassName: storageClass.metadata.name, capacity: formatQuantity(quantityOf(BigInt(bytes), 'BinarySI')),
    }
  }
  const store = (wanted: Draft<CSIStorageCapacity>, present: CSIStorageCapacity | undefined): Action[] => {
    if (!present) return [create(CSIStorageCapacities, wanted, { tolerate: isAlreadyExists })]
    return present.capacity === wanted.capacity ? [] : [update(CSIStorageCapacities, { ...present, ...(wanted.capacity !== undefined && { capacity: wanted.capacity }) })]
  }
  return {
    name: 'external-provisioner',
    watches: [
      watching(CSINodes, ({ spec }) => (spec.drivers ?? []).map(({ name = '' }) => name)),
      watching(StorageClasses, ({ provisioner }) => [provisioner]),
      watching(CSIDrivers, ({ metadata }) => [metadata.name]),
      // One more, or one less: there is less room, or more.
      watching(PersistentVolumes, ({ spec }) => (spec.csi ? [spec.csi.driver] : []), { matters: (volume, previous) => !volume || !previous || volume.spec.capacity?.['storage'] !== previous.spec.capacity?.['storage'] }),
    ],
    reads: [Nodes, CSIStorageCapacities],
    async plan(driver, world) {
      const questions = questionsOf(driver, world)
      const ours = world.list(CSIStorageCapacities, namespace).filter(({ metadata }) => Object.entries(labelsOf(driver)).every(([key, value]) => metadata.labels?.[key] === value))
      if (questions.length === 0 && ours.length === 0) return []
      if (questions.length > 0 && await service.isTaken(driver.replaceAll('/', '-'), world.now)) return []
      const stale = ours.filter(({ metadata }) => !questions.some(({ name }) => name === metadata.name)).map((each) => remove(CSIStorageCapacities, each))
      const stored: Action[] = []
      for (const question of questions) stored.push(...store(await answered(question), ours.find(({ metadata }) => metadata.name === question.name)))
      return [...stale, ...stored, ...(questions.length > 0 ? [{ do: 'requeueAfter', milliseconds: pollMilliseconds } as const] : [])]
    },
  }
}
