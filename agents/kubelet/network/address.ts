/** IPv4 addresses and ranges as numbers. Pure. */
export interface Range { first: number; prefixLength: number; size: number }

export const parseAddress = (text: string): number => {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) throw new Error(`invalid IPv4 address ${JSON.stringify(text)}`)
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}

export const formatAddress = (address: number): string => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')

/** Throws for anything but `a.b.c.d/n` with the bits of the host part zero. */
export const parseRange = (text: string): Range => {
  const [address = '', length = ''] = text.split('/')
  const prefixLength = Number(length)
  if (!/^\d{1,2}$/.test(length) || prefixLength > 32) throw new Error(`invalid CIDR ${JSON.stringify(text)}: it must look like 10.244.1.0/24`)
  const first = parseAddress(address)
  const size = 2 ** (32 - prefixLength)
  if (first % size !== 0) throw new Error(`invalid CIDR ${JSON.stringify(text)}: the first address of that range is ${formatAddress(first - (first % size))}`)
  return { first, prefixLength, size }
}

/** The bridge's own: the first address after that of the range itself. */
export const gatewayOf = ({ first }: Range): number => first + 1

/** A hardware address that belongs to an IP address, so that a neighbour's entry for a reused address stays right. */
export const hardwareAddress = (address: number): string =>
  ['0a', '58', ...formatAddress(address).split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':')
