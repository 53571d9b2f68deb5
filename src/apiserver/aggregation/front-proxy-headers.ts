/** Who a request is from, as a front proxy tells an aggregated server. Mirrors client-go's `transport.SetAuthProxyHeaders`. Pure. */
import type { UserInfo } from '../registry/strategy.ts'

/** A key as the end of a header's name: what may not stand there is percent-encoded, and so is the percent sign. */
const escapeKey = (key: string): string =>
  [...Buffer.from(key)].map((byte) => { const character = String.fromCharCode(byte); return /[A-Za-z0-9!#$&'*+\-.^_`|~]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}` }).join('')

export const frontProxyHeaders = ({ name, uid, groups, extra }: UserInfo): Record<string, string | string[]> => ({
  'x-remote-user': name, ...(uid !== undefined && uid !== '' && { 'x-remote-uid': uid }), ...(groups.length > 0 && { 'x-remote-group': [...groups] }),
  ...Object.fromEntries(Object.entries(extra ?? {}).filter(([, values]) => values.length > 0).map(([key, values]) => [`x-remote-extra-${escapeKey(key.toLowerCase())}`, [...values]])),
})
