/** Images for containers: `host`, what was loaded on this machine, and names that stand for programs of the machine. */
import { readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import type { Images, ResolvedImage } from '../image.ts'
import { hostImage } from '../image.ts'
import { type HostProgram, type ImageConfig, type ImageIndex, indexReader, rootOf, type StoredImage } from './image-index.ts'
import { formatReference, type ImageReference, parseReference } from './reference.ts'

const matches = (pattern: string, name: string): boolean => {
  const parts = pattern.split('*')
  if (parts.length === 1) return pattern === name
  const [first = '', ...rest] = parts
  const last = rest.pop() ?? ''
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > name.length - last.length) return false
    at = found + part.length
  }
  return true
}

const hasDigest = (image: StoredImage, digest: string): boolean => image.id === digest || image.names.some((name) => name.endsWith(`@${digest}`))

/** A digest decides; else the name with its tag; else, as upstream, the text as an image's own id. Pure. */
export const findImage = (index: ImageIndex, text: string): StoredImage | undefined => {
  const reference = parseReference(text)
  const byId = (): StoredImage | undefined => index.images.find(({ id }) => id === text || (/^[0-9a-f]{64}$/.test(text) && id === `sha256:${text}`))
  if (!reference) return byId()
  const { digest } = reference
  if (digest !== undefined) return index.images.find((image) => hasDigest(image, digest) && sameRepository(image, reference))
  return index.images.find(({ names }) => names.includes(formatReference(reference))) ?? byId()
}

const sameRepository = (image: StoredImage, { repository }: ImageReference): boolean =>
  image.names.length === 0 || image.names.some((name) => parseReference(name)?.repository === repository)

export const findProgram = (index: ImageIndex, text: string): HostProgram | undefined => {
  const reference = parseReference(text)
  return reference && index.programs.find(({ pattern }) => matches(pattern, formatReference(reference)))
}

const records = (text: string): string[][] => text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(':'))

/** `user`, `uid`, either with `:group` or `:gid`, as the image's own files know them. Throws for a name that they do not have. Pure. */
export const resolveUser = (user: string, files: { passwd: string; group: string }): { uid: number; gid: number | undefined } | undefined => {
  if (user === '') return undefined
  const [name = '', group] = user.split(':')
  const isNumber = (text: string): boolean => /^\d+$/.test(text)
  const entry = records(files.passwd).find((fields) => (isNumber(name) ? fields[2] : fields[0]) === name)
  if (!entry && !isNumber(name)) throw new Error(`unable to find user ${name}: no matching entries in passwd file`)
  const uid = Number(entry?.[2] ?? name)
  if (group === undefined || group === '') return { uid, gid: entry ? Number(entry[3]) : undefined }
  const found = records(files.group).find((fields) => (isNumber(group) ? fields[2] : fields[0]) === group)
  if (!found && !isNumber(group)) throw new Error(`unable to find group ${group}: no matching entries in group file`)
  return { uid, gid: Number(found?.[2] ?? group) }
}

/** A file below the root, links followed only inside of it. */
const readInside = (root: string, file: string): string => {
  try {
    const real = realpathSync(path.join(root, file))
    return real.startsWith(`${realpathSync(root)}/`) ? readFileSync(real, 'utf8') : ''
  } catch {
    return '' // no such file: numbers alone are known
  }
}

const said = ({ entrypoint, command, env, workingDir, stopSignal, user }: ImageConfig): Pick<ResolvedImage, 'entrypoint' | 'command' | 'env' | 'workingDir' | 'stopSignal' | 'userName'> =>
  ({ entrypoint, command, env, workingDir: workingDir || '/', stopSignal, userName: user.split(':')[0] ?? '' })

/** As containerd shows it: the full name with its tag; of one that was asked for by digest, a tag that it has. */
const shownName = ({ names }: StoredImage, asked: string): string => {
  const reference = parseReference(asked)
  const name = reference && formatReference(reference)
  return (name !== undefined && !name.includes('@') && names.includes(name) ? name : names.find((each) => !each.includes('@'))) ?? ''
}

/** Digests first, as upstream's nodestatus has them. */
const listedNames = (names: readonly string[]): string[] => [...names.filter((name) => name.includes('@')), ...names.filter((name) => !name.includes('@'))]

export const loadedImages = (directory: string): Images => {
  const index = indexReader(directory)
  return {
    async resolve(name) {
      const host = await hostImage.resolve(name)
      if (host) return host
      const [image, program] = [findImage(index(), name), findProgram(index(), name)]
      // What somebody said of a name counts more than what a registry has under it.
      if (image && !(image.pulled && program)) {
        const root = rootOf(directory, image.id)
        const user = resolveUser(image.config.user, { passwd: readInside(root, 'etc/passwd'), group: readInside(root, 'etc/group') })
        return { ...said(image.config), ref: { kind: 'root', path: root, id: image.id }, id: image.names.find((each) => each.includes('@')) ?? image.id, name: shownName(image, name), user, ...(image.pulled && { pulled: true }) }
      }
      if (!program) return undefined
      const user = resolveUser(program.config.user, { passwd: readFileSync('/etc/passwd', 'utf8'), group: readFileSync('/etc/group', 'utf8') })
      return { ...said(program.config), ref: { kind: 'host' }, id: `host:${program.pattern}`, user }
    },
    list: () => index().images.map(({ id, names, sizeBytes }) => ({ names: names.length > 0 ? listedNames(names) : [id], sizeBytes })),
  }
}
