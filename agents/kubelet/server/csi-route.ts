/** The controller service of a CSI driver, for the controllers of the cluster: its socket is a file of this node. */
import { CsiError } from '../csi/csi-error.ts'
import type { Machine } from '../pod-run.ts'
import { readJson } from './read-json.ts'
import { answerJson, HttpError, type Route } from './route.ts'

const methods = new Set(['CreateVolume', 'DeleteVolume', 'ControllerPublishVolume', 'ControllerUnpublishVolume', 'ControllerExpandVolume', 'ControllerModifyVolume', 'GetCapacity'])
// A request may carry a Secret, which is no larger.
const maxBytes = 2 * 1024 * 1024
const shape = 'the body must be JSON: {driver, method, request}'

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What the driver answers, or with which code it refuses. */
export const callController = async ({ csi }: Pick<Machine, 'csi'>, body: unknown, signal: AbortSignal): Promise<object> => {
  const { driver: name, method, request } = isObject(body) ? body : {}
  if (typeof name !== 'string' || typeof method !== 'string' || !isObject(request)) throw new HttpError(400, shape)
  if (!methods.has(method)) throw new HttpError(400, `method: must be one of ${[...methods].join(', ')}`)
  const driver = csi.driver(name)
  if (!driver || driver.controller.length === 0) return { error: { code: 'Unavailable', message: `driver ${name} offers no controller service on this node` } }
  try {
    return { answer: await driver.call('csi.v1.Controller', method, request, signal) }
  } catch (error) {
    if (error instanceof CsiError) return { error: { code: error.code, message: error.message } }
    throw error
  }
}

export const csiRoute = (machine: Pick<Machine, 'csi'>): Route => ({
  methods: ['POST'], path: '/wherry/csi',
  answer: async ({ request, signal }, response) => answerJson(response, await callController(machine, await readJson(request, { maxBytes, shape }), signal)),
})
