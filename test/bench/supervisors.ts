/** The supervisors that restarts are compared with, each in its production settings, each with a service for every file that is to be stamped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { pm2Script, runitPrograms, supervisord } from '../support/rivals.ts'
import { until } from '../support/cluster.ts'
import { killHard } from '../support/seen-from-outside.ts'
import { commandOf } from '../support/seen-from-outside.ts'
import { readStamps, type Stamp } from './stamp-program.ts'

/** `file`: what the service's program stamps. */
export interface Service { name: string; file: string }

export interface Supervisor extends AsyncDisposable {
  name: string
  services: readonly Service[]
  /** Kills the service's process hard; the moment before, on the monotonic clock. */
  kill(service: Service): number
}

export interface Place { directory: string; program: string }

/** The program that was started last, if it runs still: never a process that only has its number. */
export const killStamped = ({ file }: Service, monotonic: () => number): number => {
  const pid = readStamps(file).at(-1)?.pid
  if (pid === undefined || !commandOf(pid).includes(file)) throw new Error(`there is no process that has stamped ${file}`)
  const killed = monotonic()
  killHard(pid)
  return killed
}

const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6

const servicesOf = (directory: string, count: number): Service[] => Array.from({ length: count }, (_, index) => ({ name: `service-${index}`, file: path.join(directory, `stamp-${index}`) }))
const allStamped = (services: readonly Service[]): Promise<boolean> => Promise.resolve(services.every(({ file }) => readStamps(file).length > 0))

const ended = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const end = new Promise((resolve) => { child.once('exit', resolve) })
  child.kill(signal)
  await end
}

/** What a supervisor that was told to stop has left running, of its own services. */
const killLeft = (services: readonly Service[]): void => {
  for (const { file } of services) {
    const stamp: Stamp | undefined = readStamps(file).at(-1)
    if (stamp && commandOf(stamp.pid).includes(file)) killHard(stamp.pid)
  }
}

const supervisor = async (name: string, services: readonly Service[], stop: () => Promise<unknown>): Promise<Supervisor> => {
  const dispose = async (): Promise<void> => { await stop(); killLeft(services) }
  try {
    await until(`${name} has started all services`, () => allStamped(services), 120)
  } catch (error) {
    await dispose()
    throw error
  }
  return { name, services, kill: (service) => killStamped(service, monotonic), [Symbol.asyncDispose]: dispose }
}

/** Fork mode with autorestart. */
export const startPm2 = async ({ directory, program }: Place, count: number): Promise<Supervisor> => {
  await mkdir(directory, { recursive: true })
  const services = servicesOf(directory, count)
  const apps = services.map(({ name, file }) => ({ name, script: program, args: [file], interpreter: 'none', exec_mode: 'fork', autorestart: true }))
  const script = await pm2Script()
  await writeFile(path.join(directory, 'ecosystem.config.json'), JSON.stringify({ apps }))
  const pm2 = (...args: string[]) => execa(process.execPath, [script, ...args], { env: { PM2_HOME: path.join(directory, 'home') }, cwd: directory, stdin: 'ignore', timeout: 120_000 })
  await pm2('start', 'ecosystem.config.json')
  return supervisor('pm2 7.0.4, fork mode, autorestart', services, () => pm2('kill'))
}

/** A directory of services under runsvdir, a runsv each. */
export const startRunit = async ({ directory, program }: Place, count: number): Promise<Supervisor> => {
  const services = servicesOf(directory, count)
  for (const { name, file } of services) {
    const place = path.join(directory, 'services', name)
    await mkdir(place, { recursive: true })
    await writeFile(path.join(place, 'run'), `#!/bin/sh\nexec ${program} ${file}\n`)
    await chmod(path.join(place, 'run'), 0o755)
  }
  const programs = await runitPrograms()
  const child = spawn(path.join(programs, 'runsvdir'), [path.join(directory, 'services')], { env: { PATH: `${programs}:${process.env['PATH'] ?? ''}` }, stdio: 'ignore' })
  // SIGHUP: runsvdir tells each runsv to end, and ends.
  return supervisor('runit, runsv under runsvdir', services, () => ended(child, 'SIGHUP'))
}

/** Autorestart; startsecs (1) and startretries (3) as they are. */
export const startSupervisord = async ({ directory, program }: Place, count: number): Promise<Supervisor> => {
  await mkdir(directory, { recursive: true })
  const services = servicesOf(directory, count)
  const file = path.join(directory, 'supervisord.conf')
  await writeFile(file, `[supervisord]\nnodaemon=true\nlogfile=${directory}/log\npidfile=${directory}/pid\nchildlogdir=${directory}\n${services.map((each) => `[program:${each.name}]\ncommand=${program} ${each.file}\nautorestart=true\n`).join('')}`)
  const { script, modules } = await supervisord()
  const child = spawn('python3', [script, '-c', file], { env: { ...process.env, PYTHONPATH: modules }, stdio: 'ignore' })
  return supervisor('supervisord, autorestart', services, () => ended(child, 'SIGTERM'))
}
