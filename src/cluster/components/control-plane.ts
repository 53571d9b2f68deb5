/** The API server with everything that stands behind it: how `wherry apiserver` and `--single` put it together. */
import type { AuditOptions } from '../../apiserver/audit/audit.ts'
import { bootstrapRbac, type BootstrapWriter } from '../../apiserver/authorization/bootstrap.ts'
import { builtInAdmission } from '../../apiserver/admission/built-in.ts'
import { createApiServer, type ApiServer, type ApiServerOptions, type ProviderParts } from '../../apiserver/api-server.ts'
import { bootstrapTokens } from '../../apiserver/authentication/bootstrap-token.ts'
import { clientCertificateAuthenticator } from '../../apiserver/authentication/client-certificate.ts'
import { issuerDiscovery } from '../../apiserver/authentication/issuer-discovery.ts'
import { requestHeaderAuthenticator, type RequestHeaderOptions } from '../../apiserver/authentication/request-header.ts'
import { authenticationReviews, tokenSubresource } from '../../apiserver/authentication/reviews.ts'
import { serviceAccountAuthenticator, serviceAccountTokens, type TokenReviewer } from '../../apiserver/authentication/service-account-token.ts'
import { tokenIssuer } from '../../apiserver/authentication/token-issuer.ts'
import { unionTokens } from '../../apiserver/authentication/token-union.ts'
import { jwtTokens } from '../../apiserver/authentication/jwt/jwt-tokens.ts'
import { anonymousAuthenticator, inOrder } from '../../apiserver/authentication/union.ts'
import type { Authorizer } from '../../apiserver/authorization/authorizer.ts'
import { followedGraph } from '../../apiserver/authorization/followed-graph.ts'
import { nodeAuthorizer } from '../../apiserver/authorization/node-authorizer.ts'
import { rbacAuthorizer } from '../../apiserver/authorization/rbac.ts'
import { accessReviews } from '../../apiserver/authorization/reviews.ts'
import { privilegedGroup, unionAuthorizer } from '../../apiserver/authorization/union.ts'
import { componentStatuses } from '../../apiserver/component-statuses.ts'
import type { VirtualResource } from '../../apiserver/extension.ts'
import { usualInFlightLimits } from '../../apiserver/filters/limit-in-flight.ts'
import { metricsApi, summarySource } from '../../apiserver/metrics-api.ts'
import { otherTypes } from '../../apiserver/aggregation/other-types.ts'
import { openapi } from '../../apiserver/openapi/openapi.ts'
import type { HealthCheck } from '../../apiserver/health.ts'
import { kindOf } from '../../apiserver/resource-table.ts'
import { defaultRegistryOptions, makeStrategies } from '../../apiserver/registry/registry.ts'
import { connectHandlers } from '../../apiserver/streaming/connect-handlers.ts'
import { dialGuard } from '../../apiserver/streaming/dial-guard.ts'
import { kubeletClient, type KubeletClient } from '../../apiserver/streaming/kubelet-access.ts'
import { systemClock } from '../../api/clock.ts'
import { systemRandom } from '../../api/random.ts'
import { isAlreadyExists, isConflict } from '../../api/status.ts'
import { createClient } from '../../client/client.ts'
import type { Log } from '../../client/component.ts'
import type { AuthenticationSource } from './authentication.ts'
import type { AdmissionSource } from './admission.ts'
import type { AuthorizationSource } from './authorization.ts'
import { parseCertificateRequest } from '../../client/pki.ts'
import type { Store } from '../../store/store.ts'
import { componentChecks } from '../component-checks.ts'
import { firstAddress } from '../pki.ts'
import { snapshotHandler } from '../snapshot-path.ts'
import { wherryVersion } from '../version.ts'

