/** Which users and groups there are for this process: all of the machine's, or those few that a user namespace (rootless) was given. */
import { readFileSync } from 'node:fs'

export interface OwnUsers {
  /** The machine's own numbers: nothing is missing. */
  whole: boolean
  hasUser(uid: number): boolean
  hasGroup(gid: number): boolean
  /** Whether processes may be given other groups than those that they have. */
  setGroups: boolean
}

type Range = readonly [first: number, count: number]

const rangesOf = (map: string): Range[] => map.split('\n').filter((line) => line.trim()).map((line) => { const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number); return [first, count] })
const holds = (ranges: readonly Range[], number: number): boolean => ranges.some(([first, count]) => number >= first && number < first + count)

/** Of the texts of /proc/self/uid_map, gid_map and setgroups. Pure. */
export const parseOwnUsers = (uidMap: string, gidMap: string, setGroups: string): OwnUsers => {
  const [users, groups] = [rangesOf(uidMap), rangesOf(gidMap)]
  return { whole: users.some(([first, count]) => first === 0 && count >= 4_294_967_295), hasUser: (uid) => holds(users, uid), hasGroup: (gid) => holds(groups, gid), setGroups: setGroups.trim() !== 'deny' }
}

export const readOwnUsers = (): OwnUsers => {
  const [users = '', groups = '', set = ''] = ['uid_map', 'gid_map', 'setgroups'].map((name) => readFileSync(`/proc/self/${name}`, 'utf8'))
  return parseOwnUsers(users, groups, set)
}

/** Does what gives a file to somebody, where that one exists: without a number here the file stays ours, as everything of that owner looks like nobody's anyway. */
export const ifOwnerExists = (give: () => void): void => {
  try {
    give()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
  }
}
