/**
 * The shell programs of supervision. They stand as files in the node's state directory and run in the directory of the attempt, whose `spec` they read.
 * An attempt whose files are gone has nobody who would release its shim.
 * Only what the shell has built in runs between the exit of a container's process and the end-of-file that wakes the kubelet.
 *
 * File descriptors: 0 standard input, later `go`; 3 4 5 the container's standard input, output and error; 6 `exit`, in the container its filter of system calls; 7 `go`; 8 `status`; 9 `life`.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { joinGroup } from '../cgroups/process-groups.ts'

/**
 * The shim: waits for the container's first process and writes down how it ended. It is started by way of `unshare --pid` (or `nsenter --pid`), so that the
 * one child that it forks is the first process of a process namespace. The child runs in the foreground: in the background a shell would have it ignore SIGINT.
 * Where there is a runner, everything up to the program is in the file `steps` (../steps/container-steps.ts).
 */
const shim = `. ./spec || exit 1
umask 022
exec 9<>life 8>>status 7<>go 6>>exit || exit 1
[ -n "$tty" ] || exec 4<>out 5<>err || exit 1
exec 2>>errors </dev/null
{ echo -999 >/proc/self/oom_score_adj; } 2>/dev/null
for group in $shim_groups; do @join@ || exit 1; done
echo 'echo armed >&8; echo armed >&9' >&7
(
  if [ -n "$runner" ]; then
    exec 6>&-
    [ -z "$filter" ] || exec 6<"$filter"
    if [ -n "$stdin" ]; then exec 3<in; else exec 3</dev/null; fi
    exec "$runner" "$label" <steps
  fi
  [ -z "$limiter" ] || "$limiter" "$label" <devices || exit 125
  for group in $groups; do @join@ || exit 125; done
  read -r pid rest </proc/self/stat && echo "$pid" >pid || exit 125
  { echo "$oom_score_adj" >/proc/self/oom_score_adj; } 2>/dev/null
  exec 6>&-
  [ -z "$filter" ] || exec 6<"$filter"
  if [ -n "$stdin" ] && [ -z "$tty" ]; then exec 3<in; else exec 3</dev/null; fi
  exec setsid nsenter $namespaces unshare --mount --propagation "$propagation" sh "$scripts/root"
)
code=$?
echo "exit $code" >&6
exec 9>&-
[ -n "$tty" ] || [ ! -e spec ] || read -r released <&7
`

/** The child, now first process of its namespaces: makes its root its own, becomes who the container shall be, and waits for the rest
 * of its program on `go`. A terminal is opened where it will be found by its name; being the leader of a session, this process gets it as the one that controls it. A filter of system calls that the kernel takes only from root is loaded first, while it is root. The old root is put upon /dev/mqueue and taken away again, so that no directory is needed for it; without the helpers (mount.TYPE) that may lie in the new one.
 */
const root = `. ./spec || exit 125
if [ -n "$users" ]; then
  while IFS= read -r source && IFS= read -r target && IFS= read -r alone; do
    "$id_mapper" "$users" "$source" "$target" $alone || { echo "cannot show the owners of files in $source to a pod with users of its own: its file system does not have them mapped" >&2; exit 125; }
  done <./mapped
  exec 0<"$users"
fi
mount --all --fstab ./fstab || exit 125
if [ -n "$tty" ]; then
  read -r pid <pid && exec 3<>line && echo "$pid" >mounted && read -r number <&3 && [ -n "$number" ] || exit 125
  [ "$owner" = 0 ] || chown "$owner" "$root/dev/pts/$number" || exit 125
  exec 3<>"$root/dev/pts/$number" 4>&3 5>&3 || exit 125
  mount --bind "$root/dev/pts/$number" "$root/dev/console" && echo "$number" >terminal || exit 125
fi
[ -z "$read_only" ] || mount -o remount,bind,ro "$root" || exit 125
cd "$root" && pivot_root . dev/mqueue && cd / || exit 125
[ "$propagation" = slave ] || "$tools/ld.so" --library-path "$tools" "$tools/mount" --internal-only --no-mtab --make-rslave /dev/mqueue || exit 125
"$tools/ld.so" --library-path "$tools" "$tools/umount" --internal-only --no-mtab --no-canonicalize --lazy /dev/mqueue || exit 125
if [ -n "$users" ]; then
  exec "$tools/ld.so" --library-path "$tools" "$tools/nsenter" --user=/proc/self/fd/4 "$tools/ld.so" --library-path "$tools" "$tools/unshare" --mount --propagation unchanged $early "$tools/ld.so" --library-path "$tools" "$tools/setpriv" $privileges "$tools/ld.so" --library-path "$tools" "$tools/sh" -s "$label" 1>&4 4<&0 0<&7 7>&2 2>&5 5>&7 7>&-
fi
[ -z "$early" ] || exec $early "$tools/ld.so" --library-path "$tools" "$tools/setpriv" $privileges "$tools/ld.so" --library-path "$tools" "$tools/sh" -s "$label" 0<&7 1>&4 7>&2 2>&5 4>&- 5>&7 7>&-
exec "$tools/ld.so" --library-path "$tools" "$tools/setpriv" $privileges "$tools/ld.so" --library-path "$tools" "$tools/sh" -s "$label" 0<&7 1>&4 2>&5 4>&- 5>&- 7>&-
`

/**
 * Holds the pty of a container with a terminal, made in the container's own /dev/pts as soon as that is mounted, and carries bytes between it and the FIFOs.
 * `life` stays open until everything that was shown has been carried.
 */
