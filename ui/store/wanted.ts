/** One thing of a kind that a screen may want at a time (a log, a pod's processes): begun when it is wanted, ended when another is. */

export interface Wanted<W, V> { readonly value: V | undefined; want(wish: W | undefined): void }

/** `begin` makes the value and works on it until its signal aborts. Wishes that are equal as JSON are one. */
export const wanted = <W, V>(begin: (wish: W, signal: AbortSignal) => V, signal: AbortSignal): Wanted<W, V> => {
  let name: string | undefined
  let value: V | undefined
  let stop: AbortController | undefined
  return {
    get value() { return value },
    want: (wish) => {
      const next = wish === undefined ? undefined : JSON.stringify(wish)
      if (next === name) return
      stop?.abort()
      name = next
      stop = new AbortController()
      value = wish === undefined ? undefined : begin(wish, AbortSignal.any([stop.signal, signal]))
    },
  }
}
