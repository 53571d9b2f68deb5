/** Units of systemd that bring a cluster, or a joined machine's kubelet, back after a reboot. Rendering is pure; whoever has no systemd gets the text to use with what it has. */
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'

export interface Unit {
  /** `wherry-ab12cd.service`. */
  name: string
  description: string
  start: readonly string[]
  stop?: readonly string[]
  /** What has to be mounted before. */
  data: string
}

export const unitFolder = '/etc/systemd/system'

// A word as systemd reads it: specifiers and variables are only text.
const word = (text: string): string => (/^[\w@+=:,./-]+$/.test(text) ? text : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`)
const line = (command: readonly string[]): string => command.map(word).join(' ')

/** Starting ends by itself and leaves a keeper; stopping takes pods down with their grace. What lives in the unit's cgroup is not systemd's to kill: KillMode=process. */
export const renderUnit = ({ description, start, stop, data }: Unit): string => `[Unit]
Description=${description.replaceAll('%', '%%')}
Wants=network-online.target
After=network-online.target
RequiresMountsFor=${word(data)}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${line(start)}
${stop ? `ExecStop=${line(stop)}\n` : ''}KillMode=process
TimeoutStartSec=300
TimeoutStopSec=300
TasksMax=infinity
LimitNOFILE=infinity

[Install]
WantedBy=multi-user.target
`

export const isInstalled = ({ name }: Pick<Unit, 'name'>, folder = unitFolder): boolean => existsSync(path.join(folder, name))

export const systemdRuns = (): boolean => existsSync('/run/systemd/system')

/** Writes and enables it; what runs already is not started again. Resolves with whether anything changed. */
export const installUnit = async (unit: Unit): Promise<boolean> => {
  const file = path.join(unitFolder, unit.name)
  const text = renderUnit(unit)
  if ((await readFile(file, 'utf8').catch(() => '')) === text) return false
  await writeFile(file, text, { mode: 0o644 })
  await execa('systemctl', ['daemon-reload'])
  await execa('systemctl', ['enable', unit.name])
  return true
}

export const removeUnit = async ({ name }: Pick<Unit, 'name'>): Promise<boolean> => {
  if (!isInstalled({ name })) return false
  if (systemdRuns()) await execa('systemctl', ['disable', name], { reject: false })
  await rm(path.join(unitFolder, name), { force: true })
  if (systemdRuns()) await execa('systemctl', ['daemon-reload'], { reject: false })
  return true
}
