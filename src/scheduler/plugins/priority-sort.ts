/** Pods of higher priority first, among equals those that wait longer. Mirrors `plugins/queuesort`. */
import type { Plugin } from '../framework.ts'

export const prioritySort: Plugin = {
  name: 'PrioritySort',
  before: (a, b) => {
    if (a.info.priority !== b.info.priority) return a.info.priority > b.info.priority
    return a.queuedAt !== b.queuedAt ? a.queuedAt < b.queuedAt : a.sequence < b.sequence
  },
}
