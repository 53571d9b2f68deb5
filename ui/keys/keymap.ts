/** Which key does what where: k9s' keys, and ours on keys that k9s leaves free. One table, shown by the help as it is. */

export type Command =
  | 'quit' | 'back' | 'leave' | 'enter' | 'help' | 'command' | 'filter' | 'search'
  | 'up' | 'down' | 'pageUp' | 'pageDown' | 'top' | 'bottom' | 'historyBack' | 'historyForward' | 'last'
  | 'describe' | 'yaml' | 'edit' | 'logs' | 'logsPrevious' | 'shell' | 'restart' | 'scale' | 'delete' | 'kill' | 'signal' | 'cordon' | 'uncordon' | 'mark' | 'clearMarks'
  | 'sortName' | 'sortAge' | 'sortStatus' | 'sortNamespace' | 'sortCpu' | 'sortMemory' | 'sortProblems'
  | 'toggleHeader' | 'toggleWide' | 'pause' | 'redraw' | 'focusPane' | 'nextTab' | 'previousTab' | 'growPane' | 'shrinkPane'
  | 'explore' | 'why' | 'heal' | 'processes' | 'events' | 'kinds'
  | 'toggleFollow' | 'toggleWrap' | 'toggleTimestamps' | 'nextMatch' | 'previousMatch'
  | `namespace${number}` | `range${number}`

export interface Binding { keys: readonly string[]; command: Command; help: string }

const moving: readonly Binding[] = [
  { keys: ['j', 'down'], command: 'down', help: 'down' }, { keys: ['k', 'up'], command: 'up', help: 'up' },
  { keys: ['g', 'home'], command: 'top', help: 'top' }, { keys: ['G', 'end'], command: 'bottom', help: 'bottom' },
  { keys: ['^f', 'pagedown'], command: 'pageDown', help: 'page down' }, { keys: ['^b', 'pageup'], command: 'pageUp', help: 'page up' },
]

const everywhere: readonly Binding[] = [
  { keys: ['^c'], command: 'quit', help: 'quit' }, { keys: ['esc'], command: 'back', help: 'clear the filter, else back' }, { keys: ['q'], command: 'leave', help: 'back; on the first screen: quit' },
  { keys: [':'], command: 'command', help: 'command' }, { keys: ['?', 'f1'], command: 'help', help: 'help' }, { keys: ['^a'], command: 'kinds', help: 'all kinds and their short names' },
  { keys: ['['], command: 'historyBack', help: 'history back' }, { keys: [']'], command: 'historyForward', help: 'history forward' }, { keys: ['-'], command: 'last', help: 'last screen' },
  { keys: ['^e'], command: 'toggleHeader', help: 'header on and off' }, { keys: ['='], command: 'pause', help: 'pause the picture' }, { keys: ['^r', '^l'], command: 'redraw', help: 'draw anew' },
  { keys: ['f2'], command: 'heal', help: 'heal timeline (x h)' }, { keys: ['f3'], command: 'why', help: 'why this node (x w)' }, { keys: ['f7'], command: 'processes', help: 'processes (x p)' }, { keys: ['f9'], command: 'events', help: 'events' },
]

const table: readonly Binding[] = [
  ...moving,
  { keys: ['enter'], command: 'enter', help: 'go into: workload, service, node: pods; pod: containers; container: logs' },
  { keys: ['/'], command: 'filter', help: 'filter: text, !text, -l selector' },
  { keys: ['d'], command: 'describe', help: 'describe' }, { keys: ['y'], command: 'yaml', help: 'yaml' }, { keys: ['e'], command: 'edit', help: 'edit in $EDITOR' },
  { keys: ['l'], command: 'logs', help: 'logs' }, { keys: ['p'], command: 'logsPrevious', help: 'logs of the run before' },
  { keys: ['s'], command: 'shell', help: 'shell (pods), scale (workloads)' }, { keys: ['r'], command: 'restart', help: 'restart the rollout' },
  { keys: ['^d'], command: 'delete', help: 'delete (asks)' }, { keys: ['^k'], command: 'kill', help: 'kill -9, pressed twice' }, { keys: ['^x'], command: 'signal', help: 'send a signal' },
  { keys: ['c'], command: 'cordon', help: 'cordon (nodes)' }, { keys: ['u'], command: 'uncordon', help: 'uncordon (nodes)' },
  { keys: [' '], command: 'mark', help: 'mark' }, { keys: ['^\\'], command: 'clearMarks', help: 'clear marks' }, { keys: ['x'], command: 'explore', help: 'explore: h heal, w why, p processes' },
  { keys: ['N'], command: 'sortName', help: 'sort by name' }, { keys: ['A'], command: 'sortAge', help: 'sort by age' }, { keys: ['P'], command: 'sortNamespace', help: 'sort by namespace' },
  { keys: ['C'], command: 'sortCpu', help: 'sort by CPU' }, { keys: ['M'], command: 'sortMemory', help: 'sort by memory' }, { keys: ['S'], command: 'sortStatus', help: 'sort by status; scale (workloads)' }, { keys: ['O'], command: 'sortProblems', help: 'problems first' },
  { keys: ['^w'], command: 'toggleWide', help: 'wide columns' },
  { keys: ['tab'], command: 'focusPane', help: 'to the detail pane and back' }, { keys: ['.'], command: 'nextTab', help: 'next tab' }, { keys: [','], command: 'previousTab', help: 'previous tab' },
  { keys: ['+'], command: 'growPane', help: 'larger pane' }, { keys: ['_'], command: 'shrinkPane', help: 'smaller pane' },
  ...Array.from({ length: 10 }, (_, digit): Binding => ({ keys: [String(digit)], command: `namespace${digit}`, help: digit === 0 ? 'all namespaces' : `namespace ${digit}` })),
]

const text: readonly Binding[] = [
  ...moving, { keys: ['/'], command: 'search', help: 'search' }, { keys: ['n'], command: 'nextMatch', help: 'next match' }, { keys: ['N'], command: 'previousMatch', help: 'previous match' },
  { keys: ['tab'], command: 'back', help: 'back' },
]

const logs: readonly Binding[] = [
  ...text,
  { keys: ['s', 'f'], command: 'toggleFollow', help: 'follow the end' }, { keys: ['w'], command: 'toggleWrap', help: 'wrap lines' }, { keys: ['t'], command: 'toggleTimestamps', help: 'timestamps' },
  { keys: ['p'], command: 'logsPrevious', help: 'this run, the run before' },
  ...(['all', '1m', '5m', '15m', '30m', '1h', '6h'] as const).map((range, digit): Binding => ({ keys: [String(digit)], command: `range${digit}`, help: `the last ${range}`.replace('the last all', 'everything') })),
]

export type KeyContext = 'table' | 'text' | 'logs'
export const keymap: Readonly<Record<KeyContext, readonly Binding[]>> = { table: [...table, ...everywhere], text: [...text, ...everywhere], logs: [...logs, ...everywhere] }

const byKey = Object.fromEntries(Object.entries(keymap).map(([context, bindings]) => [context, new Map(bindings.flatMap(({ keys, command }) => keys.map((key) => [key, command] as const)))])) as unknown as Record<KeyContext, ReadonlyMap<string, Command>>

export const commandFor = (context: KeyContext, key: string): Command | undefined => byKey[context].get(key)

/** The second key after `x`. */
export const exploreCommands: ReadonlyMap<string, Command> = new Map([['h', 'heal'], ['w', 'why'], ['p', 'processes']])