export interface ControlPlaneOptions {
  store: Store
  log: Log
  address: string
  port: number
  serviceCIDR: string
  clusterDomain: string
  /** Everybody who may write Services may set their externalIPs; else only who may `use` services/externalips. */
  allowServiceExternalIPs?: boolean
  /** PEM. */
  serviceAccountKey: string
  kubeletCertificate: { certificate: string; key: string }
  certificateAuthority: string
  /** Front proxies that may say for whom they ask. */
  requestHeader?: RequestHeaderOptions | undefined
  /** PEM: by which servers behind this one know it. */
  frontProxy?: { certificate: string; key: string } | undefined
  /** What is told of requests; absent: nothing. */
  audit?: AuditOptions | undefined
  /** How much is served at the same time; absent: priority and fairness, with upstream's 600 seats. */
  load?: LoadOptions | undefined
  /** Outside issuers of tokens, and who may come without credentials; absent: none, and everybody. */
  authentication?: AuthenticationSource | undefined
  /** What admission does besides the usual. */
  admission?: AdmissionSource | undefined
  /** Who decides what requests may do; absent: Node, then RBAC. */
  authorization?: AuthorizationSource | undefined
  /** Origins whose pages may read answers. */
  corsAllowedOrigins?: readonly string[] | undefined
  /** Besides the server's own. */
  healthChecks?: readonly HealthCheck[] | undefined
  /** The scheduler and the controller manager run in the same process, and need not be asked over a port. */
  oneProcess?: boolean
}

export interface LoadOptions { fair: boolean; mutating: number; readOnly: number; requestTimeoutMs?: number | undefined }

const usualLoad: LoadOptions = { fair: true, ...usualInFlightLimits }
const loadOf = ({ fair, mutating, readOnly, requestTimeoutMs }: LoadOptions = usualLoad): Partial<ApiServerOptions> =>
  ({ ...(fair ? { flowControl: { seats: mutating + readOnly } } : { inFlightLimits: { mutating, readOnly } }), requestTimeoutMs })

/** Who issues the tokens of service accounts. */
export const serviceAccountIssuer = (clusterDomain: string): string => `https://kubernetes.default.svc.${clusterDomain}`

/** Who the API server is to itself. */
export const loopbackUser = { name: 'system:apiserver', groups: ['system:masters'] }

/** Members of system:masters first, whatever is configured; Node and RBAC look at the server's own objects. */
const authorizerWith = (source: AuthorizationSource | undefined): ((parts: ProviderParts) => Authorizer) => {
  const known = new WeakMap<ProviderParts['lookup'], Authorizer>()
  // One for all who ask: reviews, admission and the request filter.
  return ({ lookup, follow }) => {
    const made = known.get(lookup)
    if (made) return made
    const own = { Node: nodeAuthorizer(lookup, followedGraph({ follow })), RBAC: rbacAuthorizer(lookup) }
    const union = (entries: AuthorizationSource['authorizers']): Authorizer => unionAuthorizer(privilegedGroup, ...entries.map((entry) => (typeof entry === 'string' ? own[entry] : entry)))
    let current = union(source?.authorizers ?? ['Node', 'RBAC'])
    if (source) source.changed = (entries) => { current = union(entries) }
    const authorizer: Authorizer = { authorize: (asked) => current.authorize(asked) }
    known.set(lookup, authorizer)
    return authorizer
  }
}

/** The server, and its run: requests are served, roles are made, until the signal aborts. */
export interface ControlPlane { server: ApiServer; run(signal: AbortSignal): Promise<void> }

