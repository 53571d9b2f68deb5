/**
 * A string that sorts, by JavaScript's `<`, as the key's UTF-8 bytes sort. For keys of ASCII that is the key itself, without a copy;
 * others become one character a byte, since UTF-16 order and byte order differ beyond the basic plane.
 */
export const byteOrder = (key: string): string =>
  Buffer.byteLength(key) === key.length ? key : Buffer.from(key).toString('latin1')
