/** A pod's /dev/shm: a file system of its own, as large as containerd's. It stands below the node's state, which it must not be able to fill. */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { run } from '../command.ts'
import { parseMountInfo } from '../proc/mount-info.ts'

export const sharedMemoryIn = (sandboxDirectory: string): string => path.join(sandboxDirectory, 'shm')

/** For mount(2) and mount(8). `users`: where the numbers of the pod's own users begin. */
export const sharedMemoryOptions = (users: number | undefined): string => `mode=1777,size=65536k${users === undefined ? '' : `,uid=${users},gid=${users}`}`

/** Where the sandbox, when it begins, mounts it. */
export const makeSharedMemory = (sandboxDirectory: string): void => { mkdirSync(sharedMemoryIn(sandboxDirectory), { recursive: true, mode: 0o700 }) }

/** Containers that have it keep it. Idempotent. */
export const unmountSharedMemory = async (sandboxDirectory: string): Promise<void> => {
  const place = sharedMemoryIn(sandboxDirectory)
  if (parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).some(({ mountPoint }) => mountPoint === place)) await run('umount', ['--lazy', '--no-canonicalize', place])
}
