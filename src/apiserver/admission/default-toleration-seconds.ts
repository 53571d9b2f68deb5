/** A pod stays five minutes on a node that is lost, unless it says otherwise. Mirrors `plugin/pkg/admission/defaulttolerationseconds`. */
import { Pods } from '../../api/kinds.ts'
import type { Pod } from '../../api/types.ts'
import type { AdmissionPlugin } from './plugin.ts'

const seconds = 300
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: ({ operation, kind, subresource }) => kind === Pods && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  mutate: ({ object }) => {
    const { spec } = object as Pod
    for (const key of taints) {
      const tolerated = (spec.tolerations ?? []).some((each) => (each.key === key || !each.key) && (each.effect === 'NoExecute' || !each.effect))
      if (!tolerated) spec.tolerations = [...(spec.tolerations ?? []), { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }]
    }
  },
}
