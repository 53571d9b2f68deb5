/** Mounts as lines of fstab(5), so that one process makes all of them. Pure. */
export interface MountLine {
  source: string
  /** As the container sees it, without symbolic links. */
  containerPath: string
  type: string
  options: readonly string[]
  /** In a pod with users of its own: owners of files are shown as its own. */
  owners?: 'mapped'
}

const escape = (field: string): string =>
  field.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)

/** `root`: where the container's root is being built. */
export const renderFstab = (root: string, lines: readonly MountLine[]): string =>
  lines.map(({ source, containerPath, type, options }) =>
    `${[source, containerPath === '/' ? root : `${root}${containerPath}`, type, options.join(',') || 'defaults'].map(escape).join(' ')} 0 0\n`).join('')

export const bind = (source: string, containerPath: string, ...options: string[]): MountLine =>
  ({ source, containerPath, type: 'none', options: ['bind', ...options] })
