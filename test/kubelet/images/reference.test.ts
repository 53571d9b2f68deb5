/** Named cases after distribution/reference's reference_test.go and normalize_test.go. */
import { describe, expect, test } from 'vitest'
import { formatReference, parseReference } from '../../../agents/kubelet/images/reference.ts'

const digest = `sha256:${'f'.repeat(64)}`

describe('names of images', () => {
  test.each([
    ['a bare name is Docker Hub\'s, and latest', 'nginx', 'docker.io/library/nginx:latest'],
    ['a tag', 'nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['a user of Docker Hub', 'foo/bar', 'docker.io/foo/bar:latest'],
    ['a registry by its dot', 'registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    ['a registry by its port', 'localhost:5000/team/app', 'localhost:5000/team/app:latest'],
    ['localhost is a registry', 'localhost/app', 'localhost/app:latest'],
    ['a port is no tag', 'test:5000/repo', 'test:5000/repo:latest'],
    ['a digest', `nginx@${digest}`, `docker.io/library/nginx@${digest}`],
    ['of tag and digest the digest counts', `nginx:1.27@${digest}`, `docker.io/library/nginx@${digest}`],
    ['the hub\'s old name', 'index.docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['separators within names', 'b_c__d-e/f.g', 'docker.io/b_c__d-e/f.g:latest'],
  ])('%s', (_, text, full) => {
    const reference = parseReference(text)
    expect(reference && formatReference(reference)).toBe(full)
  })
  test.each([
    ['nothing', ''], ['capitals in the name', 'Nginx'], ['a blank', 'ng inx'], ['an empty tag', 'nginx:'], ['a short digest', 'nginx@sha256:ffff'], ['two digests', `a@${digest}@${digest}`],
    ['a slash at the end', 'nginx/'], ['a way out', '../nginx'], ['an option', '-nginx'],
  ])('%s is none', (_, text) => expect(parseReference(text)).toBeUndefined())
})
