/** `kubelet_internal_checkpoint` in upstream's form: which devices are whose, with what their plugin said of them, through restarts. Pure. Mirrors pkg/kubelet/cm/devicemanager/checkpoint. */

/** Of one container and resource; devices by NUMA node, -1 for those of none. `answer`: the plugin's, as protobuf in base64. */
export interface DeviceEntry { podUid: string; container: string; resource: string; devices: Readonly<Record<string, readonly string[]>>; answer: string }

export interface DeviceCheckpoint { entries: readonly DeviceEntry[]; registered: Readonly<Record<string, readonly string[]>> }

/** FNV-1a of 32 bits. */
const fnv32a = (text: string): number => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

export const renderDeviceCheckpoint = ({ entries, registered }: DeviceCheckpoint): string => {
  const data = {
    PodDeviceEntries: entries.length === 0 ? null : entries.map(({ podUid, container, resource, devices, answer }) => ({ PodUID: podUid, ContainerName: container, ResourceName: resource, DeviceIDs: devices, AllocResp: answer })),
    RegisteredDevices: registered,
  }
  // The sum is of the text as it stands here; upstream's is of what Go prints of its structs, and nobody else looks at it.
  return JSON.stringify({ Data: data, Checksum: fnv32a(JSON.stringify(data)) })
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isLists = (value: unknown): value is Readonly<Record<string, readonly string[]>> => isMap(value) && Object.values(value).every((each) => Array.isArray(each) && each.every((id) => typeof id === 'string'))

const entryOf = (value: unknown): DeviceEntry => {
  const { PodUID: podUid, ContainerName: container, ResourceName: resource, DeviceIDs: devices, AllocResp: answer } = isMap(value) ? value : {}
  if (typeof podUid !== 'string' || typeof container !== 'string' || typeof resource !== 'string' || !isLists(devices) || typeof answer !== 'string') throw new Error('checkpoint is corrupted')
  return { podUid, container, resource, devices, answer }
}

/** Throws what is wrong with it. */
export const parseDeviceCheckpoint = (text: string): DeviceCheckpoint => {
  let parsed: unknown
  try { parsed = JSON.parse(text) } catch { throw new Error('checkpoint is corrupted') }
  const { Data: data, Checksum: checksum } = isMap(parsed) ? parsed : {}
  if (!isMap(data) || checksum !== fnv32a(JSON.stringify(data))) throw new Error('checkpoint is corrupted')
  const { PodDeviceEntries: entries, RegisteredDevices: registered } = data
  if ((entries !== null && !Array.isArray(entries)) || !isLists(registered)) throw new Error('checkpoint is corrupted')
  return { entries: (entries ?? []).map(entryOf), registered }
}
