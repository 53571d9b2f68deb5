/** A repository at one of the hosts that have it, read-only: who we are is said only when it is asked for, by token or by password. Mirrors distribution's "Token Authentication". */
import { parseChallenges, type Challenge } from './challenge.ts'
import { type Answer, exchange, type Headers, readBody } from './exchange.ts'
import type { RegistryHost } from './registry-hosts.ts'

export interface Credentials {
  username: string
  password: string
  /** A refresh token, which stands for both. */
  identityToken?: string
  /** Sent as it is. */
  registryToken?: string
}

/** The registry answered, and its answer is no: another try would not do better. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

export interface HostOptions {
  host: RegistryHost
  /** `library/nginx` */
  path: string
  /** undefined: as anybody. */
  credentials: Credentials | undefined
  signal: AbortSignal
}

export interface Get {
  headers?: Readonly<Record<string, string>>
  /** For this request alone. */
  signal?: AbortSignal
}

export interface HostRepository {
  /** `below`: `manifests/latest`. Resolves with a success; rejects with Refused or Unreachable. */
  get(below: string, more?: Get): Promise<Answer>
}

const maxTokenBytes = 1 << 20
const maxErrorBytes = 64 << 10

const basic = ({ username, password }: Credentials): string => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** What a registry says of an error, in its own words if it says something. */
const wordsOf = async (answer: Answer): Promise<string> => {
  try {
    const { errors } = JSON.parse((await readBody(answer, maxErrorBytes)).toString()) as { errors?: { code?: string; message?: string }[] }
    return (errors ?? []).map(({ code, message }) => message || code).filter(Boolean).join(', ')
  } catch {
    return '' // no JSON: the status says it all
  }
}

const refused = async (what: string, answer: Answer): Promise<Refused> => {
  const words = await wordsOf(answer)
  return new Refused(`${what}: ${answer.status} ${answer.body.statusMessage ?? ''}`.trim() + (words ? ` (${words})` : ''), answer.status)
}

const tokenFrom = async ({ host, path, credentials, signal }: HostOptions, { parameters }: Challenge): Promise<string> => {
  const { realm = '', service, scope = `repository:${path}:pull` } = parameters
  if (!URL.canParse(realm)) throw new Error(`${host.base.host} asks for a token without saying where it is had (realm ${JSON.stringify(realm)})`)
  const endpoint = host.follow(new URL(realm), host.base)
  const { follow } = host
  const fields = new URLSearchParams({ ...(service !== undefined && { service }), scope })
  let answer: Answer
  if (credentials?.identityToken) {
    for (const [name, value] of [['grant_type', 'refresh_token'], ['client_id', 'wherry'], ['refresh_token', credentials.identityToken]] as const) fields.set(name, value)
    answer = await exchange({ endpoint, method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: fields.toString(), follow, signal })
  } else {
    for (const [name, value] of fields) endpoint.url.searchParams.set(name, value)
    answer = await exchange({ endpoint, headers: credentials ? { authorization: basic(credentials) } : {}, follow, signal })
  }
  if (answer.status !== 200) throw await refused(credentials ? `${endpoint.url.host} gives no token for the user ${JSON.stringify(credentials.username)}` : `${endpoint.url.host} gives no token to anybody`, answer)
  const { token, access_token: access } = JSON.parse((await readBody(answer, maxTokenBytes)).toString()) as { token?: string; access_token?: string }
  const found = token || access
  if (!found) throw new Error(`${endpoint.url.host} answers without a token`)
  return `Bearer ${found}`
}

const authorizationFor = async (options: HostOptions, answer: Answer): Promise<string | undefined> => {
  const challenges = parseChallenges(String(answer.headers['www-authenticate'] ?? ''))
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
  if (bearer) return tokenFrom(options, bearer)
  return challenges.length > 0 && options.credentials ? basic(options.credentials) : undefined
}

const addressOf = ({ base, inPlaceOf }: RegistryHost, path: string, below: string): URL => {
  const url = new URL(`${path}/${below}`, base)
  if (inPlaceOf !== undefined) url.searchParams.set('ns', inPlaceOf)
  return url
}

/** The pull of one image: whoever it was for, the token goes with it. As with containerd a mirror that wants to know who asks is told what the registry would be. */
export const openAtHost = (options: HostOptions): HostRepository => {
  const { host, path, credentials } = options
  // A token that is good as it is, is the registry's own: nobody else is handed it unasked.
  let authorization = credentials?.registryToken && host.inPlaceOf === undefined ? `Bearer ${credentials.registryToken}` : undefined
  return {
    async get(below, { headers = {}, signal = options.signal } = {}) {
      for (let again = false; ; again = true) {
        const all: Headers = { ...host.headers, ...headers, ...(authorization && { authorization }) }
        const answer = await exchange({ endpoint: host.endpoint(addressOf(host, path, below)), headers: all, follow: host.follow, signal })
        if (answer.status >= 200 && answer.status < 300) return answer
        if (answer.status === 401 && !again) {
          // A token may also have grown old under a long download: one more is asked for.
          const fresh = await authorizationFor(options, answer)
          answer.body.destroy()
          if (fresh !== undefined) { authorization = fresh; continue }
          throw new Refused(`${host.base.host} wants to know who asks: 401 Unauthorized`, 401)
        }
        if (answer.status === 404) { answer.body.destroy(); throw new Refused('not found', 404) }
        throw await refused(host.base.host, answer)
      }
    },
  }
}
