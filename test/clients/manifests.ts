/** What the tests give to kubectl, in files of their own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface Folder extends AsyncDisposable {
  path: string
  /** Resolves with the file's path. */
  write(name: string, text: string): Promise<string>
}

export const folder = async (): Promise<Folder> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-kubectl-'))
  return {
    path: directory,
    write: async (name, text) => { const file = path.join(directory, name); await writeFile(file, text); return file },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

/** A program that says that it begins, then counts, and ends at once when it is asked to. */
export const counting = `echo starting; trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 1 & wait $!; done`

export const webDeployment = ({ replicas = 2, colour = 'red', selector = 'web', extra = '' }: { replicas?: number | string; colour?: string; selector?: string; extra?: string } = {}): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
${extra}  selector: {matchLabels: {app: ${selector}}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: host
          command: [sh, -c, "${counting}"]
          env: [{name: COLOUR, value: ${colour}}]
          ports: [{name: http, containerPort: 8080}]
          resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
          readinessProbe: {exec: {command: ["true"]}, periodSeconds: 1}
`

export const webService = `apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
`
