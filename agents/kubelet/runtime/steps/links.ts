/** Sends what network/netlink.ts writes, and hears the kernel's answers. Pure. */
import type { PodLink } from '../../network/links.ts'
import { bridgePort, hairpinPort, loopbackUp, type Message, podAddress, podLinkUp, podRoutes, vethPair } from '../../network/netlink.ts'
import { type Place, put, type Result, space, type Steps } from './steps.ts'

const netlinkFamily = 16
const rawCloseOnExec = 3 | 0o2000000
const interfaceIndex = 0x8933
const nameBytes = 16

/** In the network namespace of the moment. */
export const netlinkSocket = (steps: Steps): Result => steps.call('socket', [netlinkFamily, rawCloseOnExec, 0], 'cannot talk to the kernel about the network')

const answerBytes = 1024
/** struct nlmsgerr after struct nlmsghdr: 0, or an error below it. */
const errorOffset = 16

const send = (steps: Steps, socket: Result, { bytes, what }: Message, answer: Place): void => {
  steps.call('sendto', [socket, { data: bytes, offset: 0 }, bytes.length, 0, 0, 0], what)
  steps.call('recvfrom', [socket, answer, answerBytes, 0, 0, 0], what)
  steps.look({ ...answer, offset: errorOffset }, what)
}

const lookUp = (steps: Steps, socket: Result, name: string, into: readonly Message[]): void => {
  const request = Buffer.alloc(40)
  request.write(name)
  const what = `cannot find the interface ${name}`
  steps.call('ioctl', [socket, interfaceIndex, { data: request, offset: 0 }], what)
  const index = steps.look({ data: request, offset: nameBytes }, what)
  for (const { bytes, index: offset } of into) if (offset !== undefined) put(index, { data: bytes, offset })
}

/** `node` was opened in the node's network namespace, `pod` in that of the pod. */
export const linkPod = (steps: Steps, { node, pod }: { node: Result; pod: Result }, link: PodLink & { bridge: string }): void => {
  const answer = space(answerBytes)
  const inside = [podAddress(link), podLinkUp(), ...podRoutes(link)]
  const port = bridgePort(link, link.bridge)
  for (const each of [loopbackUp(), vethPair(link)]) send(steps, pod, each, answer)
  lookUp(steps, pod, 'eth0', inside)
  for (const each of inside) send(steps, pod, each, answer)
  lookUp(steps, node, link.bridge, [port])
  for (const each of [port, hairpinPort(link)]) send(steps, node, each, answer)
}
