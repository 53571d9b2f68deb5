/** NFS through the machine's own mount(8), which needs its helper mount.nfs (Debian: nfs-common). Mirrors pkg/volume/nfs. */
import { mkdir } from 'node:fs/promises'
import type { NFSVolumeSource } from '../../../src/api/types.ts'
import type { Mounter } from './mounter.ts'

/** Mounts at `target`, unless it is mounted there already. Throws what mount says. */
export const mountNfs = async ({ server, path, readOnly }: NFSVolumeSource, target: string, { mounter, options = [] }: { mounter: Mounter; options?: readonly string[] }): Promise<void> => {
  // mount(8) and its helper would read it as an option.
  if (server.startsWith('-')) throw new Error(`invalid NFS server ${JSON.stringify(server)}`)
  if ((await mounter.below(target)).includes(target)) return
  await mkdir(target, { recursive: true, mode: 0o750 })
  const all = readOnly ? ['ro', ...options.filter((option) => option !== 'ro')] : options
  // The address of a server may be one of IPv6.
  await mounter.remote('nfs', `${server.includes(':') && !server.startsWith('[') ? `[${server}]` : server}:${path}`, target, all)
}
