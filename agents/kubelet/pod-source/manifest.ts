/** A static pod from the text of its file. Mirrors pkg/kubelet/config/common.go. Pure. */
import { createHash } from 'node:crypto'
import { LineCounter, parseDocument } from 'yaml'
import type { Container, Pod } from '../../../src/api/types.ts'
import { configHashAnnotation, configSeenAnnotation, configSourceAnnotation } from '../pod.ts'
import { withPodDefaults } from './pod-defaults.ts'

/** A manifest that cannot be used: the message names the file, the line and what to do. */
export class ManifestError extends Error { override readonly name = 'ManifestError' }

export interface ManifestSource {
  /** Its name, or its URL. */
  file: string
  /** What the annotation kubernetes.io/config.source says; `file` if absent. */
  kind?: 'file' | 'http'
  nodeName: string
  /** RFC 3339: when the kubelet saw it. */
  seen: string
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** The pod as it shall run on this node; its uid changes with the file's name, its content and the node. Throws ManifestError. */
export const parseManifest = (text: string, source: ManifestSource): Pod => {
  const { content, refuse } = read(text, source)
  return podOf(content, source, refuse)
}

/** The same for one pod, or a PodList: if one of its pods cannot be used, none is, as upstream. */
export const parseManifests = (text: string, source: ManifestSource): Pod[] => {
  const { content, refuse } = read(text, source)
  if (!isRecord(content) || content['kind'] !== 'PodList') return [podOf(content, source, refuse)]
  if (content['apiVersion'] !== 'v1') refuse(`apiVersion must be v1, is ${JSON.stringify(content['apiVersion'] ?? null)}`, 'apiVersion')
  const items = content['items'] ?? []
  if (!Array.isArray(items)) return refuse('items: must be a list', 'items')
  return items.map((item: unknown, index) => podOf(isRecord(item) ? { apiVersion: 'v1', kind: 'Pod', ...item } : item, source, (why, ...at) => refuse(`items[${index}]: ${why}`, 'items', index, ...at)))
}

const read = (text: string, source: ManifestSource): { content: unknown; refuse: Refuse } => {
  const lines = new LineCounter()
  const document = parseDocument(text, { version: '1.1', lineCounter: lines, maxAliasCount: 100 } as Parameters<typeof parseDocument>[1])
  const problem = document.errors[0]
  if (problem) throw new ManifestError(`${source.file}:${lines.linePos(problem.pos[0]).line}: ${problem.message.split('\n')[0] ?? ''}`)
  const lineOf = (...at: (string | number)[]): number => {
    const node = document.getIn(at, true) as { range?: [number, number, number] } | undefined
    return node?.range ? lines.linePos(node.range[0]).line : 1
  }
  const refuse = (why: string, ...at: (string | number)[]): never => { throw new ManifestError(`${source.file}:${lineOf(...at)}: ${why}`) }
  try {
    return { content: document.toJS({ maxAliasCount: 100 }), refuse }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

const podOf = (content: unknown, source: ManifestSource, refuse: Refuse): Pod => {
  if (!isRecord(content)) return refuse('a static pod manifest must be one object of kind Pod')
  if (content['apiVersion'] !== 'v1') refuse(`apiVersion must be v1, is ${JSON.stringify(content['apiVersion'] ?? null)}`, 'apiVersion')
  if (content['kind'] !== 'Pod') refuse(`kind must be Pod, is ${JSON.stringify(content['kind'] ?? null)}; other kinds belong into the API server`, 'kind')
  const metadata = isRecord(content['metadata']) ? content['metadata'] : refuse('metadata: Required value', 'metadata')
  const spec = isRecord(content['spec']) ? content['spec'] : refuse('spec: Required value', 'spec')
  if (typeof metadata['name'] !== 'string' || !dnsSubdomain.test(metadata['name'])) refuse('metadata.name: must be a lower case DNS name', 'metadata', 'name')
  checkContainers(spec, refuse)
  return identified(content as unknown as Pod, source)
}

type Refuse = (why: string, ...at: (string | number)[]) => never

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const checkContainers = (spec: Record<string, unknown>, refuse: Refuse): void => {
  const seen = new Set<string>()
  if (!Array.isArray(spec['containers']) || spec['containers'].length === 0) refuse('spec.containers: Required value: a pod has at least one container', 'spec')
  for (const list of ['initContainers', 'containers']) {
    const containers = spec[list] ?? []
    if (!Array.isArray(containers)) refuse(`spec.${list}: must be a list`, 'spec', list)
    for (const [index, container] of (containers as unknown[]).entries()) {
      const { name, image } = (isRecord(container) ? container : refuse(`spec.${list}[${index}]: must be an object`, 'spec', list, index)) as unknown as Container
      if (typeof name !== 'string' || !dnsLabel.test(name)) refuse(`spec.${list}[${index}].name: must be a lower case DNS label`, 'spec', list, index)
      if (typeof image !== 'string' || image === '') refuse(`spec.${list}[${index}].image: Required value: use "host" for the machine's own file system`, 'spec', list, index)
      if (seen.has(name)) refuse(`spec.${list}[${index}].name: Duplicate value: ${JSON.stringify(name)}`, 'spec', list, index, 'name')
      seen.add(name)
    }
  }
}

const identified = (given: Pod, { file, kind = 'file', nodeName, seen }: ManifestSource): Pod => {
  const hash = createHash('md5').update(JSON.stringify(given))
  const uid = given.metadata.uid || (kind === 'file' ? hash.update(`host:${nodeName}`).update(`file:${file}`) : hash.update(`url:${file}`)).digest('hex')
  const tolerations = [...(given.spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }]
  return withPodDefaults({
    ...given,
    metadata: {
      ...given.metadata, name: `${given.metadata.name}-${nodeName.toLowerCase()}`, namespace: given.metadata.namespace ?? 'default', uid, resourceVersion: '', creationTimestamp: seen,
      annotations: { ...given.metadata.annotations, [configHashAnnotation]: uid, [configSourceAnnotation]: kind, [configSeenAnnotation]: seen },
    },
    spec: { ...given.spec, nodeName, tolerations },
    status: {},
  })
}
