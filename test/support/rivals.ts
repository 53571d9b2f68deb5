/** Other supervisors for the benches, fetched once and kept outside of the tree: pm2 from npm, runit and supervisor from the machine's Debian packages, unpacked and not installed. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { clientsFolder } from './clients.ts'

const run = promisify(execFile)

const fetched = async (name: string, into: (work: string) => Promise<void>): Promise<string> => {
  const folder = path.join(path.dirname(clientsFolder()), 'rivals', name)
  if (existsSync(folder)) return folder
  await mkdir(path.dirname(folder), { recursive: true })
  const work = await mkdtemp(`${folder}-`)
  try {
    await into(work)
    await rename(work, folder).catch((error: NodeJS.ErrnoException) => { if (!existsSync(folder)) throw error }) // another process was faster
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const fromDebian = (name: string): Promise<string> => fetched(name, async (work) => {
  await run('apt-get', ['download', name], { cwd: work })
  for (const file of (await readdir(work)).filter((each) => each.endsWith('.deb'))) await run('dpkg', ['-x', file, '.'], { cwd: work })
})

/** The script of pm2's command, for Node. */
export const pm2Script = async (): Promise<string> =>
  path.join(await fetched('pm2-7.0.4', async (work) => { await run('npm', ['install', '--prefix', work, '--ignore-scripts', '--no-audit', '--no-fund', 'pm2@7.0.4'], { cwd: work, maxBuffer: 1 << 24 }) }), 'node_modules/pm2/bin/pm2')

/** The folder that holds runsvdir and runsv. */
export const runitPrograms = async (): Promise<string> => path.join(await fromDebian('runit'), 'usr/bin')

/** The script of supervisord, and the folder in which Python finds its modules. */
export const supervisord = async (): Promise<{ script: string; modules: string }> => {
  const folder = await fromDebian('supervisor')
  return { script: path.join(folder, 'usr/bin/supervisord'), modules: path.join(folder, 'usr/lib/python3/dist-packages') }
}
