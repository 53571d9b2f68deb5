/** "Arm before need": everything of an attempt up to the execution of its program, so that nothing of this stands between an exit and a restart. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chownSync, mkdirSync, readFileSync, readlinkSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { notNeeded } from '../../../src/api/clock.ts'
import { type Attempt, discard, listen, newAttempt } from './attempt.ts'
import { type AttemptIdentity, type AttemptRecord, attemptFile, readErrors, removeDirectory } from './attempt-files.ts'
import { cgroupDirectories, createCgroup, pinCgroup } from './cgroups/cgroup.ts'
import { noteNamespaces } from './cgroups/process-groups.ts'
import { run } from './command.ts'
import { attemptDirectory, bareEnvironment, type Context, podOf, rootsDirectory, scriptsDirectory, shimCgroup, templateDirectory, toolsDirectory } from './context.ts'
import { mountOf, mountPointsOf, parseMountInfo } from './proc/mount-info.ts'
import { identify, isAlive, type ProcessIdentity, readIfThere } from './proc/stat.ts'
import { protocol } from './protocol.ts'
import { type Credentials, credentialsOf, missingUsers, setprivArguments } from './rootfs/credentials.ts'
import { renderFstab } from './rootfs/fstab.ts'
import { type PreparedRoot, prepareRoot } from './rootfs/prepare-root.ts'
import { idMapper, ptyUnlocker, toolCommand, toolsInContainer, underFilter } from './rootfs/tools.ts'
import type { ContainerSpec } from './runtime.ts'
import { mapMounts } from './users.ts'
import { namespaceArguments, type Sandbox } from './sandbox/sandbox.ts'
import { sharedMemoryIn } from './sandbox/shared-memory.ts'
import { filterFileName, filterOf } from './seccomp.ts'
import { startFailureMessage } from './shim/go-script.ts'
import { type Device, deviceNumbers, usualDevices } from './steps/devices.ts'
import { containerSteps, deviceSteps, shimSteps } from './steps/container-steps.ts'
import { assignments } from './shim/quote.ts'

/** Names everything that is fixed at arming; environment and arguments come with the start. */
export const shapeOf = ({ env: _env, command: _command, shownImage: _shown, cpus: _cpus, ...fixed }: ContainerSpec, sandbox: Sandbox): string =>
  createHash('sha256').update(JSON.stringify([fixed, sandbox.record.attempt, sandbox.record.createdAt])).digest('hex')

const volumeImages = ({ mounts }: ContainerSpec): Pick<AttemptRecord, 'volumeImages'> => {
  const ids = mounts.flatMap(({ imageId }) => imageId ?? [])
  return ids.length > 0 ? { volumeImages: ids } : {}
}

export const arm = async (context: Context, sandbox: Sandbox, spec: ContainerSpec, signal: AbortSignal): Promise<Attempt> => {
  signal.throwIfAborted()
  const directory = attemptDirectory(context, spec)
  const rootDirectory = path.join(rootsDirectory(context), spec.podUid, `${spec.name}-${spec.attempt}`)
  await Promise.all([directory, rootDirectory].map(removeDirectory))
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const record: AttemptRecord = {
    protocol, bootId: context.bootId, id: context.random.uuid().replaceAll('-', '').repeat(2), podUid: spec.podUid, name: spec.name, attempt: spec.attempt, createdAt: context.clock.now().toISOString(),
    imageRef: spec.image.kind === 'host' ? 'host' : spec.image.id, ...(spec.shownImage && { shownImage: spec.shownImage }), ...volumeImages(spec), logPath: spec.logPath, stopSignal: spec.stopSignal, tty: spec.tty, stdin: spec.stdin, stdinOnce: spec.stdinOnce,
    workingDir: spec.workingDir, sandboxAttempt: sandbox.record.attempt, shape: shapeOf(spec, sandbox), rootDirectory,
  }
  attemptFile.write(directory, 'record', record)
  const attempt = newAttempt({ directory, cgroup: path.join(sandbox.record.cgroup, `${spec.name}-${spec.attempt}`), record })
  podOf(context, spec.podUid).attempts.push(attempt)
  try {
    const command = shimCommand(context, { sandbox, spec })
    const { prepared, credentials } = prepareFiles(context, { attempt, sandbox, spec, command })
    await Promise.all([createCgroup(context.hierarchies, attempt.cgroup, spec.resources), context.fifos.place(directory, ['go', 'life', 'out', 'err', ...(spec.stdin || spec.tty ? ['in'] : []), ...(spec.tty ? ['mounted', 'line'] : [])]), sharesMounts(spec) && isolateRoots(context)])
    signal.throwIfAborted()
    if (spec.cpus !== undefined) pinCgroup(context.hierarchies, attempt.cgroup, spec.cpus)
    for (const each of ['out', 'err']) chownSync(path.join(directory, each), credentials.uid + (sandbox.record.users ?? 0), credentials.gid + (sandbox.record.users ?? 0))
    listen(context, attempt)
    const heard = attempt.heard.promise
    launch(context, { attempt, sandbox, spec, command })
    await untilArmed(context, { attempt, heard, signal })
    const found = await inspect(attempt, sandbox, prepared)
    // It can have been given up, or have lost its shim, meanwhile.
    if (isOver(attempt)) throw new Error('the armed process is gone')
    attempt.identity = { ...found, credentials }
    if (context.hierarchies.version === 'none') for (const group of cgroupDirectories(context.hierarchies, attempt.cgroup)) noteNamespaces(group, attempt.identity.process.pid, sharesProcesses(sandbox, spec))
    attemptFile.write(directory, 'identity', attempt.identity)
    attempt.phase = 'armed'
    return attempt
  } catch (error) {
    await discard(context, attempt)
    throw error
  }
}

