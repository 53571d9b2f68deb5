/** Which of our types a kind's paths speak of: its objects, their lists, the bodies below them; and as which kinds they are known. Pure. */
import { hasTypeSchema } from '../../api/schema.ts'
import type { Kind } from '../../api/kinds.ts'
import type { RootType } from './definition-names.ts'

/** `PodList`, `HorizontalPodAutoscalerListV2`, `EventsEventList`; undefined for kinds that are never listed. */
export const listType = ({ schema, kind, verbs }: Kind): string | undefined =>
  (verbs.includes('list') ? [`${schema}List`, schema.replace(/V2$/, 'ListV2'), `${kind}List`].find((name) => name !== schema && hasTypeSchema(name)) : undefined)

/** A type that is the body of requests or answers, and as which kind. */
export interface KindType extends RootType { kind: string }

/** The types that have a group, version and kind among those that a typed kind's paths speak of. */
export const kindTypes = (kind: Kind): KindType[] => {
  const { group, version, schema } = kind
  const list = listType(kind)
  const bodies = kind.subresources.flatMap((row) => {
    const type = row.kind === undefined ? undefined : row.kind === 'TokenRequest' ? 'AuthenticationTokenRequest' : row.kind
    return type !== undefined && hasTypeSchema(type) ? [{ group: row.group ?? group, version: row.version ?? version, kind: row.kind ?? '', schema: type }] : []
  })
  return [{ group, version, kind: kind.kind, schema }, ...(list ? [{ group, version, kind: kind.listKind ?? `${kind.kind}List`, schema: list }] : []), ...bodies]
}
