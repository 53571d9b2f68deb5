/**
 * With which credentials the kubelet pulled which image: who has none of them may not use it only because it lies here. Mirrors pkg/kubelet/images/pullmanager with its policy
 * NeverVerifyPreloadedImages: an image that no kubelet has pulled is everybody's. One file, readable by root alone.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { changeImages } from './index-lock.ts'

export interface SecretUse { namespace: string; name: string; uid: string; hash: string }
/** A service account for whose token a credential provider gave credentials. */
export interface AccountUse { namespace: string; name: string; uid: string }
export type CredentialUse = SecretUse | AccountUse

/** Of one image under one repository. */
export interface PullRecord {
  /** No credentials were needed, or the node's own: every pod of the node may use it. */
  everybody: boolean
  secrets: readonly SecretUse[]
  accounts?: readonly AccountUse[]
}

/** `secret` and `account` undefined: nobody had to say who asks, or the node did. */
export interface PullUse { id: string; repository: string; secret: SecretUse | undefined; account?: AccountUse | undefined }

/** By image id, then by repository. */
export type PullRecords = Readonly<Record<string, Readonly<Record<string, PullRecord>>>>

const fileOf = (directory: string): string => path.join(directory, 'pulled.json')

/** A file that is lost or damaged says nothing of any image. */
export const readPullRecords = (directory: string): PullRecords => {
  try { return JSON.parse(readFileSync(fileOf(directory), 'utf8')) as PullRecords } catch { return {} }
}

const isSame = (left: CredentialUse, right: CredentialUse): boolean => left.uid === right.uid && left.namespace === right.namespace && left.name === right.name

/** Whether an image that lies here may be used without asking its registry. `mine`: what the pod's secrets hold for the repository, and its service account if that is asked for. Pure. */
export const mayUse = (records: PullRecords, { id, repository }: { id: string; repository: string }, mine: readonly CredentialUse[]): boolean => {
  if (!Object.hasOwn(records, id)) return true
  const record = Object.hasOwn(records[id] ?? {}, repository) ? records[id]?.[repository] : undefined
  if (!record) return false
  return record.everybody || mine.some((each) => ('hash' in each ? record.secrets.some((known) => isSame(known, each) || known.hash === each.hash) : (record.accounts ?? []).some((known) => isSame(known, each))))
}

/** Pure. */
export const withPull = (records: PullRecords, { id, repository, secret, account }: PullUse): PullRecords => {
  const before = (Object.hasOwn(records, id) ? records[id]?.[repository] : undefined) ?? { everybody: false, secrets: [] }
  const after: PullRecord = secret ? { ...before, secrets: [...before.secrets.filter((known) => !isSame(known, secret)), secret] }
    : account ? { ...before, accounts: [...(before.accounts ?? []).filter((known) => !isSame(known, account)), account] } : { ...before, everybody: true }
  return { ...records, [id]: { ...records[id], [repository]: after } }
}

export const recordPull = (directory: string, pull: PullUse & { known: ReadonlySet<string> }): Promise<void> => changeImages(directory, () => {
  const there = Object.fromEntries(Object.entries(readPullRecords(directory)).filter(([id]) => pull.known.has(id)))
  writeFileSync(`${fileOf(directory)}.new`, `${JSON.stringify(withPull(there, pull))}\n`, { mode: 0o600 })
  renameSync(`${fileOf(directory)}.new`, fileOf(directory))
})