interface Preparation { attempt: Attempt; sandbox: Sandbox; spec: ContainerSpec; command: readonly string[] }

const prepareFiles = (context: Context, { attempt, sandbox, spec, command }: Preparation): { prepared: PreparedRoot; credentials: Credentials } => {
  const { directory, record } = attempt
  checkShared(spec)
  const text = (name: string): string => readFileSync(path.join(sandbox.directory, name), 'utf8')
  const prepared = prepareRoot({
    spec, directory: record.rootDirectory, stock: context.roots, tools: toolsDirectory(context), template: templateDirectory(context),
    etc: { 'resolv.conf': text('resolv.conf'), hosts: text('hosts'), hostname: `${sandbox.record.hostname}\n` },
    sharedMemory: sandbox.record.hostIpc ? '/dev/shm' : sharedMemoryIn(sandbox.directory),
    users: sandbox.record.users, ownUsers: context.ownUsers, hidden: [context.dataDirectory, context.stateDirectory, ...(context.hiddenDirectories ?? [])],
  })
  const credentials = credentialsOf(spec, prepared)
  const missing = missingUsers(credentials, context.ownUsers)
  if (missing !== undefined) throw new Error(`the container cannot run as ${missing}`)
  if (spec.seccomp) writeFileSync(path.join(directory, filterFileName), filterOf(spec.seccomp, credentials.capabilities), { mode: 0o600 })
  const { users } = sandbox.record
  const mapped = users === undefined ? undefined : mapMounts(prepared.mounts, path.join(directory, 'owners'))
  if (mapped) writeFileSync(path.join(directory, 'mapped'), mapped.pairs, { mode: 0o600 })
  const early = spec.seccomp && !credentials.noNewPrivileges ? underFilter(toolCommand('setpriv')).slice(0, 2).join(' ') : ''
  const stepped = early === '' && writeSteps(context, { attempt, sandbox, spec, prepared, credentials })
  if (!stepped) writeFileSync(path.join(directory, 'fstab'), renderFstab(prepared.mountPoint, mapped?.mounts ?? prepared.mounts), { mode: 0o600 })
  const devices = context.runner && !stepped ? devicesOf(context, attempt.cgroup, spec) : undefined
  if (context.runner && devices) writeFileSync(path.join(directory, 'devices'), deviceSteps(context.runner.numbers, devices), { mode: 0o600 })
  writeFileSync(path.join(directory, 'spec'), assignments({
    scripts: scriptsDirectory(context), tools: toolsInContainer, root: prepared.mountPoint,
    shim_groups: isLaunched(context, spec) ? '' : cgroupDirectories(context.hierarchies, shimCgroup(context)).join(' '), groups: cgroupDirectories(context.hierarchies, attempt.cgroup).join(' '),
    namespaces: namespaceArguments(sandbox).join(' '), propagation: sharesMounts(spec) ? 'unchanged' : 'slave', read_only: spec.readOnlyRootFilesystem ? 'yes' : '',
    filter: spec.seccomp ? `./${filterFileName}` : '', early,
    users: users === undefined ? '' : `/proc/${sandbox.record.holder?.pid}/ns/user`, id_mapper: path.join(toolsDirectory(context), idMapper),
    privileges: setprivArguments(credentials, context.boundingSet, context.ownUsers.setGroups).join(' '), oom_score_adj: String(spec.oomScoreAdj),
    runner: stepped ? (context.runner?.program ?? '') : '', limiter: devices ? (context.runner?.program ?? '') : '', tty: spec.tty ? 'yes' : '', owner: String(credentials.uid + (users ?? 0)), unlocker: path.join(toolsDirectory(context), ptyUnlocker), stdin: spec.stdin ? 'yes' : '',
    label: labelOf(sandbox, spec.name), launch: command.join(' '),
  }), { mode: 0o600 })
  return { prepared, credentials }
}

