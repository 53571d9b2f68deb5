/** A Job's selector and the labels of its pods, made from its name and uid. Mirrors generateSelector of upstream's `pkg/registry/batch/job/strategy.go`. */
import type { Metadata } from '../../../api/meta.ts'
import type { Job } from '../../../api/types.ts'

const controllerUid = 'batch.kubernetes.io/controller-uid'

export const generatedLabels = ({ name, uid }: Pick<Metadata, 'name' | 'uid'>): Record<string, string> =>
  ({ 'controller-uid': uid, 'job-name': name, [controllerUid]: uid, 'batch.kubernetes.io/job-name': name })

/** In place, unless the Job brings a selector of its own (`manualSelector`). A job name that the template has already is left; validation then refuses it. */
export const generateSelector = ({ metadata, spec }: Job): void => {
  if (spec.manualSelector) return
  const { 'job-name': legacyName, 'batch.kubernetes.io/job-name': jobName, ...uids } = generatedLabels(metadata)
  const template = (spec.template.metadata ??= {} as NonNullable<typeof spec.template.metadata>)
  template.labels = { 'job-name': legacyName ?? '', 'batch.kubernetes.io/job-name': jobName ?? '', ...template.labels, ...uids }
  spec.selector ??= {}
  spec.selector.matchLabels = { [controllerUid]: metadata.uid, ...spec.selector.matchLabels }
}
