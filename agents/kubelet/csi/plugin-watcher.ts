/**
 * Drivers come and go as sockets in the plugins_registry directory. Mirrors pkg/kubelet/pluginmanager and the registration of pkg/volume/csi/csi_plugin.go.
 * A socket that speaks the kubelet's registration (node-driver-registrar) names the driver's own; one that is a driver's own, and answers GetPluginInfo, is enough as well.
 */
import { watch } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import type { Log } from '../../../src/client/component.ts'
import { Wakeable } from '../wakeable.ts'
import { CsiError, isUnimplemented } from './csi-error.ts'
import { describeDriver, type Driver, ownPath } from './driver.ts'
import { type Line, openLine } from './line.ts'

/** Who cares for plugins of the type DevicePlugin. */
export interface DevicePlugins {
  /** undefined: it may come. */
  problem(resource: string, versions: readonly string[]): string | undefined
  /** Rejects when it cannot be reached. Answers what lets it go. */
  register(resource: string, socket: string): Promise<() => void>
}

export interface PluginWatcherOptions {
  /** undefined: nobody does. */
  devices?: DevicePlugins
  /** The kubelet's. */
  root: string
  clock: Clock
  log: Log
}

interface Plugin { identity: string; driver?: Driver; /** It came, and is no driver of volumes. */ isDevice?: boolean; lines: Pick<Line, 'close'>[]; failures: number; retryAt: number }

// Besides the kernel's word, which can be lost when its queue overflows.
const rescanMilliseconds = 20_000
const settleMilliseconds = 20
const registrationMilliseconds = 10_000
const describeMilliseconds = 30_000
const supportedVersion = /^v?1(\.\d+)*$/

export const registryDirectory = (root: string): string => path.join(root, 'plugins_registry')

/** Sockets below the directory, as upstream also in folders of it; with what tells one from another of the same name. */
const sockets = async (directory: string): Promise<Map<string, string>> => {
  const found = new Map<string, string>()
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isSocket() || entry.name.startsWith('.')) continue
    const at = path.join(entry.parentPath, entry.name)
    const facts = await stat(at).catch(() => undefined) // gone since
    if (facts) found.set(at, `${facts.ino}/${facts.ctimeMs}`)
  }
  return found
}

interface Asked { type: string; name: string; endpoint: string; supported_versions: string[] }

/** What the registrar says, or what the driver says of itself. */
const introduction = async (line: Line, socket: string): Promise<Asked & { registrar: boolean }> => {
  const within = { timeoutMilliseconds: registrationMilliseconds }
  const said = await line.call<Asked>('pluginregistration.Registration', 'GetInfo', {}, within).catch((error: unknown) => { if (isUnimplemented(error)) return undefined; throw error })
  if (said) return { ...said, endpoint: said.endpoint || socket, registrar: true }
  const { name } = await line.call<{ name: string }>('csi.v1.Identity', 'GetPluginInfo', {}, within)
  return { type: 'CSIPlugin', name, endpoint: socket, supported_versions: ['1.0.0'], registrar: false }
}

const problemOf = ({ type, name, supported_versions: versions }: Asked): string | undefined => {
  if (type !== 'CSIPlugin') return `no handler registered for plugin type: ${type}`
  if (!/^[a-zA-Z0-9]([-a-zA-Z0-9_.]{0,61}[a-zA-Z0-9])?$/.test(name)) return `the driver's name ${JSON.stringify(name)} is no name of a CSI driver`
  return versions.some((version) => supportedVersion.test(version)) ? undefined : `CSI driver ${name} supports none of the versions of this kubelet (1.x): ${versions.join(', ')}`
}

