/** The tests are tested: of every thirty places where the server is broken, at least twenty-eight are noticed. All of them with WHERRY_FULL=1 (`npm run test:full`), else one. */
import { expect, test } from 'vitest'
import { mutate, occurrences } from './mutate.ts'
import { mutations } from './mutations.ts'
import { sayWhatIsSkipped } from '../../support/skipped.ts'

const full = Boolean(process.env['WHERRY_FULL'])

sayWhatIsSkipped('mutation.test.ts', !full, 'all but one of the broken places are for npm run test:full')

test('there are at least thirty, each with a name, and a text that stands once', async () => {
  expect(mutations.length).toBeGreaterThanOrEqual(30)
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length)
  for (const mutation of mutations) expect(await occurrences(mutation), mutation.name).toBe(1)
})

test.runIf(full)('nearly all are caught', async () => {
  const missed = (await mutate(mutations)).filter(({ caughtBy }) => caughtBy === undefined).map(({ name }) => name)
  expect(missed.length, missed.join(', ')).toBeLessThanOrEqual(Math.floor((mutations.length * 2) / 30))
}, 7_200_000)

test.skipIf(full)('one of them is caught', async () => {
  const [sample] = mutations.filter(({ name }) => name === 'stale updates are accepted')
  expect(await mutate(sample ? [sample] : [])).toMatchObject([{ caughtBy: 'the corpus' }])
}, 400_000)
