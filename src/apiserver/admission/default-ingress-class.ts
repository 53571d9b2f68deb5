/** An Ingress that names no class gets the default one. Mirrors `plugin/pkg/admission/network/defaultingressclass`. */
import { IngressClasses, Ingresses } from '../../api/kinds.ts'
import type { Ingress } from '../../api/types.ts'
import { newestFirst } from './newest-first.ts'
import type { AdmissionPlugin } from './plugin.ts'

const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class'

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  handles: ({ operation, kind, subresource }) => operation === 'CREATE' && kind === Ingresses && subresource === '',
  mutate: ({ object }, { lookup }) => {
    const { spec, metadata } = object as Ingress
    if (spec.ingressClassName !== undefined || metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return
    const chosen = newestFirst(lookup.list(IngressClasses).filter((each) => each.metadata.annotations?.[defaultAnnotation] === 'true'))
    if (chosen) spec.ingressClassName = chosen.metadata.name
  },
}