/** Privileged containers may use any. */
const devicesOf = ({ hierarchies: { unified } }: Context, cgroup: string, { privileged, mounts }: ContainerSpec): { cgroup: string; allowed: Device[] } | undefined => {
  if (privileged || unified === undefined) return undefined
  const own = mounts.filter(({ device }) => device).map(({ hostPath, unwritable }): Device => { const stats = statSync(hostPath); if (!stats.isBlockDevice() && !stats.isCharacterDevice()) throw new Error(`${hostPath} is no device`); return { kind: stats.isBlockDevice() ? 'block' : 'character', ...deviceNumbers(stats.rdev), ...(unwritable && { unwritable }) } })
  return { cgroup: path.join(unified, cgroup), allowed: [...usualDevices, ...own] }
}

/** Everything up to the program as system calls; false: that is left to the scripts. */
const writeSteps = (context: Context, { attempt: { directory, cgroup }, sandbox, spec, prepared, credentials }: Omit<Preparation, 'command'> & { prepared: PreparedRoot; credentials: Credentials }): boolean => {
  const { holder, hostNetwork, hostIpc, users } = sandbox.record
  if (!context.runner || spec.tty || users !== undefined) return false
  const namespace = (kind: string): string => `/proc/${holder?.pid}/ns/${kind}`
  writeFileSync(path.join(directory, 'steps'), containerSteps(context.runner.numbers, {
    groups: cgroupDirectories(context.hierarchies, cgroup), devices: devicesOf(context, cgroup, spec), oomScore: spec.oomScoreAdj,
    network: hostNetwork ? undefined : namespace('net'), uts: hostNetwork ? undefined : namespace('uts'), ipc: hostIpc ? undefined : namespace('ipc'),
    root: prepared.mountPoint, mounts: prepared.mounts, readOnlyRoot: spec.readOnlyRootFilesystem, sharesMounts: sharesMounts(spec), credentials, boundingSet: context.boundingSet,
    shell: [...toolCommand('sh'), '-s', labelOf(sandbox, spec.name)], environment: bareEnvironment,
  }), { mode: 0o600 })
  return true
}

/** Tells people who read `ps` whose process this is. */
const labelOf = ({ record: { podNamespace, podName } }: Sandbox, container: string): string => `${podNamespace}/${podName}/${container}`

/** As upstream's runtimes: what a container mounts can only be passed on to the machine by a mount that does so. */
const checkShared = ({ mounts }: ContainerSpec): void => {
  if (mounts.every(({ propagation }) => propagation !== 'rshared')) return
  const own = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
  for (const { hostPath, propagation } of mounts) {
    const mount = propagation === 'rshared' ? mountOf(own, realpathSync(hostPath)) : undefined
    if (mount && !mount.isShared) throw new Error(`path ${JSON.stringify(hostPath)} is mounted on ${JSON.stringify(mount.mountPoint)} but it is not a shared mount`)
  }
}

const sharesMounts = (spec: ContainerSpec): boolean => spec.mounts.some(({ propagation }) => propagation === 'rshared')

