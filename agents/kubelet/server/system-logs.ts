/** `/logs/…`: the machine's own log files, for who may `get nodes/log`. Mirrors kubelet.ServeLogs and Go's http.FileServer over /var/log; links that lead out of it are not followed. */
import { constants } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ServerResponse } from 'node:http'
import { answerStream, answerText, HttpError, type Route, type RouteRequest } from './route.ts'

const notFound = (): HttpError => new HttpError(404, '404 page not found')

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;').replaceAll("'", '&#39;')

/** As Go lists a directory: names in order, directories with a slash. */
const listing = async (directory: string): Promise<string> => {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`).sort((left, right) => (left < right ? -1 : 1))
  return `<pre>\n${names.map((name) => `<a href="${encodeURIComponent(name).replaceAll('%2F', '/')}">${escaped(name)}</a>\n`).join('')}</pre>\n`
}

/** Where the request's path leads, inside `root` after all links. */
const insideOf = async (root: string, relative: string): Promise<string> => {
  const base = await realpath(root).catch(() => { throw notFound() })
  const target = await realpath(path.join(base, path.posix.normalize(`/${relative}`))).catch(() => { throw notFound() })
  if (target !== base && !target.startsWith(`${base}/`)) throw notFound()
  return target
}

const answer = async (root: string, { at, request }: RouteRequest, response: ServerResponse): Promise<void> => {
  const { pathname } = new URL(request.url ?? '/', 'https://kubelet')
  const target = await insideOf(root, at['path'] ?? '')
  const facts = await stat(target)
  if (facts.isDirectory()) {
    if (!pathname.endsWith('/')) { response.writeHead(301, { location: `${path.posix.basename(pathname)}/` }).end(); return }
    answerText(response, await listing(target), { type: 'text/html; charset=utf-8' })
    return
  }
  if (!facts.isFile()) throw notFound()
  // Neither a link nor a pipe that has taken the file's place since.
  const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (!(await file.stat()).isFile()) throw notFound()
    await answerStream(response, 'text/plain; charset=utf-8', file.createReadStream({ autoClose: false, end: Math.max(facts.size - 1, 0) }))
  } finally { await file.close() }
}

/** `root`: /var/log, in production. */
export const systemLogRoutes = (root: string): readonly Route[] =>
  ['/logs', '/logs/*path'].map((at): Route => ({ methods: ['GET', 'HEAD'], path: at, answer: (request, response) => answer(root, request, response) }))
