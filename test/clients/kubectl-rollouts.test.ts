/** Real kubectl against a real cluster: scaling, rollouts, waiting, deleting, nodes in maintenance, events; an older kubectl. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { type Folder, folder, webDeployment, webService } from './manifests.ts'
import { masked, transcript, words } from './transcript.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('kubectl-rollouts.test.ts')

describe.runIf(isRoot)('workloads under way', () => {
  let cluster: TestCluster
  let files: Folder
  let web = ''

  beforeAll(async () => {
    files = await folder()
    cluster = await startTestCluster()
    web = await files.write('web.yaml', `${webDeployment()}---\n${webService}`)
    await cluster.kubectl(['apply', '-f', web])
  })
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    await files?.[Symbol.asyncDispose]()
  })

  /** How a rollout is told depends on the moments at which kubectl looks: one line of each sort is kept. */
  const onceEach = (text: string): string => text.split('\n').filter((line) => !line.startsWith('Waiting for deployment')).join('\n')
  const golden = (file: string, lines: string): Promise<void> => transcript(cluster, { file, commands: lines.trim().split('\n').map((line) => words(line).map((word) => word.replace('FOLDER', files.path))), more: (text) => onceEach(text.replaceAll(files.path, 'FOLDER')) })
  const pods = async (): Promise<string[]> => (await cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'name'])).split('\n').filter(Boolean)

  test('rollout status tells how far it is', async () => {
    await cluster.kubectl(['set', 'env', 'deployment/web', 'COLOUR=white'])
    const said = (await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])).split('\n')
    expect(said.at(-1)).toBe('deployment "web" successfully rolled out')
    for (const line of said.slice(0, -1)) expect(line).toMatch(/^Waiting for deployment (spec update to be observed\.\.\.|"web" rollout to finish: (\d out of 2 new replicas have been updated|\d old replicas are pending termination|\d of 2 updated replicas are available)\.\.\.)$/)
    await cluster.kubectl(['rollout', 'undo', 'deployment/web'])
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])
  })

  test('scale, set, rollout', async () => {
    await golden('rollout', `
      scale deployment/web --replicas=3
      rollout status deployment/web --timeout=30s
      scale deployment/web --current-replicas=7 --replicas=2
      scale deployment/web --current-replicas=3 --replicas=2
      set env deployment/web COLOUR=blue
      annotate deployment/web kubernetes.io/change-cause=blue
      rollout status deployment/web --timeout=30s
      rollout history deployment/web
      rollout history deployment/web --revision=4
      rollout undo deployment/web
      rollout status deployment/web --timeout=30s
      rollout history deployment/web
      rollout undo deployment/web --to-revision=99
      rollout pause deployment/web
      set resources deployment/web --limits=memory=80Mi
      set image deployment/web web=host nope=host
      rollout resume deployment/web
      rollout status deployment/web --timeout=30s
      rollout restart deployment/web
      rollout status deployment/web --timeout=30s
      set env deployment/web --list
      set selector service web app=web,tier=x
      set serviceaccount deployment/web default
      rollout undo deployment/nope
      rollout status service/web
      rollout status daemonset/kube-proxy -n kube-system`)
    await cluster.kubectl(['apply', '-f', web])
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])
  })

  test('an image that is not there: the rollout stands still, and is undone', async () => {
    expect(await cluster.kubectl(['set', 'image', 'deployment/web', 'web=example.com/nothing:1'])).toBe('deployment.apps/web image updated')
    await cluster.until('the image cannot be had', async () => / (ErrImagePull|ImagePullBackOff) /.test(await cluster.kubectl(['get', 'pods', '-l', 'app=web'])))
    expect(await cluster.tryKubectl(['rollout', 'status', 'deployment/web', '--timeout=1s'])).toMatchObject({ exitCode: 1, stderr: 'error: timed out waiting for the condition' })
    expect(await cluster.kubectl(['get', 'deployment', 'web', '-o', 'jsonpath={.status.availableReplicas}'])).toBe('2')
    await cluster.kubectl(['rollout', 'undo', 'deployment/web'])
    expect(await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])).toContain('deployment "web" successfully rolled out')
  })

  test('a stateful set: in order, each under its name; and a cron job, by hand', async () => {
    const file = await files.write('db.yaml', `apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: host, command: [sleep, "100000"], env: [{name: V, value: "1"}]}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: host, command: [echo, tick]}]}}}}
`)
    // In a namespace of its own: other tests show what happens in the default one.
    await cluster.kubectl(['create', 'namespace', 'stateful'])
    const own = (args: string[]): Promise<string> => cluster.kubectl(['-n', 'stateful', ...args])
    await own(['apply', '-f', file])
    const rolledOut = async (): Promise<string> => (await own(['rollout', 'status', 'statefulset/db', '--timeout=30s'])).split('\n').at(-1) ?? ''
    const versions = (): Promise<string> => own(['get', 'pods', '-l', 'app=db', '-o', 'jsonpath={range .items[*]}{.metadata.name}={.spec.containers[0].env[0].value} {end}'])
    expect(await rolledOut()).toBe('partitioned roll out complete: 2 new pods have been updated...')
    expect(await own(['exec', 'db-1', '--', 'getent', 'hosts', 'db-1.db.stateful.svc.cluster.local'])).toMatch(/ db-1\.db\.stateful\.svc\.cluster\.local/)
    await own(['delete', 'pod', 'db-0'])
    await cluster.until('db-0 is there again', async () => (await cluster.tryKubectl(['-n', 'stateful', 'wait', '--for=condition=Ready', 'pod/db-0', '--timeout=10s'])).exitCode === 0)
    await own(['set', 'env', 'statefulset/db', 'V=2'])
    await rolledOut()
    expect(await versions()).toBe('db-0=2 db-1=2 ')
    await own(['rollout', 'undo', 'statefulset/db'])
    await rolledOut()
    expect(await versions()).toBe('db-0=1 db-1=1 ')
    await own(['create', 'job', 'now', '--from=cronjob/tick'])
    await own(['wait', '--for=condition=Complete', 'job/now', '--timeout=20s'])
    await own(['scale', 'statefulset/db', '--replicas=1'])
    await own(['wait', '--for=delete', 'pod/db-1', '--timeout=20s'])
    await own(['delete', '-f', file])
    expect(await own(['get', 'jobs,cronjobs,statefulsets', '-o', 'name'])).toBe('')
    await cluster.kubectl(['delete', 'namespace', 'stateful'])
  })

  test('a stateful set with claims: its pods find their data again, and the data goes with the claim', async () => {
    const file = await files.write('store.yaml', `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  serviceName: store
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsUser: 1000}
      containers: [{name: main, image: host, command: [sh, -c, "echo started >> /data/log; exec sleep 100000"], volumeMounts: [{name: data, mountPath: /data}]}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
`)
    await cluster.kubectl(['create', 'namespace', 'claims'])
    const own = (args: string[]): Promise<string> => cluster.kubectl(['-n', 'claims', ...args])
    const log = async (): Promise<string[]> => (await own(['exec', 'store-0', '--', 'cat', '/data/log'])).split('\n').filter(Boolean)
    await own(['apply', '-f', file])
    await own(['rollout', 'status', 'statefulset/store', '--timeout=30s'])
    expect(await own(['get', 'pvc', 'data-store-0', '-o', 'jsonpath={.status.phase} {.spec.storageClassName} {.status.capacity.storage}'])).toBe('Bound standard 10Mi')
    await cluster.until('the first start is noted', async () => (await log()).length === 1)
    await own(['delete', 'pod', 'store-0'])
    await cluster.until('the pod that comes after it adds to that', async () => (await cluster.tryKubectl(['-n', 'claims', 'exec', 'store-0', '--', 'cat', '/data/log'])).stdout.trim() === 'started\nstarted')
    const volume = await own(['get', 'pvc', 'data-store-0', '-o', 'jsonpath={.spec.volumeName}'])
    const directory = await own(['get', 'pv', volume, '-o', 'jsonpath={.spec.hostPath.path}'])
    expect(await readFile(path.join(directory, 'log'), 'utf8')).toBe('started\nstarted\n')
    await own(['delete', '-f', file])
    await own(['delete', 'pvc', 'data-store-0'])
    await own(['wait', '--for=delete', `pv/${volume}`, '--timeout=30s'])
    await expect(stat(directory)).rejects.toThrow(/ENOENT/)
    // What has removed it goes, too.
    await cluster.until('nothing is left of it', async () => !(await cluster.kubectl(['get', 'pods', '-A', '-o', 'name'])).includes(volume))
    await cluster.kubectl(['delete', 'namespace', 'claims'])
  })

  test('wait', async () => {
    await cluster.until('two pods are left', async () => (await pods()).length === 2)
    await golden('wait', `
      wait --for=condition=Available deployment/web --timeout=20s
      wait --for=condition=Ready pod -l app=web --timeout=20s
      wait --for=jsonpath={.status.readyReplicas}=2 deployment/web --timeout=20s
      wait --for=jsonpath={.status.readyReplicas}=9 deployment/web --timeout=1s
      wait --for=condition=Ready pod/nope --timeout=1s
      wait --for=delete pod/nope --timeout=1s
      wait --for=create service/web --timeout=1s`)
  })

  test('delete: orphans, foreground, background, with force', async () => {
    // Anew: whatever other commands have changed is gone.
    await cluster.kubectl(['delete', '--cascade=foreground', '-f', web])
    await cluster.kubectl(['apply', '-f', web])
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])
    const before = await pods()
    expect(await cluster.kubectl(['delete', 'deployment', 'web', '--cascade=orphan'])).toBe('deployment.apps "web" deleted from default namespace')
    expect(await pods()).toEqual(before)
    await cluster.kubectl(['apply', '-f', web])
    await cluster.until('the orphans are adopted', async () => (await cluster.kubectl(['get', 'replicasets', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.ownerReferences[0].name}'])) === 'web')
    expect(await pods()).toEqual(before)
    expect(await cluster.kubectl(['delete', 'deployment', 'web', '--cascade=foreground'])).toBe('deployment.apps "web" deleted from default namespace')
    // Deleted in the foreground: nothing is left when the command comes back.
    expect(await cluster.kubectl(['get', 'replicasets,pods', '-l', 'app=web', '-o', 'name'])).toBe('')
    await cluster.kubectl(['apply', '-f', web])
    await cluster.kubectl(['wait', '--for=condition=Available', 'deployment/web', '--timeout=20s'])
    expect(await cluster.kubectl(['delete', 'deployment', 'web', '--wait=false'])).toBe('deployment.apps "web" deleted from default namespace')
    await cluster.until('the pods follow', async () => (await pods()).length === 0, 60)
    await cluster.kubectl(['run', 'stubborn', '--image=host', '--', 'sh', '-c', 'trap "" TERM; while :; do sleep 1; done'])
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/stubborn', '--timeout=20s'])
    expect(await cluster.tryKubectl(['delete', 'pod', 'stubborn', '--grace-period=0', '--force'])).toEqual({
      exitCode: 0, stdout: 'pod "stubborn" force deleted from default namespace',
      stderr: 'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
    })
    await cluster.kubectl(['run', 'brief', '--image=host', '--', 'sh', '-c', 'trap "" TERM; while :; do sleep 1; done'])
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/brief', '--timeout=20s'])
    const began = performance.now()
    expect(await cluster.kubectl(['delete', 'pod', 'brief', '--grace-period=1'])).toBe('pod "brief" deleted from default namespace')
    expect(performance.now() - began).toBeGreaterThan(900)
    expect(await cluster.kubectl(['delete', 'pod', 'brief', '--ignore-not-found'])).toBe('')
  })

  test('a node in maintenance: cordon, drain, taint, uncordon', async () => {
    await cluster.kubectl(['apply', '-f', web])
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])
    await golden('node', `
      cordon node-1
      cordon node-1
      get nodes
      uncordon node-1
      taint nodes node-1 for=test:NoSchedule
      taint nodes node-1 for=test:NoSchedule
      get node node-1 -o jsonpath={.spec.taints}
      taint nodes node-1 for-
      drain node-1
      uncordon node-1`)
    const { stdout, stderr, exitCode } = await cluster.tryKubectl(['drain', 'node-1', '--ignore-daemonsets', '--timeout=30s'])
    expect({ exitCode, stderr: masked(stderr) }).toEqual({ exitCode: 0, stderr: 'Warning: ignoring DaemonSet-managed Pods: kube-system/kube-proxy-<id>' })
    expect(masked(stdout).split('\n').toSorted()).toEqual([
      'evicting pod default/web-<hash>-<id>', 'evicting pod default/web-<hash>-<id>', 'evicting pod kube-system/coredns-<hash>-<id>', 'node/node-1 cordoned', 'node/node-1 drained',
      'pod/coredns-<hash>-<id> evicted', 'pod/web-<hash>-<id> evicted', 'pod/web-<hash>-<id> evicted',
    ])
    expect(await cluster.kubectl(['get', 'pods', '-l', 'app=web', '--no-headers'])).toMatch(/^(web-\S+ +0\/1 +Pending +0 +\S+\n?){2}$/)
    expect(await cluster.kubectl(['events', '--types=Warning', '--no-headers'])).toMatch(/Warning +FailedScheduling +Pod\/web-\S+ +0\/1 nodes are available: 1 node\(s\) were unschedulable\./)
    await cluster.kubectl(['uncordon', 'node-1'])
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])
  })

  test('an older kubectl: the same answers', async () => {
    const old = (...args: string[]): Promise<string> => cluster.kubectl(args, { version: '1.32' })
    expect(await old('version')).toMatch(/^Client Version: v1\.32\.\d+\nKustomize Version: \S+\nServer Version: v1\.36\.0\+wherry-/)
    expect(await old('apply', '-f', web)).toBe('deployment.apps/web unchanged\nservice/web unchanged')
    expect(await old('apply', '--server-side', '--force-conflicts', '-f', web)).toBe('deployment.apps/web serverside-applied\nservice/web serverside-applied')
    expect(masked(await old('get', 'deployments'))).toMatch(/^NAME {2}READY {2}UP-TO-DATE {2}AVAILABLE {2}AGE\nweb {2}2\/2 {2}2 {2}2 {2}<age>$/)
    expect(await old('describe', 'deployment', 'web')).toMatch(/\nReplicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable\n/)
    expect(await old('exec', 'deployment/web', '--', 'echo', 'hello')).toBe('hello')
    expect(await old('logs', 'deployment/web', '--tail=1')).toMatch(/line \d+$/)
    expect(await old('rollout', 'status', 'deployment/web')).toBe('deployment "web" successfully rolled out')
    expect(await old('explain', 'pod.spec.nodeName')).toContain('FIELD: nodeName <string>')
    expect(await old('auth', 'can-i', 'create', 'pods')).toBe('yes')
  })
})
