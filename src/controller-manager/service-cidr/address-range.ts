/** Whether addresses lie in ranges, by their numbers. */
import { BlockList, isIPv6 } from 'node:net'

const familyOf = (text: string): 'ipv4' | 'ipv6' => (isIPv6(text) ? 'ipv6' : 'ipv4')

/** Whether `address` lies in any of `ranges`, given as CIDRs; false for what is neither. */
export const liesIn = (address: string, ranges: readonly string[]): boolean => {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix = ''] = range.split('/')
    list.addSubnet(network, Number(prefix), familyOf(network))
  }
  return list.check(address, familyOf(address))
}
