/** Lists of conditions, changed the way all upstream controllers change them. */

interface AnyCondition { type: string; status: string; reason?: string | undefined; lastTransitionTime?: string | undefined }

export const findCondition = <C extends AnyCondition>(conditions: readonly C[] | undefined, type: string): C | undefined => conditions?.find((each) => each.type === type)

export const withoutCondition = <C extends AnyCondition>(conditions: readonly C[] | undefined, type: string): C[] => (conditions ?? []).filter((each) => each.type !== type)

/** The condition replaces its predecessor, keeping the time of the last transition while the status is the same; same status and reason change nothing. */
export const withCondition = <C extends AnyCondition>(conditions: readonly C[] | undefined, next: C): C[] => {
  const current = findCondition(conditions, next.type)
  if (current && current.status === next.status && current.reason === next.reason) return [...(conditions ?? [])]
  return [...withoutCondition(conditions, next.type), current?.status === next.status ? { ...next, lastTransitionTime: current.lastTransitionTime } : next]
}
