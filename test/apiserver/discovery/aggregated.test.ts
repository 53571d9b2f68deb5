/** Aggregated discovery against upstream's own document: every resource that we serve as upstream describes it. */
import { expect, test } from 'vitest'
import { hasOracle, oracle } from '../../support/oracle.ts'
import { startTestServer } from '../support.ts'

interface Resource { resource: string; subresources?: { subresource: string }[] }
interface Group { metadata: { name?: string }; versions: { version: string; resources: Resource[] }[] }
const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Subresources in one order, and only those that `kept` wants. */
const described = ({ subresources = [], ...rest }: Resource, kept: ReadonlySet<string>): object =>
  ({ ...rest, subresources: subresources.filter(({ subresource }) => kept.has(subresource)).toSorted((a, b) => (a.subresource < b.subresource ? -1 : 1)) })

test.runIf(hasOracle)('groups, their versions in order, and their resources', async () => {
  await using api = await startTestServer()
  const theirs = new Map(oracle<{ items: Group[] }>('discovery/aggregated_v2.json').items.map((group) => [group.metadata.name ?? '', group]))
  const ours = (await api.ask('GET', '/apis', { headers: { accept } })).body.items as unknown as Group[]
  expect(ours.length).toBeGreaterThan(5)
  for (const { metadata: { name = '' }, versions } of ours) {
    const upstream = theirs.get(name)?.versions ?? []
    const known = upstream.map(({ version }) => version)
    expect(versions.map(({ version }) => version), name).toEqual(known.filter((version) => versions.some((each) => each.version === version)))
    for (const { version, resources } of versions) {
      for (const resource of resources) {
        const other = upstream.find((each) => each.version === version)?.resources.find((each) => each.resource === resource.resource)
        const served = new Set(resource.subresources?.map(({ subresource }) => subresource))
        expect(described(resource, served), `${name}/${version} ${resource.resource}`).toEqual(other && described(other, served))
      }
    }
  }
})
