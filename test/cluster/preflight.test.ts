import { expect, test } from 'vitest'
import { overlaps, problemsOf, type Facts } from '../../src/cluster/preflight.ts'

const sound: Facts = { uid: 0, missingTools: [], takenPorts: [], foreignChains: [], routes: [{ destination: 'default', device: 'eth0' }], overlay: true, cgroups: true, freeBytes: 10e9 }
const config = { podCIDR: '10.244.0.0/16', serviceCIDR: '10.96.0.0/16', isolated: false }

test.each<[string, Partial<Facts>, Partial<typeof config>, RegExp[]]>([
  ['a sound machine', {}, {}, []],
  ['not root', { uid: 1000, missingTools: ['ip'] }, {}, [/needs root.*sudo npm start/]],
  ['no iptables', { missingTools: ['iptables', 'iptables-restore'] }, {}, [/missing programs: iptables, iptables-restore.*npm run setup/]],
  ['port in use', { takenPorts: [{ port: 6443, purpose: 'API server', by: 'k3s (pid 12)' }] }, {}, [/port 6443 \(API server\) is in use by k3s \(pid 12\).*--isolated/]],
  ['foreign chains', { foreignChains: ['KUBE-SERVICES', 'KUBE-SVC-X'] }, {}, [/another Kubernetes.*KUBE-SERVICES, KUBE-SVC-X.*--isolated/]],
  ['foreign chains do not matter to an isolated cluster', { foreignChains: ['KUBE-SERVICES'] }, { isolated: true }, []],
  ['overlapping pod range', { routes: [{ destination: '10.244.3.0/24', device: 'cni0' }] }, {}, [/pod range 10\.244\.0\.0\/16 overlaps the route 10\.244\.3\.0\/24 dev cni0.*--pod-cidr/]],
  ['overlapping Service range', { routes: [{ destination: '10.0.0.0/8', device: 'tun0' }] }, {}, [/pod range/, /Service range.*--service-cidr/]],
  ['full disk', { freeBytes: 1 << 20 }, {}, [/only 1 MiB/]],
  ['no overlay', { overlay: false }, {}, [/overlay.*modprobe/]],
])('%s', (_, facts, options, expected) => {
  const problems = problemsOf({ ...sound, ...facts }, { ...config, ...options }).map(({ what, remedy }) => `${what}; ${remedy}`)
  expect(problems).toHaveLength(expected.length)
  for (const [index, pattern] of expected.entries()) expect(problems[index]).toMatch(pattern)
})

test.each([
  ['10.0.0.0/8', '10.244.0.0/16', true], ['10.244.0.0/16', '10.245.0.0/16', false], ['192.0.2.7', '192.0.2.0/24', true], ['fd00::/64', '10.0.0.0/8', false],
])('%s and %s overlap: %s', (one, other, expected) => expect(overlaps(one, other)).toBe(expected))
