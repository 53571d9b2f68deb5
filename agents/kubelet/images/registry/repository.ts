/** A repository wherever it is had: each host that may answer is asked, in order, until one does. Mirrors the fall-through of core/remotes/docker in containerd (resolver.go, fetcher.go). */
import { type Answer, Unreachable } from './exchange.ts'
import type { Capability } from './hosts-file.ts'
import { type Credentials, type Get, openAtHost, Refused } from './registry-client.ts'
import type { RegistryConfig } from './registry-config.ts'
import { hostsOf } from './registry-hosts.ts'

export interface RepositoryOptions {
  /** `docker.io`, `registry.example:5000`. */
  host: string
  /** `library/nginx` */
  path: string
  /** undefined: as anybody. */
  credentials: Credentials | undefined
  config: RegistryConfig
  signal: AbortSignal
}

export interface Repository {
  /** `below`: `manifests/latest`; `to`: what is asked of a host, `pull` if absent. Resolves with a success; rejects with Refused or Unreachable. */
  get(below: string, more?: Get & { to?: Capability }): Promise<Answer>
}

interface Failure { host: string; error: Error }

const errorOf = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

/** Whoever wants to know who asks, else the last, has the word; the others are told beside it. */
const worst = (failures: readonly Failure[]): Error => {
  const chosen = failures.find(({ error }) => error instanceof Refused && [401, 403].includes(error.status)) ?? failures.at(-1)
  if (!chosen) return new Error('no host was asked')
  const others = failures.filter((each) => each !== chosen).map(({ host, error }) => (error.message.startsWith(host) ? error.message : `${host}: ${error.message}`))
  const message = [chosen.error.message, ...others].join('; ')
  if (others.length === 0) return chosen.error
  if (chosen.error instanceof Refused) return new Refused(message, chosen.error.status)
  return chosen.error instanceof Unreachable ? new Unreachable(message, { cause: chosen.error }) : new Error(message, { cause: chosen.error })
}

export const openRepository = ({ host: registry, path, credentials, config, signal }: RepositoryOptions): Repository => {
  const hosts = hostsOf(registry, config).map((host) => ({ name: host.base.host, can: host.can, repository: openAtHost({ host, path, credentials, signal }) }))
  /** They come last for the rest of this pull: a mirror that is away costs its time once. */
  const away = new Set<string>()
  return {
    async get(below, { to = 'pull', ...more } = {}) {
      const able = hosts.filter(({ can }) => can.has(to))
      if (able.length === 0) throw new Refused(`no host of ${registry} may ${to}, as its hosts.toml says`, 0)
      const failures: Failure[] = []
      for (const { name, repository } of [...able.filter(({ name }) => !away.has(name)), ...able.filter(({ name }) => away.has(name))]) {
        try { return await repository.get(below, more) } catch (error) {
          (more.signal ?? signal).throwIfAborted()
          if (error instanceof Unreachable) away.add(name)
          failures.push({ host: name, error: errorOf(error) })
        }
      }
      throw worst(failures)
    },
  }
}
