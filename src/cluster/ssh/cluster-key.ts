/** The cluster's own SSH key, and the host keys of its machines: pinned once, never asked about again. */
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { formatDestination, type Destination } from '../../cloud-controller-manager/ssh/destination.ts'
import { optionPath, quietOptions, runSsh, SshError } from '../../cloud-controller-manager/ssh/ssh.ts'
import type { Home } from '../home.ts'
import { UserError } from '../user-error.ts'
import type { Talk } from './first-contact.ts'

const keyFile = (home: Home): string => path.join(home.ssh, 'id_ed25519')
const knownHostsFile = (home: Home): string => path.join(home.ssh, 'known_hosts')

/** The public key as a line of authorized_keys; the private one is made when it is missing and never leaves this machine. */
export const ensureClusterKey = async (home: Home): Promise<string> => {
  await mkdir(home.ssh, { recursive: true, mode: 0o700 })
  const file = keyFile(home)
  if (!existsSync(file)) {
    const { exitCode, stderr, shortMessage } = await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `wherry-${home.clusterId}`, '-f', file], { stdin: 'ignore', reject: false })
    if (exitCode !== 0) throw new UserError(`cannot make the cluster's SSH key ${file}: ${stderr || shortMessage || ''}; is openssh-client installed?`)
  }
  return `restrict ${(await readFile(`${file}.pub`, 'utf8')).trim()}`
}

/** The key's line comes by standard input, and is added once. */
const authorizeScript = `
umask 077; line=$(cat); file=$HOME/.ssh/authorized_keys
mkdir -p "$HOME/.ssh" && touch "$file" || exit 1
grep -qxF -e "$line" "$file" && exit 0
if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file"; fi
printf '%s\\n' "$line" >>"$file"
`
/** Written anew without the line, in place: owner and mode stay. */
const unauthorizeScript = `
line=$(cat); file=$HOME/.ssh/authorized_keys; [ -e "$file" ] || exit 0
rest=$(grep -vxF -e "$line" "$file"); printf '%s' "\${rest:+$rest
}" >"$file"
`

export const authorize = async (talk: Talk, line: string, signal: AbortSignal): Promise<void> => {
  const { exitCode, stderr } = await talk(['sh', '-c', authorizeScript], { input: line, signal })
  if (exitCode !== 0) throw new UserError(`cannot write ~/.ssh/authorized_keys there: ${stderr.trim()}`)
}

export const unauthorize = async (talk: Talk, line: string, signal: AbortSignal): Promise<void> => {
  const { exitCode, stderr } = await talk(['sh', '-c', unauthorizeScript], { input: line, signal })
  if (exitCode !== 0) throw new UserError(`cannot take the cluster's key out of ~/.ssh/authorized_keys there: ${stderr.trim()}`)
}

/** Lines of known_hosts without those of one name. */
export const withoutHost = (text: string, alias: string): string => text.split('\n').filter((line) => line !== '' && line.split(' ')[0] !== alias).map((line) => `${line}\n`).join('')

export const forgetHost = async (home: Home, alias: string): Promise<void> => {
  const file = knownHostsFile(home)
  const text = await readFile(file, 'utf8').catch(() => '')
  await writeFile(`${file}.new`, withoutHost(text, alias), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Takes the machine's host key into the cluster's known_hosts under the node's name, if it is the one with the trusted fingerprint. Logs in with the cluster's key: that works then, too. */
export const pinHost = async (home: Home, { destination, alias, fingerprint }: { destination: Destination; alias: string; fingerprint: string }, signal: AbortSignal): Promise<void> => {
  const offered = path.join(home.ssh, `offered-${alias}`)
  await rm(offered, { force: true })
  try {
    const options = [...quietOptions, 'ControlMaster=no', 'ControlPath=none', 'StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${optionPath(offered)}`, 'GlobalKnownHostsFile=/dev/null', `HostKeyAlias=${alias}`,
      'HashKnownHosts=no', 'CheckHostIP=no', 'UpdateHostKeys=no', 'IdentitiesOnly=yes', `IdentityFile=${optionPath(keyFile(home))}`]
    await runSsh(destination, ['true'], { options, signal }).catch((error: unknown) => {
      throw error instanceof SshError ? new UserError(`${formatDestination(destination)} does not accept the cluster's key although it stands in ~/.ssh/authorized_keys there: ${error.message}\n  does its sshd allow PubkeyAuthentication, and read that file (AuthorizedKeysFile)?`) : error
    })
    const { stdout } = await execa('ssh-keygen', ['-l', '-f', offered], { stdin: 'ignore' })
    if (!stdout.split(/\s+/).includes(fingerprint)) throw new UserError(`${formatDestination(destination)} showed another host key than a moment ago (${stdout.split(/\s+/)[1] ?? ''} instead of ${fingerprint}): somebody may stand between you and it; nothing was changed there but ~/.ssh/authorized_keys`)
    await forgetHost(home, alias)
    await appendFile(knownHostsFile(home), await readFile(offered, 'utf8'), { mode: 0o600 })
  } finally {
    await rm(offered, { force: true })
  }
}
