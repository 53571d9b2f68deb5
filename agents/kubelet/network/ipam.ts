/**
 * Addresses of a node's pods, each a file in a directory named for the range: created exclusively, so that no address is handed out twice, whatever dies when.
 * The search goes on after the address that was given last, so that one that was just freed rests as long as possible.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { formatAddress, gatewayOf, parseRange } from './address.ts'

export interface AddressPool {
  /** The same owner gets the same address again as long as it has not freed it. */
  allocate(owner: string): string
  addressOf(owner: string): string | undefined
  free(owner: string): void
  owners(): Map<string, string>
}

const lastFile = 'last'

export const addressPool = (directory: string, podCIDR: string): AddressPool => {
  const range = parseRange(podCIDR)
  if (range.size < 4) throw new Error(`the pod range ${podCIDR} has no room for pods`)
  const folder = path.join(directory, podCIDR.replace('/', '-'))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const owners = new Map(readdirSync(folder).filter((name) => name !== lastFile).map((address) => [readFileSync(path.join(folder, address), 'utf8'), address]))
  const gateway = gatewayOf(range)
  const usable = range.size - 3
  let last = readLast(folder)
  return {
    allocate(owner) {
      const known = owners.get(owner)
      if (known !== undefined) return known
      for (let step = 1; step <= usable; step++) {
        // From the address after the gateway to the one before the broadcast address.
        const address = formatAddress(gateway + 1 + ((last + step) % usable))
        try {
          writeFileSync(path.join(folder, address), owner, { flag: 'wx', mode: 0o600 })
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
          throw error
        }
        last = (last + step) % usable
        writeFileSync(path.join(folder, lastFile), String(last), { mode: 0o600 })
        owners.set(owner, address)
        return address
      }
      throw new Error(`no addresses left in the pod range ${podCIDR}: all ${usable} are in use`)
    },
    addressOf: (owner) => owners.get(owner),
    free(owner) {
      const address = owners.get(owner)
      if (address === undefined) return
      rmSync(path.join(folder, address), { force: true })
      owners.delete(owner)
    },
    owners: () => new Map(owners),
  }
}

const readLast = (folder: string): number => {
  try {
    const last = Number(readFileSync(path.join(folder, lastFile), 'utf8'))
    return Number.isInteger(last) && last >= 0 ? last : -1
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return -1
    throw error
  }
}
