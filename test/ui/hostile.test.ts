/** S26 of the security checks (CVE-2021-25743): whatever pods, events and logs are called or say, the terminal shows it as text, and soon. */
import { describe, expect, test } from 'vitest'
import { frameText, openDashboard } from './open-dashboard.ts'
import { aPod, anEvent, pushScene, scene } from './scene.ts'
import { cpuMilliseconds } from '../support/cpu-time.ts'

const hostile: [name: string, text: string][] = [
  ['clears the screen', '\u001b[2J\u001b[1;1Hgone'], ['sets the clipboard', '\u001b]52;c;cm0gLXJmIC8=\u0007'], ['sets the clipboard, and never ends', '\u001b]52;c;cm0gLXJmIC8='],
  ['sets the title', '\u001b]0;owned\u001b\\'], ['asks for an answer', '\u001b[6n\u001b[c\u001bZ\u0005'], ['one-byte sequences', '\u009b2J\u009d0;owned\u009c\u0090q\u009c'], ['writes from right to left', 'safe\u202eexe.fdp\u2066\u200f'],
  ['goes back over what was written', 'first\rsecond\b\b\b\b\u000b\u000c'], ['shifts the character set', '\u001b(0\u000e\u001b#8'], ['resets the terminal', '\u001bc'],
]
const bombs: [name: string, text: string][] = [
  ['64 KiB without a blank', 'x'.repeat(1 << 16)], ['wide characters', '\u65e5'.repeat(1 << 15)], ['marks without a cell', `a${'\u0301'.repeat(1 << 15)}`], ['families of emoji', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}'.repeat(1 << 13)],
  ['sequences that do not end', '\u001b['.repeat(1 << 15)], ['strings that do not end', '\u001b]0;'.repeat(1 << 14)], ['halves of pairs', '\ud83d'.repeat(1 << 15)], ['line ends', '\r\n'.repeat(1 << 15)],
]
// eslint-disable-next-line no-control-regex
const movesTheCursor = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/

/** As a name, a status, an event, a log line and a process: everything that a pod may choose. */
const withText = (text: string): ReturnType<typeof scene> => {
  const cluster = scene()
  pushScene(cluster)
  const pod = aPod({ name: 'hostile', status: text })
  pod.object.metadata.labels = { app: text }
  pod.object.metadata.annotations = { note: text }
  pod.object['status'] = { ...(pod.object['status'] as object), message: text, reason: text }
  cluster.put('pods', pod)
  cluster.put('pods', aPod({ name: text }))
  cluster.put('events', anEvent('evil', 'hostile', ['Warning', text, text], 0))
  cluster.logLines = [`2026-03-01T12:04:31.201Z ${text}`, text]
  cluster.processes = { podUid: 'uid-hostile', containers: [{ name: 'main', processes: [{ pid: 7, ppid: 1, state: 'S', command: text, cpuMilliseconds: 1, rssBytes: 1, threads: 1, fds: 1 }] }] }
  return cluster
}
/** Through every screen that shows some of it. */
const walk = async (text: string, look: (frame: string) => void): Promise<void> => {
  using open = await openDashboard(withText(text))
  await open.press('/', 'h', 'o', 's', 't', 'i', 'l', 'e', 'enter')
  for (const keys of [[], ['d'], ['esc', 'y'], ['esc', 'l'], ['esc', 'enter'], ['esc', 'esc', ':', 'e', 'v', 'e', 'n', 't', 's', 'enter'], ['d']]) {
    await open.press(...keys)
    look(frameText(open.dashboard.frame()))
  }
}

describe('S26: text of others', () => {
  test.each(hostile)('that %s is text', async (_, text) => {
    let shown = 0
    await walk(text, (frame) => {
      expect(frame).not.toMatch(movesTheCursor)
      if (frame.includes('hostile')) shown++
    })
    expect(shown, 'screens about the pod').toBeGreaterThan(2)
  })
  test.each(bombs)('of %s: every screen within a second', async (_, text) => {
    let begun = cpuMilliseconds()
    await walk(text, (frame) => {
      expect(frame.split('\n')).toHaveLength(24)
      expect(cpuMilliseconds() - begun).toBeLessThan(2_000)
      begun = cpuMilliseconds()
    })
  })
})
