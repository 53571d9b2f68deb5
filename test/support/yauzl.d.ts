/** The part of yauzl that we use; the package brings no types. */
declare module 'yauzl' {
  import type { EventEmitter } from 'node:events'

  export interface Options { lazyEntries?: boolean }
  export interface Entry { fileName: string }
  export interface ZipFile extends EventEmitter {
    readEntry(): void
    openReadStream(entry: Entry, done: (error: Error | null, stream: NodeJS.ReadableStream) => void): void
  }
  export function open(file: string, options: Options, done: (error: Error | null, zip: ZipFile) => void): void
}
