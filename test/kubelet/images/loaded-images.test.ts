import { describe, expect, test } from 'vitest'
import { type ImageConfig, type ImageIndex, withImage } from '../../../agents/kubelet/images/image-index.ts'
import { findImage, findProgram, resolveUser } from '../../../agents/kubelet/images/loaded-images.ts'

const config: ImageConfig = { entrypoint: [], command: [], env: [], workingDir: '', user: '', stopSignal: undefined }
const idOf = (letter: string): string => `sha256:${letter.repeat(64)}`
const image = (letter: string, ...names: string[]) => ({ id: idOf(letter), names, config, sizeBytes: 1, loadedAt: '2026-01-01T00:00:00Z' })
const manifest = `sha256:${'9'.repeat(64)}`
const index: ImageIndex = {
  images: [image('a', 'docker.io/library/nginx:1.27', `docker.io/library/nginx@${manifest}`), image('b', 'docker.io/library/app:latest')],
  programs: [{ pattern: 'docker.io/library/redis:*', config }, { pattern: 'registry.example/*/web:2', config }],
}

describe('which image a name means', () => {
  test.each([
    ['its short name', 'nginx:1.27', 'a'], ['its full name', 'docker.io/library/nginx:1.27', 'a'], ['latest where no tag is given', 'app', 'b'], ['a digest of its manifest', `nginx@${manifest}`, 'a'],
    ['its own id', idOf('b'), 'b'], ['its id in hexadecimal', 'b'.repeat(64), 'b'],
  ])('%s', (_, text, letter) => expect(findImage(index, text)?.id).toBe(idOf(letter)))
  test.each([['another tag', 'nginx:1.28'], ['another registry', 'registry.example/nginx:1.27'], ['a digest under another name', `app@${manifest}`], ['no image at all', 'NGINX']])('not %s', (_, text) => expect(findImage(index, text)).toBeUndefined())

  test('a name that is loaded anew leaves the image that had it', () => {
    const after = withImage(index, image('c', 'docker.io/library/app:latest'))
    expect(findImage(after, 'app')?.id).toBe(idOf('c'))
    expect(after.images.find(({ id }) => id === idOf('b'))?.names).toEqual([])
  })
})

test.each([
  ['redis', 'docker.io/library/redis:*'], ['redis:7', 'docker.io/library/redis:*'], ['registry.example/team/web:2', 'registry.example/*/web:2'], ['registry.example/team/web:3', undefined], ['my/redis:7', undefined],
])('%s stands for the machine\'s own program: %s', (text, pattern) => expect(findProgram(index, text)?.pattern).toBe(pattern))

describe('the user of an image', () => {
  const files = { passwd: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n', group: 'root:x:0:\nweb:x:33:app\n' }
  test.each([
    ['none', '', undefined], ['a name brings its group', 'app', { uid: 1000, gid: 1001 }], ['a number that has a name', '1000', { uid: 1000, gid: 1001 }], ['a number that has none', '77', { uid: 77, gid: undefined }],
    ['a group by name', 'app:web', { uid: 1000, gid: 33 }], ['a group by number', '77:88', { uid: 77, gid: 88 }],
  ])('%s', (_, user, expected) => expect(resolveUser(user, files)).toEqual(expected))
  test('a name that the image does not know', () => expect(() => resolveUser('nobody-here', files)).toThrow('unable to find user nobody-here: no matching entries in passwd file'))
})
