/** What is done to a disk before it is mounted, by a machine whose programs only answer. Named after mount-utils' safe_format_and_mount_test.go. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type DeviceMount, mountDevice } from '../../../agents/kubelet/volumes/device-file-system.ts'
import { fakeMounter } from '../support.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'wherry-disk-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const target = path.join(directory, 'target')

interface Disk { on?: string; mkfs?: number; fsck?: number; inUse?: boolean; blkid?: number }

const mounting = async (wanted: Partial<DeviceMount>, { on = '', mkfs = 0, fsck = 0, inUse = false, blkid = on === '' ? 2 : 0 }: Disk): Promise<{ ran: string[]; mounted: string | undefined }> => {
  const [ran, mounter]: [string[], ReturnType<typeof fakeMounter>] = [[], fakeMounter()]
  await mountDevice({ device: '/dev/sdx', target, fsType: '', options: [], readOnly: false, ...wanted }, {
    mounter, inUse: () => Promise.resolve(inUse), run: (command, args) => {
      if (command !== 'blkid') ran.push([command, ...args].join(' '))
      return Promise.resolve({ exitCode: command === 'blkid' ? blkid : command === 'fsck' ? fsck : mkfs, output: command === 'blkid' ? on : 'its words' })
    },
  })
  return { ran, mounted: mounter.mounts.get(target) }
}

describe('a disk', () => {
  test.each<[string, Partial<DeviceMount>, Disk, string[], string]>([
    ['that is blank gets ext4', {}, {}, ['mkfs.ext4 -F -m0 /dev/sdx'], 'ext4 /dev/sdx defaults'],
    ['that is blank gets what is wanted', { fsType: 'xfs', options: ['noatime'] }, {}, ['mkfs.xfs -f /dev/sdx'], 'xfs /dev/sdx defaults noatime'],
    ['with a file system is looked over', { fsType: 'ext4' }, { on: 'TYPE=ext4\n' }, ['fsck -a /dev/sdx'], 'ext4 /dev/sdx defaults'],
    ['is taken as it is', {}, { on: 'TYPE=btrfs\n' }, ['fsck -a /dev/sdx'], 'btrfs /dev/sdx defaults'],
    ['that was mended', {}, { on: 'TYPE=ext4\n', fsck: 1 }, ['fsck -a /dev/sdx'], 'ext4 /dev/sdx defaults'],
    ['that another pod has is not touched', {}, { on: 'TYPE=ext4\n', inUse: true }, [], 'ext4 /dev/sdx defaults'],
    ['that is only read is not touched', { readOnly: true }, { on: 'TYPE=ext4\n' }, [], 'ext4 /dev/sdx ro defaults'],
    ['with another file system than wanted is not made anew: mount says what is wrong', { fsType: 'xfs' }, { on: 'TYPE=ext4\n' }, [], 'xfs /dev/sdx defaults'],
  ])('%s', async (_, wanted, disk, ran, mounted) => { expect(await mounting(wanted, disk)).toEqual({ ran, mounted }) })

  test.each<[string, Partial<DeviceMount>, Disk, RegExp]>([
    ['blank, and only to be read', { readOnly: true }, {}, /^cannot mount unformatted disk \/dev\/sdx as we are manipulating it in read-only mode$/],
    ['that cannot be formatted', {}, { mkfs: 1 }, /^formatting of disk failed: type:\("ext4"\) .* errcode:\(exit status 1\) output:\(its words\)$/],
    ['that cannot be mended', {}, { on: 'TYPE=ext4\n', fsck: 4 }, /^'fsck' found errors on device \/dev\/sdx but could not correct them: its words$/],
    ['with partitions', { fsType: 'ext4' }, { on: 'TYPE=ext4\nPTTYPE=dos\n' }, /unknown data, probably partitions/],
    ['that cannot be read', {}, { on: 'x', blkid: 4 }, /could not determine if disk "\/dev\/sdx" is formatted \(exit status 4\)/],
    ['with a type that leads elsewhere', { fsType: '../sh' }, {}, /invalid fsType/],
  ])('%s is left alone', async (_, wanted, disk, why) => { await expect(mounting(wanted, disk)).rejects.toThrow(why) })
})