const terminal = `. ./spec || exit 1
exec 9<>life 7<>go 2>>errors </dev/null >/dev/null || exit 1
{ echo -999 >/proc/self/oom_score_adj; } 2>/dev/null
for group in $shim_groups; do @join@ || exit 1; done
(
  exec 7>&- 4<>out 5<>in 6<>mounted 8<>line || exit 1
  read -r pid <&6 || exit 1
  { exec 3<>"/proc/$pid/root$root/dev/pts/ptmx" && "$unlocker" <&3; } || { echo 'cannot make a terminal for the container' >&2; echo >&8; exit 1; }
  while read -r name value; do [ "$name" != tty-index: ] || number=$value; done </proc/self/fdinfo/3
  cat <&5 >&3 3>&- 4>&- 5>&- 6>&- 8>&- 9>&- &
  echo "$!" >holder
  echo "$number" >&8
  exec cat <&3 >&4 2>/dev/null 3>&- 4>&- 5>&- 6>&- 8>&-
) &
carrier=$!
$launch "$1"
if [ -s exit ] && [ -e terminal ]; then wait "$carrier"; else kill "$carrier" 2>/dev/null; fi
exec 9>&-
[ ! -e spec ] || read -r released <&7
`

/** Forks what the kubelet names on its standard input; see launcher.ts. Arguments: directories of its cgroup. */
const launcher = `{ echo -999 >/proc/self/oom_score_adj; } 2>/dev/null
for group; do @join@ || exit 1; done
exec sh -s launcher
`

/** What carries logs (logs/log-writer.ts), in the directory of its FIFOs. Arguments: the program, directories of its cgroup. */
const logWriter = `program=$1
shift
exec 0<>commands 1<>answers || exit 1
{ echo -999 >/proc/self/oom_score_adj; } 2>/dev/null
for group; do @join@ || exit 1; done
exec "$program"
`

/** Keeps the standard input of a container open while nobody is attached; ending it is how input ends. */
const input = `. ./spec || exit 1
sleep infinity <>in >/dev/null 2>&1 &
echo "$!" >holder
exec $launch
`

/** What is set in a pod's namespaces. */
const settings = `[ -z "$hostname" ] || @hostname@ || exit 1
[ -z "$domain_name" ] || @domain_name@ || exit 1
[ ! -s network ] || ip -batch network || exit 1
while IFS=' ' read -r name value; do echo "$value" >"/proc/sys/$name" || exit 1; done <sysctls
`

/** The namespaces of a pod with users of its own, held by a process that has no rights there or anywhere. */
const holder = `echo ready >&9
exec sleep infinity
`

/** Run from outside in such namespaces. */
const inside = `. ./spec || exit 1
${settings}`

/** A pod's namespaces, held by a process that does nothing. Its network is set up from inside. */
const sandbox = `. ./spec || exit 1
exec 9<>life 2>>errors </dev/null >/dev/null || exit 1
{ echo -998 >/proc/self/oom_score_adj; } 2>/dev/null
[ -z "$shared_memory" ] || mount -n -t tmpfs -o "nosuid,nodev,noexec,$shared_memory" shm ./shm || exit 1
for group in $groups; do @join@ || exit 1; done
[ -z "$users" ] || exec unshare --user --net --uts --ipc sh "$scripts/holder"
${settings}[ -n "$init" ] && exec unshare --pid sh "$scripts/init"
echo ready >&9
exec sleep infinity
`

/** First process of a pod's shared process namespace: collects the orphans. Its parent keeps `life` open and ends with it. */
const init = `(
  @init_joins@read -r pid rest </proc/self/stat && echo "$pid" >init || exit 1
  echo ready >&9
  exec 9>&-
  trap : TERM INT HUP
  while :; do sleep 2147483647 & wait; done
)
`

/** Joins a container's cgroup and namespaces for one more command; arguments: the file with the rest of its program, the file for its status, the OOM score, the file with its filter or '', cgroup directories, --, a command. */
const session = `umask 022
exec 3<&0 0<"$1" 8>>"$2" 9>/dev/null || exit 126
{ echo "$3" >/proc/self/oom_score_adj; } 2>/dev/null
[ -z "$4" ] || exec 6<"$4" 5>&8 || exit 126
shift 4
while [ "$1" != -- ]; do group=$1; @join@ || exit 126; shift; done
shift
exec "$@"
`

export const scriptNames = ['shim', 'root', 'terminal', 'input', 'sandbox', 'holder', 'inside', 'init', 'session', 'launcher', 'logWriter'] as const

/** What differs where no cgroups can be made, and the files of the kernel's own settings belong to somebody who has no number here (rootless). */
const words = {
  root: { join: 'echo 0 >"$group/cgroup.procs"', init_joins: '', hostname: 'echo "$hostname" >/proc/sys/kernel/hostname', domain_name: 'echo "$domain_name" >/proc/sys/kernel/domainname' },
  // A process that nobody else will know as the pod's, since its parent may end first, joins by itself.
  rootless: { join: joinGroup, init_joins: `for group in $groups; do ${joinGroup} || exit 1; done\n  `, hostname: 'hostname "$hostname"', domain_name: 'domainname "$domain_name"' },
} as const

/** Writes the programs into `directory`; shells that run keep what they have read, so the files are replaced, not changed. */
export const installScripts = (directory: string, replace: (file: string, text: string) => void = (file, text) => { writeFileSync(file, text, { mode: 0o600 }) }, kind: keyof typeof words = 'root'): void => {
  const texts: Record<(typeof scriptNames)[number], string> = { shim, root, terminal, input, sandbox, holder, inside, init, session, launcher, logWriter }
  for (const name of scriptNames) replace(path.join(directory, name), texts[name].replaceAll(/@(\w+)@/g, (_, word: string) => words[kind][word as keyof (typeof words)['root']]))
}
