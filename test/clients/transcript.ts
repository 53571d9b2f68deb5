/**
 * What a person sees who types kubectl commands, as text that is the same every time: ages, hashes, addresses, times and the machine's own facts are masked,
 * and columns are two spaces apart. Compared with test/golden/kubectl/, which is written from upstream's documentation and sources: a line `# ...` before a command
 * names where they say so, for that command and those that follow. Nothing is recorded: where the two differ, upstream's words decide which one is wrong.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'vitest'
import type { Ended, TestCluster } from '../support/cluster.ts'

const masks: readonly [RegExp, string][] = [
  [/\u001b\[[0-9;]*m/g, ''],
  [/wherry:\/\/[0-9a-f]{32,}/g, 'wherry://<id>'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/X509SHA256=[0-9a-f]{64}/g, 'X509SHA256=<digest>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, '<time>'],
  [/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<id>'],
  // Generated names: the template's hash, then five characters.
  [/\b(pod-template-hash=|controller-revision-hash=)[a-z0-9]+/g, '$1<hash>'],
  [/-[bcdf0-9][bcdfghjklmnpqrstvwxz2456789]{7,9}-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-<hash>-<id>'],
  [/\b(web|coredns|idle)-[bcdfghjklmnpqrstvwxz2456789]{8,10}\b/g, '$1-<hash>'],
  [/\b(kube-proxy|sum|done|node-debugger-node-1)-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '$1-<id>'],
  [/\b10\.244\.\d+\.\d+\b(?!\/)/g, '<pod-ip>'],
  [/\b10\.96\.(?!0\.1\b|0\.10\b|0\.0\b)\d+\.\d+\b/g, '<cluster-ip>'],
  [/\b172\.\d+\.\d+\.\d+\b/g, '<node-ip>'],
  [/(resourceVersion: )"\d+"/g, '$1"<n>"'],
  // `3s`, `2m5s`, `4h`, `(x4 over 86s)`.
  [/(?<![\w.=]|for )(?:\d+m)?\d+s(?= |\n|\)|$)/g, '<age>'],
]

export const masked = (text: string): string => {
  const same = masks.reduce((result, [pattern, replacement]) => result.replaceAll(pattern, replacement), text)
  return same.split('\n').map((line) => line.replace(/(\S) {2,}(?=\S)/g, '$1  ').trimEnd()).join('\n')
}

/** One command as it was typed, and everything it said; the exit code where it is not 0. */
export const shown = (args: readonly string[], { stdout, stderr, exitCode }: Ended): string => {
  const typed = args.map((each) => (/^[\w@%+=:,./{}[\]-]+$/.test(each) ? each : `'${each}'`)).join(' ')
  const said = [stdout, stderr].filter(Boolean).map((text) => (text.endsWith('\n') ? text : `${text}\n`)).join('')
  return `$ kubectl ${typed}\n${said}${exitCode === 0 ? '' : `exit code ${String(exitCode)}\n`}`
}

const isCommand = (line: string): boolean => line.startsWith('$ kubectl ')

/** What a golden file expects, without its sources; throws where a command stands before the first of them. */
export const expectedOf = (golden: string): string => {
  const lines = golden.split('\n')
  // kubectl prints lines with a hash, too: a source stands right before a command.
  const isSource = (index: number): boolean => (lines[index] ?? '').startsWith('# ') && isCommand(lines[index + 1] ?? '')
  const first = lines.findIndex((line) => isCommand(line))
  if (!isSource(first - 1)) throw new Error('a golden file begins with the source of its first command')
  return lines.filter((_, index) => !isSource(index)).join('\n')
}

/** Runs the commands one after the other and compares all they say with the golden file. `more` masks what is this transcript's own. */
export const transcript = async (cluster: TestCluster, { file, commands, more = (text) => text }: { file: string; commands: readonly (readonly string[])[]; more?(text: string): string }): Promise<void> => {
  const parts: string[] = []
  for (const args of commands) parts.push(shown(args, await cluster.tryKubectl(args)))
  const golden = await readFile(path.resolve(import.meta.dirname, '../golden/kubectl', `${file}.txt`), 'utf8')
  expect(more(masked(parts.join('\n')))).toBe(expectedOf(golden))
}

/** A command line in words; what stands in single quotes is one word. */
export const words = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
