/** The units that bring a cluster back after a reboot, judged by systemd's own judge where it is there. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { renderUnit } from '../../src/cluster/systemd.ts'

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0
if (!analyze) console.log('SKIPPED systemd.test.ts: no systemd-analyze on this machine')

test.each(['/srv/wherry', '/srv/my clusters/50% "off" $HOME'])('a unit for %s says what is to be run, word by word', (data) => {
  const text = renderUnit({ name: 'wherry-x.service', description: `Wherry in ${data}`, start: ['/bin/true', '--data-dir', data, 'up'], stop: ['/bin/true', 'down'], data })
  const start = /^ExecStart=(.*)$/m.exec(text)?.[1] ?? ''
  expect(start).toBe(data.includes(' ') ? '/bin/true --data-dir "/srv/my clusters/50%% \\"off\\" $$HOME" up' : '/bin/true --data-dir /srv/wherry up')
  expect(text.match(/^(Type|RemainAfterExit|KillMode|WantedBy|After)=.*$/gm)).toEqual(['After=network-online.target', 'Type=oneshot', 'RemainAfterExit=yes', 'KillMode=process', 'WantedBy=multi-user.target'])
})

test.runIf(analyze)('systemd finds no fault with it', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wherry-unit-'))
  try {
    const data = path.join(folder, 'my data')
    mkdirSync(data)
    const program = path.join(data, 'node')
    writeFileSync(program, '#!/bin/sh\n')
    chmodSync(program, 0o755)
    const file = path.join(folder, 'wherry-x.service')
    writeFileSync(file, renderUnit({ name: 'wherry-x.service', description: 'Wherry', start: [program, '--data-dir', data, 'up'], stop: [program, 'down'], data }))
    const judged = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    expect([judged.status, judged.stderr.split('\n').filter((line) => line.includes('wherry-x'))]).toEqual([0, []])
    // And a fault it would have found.
    writeFileSync(file, execFileSync('sed', ['s/^Type=oneshot/Type=wrong/', file]))
    expect(spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' }).stderr).toContain('wherry-x')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
