/**
 * `wherry upgrade`: the cluster that runs goes on with this program. The control plane first, then kubelets one by one, then kube-proxy and DNS, as upstream's rules of version skew want it.
 * Pods keep their processes: each new kubelet adopts what the last one left. What does not come up in time is put back, in reverse order. Idempotent: one that was cut short is run again.
 */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Client } from '../client/client.ts'
import { applyAddons } from './apply.ts'
import { readConfig, type ClusterConfig } from './config.ts'
import { connectAdmin, isReady } from './connect.ts'
import type { Home } from './home.ts'
import { runningKeeper, stopKeeper } from './keeper.ts'
import { startNode, nodeCommand } from './nodes.ts'
import { clusterProgram, installProgram, ownProgram, useProgram } from './program.ts'
import { saveSnapshot } from './snapshot.ts'
import { manifestValues, readStaticPods, writeStaticPods } from './static-pods.ts'
import { resumeMachines } from './ssh/joined-machines.ts'
import { inTurn } from './turn.ts'
import { keptCommand, serverVersion, waitControlPlane, waitDns, waitKubelet, waitProxy } from './upgrade-waits.ts'
import { UserError } from './user-error.ts'

/** `timeout`: seconds that each part has to come up. */
export interface UpgradeOptions { home: Home; timeout: number }

/** One part of the cluster. `undo` also mends an `apply` that failed half-way. */
interface Step { what: string; apply(signal: AbortSignal): Promise<void>; undo(signal: AbortSignal): Promise<void> }

interface Work { home: Home; config: ClusterConfig; client: Client; from: string; to: string; timeout: number }

const keeperMilliseconds = 10_000
/** What worked before is given the time that it needs to work again. */
const backSeconds = 180
const machinesMilliseconds = 120_000

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

export const upgrade = async (options: UpgradeOptions, signal: AbortSignal): Promise<void> => {
  const { home } = options
  await inTurn(home, { work: () => replaceProgram(options, signal), waiting: (pid) => say(`another wherry command (pid ${pid}) is at work on this cluster; waiting for it …`) }, signal)
}

const replaceProgram = async ({ home, timeout }: UpgradeOptions, signal: AbortSignal): Promise<void> => {
  const config = await readConfig(home)
  if (!config) throw new UserError(`there is no cluster in ${home.data}; start one with: wherry up`)
  const from = clusterProgram(home)
  if (from === undefined || !(await runningKeeper(home.node(config.nodes[0]?.name ?? '').keeperPid))) throw new UserError('the cluster does not run: wherry up starts it with this program')
  if ([from, ownProgram(home)].includes(home.program)) throw new UserError('what runs from source is not upgraded: stop it with wherry down, and start it anew with wherry up')
  const { client, close } = connectAdmin(home)
  try {
    if (!(await isReady(client, signal))) throw new UserError(`the API server does not answer: an upgrade begins with a cluster that works; look into ${home.logs}`)
    const before = await serverVersion(client, signal)
    const to = installProgram(home)
    await backUp(home, config, signal)
    await walk(stepsOf({ home, config, client, from, to, timeout }), signal)
    say(`upgraded from ${before} (${path.basename(from)}) to ${await serverVersion(client, signal)} (${path.basename(to)})`)
  } finally {
    close()
  }
}

/** As it was before: for whoever finds out later that the new program has spoilt something. A real etcd has backups of its own. */
const backUp = async (home: Home, config: ClusterConfig, signal: AbortSignal): Promise<void> => {
  if (config.etcdServers || !existsSync(home.store)) return
  const file = path.join(home.data, 'before-upgrade.snapshot')
  await rm(file, { force: true })
  await saveSnapshot({ home, file }, signal)
}

