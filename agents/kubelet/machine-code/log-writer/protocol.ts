/** What a kubelet and its log writer say to one another, and what they keep to: offsets, codes, and sizes in bytes. */

/** Offsets in a command, all of the same size, and what can be asked for. */
export const command = { bytes: 4096, operation: 0, key: 8, generation: 16, limit: 24, logFlags: 32, fifoFlags: 40, hasErrors: 48, log: 64, out: 1024, err: 2560 } as const
export const operations = { take: 1, give: 2, keepOnly: 3 } as const

/** Offsets in what is told, and its codes; a code below zero is an error's number. */
export const telling = { bytes: 24, key: 0, code: 8, generation: 16 } as const
export const codes = { full: 1, refused: 2, given: 3 } as const

/** As containerd cuts lines; a cut piece is tagged P and the next one goes on with it. */
export const maxLineBytes = 16 * 1024
export const maxLogPathBytes = 959
export const maxFifoPathBytes = 1535
export const maxContainers = 4096
