/** What the server says that it serves. Upstream: test/e2e/apimachinery/{discovery,aggregated_discovery}.go. */
import { expect } from 'vitest'
import { CustomResourceDefinitions } from '../../src/api/kinds.ts'
import { type Behaviour, type World } from '../support/conformance.ts'
import { until } from '../support/cluster.ts'

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
/** client-go's: what it understands, best first. */
const clientAccepts = `${accept},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json`
const expected = ['admissionregistration.k8s.io/v1/validatingwebhookconfigurations', 'apiextensions.k8s.io/v1/customresourcedefinitions', 'apiregistration.k8s.io/v1/apiservices', 'apps/v1/deployments',
  'authentication.k8s.io/v1/tokenreviews', 'authorization.k8s.io/v1/selfsubjectaccessreviews', 'autoscaling/v1/horizontalpodautoscalers', 'autoscaling/v2/horizontalpodautoscalers', 'batch/v1/jobs',
  'certificates.k8s.io/v1/certificatesigningrequests', 'coordination.k8s.io/v1/leases', 'discovery.k8s.io/v1/endpointslices', 'events.k8s.io/v1/events', 'networking.k8s.io/v1/ingresses',
  'node.k8s.io/v1/runtimeclasses', 'policy/v1/poddisruptionbudgets', 'scheduling.k8s.io/v1/priorityclasses', 'storage.k8s.io/v1/csinodes']

interface Discovered { kind: string; items: { metadata: { name?: string }; versions: { version: string; resources: { resource: string; responseKind: { kind: string }; verbs: string[] }[] }[] }[] }

/** `group/version/resource` of everything; where a client asks with several types, the one that was wanted must have come. */
const discovered = async ({ ask }: World, path: '/api' | '/apis', wanted = accept): Promise<string[]> => {
  const answer = await ask('GET', path, { headers: { accept: wanted } })
  expect([answer.status, answer.headers['content-type']]).toEqual([200, accept])
  const { kind, items } = answer.body as unknown as Discovered
  expect(kind).toBe('APIGroupDiscoveryList')
  return items.flatMap(({ metadata, versions }) => versions.flatMap(({ version, resources }) => resources.map(({ resource }) => [...(metadata.name ? [metadata.name] : []), version, resource].join('/'))))
}

const customResource = async ({ client }: World, group: string): Promise<void> => {
  await client.create(CustomResourceDefinitions, { metadata: { name: `testcrds.${group}` }, spec: {
    group, scope: 'Namespaced', names: { plural: 'testcrds', singular: 'testcrd', kind: 'testcrd', listKind: 'testcrdList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
  } } as never)
}

const showsCustomResource = async (world: World, namespace: string, wanted: string): Promise<void> => {
  const group = `group-${namespace}${wanted === accept ? 'raw' : ''}.example.com`
  await customResource(world, group)
  try {
    await until('the custom resource is discovered', async () => (await discovered(world, '/apis', wanted)).includes(`${group}/v1/testcrds`), 60)
  } finally {
    await world.client.delete(CustomResourceDefinitions, { name: `testcrds.${group}` })
  }
}

export const discovery = (behaviour: Behaviour): void => {
  behaviour('[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers [Conformance]', async (world) => {
    expect(await discovered(world, '/apis')).toEqual(expect.arrayContaining(expected))
    expect(await discovered(world, '/api')).toContain('v1/namespaces')
  })
  behaviour('[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs [Conformance]', (world, namespace) => showsCustomResource(world, namespace, accept))
  behaviour('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface [Conformance]', async (world) => {
    expect([...await discovered(world, '/api', clientAccepts), ...await discovered(world, '/apis', clientAccepts)]).toEqual(expect.arrayContaining([...expected, 'v1/namespaces']))
  })
  behaviour('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs [Conformance]', (world, namespace) => showsCustomResource(world, namespace, clientAccepts))

  behaviour('[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup [Conformance]', async ({ ask }) => {
    const { groups } = (await ask('GET', '/apis')).body as unknown as { groups: { name: string; versions: { groupVersion: string }[]; preferredVersion: { groupVersion: string } }[] }
    // Those of other tests come and go meanwhile.
    for (const { name, versions, preferredVersion } of groups.filter((group) => !group.name.endsWith('.example.com'))) {
      expect((await ask('GET', `/apis/${name}`)).body).toMatchObject({ kind: 'APIGroup', apiVersion: 'v1', name, versions, preferredVersion })
      expect(versions).toContainEqual(preferredVersion)
      for (const { groupVersion } of versions) {
        const { body } = await ask('GET', `/apis/${groupVersion}`)
        expect(body).toMatchObject({ kind: 'APIResourceList', groupVersion, resources: expect.arrayContaining([expect.objectContaining({ kind: expect.any(String) as string })]) as object[] })
      }
    }
  })
}
