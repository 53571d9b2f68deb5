/**
 * The messages by which the kernel makes and sets up links, addresses and routes (rtnetlink), for what links.ts says in the words of ip(8). Numbers are those of linux/rtnetlink.h,
 * if_link.h and if_addr.h; a message begins with struct nlmsghdr. Pure.
 */
import { hardwareAddress, parseAddress } from './address.ts'
import type { PodLink } from './links.ts'

/** `index`: where the number of an interface belongs, which only the kernel knows yet. */
export interface Message { bytes: Buffer; index?: number; what: string }

const kinds = { newLink: 16, newAddress: 20, newRoute: 24 } as const
const flags = { request: 1, acknowledge: 4, exclusive: 0x200, create: 0x400 } as const
const families = { none: 0, inet: 2 } as const
const up = 1

const headerBytes = 16
const padded = (length: number): number => (length + 3) & ~3

const u32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(value); return bytes }
const word = (value: string): Buffer => Buffer.from(`${value}\0`)
const address = (value: string): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(parseAddress(value)); return bytes }

const attribute = (kind: number, value: Buffer): Buffer => {
  const bytes = Buffer.alloc(padded(4 + value.length))
  bytes.writeUInt16LE(4 + value.length, 0)
  bytes.writeUInt16LE(kind, 2)
  value.copy(bytes, 4)
  return bytes
}

const anyLink = Buffer.alloc(16)
const linkUp = (index = 0): Buffer => {
  const bytes = Buffer.alloc(16)
  bytes.writeInt32LE(index, 4)
  bytes.writeUInt32LE(up, 8)
  bytes.writeUInt32LE(up, 12)
  return bytes
}

const message = (kind: number, how: number, parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(headerBytes + body.length, 0)
  header.writeUInt16LE(kind, 4)
  header.writeUInt16LE(flags.request | flags.acknowledge | how, 6)
  return Buffer.concat([header, body])
}

const linkAttributes = { address: 1, name: 3, master: 10, info: 18, namespaceOfPid: 19 } as const
const info = { kind: 1, data: 2, portKind: 4, portData: 5 } as const
const vethPeer = 1
const portHairpin = 4
const loopbackIndex = 1

export const loopbackUp = (): Message => ({ bytes: message(kinds.newLink, 0, [linkUp(loopbackIndex)]), what: 'cannot bring up the interface lo' })

/** In the pod's network namespace: eth0, whose other end comes to be in that of `hostPid`. A pair cannot be brought up before it is one. */
export const vethPair = ({ podIP, veth, hostPid }: PodLink): Message => {
  const peer = Buffer.concat([anyLink, attribute(linkAttributes.name, word(veth)), attribute(linkAttributes.namespaceOfPid, u32(hostPid))])
  return {
    what: `cannot make the pair of interfaces eth0 and ${veth}`,
    bytes: message(kinds.newLink, flags.create | flags.exclusive, [
      anyLink, attribute(linkAttributes.name, word('eth0')), attribute(linkAttributes.address, Buffer.from(hardwareAddress(parseAddress(podIP)).replaceAll(':', ''), 'hex')),
      attribute(linkAttributes.info, Buffer.concat([attribute(info.kind, word('veth')), attribute(info.data, attribute(vethPeer, peer))])),
    ]),
  }
}

/** `index`: of eth0. */
export const podLinkUp = (): Message => ({ bytes: message(kinds.newLink, 0, [linkUp()]), index: headerBytes + 4, what: 'cannot bring up the interface eth0' })

const wholeLength = 32

/** `index`: of eth0. */
export const podAddress = ({ podIP }: PodLink): Message => {
  const head = Buffer.from([families.inet, wholeLength, 0, 0, 0, 0, 0, 0])
  return { what: `cannot give eth0 the address ${podIP}`, index: headerBytes + 4, bytes: message(kinds.newAddress, flags.create | flags.exclusive, [head, attribute(2, address(podIP)), attribute(1, address(podIP))]) }
}

const mainTable = 254
const bootProtocol = 3
const scopes = { universe: 0, link: 253 } as const
const unicast = 1
const routeAttributes = { destination: 1, interface: 4, gateway: 5, source: 7 } as const

/** `index`: of eth0. The gateway, then everything else by way of it. */
export const podRoutes = ({ podIP, gateway }: PodLink): Message[] => {
  const route = (what: string, length: number, scope: number, to: Buffer): Message => ({
    what, index: headerBytes + 12 + 4,
    bytes: message(kinds.newRoute, flags.create | flags.exclusive, [
      Buffer.from([families.inet, length, 0, 0, mainTable, bootProtocol, scope, unicast, 0, 0, 0, 0]), attribute(routeAttributes.interface, u32(0)), to, attribute(routeAttributes.source, address(podIP)),
    ]),
  })
  return [
    route(`cannot make the route to ${gateway}`, wholeLength, scopes.link, attribute(routeAttributes.destination, address(gateway))),
    route('cannot make the default route', 0, scopes.universe, attribute(routeAttributes.gateway, address(gateway))),
  ]
}

/** On the node: the pair's other end becomes a port. `index`: of the bridge. */
export const bridgePort = ({ veth }: PodLink, bridge: string): Message => {
  const name = attribute(linkAttributes.name, word(veth))
  return { what: `cannot make ${veth} a port of the bridge ${bridge}`, index: headerBytes + 16 + name.length + 4, bytes: message(kinds.newLink, 0, [linkUp(), name, attribute(linkAttributes.master, u32(0))]) }
}

export const hairpinPort = ({ veth }: PodLink): Message => ({
  what: `cannot let ${veth} return what it sends`,
  bytes: message(kinds.newLink, 0, [anyLink, attribute(linkAttributes.name, word(veth)), attribute(linkAttributes.info, Buffer.concat([attribute(info.portKind, word('bridge')), attribute(info.portData, attribute(portHairpin, Buffer.from([1])))]))]),
})
