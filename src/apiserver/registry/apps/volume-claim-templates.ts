/** The claims that a StatefulSet makes for each of its pods. Mirrors SetObjectDefaults_StatefulSet and the conversion of StatefulSetSpec of upstream's `pkg/apis/apps/v1`. */
import type { PersistentVolumeClaim, PodTemplateSpec } from '../../../api/types.ts'
import { setClaimSpecDefaults } from '../core/persistent-volume-defaults.ts'

/** In place; idempotent. Templates name their own kind, as upstream writes it for clients that compare them. */
export const setClaimTemplateDefaults = (claim: PersistentVolumeClaim): void => {
  claim.apiVersion ||= 'v1'
  claim.kind ||= 'PersistentVolumeClaim'
  claim.spec ??= {}
  claim.spec.resources ??= {}
  setClaimSpecDefaults(claim.spec)
  claim.status ??= {}
  claim.status.phase ||= 'Pending'
}

/** The template as its pods will have it: with a volume for each claim, so that containers may mount them. */
export const withClaimVolumes = (template: PodTemplateSpec, claims: readonly PersistentVolumeClaim[] = []): PodTemplateSpec => {
  const volumes = template.spec?.volumes ?? []
  const added = [...new Set(claims.map(({ metadata }) => metadata?.name ?? ''))].filter((name) => name !== '' && !volumes.some((volume) => volume.name === name))
  if (added.length === 0 || !template.spec) return template
  return { ...template, spec: { ...template.spec, volumes: [...volumes, ...added.map((name) => ({ name, emptyDir: {} }))] } }
}
