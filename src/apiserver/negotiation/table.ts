/** meta.k8s.io/v1 Table: what `kubectl get` and the dashboard print. Mirrors apiserver `pkg/endpoints/handlers/response.go` and `pkg/printers`. */
import { apiVersionOf } from '../../api/kinds.ts'
import { badRequest } from '../../api/status.ts'
import { defaultColumns } from '../registry/columns.ts'
import type { Column } from '../registry/strategy.ts'
import type { Encoded } from '../watch-cache/cached-object.ts'
import type { MetaVersion } from './accept.ts'
import { type ListMeta, partialMetadata, type Representation, type Shown } from './representation.ts'

type IncludeObject = 'None' | 'Metadata' | 'Object'

const includeObjectOf = (query: URLSearchParams): IncludeObject => {
  const asked = query.get('includeObject') ?? ''
  if (asked === '' || asked === 'Metadata') return 'Metadata'
  if (asked === 'None' || asked === 'Object') return asked
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`)
}

const definition = ({ name, type, format, description, priority = 0 }: Column<never>): object => ({ name, type, format: format ?? '', description, priority })

export const tableRepresentation = ({ columns, view, kind }: Shown, { query, now, metaVersion }: { query: URLSearchParams; now: () => Date; metaVersion: MetaVersion }): Representation => {
  const include = includeObjectOf(query)
  const shown = (columns ?? defaultColumns) as readonly Column<never>[]
  const definitions = JSON.stringify(shown.map(definition))
  const row = (object: Encoded, date: Date): string => {
    const cells = JSON.stringify(shown.map(({ value }) => value(object.object as never, { now: date })))
    if (include === 'None') return `{"cells":${cells},"object":null}`
    if (include === 'Metadata') return `{"cells":${cells},"object":${partialMetadata(object, metaVersion)}}`
    return `{"cells":${cells},"object":${view ? JSON.stringify(view.toView(object.object)) : object.bytes.toString()}}`
  }
  const table = (meta: object, rows: readonly string[], withColumns: boolean): Buffer =>
    Buffer.from(`{"kind":"Table","apiVersion":"meta.k8s.io/${metaVersion}","metadata":${JSON.stringify(meta)},"columnDefinitions":${withColumns ? definitions : 'null'},"rows":[${rows.join(',')}]}`)
  const one = (object: Encoded, first: boolean): Buffer => table({ resourceVersion: String(object.revision) }, [row(object, now())], first)
  return {
    key: undefined,
    object: (object) => one(object, true),
    list: (objects: readonly Encoded[], meta: ListMeta) => {
      const date = now()
      return table(meta, objects.map((object) => row(object, date)), true)
    },
    watched: one,
    bookmark: (resourceVersion, annotations, first) => table({ resourceVersion }, [
      `{"cells":[${shown.map(() => 'null').join(',')}],"object":${JSON.stringify({ kind: include === 'Object' ? kind.kind : 'PartialObjectMetadata', apiVersion: include === 'Object' ? apiVersionOf(kind) : `meta.k8s.io/${metaVersion}`,
        metadata: { resourceVersion, creationTimestamp: null, ...(annotations && { annotations }) } })}}`,
    ], first),
  }
}
