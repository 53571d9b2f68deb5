import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { changeImages } from '../../../agents/kubelet/images/index-lock.ts'

let directory: string
beforeEach(() => { directory = mkdtempSync(path.join(tmpdir(), 'wherry-lock-')) })
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const program = `
import { readFileSync, writeFileSync, existsSync } from 'node:fs'
const { changeImages } = await import(process.argv[1])
const file = process.argv[2] + '/count'
for (let i = 0; i < 50; i++) await changeImages(process.argv[2], () => writeFileSync(file, String(Number(existsSync(file) ? readFileSync(file, 'utf8') : 0) + 1)))
`

test('several processes at once lose nothing of one another', async () => {
  const module = path.resolve(import.meta.dirname, '../../../agents/kubelet/images/index-lock.ts')
  await Promise.all(Array.from({ length: 3 }, () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, module, directory])))
  expect(readFileSync(path.join(directory, 'count'), 'utf8')).toBe('150')
  expect(readdirSync(directory)).toEqual(['count'])
}, 60_000)

test.each([['a process that is gone', '999999999 1'], ['a pid that is another\'s by now', `${process.pid} 1`], ['nobody, half written', '']])('what %s holds is free', async (_, text) => {
  writeFileSync(path.join(directory, 'index.lock'), text)
  expect(await changeImages(directory, () => 'done')).toBe('done')
  expect(existsSync(path.join(directory, 'index.lock'))).toBe(false)
})

test('a change that fails holds nothing', async () => {
  await expect(changeImages(directory, () => { throw new Error('no') })).rejects.toThrow('no')
  expect(readdirSync(directory)).toEqual([])
})
