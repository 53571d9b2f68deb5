import { describe, expect, test } from 'vitest'
import { chooseSeccomp, type SeccompChoice } from '../../../agents/kubelet/seccomp/choose.ts'
import type { SecurityContext } from '../../../src/api/types.ts'
import { aContainer, aPod } from '../builders.ts'

const directory = '/var/lib/kubelet/seccomp'
type Profile = NonNullable<SecurityContext['seccompProfile']>
const choose = (ofPod: Profile | undefined, ofContainer: SecurityContext | undefined, seccompDefault = false): SeccompChoice => {
  const container = aContainer('web', ofContainer ? { securityContext: ofContainer } : {})
  return chooseSeccomp(aPod({ containers: [container], ...(ofPod && { securityContext: { seccompProfile: ofPod } }) }), container, { seccompDefault, directory })
}
const [byDefault, none, local] = [{ type: 'RuntimeDefault' }, { type: 'Unconfined' }, { type: 'Localhost', localhostProfile: 'profiles/a.json' }] as const satisfies Profile[]

describe('which filter a container gets', () => {
  for (const [name, ofPod, ofContainer, seccompDefault, expected] of [
    ['none is asked for', undefined, undefined, false, undefined], ['none is asked for, the node has a default', undefined, undefined, true, { kind: 'default' }],
    ['the pod asks', byDefault, undefined, false, { kind: 'default' }], ['the container asks', undefined, { seccompProfile: byDefault }, false, { kind: 'default' }],
    ['the container comes first', byDefault, { seccompProfile: none }, false, undefined], ['Unconfined, whatever the node\'s default', none, undefined, true, undefined],
    ['a file of the machine', none, { seccompProfile: local }, false, { kind: 'file', path: `${directory}/profiles/a.json` }],
    ['a privileged container has none', byDefault, { privileged: true, seccompProfile: local }, true, undefined],
  ] satisfies [string, Profile | undefined, SecurityContext | undefined, boolean, SeccompChoice][]) test(name, () => expect(choose(ofPod, ofContainer, seccompDefault)).toEqual(expected))

  for (const [name, profile, message] of [
    ['a file without a name', { type: 'Localhost' }, 'localhostProfile must be set if seccompProfile type is Localhost.'],
    ['a file elsewhere', { type: 'Localhost', localhostProfile: '../../../etc/shadow' }, 'must lie below /var/lib/kubelet/seccomp'],
  ] satisfies [string, Profile, string][]) test(name, () => expect(() => choose(profile, undefined)).toThrow(message))
})
