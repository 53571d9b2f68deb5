/** `wherry service install|remove|print`: the cluster of this machine comes back after a reboot. */
import path from 'node:path'
import { readConfig } from './config.ts'
import type { Home } from './home.ts'
import { clusterProgram, currentProgram, keepProgram } from './program.ts'
import { installUnit, removeUnit, renderUnit, systemdRuns, type Unit, unitFolder } from './systemd.ts'
import { UserError } from './user-error.ts'

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

/** By the program's copy in the data directory, which upgrades replace and reboots do not erase. */
export const serviceUnit = (home: Home): Unit => {
  const command = [path.join(currentProgram(home), 'node'), path.join(currentProgram(home), 'wherry.js'), '--data-dir', home.data]
  return { name: `wherry-${home.clusterId}.service`, description: `Wherry, the cluster in ${home.data}`, start: [...command, 'up', '--detach'], stop: [...command, 'down'], data: home.data }
}

export const service = async ({ home, verb }: { home: Home; verb: 'install' | 'remove' | 'print' }): Promise<void> => {
  const unit = serviceUnit(home)
  if (verb === 'print') { process.stdout.write(renderUnit(unit)); return }
  if (process.getuid?.() !== 0) throw new UserError('a service of the machine needs root; run: sudo wherry service install')
  if (verb === 'remove') { say(await removeUnit(unit) ? `removed ${unit.name}` : `there is no ${unit.name} in ${unitFolder}`); return }
  const config = await readConfig(home)
  const program = clusterProgram(home)
  if (!config || program === undefined) throw new UserError('the cluster does not run: start it with wherry up, and it can be made a service')
  if (config.rootlessPort !== undefined) throw new UserError('a cluster without root is its user\'s: put `wherry up --detach` into a user unit, or into crontab with @reboot')
  if (program === home.program) throw new UserError('a cluster that runs from source has no program of its own to start with: start it from a bundle')
  await keepProgram(home, program)
  if (!systemdRuns()) throw new UserError(`systemd does not run here. Whatever starts this machine's services may run: ${unit.start.join(' ')}`)
  say(await installUnit(unit) ? `${unit.name} brings the cluster back after a reboot; take it away with: wherry service remove` : `${unit.name} is there already`)
}
