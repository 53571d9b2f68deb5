/**
 * With which credentials the kubelet pulled which image: who has none of them may not use it only because it lies here. Mirrors pkg/kubelet/images/pullmanager with its policy
 * NeverVerifyPreloadedImages: an image that no kubelet has pulled is everybody's. One file, readable by root alone.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { changeImages } from './index-lock.ts'

export interface SecretUse { namespace: string; name: string; uid: string; hash: string }

/** Of one image under one repository. */
export interface PullRecord {
  /** No credentials were needed, or the node's own: every pod of the node may use it. */
  everybody: boolean
  secrets: readonly SecretUse[]
}

/** By image id, then by repository. */
export type PullRecords = Readonly<Record<string, Readonly<Record<string, PullRecord>>>>

const fileOf = (directory: string): string => path.join(directory, 'pulled.json')

/** A file that is lost or damaged says nothing of any image. */
export const readPullRecords = (directory: string): PullRecords => {
  try { return JSON.parse(readFileSync(fileOf(directory), 'utf8')) as PullRecords } catch { return {} }
}

const isSameSecret = (left: SecretUse, right: SecretUse): boolean => left.uid === right.uid && left.namespace === right.namespace && left.name === right.name

/** Whether an image that lies here may be used without asking its registry. `mine`: what the pod's secrets and the node hold for the repository. Pure. */
export const mayUse = (records: PullRecords, { id, repository }: { id: string; repository: string }, mine: readonly SecretUse[]): boolean => {
  if (!Object.hasOwn(records, id)) return true
  const record = Object.hasOwn(records[id] ?? {}, repository) ? records[id]?.[repository] : undefined
  if (!record) return false
  return record.everybody || mine.some((secret) => record.secrets.some((known) => isSameSecret(known, secret) || known.hash === secret.hash))
}

/** `secret` undefined: nobody had to say who asks, or the node did. Pure. */
export const withPull = (records: PullRecords, { id, repository, secret }: { id: string; repository: string; secret: SecretUse | undefined }): PullRecords => {
  const before = (Object.hasOwn(records, id) ? records[id]?.[repository] : undefined) ?? { everybody: false, secrets: [] }
  const after: PullRecord = secret ? { ...before, secrets: [...before.secrets.filter((known) => !isSameSecret(known, secret)), secret] } : { ...before, everybody: true }
  return { ...records, [id]: { ...records[id], [repository]: after } }
}

export const recordPull = (directory: string, pull: { id: string; repository: string; secret: SecretUse | undefined; known: ReadonlySet<string> }): Promise<void> => changeImages(directory, () => {
  const there = Object.fromEntries(Object.entries(readPullRecords(directory)).filter(([id]) => pull.known.has(id)))
  writeFileSync(`${fileOf(directory)}.new`, `${JSON.stringify(withPull(there, pull))}\n`, { mode: 0o600 })
  renameSync(`${fileOf(directory)}.new`, fileOf(directory))
})