/** undefined: it is one of devices. */
const register = async (plugin: Plugin, socket: string, { root, clock, devices }: PluginWatcherOptions): Promise<Driver | undefined> => {
  const now = (): Date => clock.now()
  const line = await openLine(socket, now)
  plugin.lines = [line]
  const asked = await introduction(line, socket)
  const notify = async (error: string): Promise<void> => { if (asked.registrar) await line.call('pluginregistration.Registration', 'NotifyRegistrationStatus', { plugin_registered: error === '', error }, { timeoutMilliseconds: registrationMilliseconds }) }
  const refuse = async (why: string): Promise<never> => {
    await notify(why).catch(() => {}) // the reason counts
    throw new Error(why)
  }
  const own = ownPath(asked.endpoint.replace(/^unix:(\/\/)?/, ''), root)
  const isDevice = devices && asked.type === 'DevicePlugin'
  const problem = isDevice ? devices.problem(asked.name, asked.supported_versions) : problemOf(asked)
  if (problem !== undefined) return refuse(problem)
  if (isDevice) {
    const close = await devices.register(asked.name, own).catch((error: unknown) => refuse(error instanceof Error ? error.message : String(error)))
    plugin.lines = [line, { close }]
    await notify('')
    return undefined
  }
  const driverLine = own === socket ? line : await openLine(own, now)
  if (driverLine !== line) plugin.lines = [line, driverLine]
  const late = new AbortController()
  const driver = await Promise.race([
    describeDriver(driverLine, { name: asked.name, endpoint: asked.endpoint.replace(/^unix:(\/\/)?/, ''), root }, isUnimplemented),
    clock.sleep(describeMilliseconds, late.signal).then(() => { throw new CsiError('DeadlineExceeded', 'the driver did not say what it is') }),
  ]).catch((error: unknown) => refuse(error instanceof Error ? error.message : String(error))).finally(() => late.abort())
  await notify('')
  return driver
}

/** Calls `changed` with all registered drivers, whenever that changes, until `signal` aborts. */
export const watchPlugins = async (options: PluginWatcherOptions, changed: (drivers: readonly Driver[]) => void, signal: AbortSignal): Promise<void> => {
  const { root, clock, log } = options
  const directory = registryDirectory(root)
  // As upstream's setupDataDirs: manifests of drivers name them.
  for (const each of [directory, path.join(root, 'plugins'), path.join(root, 'pods')]) await mkdir(each, { recursive: true, mode: 0o750 })
  const wake = new Wakeable(clock)
  const plugins = new Map<string, Plugin>()
  const publish = (): void => changed([...plugins.values()].flatMap(({ driver }) => (driver ? [driver] : [])))
  const end = (plugin: Plugin): void => { for (const line of plugin.lines) line.close() }

  const attempt = async (socket: string, plugin: Plugin): Promise<void> => {
    try {
      const driver = await register(plugin, socket, options)
      if (plugins.get(socket) !== plugin) return end(plugin)
      plugin.failures = 0
      if (!driver) { plugin.isDevice = true; return }
      plugin.driver = driver
      log.info('CSI driver registered', { driver: driver.name, socket })
      publish()
    } catch (error) {
      end(plugin)
      if (plugins.get(socket) !== plugin) return
      plugin.retryAt = clock.monotonic() + Math.min(500 * 2 ** plugin.failures, 120_000)
      log[plugin.failures++ === 0 ? 'warn' : 'debug']('cannot register a plugin', { socket, error: error instanceof Error ? error.message : String(error) })
      wake.notifyIn(plugin.retryAt - clock.monotonic())
    }
  }

  const scan = async (): Promise<void> => {
    const found = await sockets(directory)
    let gone = false
    for (const [socket, plugin] of plugins) {
      if (found.get(socket) === plugin.identity) continue
      plugins.delete(socket)
      if (plugin.driver) log.info('CSI driver is gone', { driver: plugin.driver.name, socket })
      gone ||= plugin.driver !== undefined
      end(plugin)
    }
    if (gone) publish()
    for (const [socket, identity] of found) {
      const known = plugins.get(socket)
      if (known && (known.driver || known.isDevice || known.retryAt > clock.monotonic())) continue
      const plugin = known ?? { identity, lines: [], failures: 0, retryAt: Infinity }
      plugin.retryAt = Infinity
      plugins.set(socket, plugin)
      void attempt(socket, plugin)
    }
  }

  const watcher = watch(directory, () => wake.notifyIn(settleMilliseconds))
  watcher.on('error', (error) => log.warn('plugins_registry is not watched any more, only looked at from time to time', { directory, error: error.message }))
  try {
    for (;;) {
      await scan().catch((error: unknown) => log.error('cannot read plugins_registry', { directory, error: String(error) }))
      wake.notifyIn(Math.min(rescanMilliseconds, ...[...plugins.values()].filter(({ driver, isDevice, retryAt }) => !driver && !isDevice && retryAt < Infinity).map(({ retryAt }) => Math.max(0, retryAt - clock.monotonic()))))
      await wake.next(signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    watcher.close()
    for (const plugin of plugins.values()) end(plugin)
  }
}
