/** Names of images: `nginx`, `nginx:1.27`, `registry.example:5000/team/app@sha256:…`. Mirrors distribution/reference. Pure. */

export interface ImageReference {
  /** With registry and path: `docker.io/library/nginx`. */
  repository: string
  tag: string | undefined
  /** `sha256:…` */
  digest: string | undefined
}

const repositoryPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/
const tagPattern = /^\w[\w.-]{0,127}$/
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/

/** undefined: no valid name. The part before the first slash is a registry if it looks like a host, as upstream decides it. */
export const parseReference = (text: string): ImageReference | undefined => {
  const [beforeDigest = '', digest, ...more] = text.split('@')
  if (more.length > 0 || (digest !== undefined && !digestPattern.test(digest))) return undefined
  const slash = beforeDigest.lastIndexOf('/')
  const colon = beforeDigest.indexOf(':', slash + 1)
  const [name, tag] = colon < 0 ? [beforeDigest, undefined] : [beforeDigest.slice(0, colon), beforeDigest.slice(colon + 1)]
  if (tag !== undefined && !tagPattern.test(tag)) return undefined
  if (!repositoryPattern.test(name)) return undefined
  const [first = '', ...rest] = name.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const repository = isHost ? name : `docker.io/${rest.length === 0 ? 'library/' : ''}${name}`
  return { repository: repository.replace(/^index\.docker\.io\//, 'docker.io/').replace(/^docker\.io\/([^/]+)$/, 'docker.io/library/$1'), tag, digest }
}

/** The full name that two spellings of one image share; a tag is `latest` when neither tag nor digest is given. */
export const formatReference = ({ repository, tag, digest }: ImageReference): string => {
  if (digest !== undefined) return `${repository}@${digest}`
  return `${repository}:${tag ?? 'latest'}`
}
