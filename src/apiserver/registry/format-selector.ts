/** Labels and label selectors as table cells. Mirrors apimachinery's `labels.FormatLabels` and `metav1.FormatLabelSelector`. */
import { SelectorError } from '../../api/requirement.ts'
import { formatSelector, selectorFromObject } from '../../api/selector.ts'
import type { LabelSelector } from '../../api/types.ts'

/** `a=1,b=2`, sorted by key; `<none>` when there are none. */
export const formatLabels = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`).sort().join(',') || '<none>'

/** `app=web,tier in (a,b),!old`; `<none>` for no or an empty selector, `<error>` for one that is not valid. */
export const formatLabelSelector = (selector: LabelSelector | undefined): string => {
  try {
    return formatSelector(selectorFromObject(selector)) || '<none>'
  } catch (error) {
    if (error instanceof SelectorError) return '<error>'
    throw error
  }
}
