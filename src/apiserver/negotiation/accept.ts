/** Which form of an answer a client accepts. Mirrors apiserver `pkg/endpoints/handlers/negotiation`. */
import { notAcceptable } from '../../api/status.ts'

/** As what objects are shown: themselves, as rows of a table, or only their metadata. */
export type Shape = 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'

/** The versions of meta.k8s.io that know tables and metadata; they differ in their name only. */
export type MetaVersion = 'v1' | 'v1beta1'

export interface Accepted {
  format: 'json' | 'yaml' | 'protobuf'
  shape: Shape
  /** Of a shape that is not the object itself; absent: v1. */
  metaVersion?: MetaVersion
}

interface Clause {
  type: string
  parameters: Readonly<Record<string, string>>
  quality: number
}

const parseClause = (text: string): Clause => {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim())
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>
  for (const parameter of rest) {
    const at = parameter.indexOf('=')
    if (at > 0) parameters[parameter.slice(0, at).trim().toLowerCase()] = parameter.slice(at + 1).trim()
  }
  return { type: type.toLowerCase(), parameters, quality: parameters['q'] === undefined ? 1 : Number(parameters['q']) || 0 }
}

const formats: Readonly<Record<string, Accepted['format']>> = { 'application/json': 'json', 'application/yaml': 'yaml', 'application/*': 'json', '*/*': 'json', '*': 'json' }
const protobuf = 'application/vnd.kubernetes.protobuf'
const accepted = ['application/json', 'application/yaml', protobuf]

export const notAcceptableTypes = (types: readonly string[] = accepted): ReturnType<typeof notAcceptable> =>
  notAcceptable(`only the following media types are accepted: ${types.join(', ')}`)

/** Which shapes a request can be answered in. */
export type AllowedShapes = ReadonlySet<Shape>

export const objectShapes: AllowedShapes = new Set(['object', 'Table', 'PartialObjectMetadata'])
export const listShapes: AllowedShapes = new Set(['object', 'Table', 'PartialObjectMetadataList'])
/** Of kinds that have no protobuf messages: custom resources, and what other servers would answer. */
export const textObjectShapes: AllowedShapes = new Set(objectShapes)
export const textListShapes: AllowedShapes = new Set(listShapes)
/** Writes are answered in the same shapes as reads; deletions may answer with a Status, which has one shape only. */
export const plainShape: AllowedShapes = new Set(['object'])

const isMetaVersion = (version: string | undefined): version is MetaVersion => version === 'v1' || version === 'v1beta1'

const shapeOf = ({ parameters }: Clause, shapes: AllowedShapes): Shape | undefined => {
  const as = parameters['as']
  if (as === undefined) return 'object'
  if (parameters['g'] !== 'meta.k8s.io' || !isMetaVersion(parameters['v'])) return undefined
  return shapes.has(as as Shape) && as !== 'object' ? (as as Shape) : undefined
}

/** Protobuf is for those who take nothing else: whoever reads JSON, too, gets that, which is stored and need not be made. */
const protobufShapes: ReadonlySet<AllowedShapes> = new Set([objectShapes, listShapes])

const decideProtobuf = (clauses: readonly Clause[], shapes: AllowedShapes): Accepted | undefined => {
  if (!protobufShapes.has(shapes)) return undefined
  for (const clause of clauses.toSorted((left, right) => right.quality - left.quality)) {
    const shape = clause.type === protobuf && clause.quality > 0 ? shapeOf(clause, shapes) : undefined
    if (shape && shape !== 'Table') return shape !== 'object' && clause.parameters['v'] === 'v1beta1' ? { format: 'protobuf', shape, metaVersion: 'v1beta1' } : { format: 'protobuf', shape }
  }
  return undefined
}

const decide = (header: string, shapes: AllowedShapes): Accepted | undefined => {
  const clauses = header.split(',').map(parseClause).filter(({ type }) => type !== '')
  if (clauses.length === 0) return { format: 'json', shape: 'object' }
  // A stable sort: among equal qualities the order of the header counts.
  for (const clause of clauses.toSorted((left, right) => right.quality - left.quality)) {
    const format = Object.hasOwn(formats, clause.type) ? formats[clause.type] : undefined
    const shape = format && clause.quality > 0 ? shapeOf(clause, shapes) : undefined
    if (!format || !shape) continue
    return shape !== 'object' && clause.parameters['v'] === 'v1beta1' ? { format, shape, metaVersion: 'v1beta1' } : { format, shape }
  }
  return decideProtobuf(clauses, shapes)
}

const decided = new Map<AllowedShapes, Map<string, Accepted>>()

/** Throws 406 when nothing that the client accepts can be served. */
export const negotiate = (header: string | undefined, shapes: AllowedShapes): Accepted => {
  let known = decided.get(shapes)
  if (!known) decided.set(shapes, known = new Map())
  const before = known.get(header ?? '')
  if (before) return before
  const answer = decide(header ?? '', shapes)
  if (!answer) throw notAcceptableTypes(protobufShapes.has(shapes) ? accepted : accepted.slice(0, 2))
  // Clients send a handful of headers; somebody who sends thousands shall not fill the memory.
  if (known.size < 200 && (header ?? '').length < 500) known.set(header ?? '', answer)
  return answer
}