/** Mounts that are passed on to the machine must not carry the container's own root with them: the place where that is built becomes a mount that passes nothing on. */
const isolateRoots = async (context: Context): Promise<void> => {
  const place = templateDirectory(context)
  if (mountOf(parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')), place)?.mountPoint === place) return
  await run('mount', ['--bind', place, place])
  await run('mount', ['--make-private', place])
}

/** The process namespace is entered first, so that the shim's one child is the first process of it. */
const shimCommand = (context: Context, from: Pick<Preparation, 'sandbox' | 'spec'>): string[] => {
  const namespace = processNamespace(context, from)
  return [...(namespace === 'own' ? [] : namespace === 'new' ? ['unshare', '--pid'] : ['nsenter', `--pid=${namespace}`, '--no-fork']), 'sh', path.join(scriptsDirectory(context), 'shim')]
}

/** That of the machine, a new one, or a file below /proc. */
const processNamespace = (context: Context, { sandbox: { record, init }, spec }: Pick<Preparation, 'sandbox' | 'spec'>): string => {
  if (record.hostPid) return 'own'
  const joined = init ?? (spec.targetContainer ? firstProcess(context, spec.podUid, spec.targetContainer) : undefined)
  return joined ? `/proc/${joined.pid}/ns/pid` : 'new'
}

/** Containers with a terminal or an input have a holder of that about their shim. */
const isLaunched = ({ launcher }: Context, { tty, stdin }: ContainerSpec): boolean => launcher !== undefined && !tty && !stdin

const sharesProcesses = ({ record, init }: Sandbox, spec: ContainerSpec): boolean => record.hostPid || init !== undefined || spec.targetContainer !== undefined

/** Of a container that runs: whoever joins its process namespace ends when it does. */
const firstProcess = (context: Context, podUid: string, name: string): ProcessIdentity => {
  const process = podOf(context, podUid).attempts.findLast(({ record, phase }) => record.name === name && phase === 'running')?.identity?.process
  if (!process || !isAlive(process)) throw new Error(`unable to find target container ${name}: it does not run`)
  return process
}

const launch = (context: Context, { attempt, sandbox, spec, command: shim }: Preparation): void => {
  const { record, directory } = attempt
  if (context.runner && context.launcher && isLaunched(context, spec)) {
    const label = labelOf(sandbox, record.name)
    writeFileSync(path.join(directory, 'launch'), shimSteps(context.runner.numbers, { processNamespace: processNamespace(context, { sandbox, spec }), command: ['/bin/sh', path.join(scriptsDirectory(context), 'shim'), label], environment: bareEnvironment }), { mode: 0o600 })
    context.launcher.launch(directory, 'launch', label)
    return
  }
  const [command = '', ...args] = record.tty ? ['sh', path.join(scriptsDirectory(context), 'terminal')]
    : record.stdin ? ['sh', path.join(scriptsDirectory(context), 'input')] : shim
  // The name of the container as a last argument tells people who read `ps` whose shim this is.
  const child = spawn(command, [...args, `${sandbox.record.podNamespace}/${sandbox.record.podName}/${record.name}`],
    { cwd: directory, detached: true, stdio: 'ignore', env: bareEnvironment })
  // No more processes, no more open files: nobody will ever be heard.
  child.on('error', ({ message }) => { attempt.problem = message; attempt.heard.resolve(undefined) })
  child.unref()
}

const armDeadlineMilliseconds = 30_000

const untilArmed = async (context: Context, { attempt, heard, signal }: { attempt: Attempt; heard: Promise<string | undefined>; signal: AbortSignal }): Promise<void> => {
  const giveUp = new AbortController()
  const deadline = context.clock.sleep(armDeadlineMilliseconds, AbortSignal.any([signal, giveUp.signal])).then(() => 'late')
  deadline.catch(() => {})
  const word = await Promise.race([heard, deadline])
  giveUp.abort(notNeeded)
  if (word === 'armed') return
  const errors = readErrors(attempt.directory).replace(/^fail seccomp$/m, startFailureMessage('seccomp', { command: [], workingDir: '/', env: [] }))
  throw new Error(`cannot set up the container: ${attempt.problem ?? (errors || (word === 'late' ? `not done after ${armDeadlineMilliseconds / 1000} s` : 'its supervisor ended without a word'))}`)
}

const isOver = ({ phase, endedMilliseconds }: Attempt): boolean => phase !== 'arming' || endedMilliseconds !== undefined

/** Whether what came to be is what was planned: the process is in its cgroup and in the sandbox's namespaces, and every mount is where it was meant to be. */
const inspect = async (attempt: Attempt, sandbox: Sandbox, { mounts }: PreparedRoot): Promise<Omit<AttemptIdentity, 'credentials'>> => {
  const pid = Number(readIfThere(path.join(attempt.directory, 'pid')))
  const process = identify(pid)
  if (!process) throw new Error('the armed process is gone')
  if (!sandbox.record.hostNetwork && readlinkSync(`/proc/${pid}/ns/net`) !== sandbox.record.networkNamespace) throw new Error('the sandbox was lost while the container was set up')
  // Whoever mounts anything on the machine keeps this waiting.
  const made = mountPointsOf(await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => ''))
  const missing = mounts.find(({ containerPath }) => !made.has(containerPath))
  if (missing) throw new Error(`cannot mount ${missing.source} at ${missing.containerPath}: the path changed while it was being mounted`)
  const holder = Number(readIfThere(path.join(attempt.directory, 'holder')) ?? 0)
  return { process, holder: holder ? identify(holder) : undefined }
}
