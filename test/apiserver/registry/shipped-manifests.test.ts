/** What we ship ourselves passes our own judgement. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { storedKinds } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import { created, sent } from './support.ts'

const folder = path.join(import.meta.dirname, '../../../manifests')

/** What stands for the places that are filled in when a cluster starts; paths where nothing else is said. */
const filledIn: Readonly<Record<string, string>> = { address: '192.0.2.1', clusterDNS: '10.96.0.10', clusterDomain: 'cluster.local', podCIDR: '10.244.0.0/16', serviceCIDR: '10.96.0.0/16', serverPort: '6443', singleDnsPort: '10053' }

for (const part of ['bootstrap', 'addons', 'examples']) {
  describe(part, () => {
    for (const file of readdirSync(path.join(folder, part)).filter((name) => name.endsWith('.yaml'))) {
      const text = readFileSync(path.join(folder, part, file), 'utf8').replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => filledIn[name] ?? `/at/${name}`)
      for (const [index, document] of parseAllDocuments(text).entries()) {
        const object = document.toJS() as KubeObject | null
        if (object === null) continue
        test(`${file} ${index}: ${object.kind} ${object.metadata.name}`, () => {
          const kind = storedKinds.find((each) => each.kind === object.kind)
          expect(kind, `${object.kind} is a stored kind`).toBeDefined()
          if (kind) expect(created(kind, sent(object, { name: object.metadata.name, labels: object.metadata.labels })).errors).toEqual([])
        })
      }
    }
  })
}
