import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureNamespace, namespaceName, nodeAddress, nodeNetworkOf, removeBridge, removeNamespace, setNamespaceLink } from '../../src/cluster/node-network.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('SKIPPED node-network.test.ts: namespaces need root')

const clusterId = process.pid.toString(16).padStart(6, 'a').slice(-6)
const network = nodeNetworkOf(clusterId)
const ping = async (from: string, address: string): Promise<boolean> => {
  // A TCP connection that is refused proves the way there and back.
  const { stderr } = await execa('ip', ['netns', 'exec', namespaceName(clusterId, from), 'perl', '-e',
    `use IO::Socket::INET; IO::Socket::INET->new(PeerHost => '${address}', PeerPort => 9, Timeout => 2) or print STDERR $!`], { reject: false })
  return stderr.includes('refused')
}

describe.runIf(isRoot)('nodes in namespaces', () => {
  /** Links and namespaces that name this cluster; others come and go. */
  const own = async (): Promise<string[]> => (await Promise.all([execa('ip', ['-o', 'link']), execa('ip', ['netns'])])).flatMap(({ stdout }) => stdout.split('\n')).filter((line) => line.includes(`wh${clusterId}`))
  beforeAll(async () => {
    await ensureNamespace(clusterId, 'node-2', 2)
    await ensureNamespace(clusterId, 'node-3', 3)
    await ensureNamespace(clusterId, 'node-3', 3)
  })
  afterAll(async () => {
    for (const node of ['node-2', 'node-3']) await removeNamespace(clusterId, node)
    await removeBridge(network)
  })

  test('reach each other and the machine', async () => {
    await expect.poll(() => ping('node-2', nodeAddress(network, 3)), { timeout: 30_000 }).toBe(true)
    await expect.poll(() => ping('node-3', nodeAddress(network, 254)), { timeout: 30_000 }).toBe(true)
  })

  test('a cut node reaches nobody until it is healed', async () => {
    await setNamespaceLink(clusterId, 3, 'down')
    expect(await ping('node-2', nodeAddress(network, 3))).toBe(false)
    await setNamespaceLink(clusterId, 3, 'up')
    await expect.poll(() => ping('node-2', nodeAddress(network, 3)), { timeout: 30_000 }).toBe(true)
  })

  test('leave nothing behind', async () => {
    expect((await own()).length).toBeGreaterThanOrEqual(5)
    for (const node of ['node-2', 'node-3']) await removeNamespace(clusterId, node)
    await removeBridge(network)
    expect(await own()).toEqual([])
  })
})
