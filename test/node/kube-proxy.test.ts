/** kube-proxy with the kernel's real tables: damage is repaired, and what others put there is left alone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Services } from '../../src/api/kinds.ts'
import { isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient } from '../support/live-client.ts'
import { askMany, nameServer } from '../support/perl-net.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('kube-proxy.test.ts')

/** Rules as iptables-save prints them, without counters and the order of tables' chains. */
const rulesIn = (save: string): string[] => save.split('\n').filter((line) => /^[:*-]/.test(line)).map((line) => line.replace(/ \[\d+:\d+\]$/, ''))

describe.runIf(isRoot)('kube-proxy', () => {
  let cluster: TestCluster
  let live: LiveClient
  let clusterIP: string
  const onNode = async (...command: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await cluster.onNode('node-1', command)
    if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
    return stdout
  }
  const rules = async (): Promise<string[]> => rulesIn(await onNode('iptables-save'))
  const answers = async (): Promise<boolean> => (await onNode(...askMany, 'tcp', clusterIP, '80', '1')).startsWith('named-')

  beforeAll(async () => {
    cluster = await startTestCluster()
    live = liveClient(cluster)
    for (const name of ['named-1', 'named-2']) await live.run(name, [...nameServer, '7000'], {}, { app: 'named' })
    for (const name of ['named-1', 'named-2']) await live.untilPod(name, 'is Ready', isReady)
    clusterIP = (await live.client.create(Services, { metadata: { name: 'named', namespace: 'default' }, spec: { selector: { app: 'named' }, ports: [{ port: 80, targetPort: 7000 }] } } as never)).spec.clusterIP ?? ''
    await until('the Service answers', answers)
    // The rules of kubelet and kube-proxy have come to rest.
    await until('every Service has its rules', async () => (await rules()).filter((line) => line.includes('default/named')).length >= 6, 20)
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  test('chains have upstream\'s names and structure', async () => {
    const text = (await rules()).filter((line) => line.includes('default/named')).join('\n')
    expect(text).toMatch(new RegExp(`-A KUBE-SERVICES -d ${clusterIP}/32 -p tcp -m comment --comment "default/named cluster IP" -m tcp --dport 80 -j KUBE-SVC-[A-Z2-7]{16}`))
    expect(text).toMatch(new RegExp(`-A KUBE-SVC-[A-Z2-7]{16} ! -s 10\\.244\\.0\\.0/16 -d ${clusterIP}/32 .* -j KUBE-MARK-MASQ`))
    expect(text).toMatch(/-A KUBE-SVC-\S+ -m comment --comment "default\/named -> [\d.]+:7000" -m statistic --mode random --probability 0\.5\d* -j KUBE-SEP-[A-Z2-7]{16}/)
    expect(text).toMatch(/-A KUBE-SEP-\S+ -p tcp -m comment --comment "default\/named" -m tcp -j DNAT --to-destination [\d.]+:7000/)
  })

  test('connections that one side has closed are remembered for an hour', async () => {
    await until('the node says so', async () => (await onNode('cat', '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait')).trim() === '3600', 20)
  })

  test.each([
    ['the nat table is flushed', ['-t', 'nat', '-F']],
    ['the filter table is flushed', ['-F']],
    ['one chain is flushed', ['-t', 'nat', '-F', 'KUBE-SERVICES']],
    ['the mark chain is flushed', ['-t', 'nat', '-F', 'KUBE-MARK-MASQ']],
    ['a jump is deleted', ['-t', 'nat', '-D', 'OUTPUT', '-m', 'comment', '--comment', 'kubernetes service portals', '-j', 'KUBE-SERVICES']],
  ])('%s: everything is there again', async (_, damage) => {
    const before = (await rules()).toSorted()
    await onNode('iptables', ...damage)
    await until('every rule is back', async () => {
      const now = (await rules()).toSorted()
      const missing = before.filter((line) => !now.includes(line))
      if (missing.length > 0 || now.length !== before.length) throw new Error(`missing:\n${missing.join('\n')}\nnew:\n${now.filter((line) => !before.includes(line)).join('\n')}`)
      return true
    })
    await until('the Service answers', answers)
  })

  test('rules of others stay, whatever happens to ours', async () => {
    const foreign = [['-t', 'nat', '-N', 'FOREIGN'], ['-t', 'nat', '-A', 'FOREIGN', '-d', '192.0.2.99', '-j', 'RETURN'], ['-t', 'nat', '-A', 'POSTROUTING', '-d', '192.0.2.99', '-j', 'FOREIGN'], ['-A', 'FORWARD', '-d', '192.0.2.99', '-j', 'ACCEPT'],
      ['-t', 'nat', '-N', 'KUBE-NOT-OURS'], ['-t', 'nat', '-A', 'KUBE-NOT-OURS', '-d', '192.0.2.99', '-j', 'RETURN']]
    for (const rule of foreign) await onNode('iptables', ...rule)
    const theirs = async (): Promise<string[]> => (await rules()).filter((line) => /192\.0\.2\.99|FOREIGN|NOT-OURS/.test(line)).toSorted()
    const before = await theirs()
    expect(before).toHaveLength(6)
    await onNode('iptables', '-t', 'nat', '-F', 'KUBE-SERVICES')
    await until('the Service answers', answers)
    await live.remove('named-2')
    await until('one endpoint', async () => (await rules()).filter((line) => /-j DNAT --to-destination .*:7000/.test(line)).length === 1, 20)
    await live.client.delete(Services, { name: 'named', namespace: 'default' })
    await until('the Service has no rules', async () => !(await rules()).join('\n').includes('default/named'))
    expect(await theirs()).toEqual(before)
  })

  test('when it is killed the rules stay, and are not written twice', async () => {
    const before = (await rules()).toSorted()
    const [pod] = await live.podsOf('k8s-app=kube-proxy', 'kube-system')
    if (!pod) throw new Error('no kube-proxy')
    await cluster.kubectl(['delete', 'pod', '-n', 'kube-system', pod.metadata.name, '--grace-period=0', '--force'])
    await until('another one is Ready', async () => { const now = await live.podsOf('k8s-app=kube-proxy', 'kube-system'); return now.length === 1 && now[0]?.metadata.uid !== pod.metadata.uid && now.every(isReady) })
    expect((await rules()).toSorted()).toEqual(before)
  })
})
