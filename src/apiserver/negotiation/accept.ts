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
  /** Asked for by a parameter of the type. */
  pretty?: boolean
}

export interface Clause {
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
/** Whether a type, which may be a wildcard, is one of JSON or YAML. */
export const isText = (type: string): boolean => Object.hasOwn(formats, type)

const protobuf = 'application/vnd.kubernetes.protobuf'
const accepted = ['application/json', 'application/yaml', protobuf]
/** Of answers that never end. */
const acceptedStreams = ['application/json;stream=watch', `${protobuf};stream=watch`]

export const notAcceptableTypes = (types: readonly string[] = accepted): ReturnType<typeof notAcceptable> =>
  notAcceptable(`only the following media types are accepted: ${types.join(', ')}`)

export const notAcceptableStreams = (): ReturnType<typeof notAcceptable> => notAcceptableTypes(acceptedStreams)

/** Which shapes a request can be answered in. */
export type AllowedShapes = ReadonlySet<Shape>

export const objectShapes: AllowedShapes = new Set(['object', 'Table', 'PartialObjectMetadata'])
export const listShapes: AllowedShapes = new Set(['object', 'Table', 'PartialObjectMetadataList'])
/** Of kinds that have no protobuf messages: custom resources, and what other servers would answer. */
export const textObjectShapes: AllowedShapes = new Set(objectShapes)
export const textListShapes: AllowedShapes = new Set(listShapes)
/** Writes are answered in the same shapes as reads; what is computed, discovery and errors have one shape only. */
export const plainShape: AllowedShapes = new Set(['object'])
/** The same, of what has no message. */
export const textShape: AllowedShapes = new Set(plainShape)

const isMetaVersion = (version: string | undefined): version is MetaVersion => version === 'v1' || version === 'v1beta1'

const shapeOf = ({ parameters }: Clause, shapes: AllowedShapes): Shape | undefined => {
  const as = parameters['as']
  if (as === undefined) return shapes.has('object') ? 'object' : undefined
  if (parameters['g'] !== 'meta.k8s.io' || !isMetaVersion(parameters['v'])) return undefined
  return shapes.has(as as Shape) && as !== 'object' ? (as as Shape) : undefined
}

/** Which of them are told in protobuf: metadata always, tables never. (apiextensions' StandardSerializers) */
const messages: ReadonlyMap<AllowedShapes, AllowedShapes> = new Map<AllowedShapes, AllowedShapes>([
  [objectShapes, new Set<Shape>(['object', 'PartialObjectMetadata'])], [listShapes, new Set<Shape>(['object', 'PartialObjectMetadataList'])],
  [textObjectShapes, new Set<Shape>(['PartialObjectMetadata'])], [textListShapes, new Set<Shape>(['PartialObjectMetadataList'])], [plainShape, plainShape],
])
const none: AllowedShapes = new Set()

const inShape = (format: Accepted['format'], clause: Clause, shapes: AllowedShapes): Accepted | undefined => {
  const { parameters, quality } = clause
  const shape = quality > 0 && ['', 'watch'].includes(parameters['stream'] ?? '') ? shapeOf(clause, shapes) : undefined
  if (!shape) return undefined
  return { format, shape, ...(shape !== 'object' && parameters['v'] === 'v1beta1' && { metaVersion: 'v1beta1' as const }), ...(parameters['pretty'] === '1' && { pretty: true }) }
}

/** The more it says, the earlier, as goautoneg sorts. */
const wildcards = ({ type }: Clause): number => (type.startsWith('*') ? 2 : type.endsWith('/*') ? 1 : 0)

/** What a header asks for, in the order in which it is to be tried: a stable sort, among equals the order of the header counts. */
export const clausesOf = (header: string): Clause[] =>
  header.split(',').map(parseClause).filter(({ type }) => type !== '').toSorted((left, right) => right.quality - left.quality || wildcards(left) - wildcards(right))

const decide = (header: string, shapes: AllowedShapes): Accepted | undefined => {
  const sorted = clausesOf(header)
  if (sorted.length === 0) return { format: 'json', shape: 'object' }
  for (const clause of sorted) {
    const format = Object.hasOwn(formats, clause.type) ? formats[clause.type] : undefined
    const found = format && inShape(format, clause, shapes)
    if (found) return found
  }
  // Protobuf is for those who take nothing else: whoever reads JSON, too, gets that, which is stored and need not be made.
  for (const clause of sorted) {
    const found = clause.type === protobuf ? inShape('protobuf', clause, messages.get(shapes) ?? none) : undefined
    if (found) return found
  }
  return undefined
}

const decided = new Map<AllowedShapes, Map<string, Accepted>>()

/** Undefined when nothing that the client accepts can be served. */
export const negotiated = (header: string | undefined, shapes: AllowedShapes): Accepted | undefined => {
  let known = decided.get(shapes)
  if (!known) decided.set(shapes, known = new Map())
  const before = known.get(header ?? '')
  if (before) return before
  const answer = decide(header ?? '', shapes)
  // Clients send a handful of headers; somebody who sends thousands shall not fill the memory.
  if (answer && known.size < 200 && (header ?? '').length < 500) known.set(header ?? '', answer)
  return answer
}

/** Throws 406 when nothing that the client accepts can be served. */
export const negotiate = (header: string | undefined, shapes: AllowedShapes): Accepted => {
  const answer = negotiated(header, shapes)
  if (!answer) throw notAcceptableTypes(shapes === textShape ? accepted.slice(0, 2) : accepted)
  return answer
}