/** Takes the steps; when one fails, it and those before it are taken back. Exported for the test. */
export const walk = async (steps: readonly Step[], signal: AbortSignal): Promise<void> => {
  const taken: Step[] = []
  try {
    for (const step of steps) {
      signal.throwIfAborted()
      say(`${step.what} …`)
      taken.unshift(step)
      await step.apply(signal)
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    say(`${taken[0]?.what ?? 'the upgrade'} failed (${why}); going back`)
    // Also after ^C: what is half new is no place to stop.
    const failures: string[] = []
    for (const step of taken) await step.undo(new AbortController().signal).catch((problem: unknown) => { failures.push(`${step.what}: ${problem instanceof Error ? problem.message : String(problem)}`) })
    throw new UserError(`the upgrade failed: ${why}${failures.length > 0 ? `; going back failed, too: ${failures.join('; ')}` : '; the cluster runs as before'}`, 1, { cause: error })
  }
}

const stepsOf = (work: Work): Step[] => {
  const { config } = work
  return [
    ...(config.single ? [] : [controlPlaneStep(work)]),
    ...config.nodes.filter(({ kind }) => kind !== 'ssh').map((node) => nodeStep(work, node)),
    ...(config.nodes.some(({ kind }) => kind === 'ssh') ? [machinesStep(work)] : []),
    ...addonsSteps(work),
  ]
}

const controlPlaneStep = ({ home, config, client, to, timeout }: Work): Step => {
  let before: ReadonlyMap<string, string> = new Map()
  return {
    what: 'control plane',
    async apply(signal) {
      before = await readStaticPods(home, config)
      await writeStaticPods(home, config, { programFolder: to })
      await waitControlPlane(client, { texts: await readStaticPods(home, config), timeout }, signal)
    },
    async undo(signal) {
      await writeStaticPods(home, config, { texts: before })
      await waitControlPlane(client, { texts: before, timeout: backSeconds }, signal)
    },
  }
}

const nodeStep = ({ home, config, client, to, timeout }: Work, node: ClusterConfig['nodes'][number]): Step => {
  const { keeperPid } = home.node(node.name)
  let before: readonly string[] = []
  const runWith = async (command: readonly string[], seconds: number, signal: AbortSignal): Promise<void> => {
    await stopKeeper(keeperPid, keeperMilliseconds, signal)
    await startNode(home, config, node, [...command])
    await waitKubelet(client, { node: node.name, timeout: seconds }, signal)
  }
  return {
    what: `${config.single ? 'cluster of one process' : `kubelet of ${node.name}`}`,
    async apply(signal) {
      before = await keptCommand(keeperPid)
      const command = nodeCommand(home, config, node, to)
      // A node that was killed on purpose stays so; `wherry node heal` starts it with the new program.
      if (before.length > 0 && before.join('\0') !== command.join('\0')) await runWith(command, timeout, signal)
    },
    async undo(signal) { if (before.length > 0 && (await keptCommand(keeperPid)).join('\0') !== before.join('\0')) await runWith(before, backSeconds, signal) },
  }
}

/** Machines that do not answer are told of, and get the program with the next `upgrade` or `up`. They are not taken back: a kubelet there that is newer goes on working. */
const machinesStep = ({ home, config }: Work): Step => ({
  what: 'joined machines',
  apply: (signal) => resumeMachines(home, config, AbortSignal.any([signal, AbortSignal.timeout(machinesMilliseconds)])),
  undo: () => Promise.resolve(),
})

/** DNS after kube-proxy: its new pods are nobody's before the rules lead to them. */
const addonsSteps = ({ home, config, client, from, to, timeout }: Work): Step[] => {
  const step = (what: string, without: readonly string[], wait: typeof waitProxy): Step => {
    const apply = async (folder: string, seconds: number, signal: AbortSignal): Promise<void> => {
      await useProgram(home, folder)
      await applyAddons(client, config, manifestValues(home, config, folder), { from: path.join(folder, 'manifests'), without })
      if (!config.single) await wait(client, { timeout: seconds }, signal)
    }
    return { what, apply: (signal) => apply(to, timeout, signal), undo: (signal) => apply(from, backSeconds, signal) }
  }
  return config.single ? [step('roles', [], waitProxy)] : [step('kube-proxy', ['dns'], waitProxy), step('DNS', [], waitDns)]
}
