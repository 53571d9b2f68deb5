/**
 * A string that sorts, by JavaScript's `<`, as the key's UTF-8 bytes sort. For keys of ASCII that is the key itself, without a copy;
 * others become one character a byte, since UTF-16 order and byte order differ beyond the basic plane.
 */
export const byteOrder = (key: string): string =>
  Buffer.byteLength(key) === key.length ? key : Buffer.from(key).toString('latin1')

/** Refuses what is not a key: the empty string, and text that UTF-8 or SQLite cannot carry unchanged. Throws TypeError naming the key. */
export const checkKey = (key: string): void => {
  if (key === '') throw new TypeError('the key is empty')
  if (key.includes('\0') || !key.isWellFormed()) throw new TypeError(`the key ${JSON.stringify(key)} holds a NUL or half a surrogate pair`)
}
