import path from 'node:path'

/** What a container says of its own end. Beside its layers, and counted with them: how much that is, is up to the container. */
export const terminationMessageIn = (rootDirectory: string): string => path.join(rootDirectory, 'termination')
