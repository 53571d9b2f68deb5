/** S20: the matrix of the Pod Security Standards with real pods. What a level admits runs here and is what it asked for; what it forbids is refused in upstream's words. The rows are those of the standards' tables. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { podSecurity } from '../../src/apiserver/admission/pod-security/pod-security.ts'
import { ConfigMaps, Secrets } from '../../src/api/kinds.ts'
import type { Container, PodSpec } from '../../src/api/types.ts'
import { type KubeletNode, startKubeletNode } from '../support/kubelet-node.ts'
import { isRoot } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

type Row = [name: string, spec: Partial<PodSpec>, container: Partial<Container>, script: string, says: string | RegExp]

const status = (fields: string): string => `grep -E '^(${fields}):' /proc/self/status`
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'MKNOD', 'AUDIT_WRITE', 'SETFCAP']
const sysctls = { 'kernel.shm_rmid_forced': '1', 'net.ipv4.ip_local_port_range': '2000\t3000', 'net.ipv4.tcp_syncookies': '0', 'net.ipv4.ping_group_range': '1\t2', 'net.ipv4.ip_unprivileged_port_start': '80', 'net.ipv4.ip_local_reserved_ports': '2500',
  'net.ipv4.tcp_keepalive_time': '601', 'net.ipv4.tcp_fin_timeout': '31', 'net.ipv4.tcp_keepalive_intvl': '33', 'net.ipv4.tcp_keepalive_probes': '7', 'net.ipv4.tcp_rmem': '4096\t87380\t400000', 'net.ipv4.tcp_wmem': '4096\t16384\t400000' }
const readSysctls = Object.keys(sysctls).map((name) => `cat /proc/sys/${name.replaceAll('.', '/')}`).join('; ')
const volumes: PodSpec['volumes'] = [
  { name: 'c', configMap: { name: 'words' } }, { name: 'd', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } }, { name: 'e', emptyDir: {} }, { name: 's', secret: { secretName: 'words' } },
  { name: 'p', projected: { sources: [{ configMap: { name: 'words' } }, { secret: { name: 'words', items: [{ key: 'word', path: 'secret' }] } }] } },
]
const mounts = (volumes ?? []).map(({ name }) => ({ name, mountPath: `/${name}` }))
const readVolumes = 'cat /c/word /d/name /s/word /p/word /p/secret; touch /e/x && echo written'
const localhostProfile = { seccompProfile: { type: 'Localhost' as const, localhostProfile: 'mine.json' } }

/** What every pod of the level restricted says. */
const strict = { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' as const } }
const confined = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
const unprivileged = 'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n'
const rights = status('CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp')

const baseline: Row[] = [
  ['nothing said', {}, {}, 'id -u', '0\n'],
  ['every capability of its list', {}, { securityContext: { capabilities: { drop: ['ALL'], add: capabilities } } }, status('CapEff'), 'CapEff:\t00000000a80405fb\n'],
  ['every sysctl that is safe', { securityContext: { sysctls: Object.entries(sysctls).map(([name, value]) => ({ name, value })) } }, {}, readSysctls, `${Object.values(sysctls).join('\n')}\n`],
  ['seccomp: the runtime\'s', { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, {}, status('Seccomp'), 'Seccomp:\t2\n'],
  ['seccomp: one of the node\'s', {}, { securityContext: localhostProfile }, `${status('Seccomp')}; mkdir /tmp/x 2>&1 | grep -o 'not permitted'`, 'Seccomp:\t2\nnot permitted\n'],
  ['the usual /proc', {}, { securityContext: { procMount: 'Default' } }, 'echo x > /proc/sysrq-trigger; echo $?', /[1-9]\n$/],
  ...['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'].map((type): Row => [`SELinux type ${type}`, { securityContext: { seLinuxOptions: { type } } }, {}, 'echo runs', 'runs\n']),
  ['every volume but hostPath', { volumes }, { volumeMounts: mounts }, readVolumes, /^wordname-\S+|.*written\n$/s],
  ['a port of its own', {}, { ports: [{ containerPort: 80 }] }, 'echo runs', 'runs\n'],
  ['escalation, root and a writable root', {}, { securityContext: { allowPrivilegeEscalation: true, runAsUser: 0, readOnlyRootFilesystem: false } }, `${status('NoNewPrivs')}; touch /x && echo written`, 'NoNewPrivs:\t0\nwritten\n'],
]

const restricted: Row[] = [
  ['as the level asks, by the pod', { securityContext: strict }, { securityContext: confined }, `id -u; ${rights}`, `1000\n${unprivileged}`],
  ['as the level asks, by the container', {}, { securityContext: { ...confined, ...strict } }, `id -u; ${rights}`, `1000\n${unprivileged}`],
  ['a group, more groups and fsGroup', { securityContext: { ...strict, runAsGroup: 2000, supplementalGroups: [3000], fsGroup: 4000 }, volumes }, { securityContext: confined, volumeMounts: mounts }, 'id -u; id -g; id -G; stat -c %g /e; touch /e/x && echo written', '1000\n2000\n2000 3000 4000\n4000\nwritten\n'],
  ['NET_BIND_SERVICE', { securityContext: strict }, { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } } }, status('CapBnd'), 'CapBnd:\t0000000000000400\n'],
  ['a port below 1024 by a sysctl', { securityContext: { ...strict, sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '80' }] } }, { securityContext: confined }, 'perl -MIO::Socket::INET -e \'print IO::Socket::INET->new(LocalPort => 80, Listen => 1) ? "bound\\n" : "no: $!\\n"\'', 'bound\n'],
  ['a profile of the node\'s', { securityContext: { ...strict, ...localhostProfile } }, { securityContext: confined }, `${status('Seccomp')}; mkdir /tmp/x 2>&1 | grep -o 'not permitted'`, 'Seccomp:\t2\nnot permitted\n'],
  ['every volume that it may have', { securityContext: strict, volumes }, { securityContext: confined, volumeMounts: mounts }, readVolumes, /written\n$/],
  ['a root that cannot be written', { securityContext: strict }, { securityContext: { ...confined, readOnlyRootFilesystem: true } }, 'touch /x 2>&1 | grep -o "Read-only file system"', 'Read-only file system\n'],
  ['users of its own, among them its root', { hostUsers: false, securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, { securityContext: confined }, 'id -u', '0\n'],
]

