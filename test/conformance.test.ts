/** The list of upstream's behaviours is whole, and says the truth about where each one is tested. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { behaviours } from './conformance/behaviours.ts'
import { hasOracle, oracleText } from './support/oracle.ts'

const folder = path.join(import.meta.dirname, 'conformance')
const titlesOf = (file: string): string[] => [...readFileSync(path.join(folder, file), 'utf8').matchAll(/(['"`])(\[sig-[^\n]*? \[Conformance\])\1/g)].map(([, , title = '']) => title)
const named = (wanted: (seen: string) => boolean): string[] => Object.keys(behaviours).filter((name) => wanted(behaviours[name] ?? ''))
const upstream = (): { codename: string; release: string }[] => parse(oracleText('conformance.yaml')) as { codename: string; release: string }[]

test.runIf(hasOracle)('it names every behaviour of upstream\'s list, and no other', () => {
  expect(Object.keys(behaviours).toSorted()).toEqual(upstream().map(({ codename }) => codename).toSorted())
})

test('what it says to be tested in a file has a test of that title there, and every such title is on the list', () => {
  const claimed = named((seen) => seen.endsWith('.ts')).map((name) => `${behaviours[name] ?? ''}: ${name}`)
  const written = readdirSync(folder).filter((file) => file !== 'behaviours.ts').flatMap((file) => titlesOf(file).map((name) => `${file}: ${name}`))
  expect(written.toSorted()).toEqual(claimed.toSorted())
})

test.runIf(hasOracle)('what came after the official suite at hand has a test of ours', () => {
  const isOlder = (release: string): boolean => [...release.matchAll(/1\.(\d+)/g)].some(([, minor]) => Number(minor) <= 20)
  const newer = new Set(upstream().filter(({ release }) => !isOlder(release)).map(({ codename }) => codename))
  expect(named((seen) => seen === 'suite').filter((name) => newer.has(name))).toEqual([])
})
