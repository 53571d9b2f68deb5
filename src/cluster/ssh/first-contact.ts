/** The first connection to a machine: with the user's own keys, agent and configuration, and the host keys that the user trusts. */
import { execa } from 'execa'
import { formatDestination, type Destination } from '../../cloud-controller-manager/ssh/destination.ts'
import { optionPath, quietOptions, runSsh, sshArguments, SshError, type Outcome } from '../../cloud-controller-manager/ssh/ssh.ts'
import { UserError } from '../user-error.ts'

export interface Contact {
  destination: Destination
  /** The user's key file; otherwise what ssh finds itself. */
  identity?: string | undefined
  acceptNewHostKey?: boolean | undefined
  /** Where a host key that is newly accepted is written down until it is pinned. */
  acceptedHostKeys: string
}

export type Talk = (command: readonly string[], options: { input?: string; signal: AbortSignal }) => Promise<Outcome>

/** `SHA256:…` of the host key that the server proved, as `ssh -v` tells it. */
export const hostKeyFingerprint = (stderr: string): string | undefined => /^debug1: Server host key: \S+ (SHA256:\S+)/m.exec(stderr)?.[1]

const withoutDebug = (stderr: string): string => stderr.split('\n').filter((line) => !/^(debug\d: |OpenSSH_|Warning: Permanently added)/.test(line)).join('\n').trim()

const remedies: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED/i, 'its host key is another than the one that you trust: find out why, then remove the old one with ssh-keygen -R'],
  [/Host key verification failed|No \S+ host key is known/i, 'its host key is not known yet: connect once with ssh and compare the fingerprint, or trust it unseen with --accept-new-host-key'],
  [/Permission denied|Too many authentication failures/i, 'no key of yours is accepted there: copy one with ssh-copy-id, or name one with --identity'],
  [/Could not resolve hostname/i, 'no such host is known: check the name'],
  [/Connection refused|timed out|No route to host|unreachable/i, 'nothing answers there: is it on, does sshd run, is the port right?'],
]

/** What ssh said, and what a person can do about it. */
export const explainSsh = (destination: Destination, message: string): UserError => {
  const said = withoutDebug(message)
  const remedy = remedies.find(([pattern]) => pattern.test(said))?.[1]
  return new UserError(`cannot log in to ${formatDestination(destination)}: ${said || 'ssh ended without a word'}${remedy ? `\n  ${remedy}` : ''}`)
}

/** The files in which the user's ssh looks for host keys. */
const userHostKeys = async (destination: Destination): Promise<string[]> => {
  const { stdout } = await execa('ssh', ['-G', ...sshArguments(destination, [], [])], { stdin: 'ignore', reject: false })
  return /^userknownhostsfile (.*)$/m.exec(stdout ?? '')?.[1]?.split(' ').filter(Boolean) ?? []
}

const optionsOf = async ({ destination, identity, acceptNewHostKey, acceptedHostKeys }: Contact): Promise<string[]> => [
  ...quietOptions, 'ControlMaster=no', 'ControlPath=none',
  ...(identity === undefined ? [] : [`IdentityFile=${optionPath(identity)}`, 'IdentitiesOnly=yes']),
  ...(acceptNewHostKey ? ['StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${[optionPath(acceptedHostKeys), ...(await userHostKeys(destination))].join(' ')}`] : ['StrictHostKeyChecking=yes']),
]

/** Talks to the machine as the user would; each command is one connection. Rejects with a UserError that says what to do. */
export const firstContact = async (contact: Contact): Promise<Talk> => {
  const options = await optionsOf(contact)
  return (command, { input, signal }) => runSsh(contact.destination, command, { options, input, signal }).catch((error: unknown) => {
    throw error instanceof SshError ? explainSsh(contact.destination, error.message) : error
  })
}

/** The fingerprint of the host key by which the user's ssh trusts the machine. */
export const trustedFingerprint = async (contact: Contact, signal: AbortSignal): Promise<string> => {
  const options = [...(await optionsOf(contact)), 'LogLevel=DEBUG1']
  const outcome = await runSsh(contact.destination, ['true'], { options, signal }).catch((error: unknown) => {
    throw error instanceof SshError ? explainSsh(contact.destination, error.message) : error
  })
  const fingerprint = hostKeyFingerprint(outcome.stderr)
  if (fingerprint === undefined) throw new UserError(`${formatDestination(contact.destination)}: ssh did not tell which host key it trusts; is it OpenSSH? (ssh -V)`)
  return fingerprint
}
