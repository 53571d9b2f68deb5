/** Why this kernel gives an unprivileged user no namespaces, and what allows it: facts are read at the edge, judged by a pure function. */
import { readFile } from 'node:fs/promises'
import os from 'node:os'
import { execa } from 'execa'
import type { Problem } from '../preflight.ts'

export interface NamespaceFacts {
  /** What unshare said when it was tried; undefined: it works. */
  failure: string | undefined
  /** /proc/sys/kernel/unprivileged_userns_clone (Debian, Arch); undefined: this kernel has no such setting. */
  unprivilegedClone: string | undefined
  /** /proc/sys/user/max_user_namespaces; undefined: a kernel without user namespaces. */
  maxUserNamespaces: string | undefined
  /** /proc/sys/kernel/apparmor_restrict_unprivileged_userns (Ubuntu 23.10 and later). */
  appArmorRestricts: string | undefined
  kernelRelease: string
}

const permanently = (setting: string): string => `for good: echo '${setting}' | sudo tee /etc/sysctl.d/60-wherry.conf`

const isOlder = (release: string, major: number, minor: number): boolean => {
  const [has = 0, andHas = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  return has < major || (has === major && andHas < minor)
}

/** undefined: nothing stands in the way. */
export const obstacleOf = ({ failure, unprivilegedClone, maxUserNamespaces, appArmorRestricts, kernelRelease }: NamespaceFacts): Problem | undefined => {
  if (isOlder(kernelRelease, 5, 11)) return { what: `Linux ${kernelRelease} does not let unprivileged users mount overlays (5.11 and later do)`, remedy: 'update the kernel, or start the cluster as root: sudo wherry up' }
  if (failure === undefined) return undefined
  if (maxUserNamespaces === undefined) return { what: 'this kernel has no user namespaces (CONFIG_USER_NS)', remedy: 'boot a kernel that has them, or start the cluster as root: sudo wherry up' }
  if (unprivilegedClone === '0') return { what: 'kernel.unprivileged_userns_clone is 0: only root may make user namespaces', remedy: `allow it: sudo sysctl kernel.unprivileged_userns_clone=1 (${permanently('kernel.unprivileged_userns_clone=1')})` }
  if (maxUserNamespaces === '0') return { what: 'user.max_user_namespaces is 0: nobody may make user namespaces', remedy: `allow some: sudo sysctl user.max_user_namespaces=15000 (${permanently('user.max_user_namespaces=15000')})` }
  if (appArmorRestricts === '1') return { what: 'kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor takes all rights from user namespaces of unprivileged programs', remedy: `allow them: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 (${permanently('kernel.apparmor_restrict_unprivileged_userns=0')})` }
  return { what: `a user namespace with a network and mounts of its own cannot be made: ${failure}`, remedy: 'if this is a container, start it with rights to do so; or start the cluster as root: sudo wherry up' }
}

const read = async (file: string): Promise<string | undefined> => (await readFile(file, 'utf8').catch(() => undefined))?.trim()

/** Tries it, with a mount: restrictions let the namespace come into being and then refuse what it is for. */
export const readNamespaceFacts = async (environment: NodeJS.ProcessEnv): Promise<NamespaceFacts> => {
  const [tried, unprivilegedClone, maxUserNamespaces, appArmorRestricts] = await Promise.all([
    execa('unshare', ['--user', '--map-root-user', '--net', '--mount', '--pid', '--fork', '--mount-proc', 'mount', '-t', 'tmpfs', 'none', '/proc/sys'], { reject: false, env: environment }),
    read('/proc/sys/kernel/unprivileged_userns_clone'), read('/proc/sys/user/max_user_namespaces'), read('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
  ])
  return { failure: tried.failed ? tried.stderr?.trim() || tried.message : undefined, unprivilegedClone, maxUserNamespaces, appArmorRestricts, kernelRelease: os.release() }
}
