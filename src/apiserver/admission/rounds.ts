/** The second round of what changes objects: who is asked again when another plugin changed what it had seen. Mirrors the reinvocation contexts of apiserver's `plugin/webhook/mutating` and `plugin/policy/mutating`. */
import { deepCopy, semanticEqual } from '../../api/equal.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'

/** What one request's rounds remember of each other. */
interface Memory {
  /** Asked before, and willing to be asked again. */
  reinvocable: Set<string>
  /** Of those, the ones whose object was changed after they saw it. */
  again: Set<string>
  lastOutput: KubeObject | undefined
}

export interface Round {
  /** Whether this one is asked in this round: in the second, only who saw another object before. */
  concerns(key: string): boolean
  ran(key: string, outcome: { changed: boolean; reinvocable: boolean }): void
  end(): void
}

export const beginRound = (plugin: string, attributes: AdmissionAttributes, { reinvocation }: AdmissionContext): Round => {
  const memory = reinvocation.memory<Memory>(plugin, () => ({ reinvocable: new Set(), again: new Set(), lastOutput: undefined }))
  const recall = (): void => {
    memory.again = memory.again.union(memory.reinvocable)
    memory.reinvocable = new Set()
  }
  // What other plugins did in this second round concerns those who saw the object before.
  if (reinvocation.again && !semanticEqual(memory.lastOutput, attributes.object)) recall()
  return {
    concerns: (key) => !reinvocation.again || memory.again.has(key),
    ran(key, { changed, reinvocable }) {
      if (changed) {
        recall()
        reinvocation.request()
      }
      if (reinvocable) memory.reinvocable.add(key)
    },
    end() { memory.lastOutput = attributes.object && deepCopy(attributes.object) },
  }
}
