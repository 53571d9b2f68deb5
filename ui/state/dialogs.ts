/** What dialogs offer. */

/** undefined: the object's own. */
export const graces: readonly { label: string; seconds: number | undefined }[] = [{ label: 'default', seconds: undefined }, { label: '0', seconds: 0 }, { label: '1', seconds: 1 }, { label: '30', seconds: 30 }]
export const propagations = ['Background', 'Foreground', 'Orphan'] as const
export const signals = ['TERM', 'KILL', 'STOP', 'CONT', 'HUP', 'INT', 'QUIT', 'USR1', 'USR2'] as const