export const controlPlane = (options: ControlPlaneOptions): ControlPlane => {
  const { log, serviceCIDR } = options
  const guard = dialGuard(options.port)
  const kubelets: KubeletClient = kubeletClient({ ...options.kubeletCertificate, certificateAuthority: options.certificateAuthority }, guard)
  const issuer = tokenIssuer({ key: options.serviceAccountKey, issuer: serviceAccountIssuer(options.clusterDomain), clock: systemClock, random: systemRandom })
  const outside = jwtTokens({ issuers: options.authentication?.configuration.jwt ?? [], audiences: issuer.audiences, clock: systemClock, log })
  let anonymous = options.authentication?.configuration.anonymous
  if (options.authentication) {
    options.authentication.changed = (next) => {
      outside.use(next.jwt ?? [])
      anonymous = next.anonymous
    }
  }
  const reviewers = new WeakMap<ProviderParts['lookup'], TokenReviewer>()
  const reviewerOf = ({ lookup, clock }: ProviderParts): TokenReviewer => {
    const known = reviewers.get(lookup) ?? unionTokens(serviceAccountTokens({ issuer, lookup, clock }), bootstrapTokens({ lookup, clock, audiences: issuer.audiences }), outside)
    reviewers.set(lookup, known)
    return known
  }
  const authorizerOf = authorizerWith(options.authorization)
  const rbac = { done: false }
  const server: ApiServer = createApiServer({
    store: options.store, clock: systemClock, random: systemRandom, log, version: wherryVersion,
    strategies: makeStrategies({ ...defaultRegistryOptions, serviceCIDR }),
    authenticator: (parts) => inOrder([...(options.requestHeader ? [requestHeaderAuthenticator(options.requestHeader)] : []), clientCertificateAuthenticator(), serviceAccountAuthenticator(reviewerOf(parts), issuer.audiences), anonymousAuthenticator(() => anonymous)]),
    authorizer: authorizerOf,
    admission: (parts) => builtInAdmission({ counting: parts, configuration: options.admission?.configuration, disabled: options.admission?.disabled, webhookCredentials: options.admission?.credentials, random: systemRandom, allowServiceExternalIPs: options.allowServiceExternalIPs, authorizer: authorizerOf(parts), lookup: parts.lookup, log, organizationsOf: async (request) => (await parseCertificateRequest(request)).organizations }),
    virtualResources: (parts) => [...accessReviews(authorizerOf(parts)), ...authenticationReviews(reviewerOf(parts), issuer.audiences), ...metricsApi(summarySource(kubelets, systemClock), systemClock), componentStatuses(componentChecks(options.store, { oneProcess: options.oneProcess ?? false })) as VirtualResource],
    subresources: [tokenSubresource(issuer, systemClock)],
    connectHandlers: (parts) => connectHandlers({ kubelets, guard, authorizer: authorizerOf(parts), clock: systemClock, random: systemRandom }),
    paths: [
      snapshotHandler(options.store),
      ...openapi({ kinds: () => [...server.resources.all()].map(kindOf), returnsDeleted: ({ group, version, plural }) => server.resources.find(group, version, plural)?.stored?.strategy.returnsDeletedObject === true, others: () => server.aggregation && otherTypes(server.aggregation) }),
      ...issuerDiscovery(issuer, `${options.address}:${options.port}`),
    ],
    healthChecks: [{ name: 'poststarthook/rbac/bootstrap-roles', check: () => (rbac.done ? undefined : 'not finished') }, ...(options.healthChecks ?? [])],
    aggregation: { ...(options.frontProxy && { frontProxy: options.frontProxy }) },
    bootstrap: { authentication: { clientCertificateAuthority: options.certificateAuthority, ...(options.requestHeader && { requestHeader: options.requestHeader }) }, advertise: { addresses: [options.address], port: options.port }, serviceIP: firstAddress(serviceCIDR), serviceCIDR },
    serverAddress: `${options.address}:${options.port}`, audit: options.audit, corsAllowedOrigins: options.corsAllowedOrigins, ...loadOf(options.load),
  })
  return {
    server,
    run: async (signal) => {
      const running = server.run(signal)
      await Promise.race([server.ready, running])
      // The namespaces of some roles are made by another hook at the same time, so this one tries until it has them, as upstream's does.
      while (!signal.aborted && !rbac.done) {
        await ensureRbac(server).then(() => { rbac.done = true }, (error: unknown) => log.debug('bootstrap roles could not be made yet; trying again', { error: String(error) }))
        if (!rbac.done) await systemClock.sleep(50, signal).catch(() => {})
      }
      await running
    },
  }
}

/** The post-start hook of RBAC: as upstream's, `/readyz` waits for it. */
const ensureRbac = async (server: ApiServer): Promise<void> => {
  const client = createClient(server.inMemoryTransport(loopbackUser))
  const quietly = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((error: unknown) => { if (!isAlreadyExists(error) && !isConflict(error)) throw error })
  }
  const writer: BootstrapWriter = {
    get: (kind, name, namespace) => server.lookup.get(kind, name, namespace),
    create: (kind, object) => quietly(client.create(kind, object)),
    update: (kind, object) => quietly(client.update(kind, object)),
  }
  await bootstrapRbac(writer)
}
