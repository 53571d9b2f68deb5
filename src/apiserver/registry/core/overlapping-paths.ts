/** Files of one volume that would lie over each other: allowed, and probably not meant. Mirrors warningsForOverlappingVirtualPaths of upstream's `pkg/api/pod/warnings.go`. */
import type { Volume, VolumeProjection } from '../../../api/types.ts'

const pathsOf = (items: readonly { path: string }[] | undefined): string[] => (items ?? []).map(({ path }) => path)

const overlaps = (one: string, other: string): boolean => one !== '' && other !== '' && (one === other || `${one}/`.startsWith(other) || `${other}/`.startsWith(one))

/** Each path that lies over one before it. */
const overlapWarnings = (paths: readonly string[], what: string): string[] => {
  const seen: string[] = []
  return paths.flatMap((path) => {
    const normal = path.replace(/\/+$/, '')
    // As upstream: an empty path hides what else overlaps.
    const other = seen.includes('') ? undefined : seen.find((each) => overlaps(each, normal))
    if (!seen.includes(normal)) seen.push(normal)
    return other === undefined ? [] : [`${what}: overlapping paths: ${JSON.stringify(normal)} with ${JSON.stringify(other)}`]
  })
}

const ofSource = ({ configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate }: VolumeProjection): { paths: string[]; what: string } | undefined => {
  if (configMap?.items) return { paths: pathsOf(configMap.items), what: `Projected ConfigMap ${JSON.stringify(configMap.name ?? '')}` }
  if (secret?.items) return { paths: pathsOf(secret.items), what: `Projected Secret ${JSON.stringify(secret.name ?? '')}` }
  if (downwardAPI?.items) return { paths: pathsOf(downwardAPI.items), what: 'Projected DownwardAPI' }
  if (serviceAccountToken) return { paths: [serviceAccountToken.path], what: 'Projected ServiceAccountToken' }
  if (clusterTrustBundle) return { paths: [clusterTrustBundle.path], what: `Projected ClusterTrustBundle ${JSON.stringify(clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? '')}` }
  if (!podCertificate) return undefined
  const { credentialBundlePath, keyPath, certificateChainPath } = podCertificate
  return { paths: [credentialBundlePath, keyPath, certificateChainPath].flatMap((path) => (path ? [path] : [])), what: 'Projected PodCertificate' }
}

const ofProjected = (volume: string, sources: readonly VolumeProjection[]): string[] => {
  const all = new Set<string>()
  return sources.flatMap((source) => {
    const found = ofSource(source)
    if (!found || found.paths.length === 0) return []
    const { paths } = found
    const what = `volume ${JSON.stringify(volume)} (${found.what})`
    const own = [...new Set(paths)]
    const together = [...own, ...all].sort()
    for (const path of own) all.add(path)
    return [...overlapWarnings(paths, what), ...overlapWarnings(together, what)]
  })
}

export const overlappingPathWarnings = (volumes: readonly Volume[] = []): string[] => volumes.flatMap(({ name, configMap, secret, downwardAPI, projected }) => [
  ...overlapWarnings(pathsOf(configMap?.items), `volume ${JSON.stringify(name)} (ConfigMap ${JSON.stringify(configMap?.name ?? '')})`),
  ...overlapWarnings(pathsOf(secret?.items), `volume ${JSON.stringify(name)} (Secret ${JSON.stringify(secret?.secretName ?? '')})`),
  ...overlapWarnings(pathsOf(downwardAPI?.items), `volume ${JSON.stringify(name)} (DownwardAPI)`),
  ...ofProjected(name, projected?.sources ?? []),
])