const of = (container: Partial<Container>): [Partial<PodSpec>, Partial<Container>] => [{ securityContext: strict }, { securityContext: confined, ...container }]
const context = (more: NonNullable<Container['securityContext']>): [Partial<PodSpec>, Partial<Container>] => of({ securityContext: { ...confined, ...more } })
const whole = (spec: Partial<PodSpec>): [Partial<PodSpec>, Partial<Container>] => [{ ...spec, securityContext: { ...strict, ...spec.securityContext } }, { securityContext: confined }]
const refusals: [name: string, level: 'baseline' | 'restricted', pod: [Partial<PodSpec>, Partial<Container>], words: string][] = [
  ['the host\'s namespaces', 'baseline', whole({ hostNetwork: true, hostPID: true, hostIPC: true }), 'host namespaces (hostIPC=true, hostNetwork=true, hostPID=true)'],
  ['privileged', 'baseline', of({ securityContext: { privileged: true } }), 'privileged (container "main" must not set securityContext.privileged=true)'],
  ['a capability beyond', 'baseline', context({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }), 'non-default capabilities (container "main" must not include "SYS_ADMIN" in securityContext.capabilities.add)'],
  ['hostPath', 'baseline', whole({ volumes: [{ name: 'h', hostPath: { path: '/' } }] }), 'hostPath volumes (volume "h")'],
  ['a port of the host', 'baseline', of({ ports: [{ containerPort: 80, hostPort: 80 }] }), 'hostPort (container "main" uses hostPort 80)'],
  ['an SELinux type', 'baseline', whole({ securityContext: { seLinuxOptions: { type: 'spc_t' } } }), 'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t")'],
  ['no seccomp', 'baseline', whole({ securityContext: { seccompProfile: { type: 'Unconfined' } } }), 'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")'],
  ['another sysctl', 'baseline', whole({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }), 'forbidden sysctls (kernel.msgmax)'],
  ['escalation', 'restricted', context({ allowPrivilegeEscalation: true }), 'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)'],
  ['root', 'restricted', whole({ securityContext: { runAsUser: 0 } }), 'runAsUser=0 (pod must not set runAsUser=0)'],
  ['perhaps root', 'restricted', whole({ securityContext: { runAsNonRoot: false } }), 'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)'],
  ['a capability', 'restricted', context({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } }), 'unrestricted capabilities (container "main" must not include "CHOWN" in securityContext.capabilities.add)'],
  ['capabilities kept', 'restricted', context({ capabilities: { drop: ['CHOWN'] } }), 'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"])'],
  ['no word about seccomp', 'restricted', [{ securityContext: { runAsNonRoot: true, runAsUser: 1000 } }, { securityContext: confined }], 'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'],
  ['a volume of another sort', 'restricted', whole({ volumes: [{ name: 'n', nfs: { server: 'a', path: '/' } }] }), 'restricted volume types (volume "n" uses restricted volume type "nfs")'],
]

sayWhatIsSkipped('pod-security.test.ts', !isRoot, 'containers of real processes need root')

describe.runIf(isRoot)('S20: Pod Security with real pods', () => {
  let node: KubeletNode
  beforeAll(async () => {
    const level = (name: string): Record<string, string> => ({ 'pod-security.kubernetes.io/enforce': name })
    node = await startKubeletNode({ admission: [podSecurity], namespaces: { baseline: level('baseline'), restricted: level('restricted') } })
    mkdirSync(path.join(node.directory, 'seccomp'), { recursive: true })
    writeFileSync(path.join(node.directory, 'seccomp/mine.json'), JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }] }))
    for (const namespace of ['baseline', 'restricted']) {
      await node.client.create(ConfigMaps, { metadata: { name: 'words', namespace }, data: { word: 'word' } } as never)
      await node.client.create(Secrets, { metadata: { name: 'words', namespace }, data: { word: Buffer.from('word').toString('base64') } } as never)
    }
  })
  afterAll(async () => { await node?.[Symbol.asyncDispose]() })

  for (const [level, rows] of [['baseline', baseline], ['restricted', restricted], ['baseline', restricted]] as const) {
    const own = rows === restricted && level === 'baseline'
    for (const [index, [name, spec, container, script, says]] of rows.entries()) test(`${level} admits and runs: ${own ? 'what restricted does: ' : ''}${name}`, async () => {
      const { output } = await node.runToEnd(`name-${own ? 'b' : ''}${index}`, script, { namespace: level, spec, container })
      if (typeof says === 'string') expect(output).toBe(says)
      else expect(output).toMatch(says)
    })
  }

  for (const [name, level, [spec, container], words] of refusals) test(`${level} refuses: ${name}`, async () => {
    const refused = { namespace: level, spec, container: { command: ['true'], ...container } }
    await expect(node.create('refused', refused)).rejects.toThrow(`pods "refused" is forbidden: violates PodSecurity "${level}:latest": ${words}`)
    // What baseline refuses restricted refuses, too, if perhaps in other words.
    await expect(node.create('refused', { ...refused, namespace: 'restricted' })).rejects.toThrow('violates PodSecurity "restricted:latest"')
  })
})
