/** References to images. Mirrors `k8s.io/apiserver/pkg/cel/library/image.go` over go-containerregistry's name.ParseReference. */
import { celError } from '../errors.ts'
import { type Overload, overload } from '../signature.ts'
import { CelOpaque, type CelValue } from '../values.ts'

const type = 'kubernetes.Image'
const defaultRegistry = 'index.docker.io'
const repositoryForm = /^[a-z0-9_\-.]+(\/[a-z0-9_\-.]+)*$/
const registryForm = /^([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:\d+)?$/
const tagForm = /^[A-Za-z0-9_\-.]{1,128}$/
const digestForm = /^sha256:[0-9a-f]{64}$/

interface Reference { registry: string; repository: string; tag: string; digest: string }

class CelImage extends CelOpaque {
  readonly typeName = type
  readonly reference: Reference
  constructor(reference: Reference) {
    super()
    this.reference = reference
  }
  equals(other: CelValue): boolean { return other instanceof CelImage && JSON.stringify(other.reference) === JSON.stringify(this.reference) }
}

/** The first part is a registry when it looks like a host; without one it is Docker's, whose own images lie in `library`. */
const parseRepository = (text: string): Pick<Reference, 'registry' | 'repository'> | undefined => {
  const slash = text.indexOf('/')
  const first = slash < 0 ? '' : text.slice(0, slash)
  const hasRegistry = /[.:]/.test(first) || first === 'localhost'
  const repository = hasRegistry ? text.slice(slash + 1) : text
  if (!repositoryForm.test(repository) || repository.length < 2 || repository.length > 255 || (hasRegistry && !registryForm.test(first))) return undefined
  const registry = hasRegistry && first !== 'docker.io' ? first : defaultRegistry
  return { registry, repository: registry === defaultRegistry && !repository.includes('/') ? `library/${repository}` : repository }
}

const splitTag = (text: string): { base: string; tag: string | undefined } => {
  const colon = text.lastIndexOf(':')
  return colon < 0 || text.includes('/', colon) ? { base: text, tag: undefined } : { base: text.slice(0, colon), tag: text.slice(colon + 1) }
}

const parseReference = (text: string): Reference | undefined => {
  if (text.length > 1000) return undefined
  const [name = '', digest, ...rest] = text.split('@')
  const { base, tag } = splitTag(name)
  const repository = parseRepository(base)
  if (!repository || rest.length > 0 || (tag !== undefined && !tagForm.test(tag)) || (digest !== undefined && !digestForm.test(digest))) return undefined
  // Of both, the digest is what counts.
  return { ...repository, tag: digest === undefined ? tag ?? 'latest' : '', digest: digest ?? '' }
}

const toImage = (text: string): CelImage => {
  const reference = parseReference(text)
  if (!reference) throw celError(`could not parse reference: ${text.slice(0, 200)}`)
  return new CelImage(reference)
}

const nothing: Reference = { registry: '', repository: '', tag: '', digest: '' }
const referenceOf = (value: CelValue | undefined): Reference => (value instanceof CelImage ? value.reference : nothing)

const parts: Readonly<Record<string, (reference: Reference) => string>> = {
  registry: ({ registry }) => registry, repository: ({ repository }) => repository, tag: ({ tag }) => tag, digest: ({ digest }) => digest, identifier: ({ tag, digest }) => digest || tag,
}

export const imageFunctions: readonly Overload[] = [
  overload(`image(string): ${type}`, ([text]) => toImage(String(text))),
  overload('isImage(string): bool', ([text]) => parseReference(String(text)) !== undefined),
  overload(`(${type}).containsDigest(): bool`, ([image]) => referenceOf(image).digest !== ''),
  ...Object.entries(parts).map(([name, part]) => overload(`(${type}).${name}(): string`, ([image]) => part(referenceOf(image)))),
]
