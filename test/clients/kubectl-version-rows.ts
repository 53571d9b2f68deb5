/**
 * What kubectl says of each release, as rows of commands that build upon one another. Expectations are upstream's words: kubectl's sources and documentation,
 * `test/cmd/*.sh`; where releases differ, a row says how. `NS` stands for the row's namespace, `FOLDER` for the folder of files.
 */
import type { ClientVersion } from '../support/clients.ts'

export interface Row {
  command: string
  /** All that is said, on both streams, masked as in golden files; or how it reads. */
  says: string | RegExp
  code?: number
  input?: string
}

type Said = string | RegExp
const row = (command: string, says: Said, more: { code?: number; input?: string } = {}): Row => ({ command, says, ...more })
const isNew = (version: ClientVersion): boolean => version === '1.36'
/** Since 1.34, deletions name the namespace. */
const deleted = (version: ClientVersion): string => `deleted${isNew(version) ? ' from NS namespace' : ''}`

export const files: Record<string, string> = {
  'cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {set: x}}\ndata: {a: b}\n',
  'cm2.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {set: x}}\ndata: {a: c}\n',
  'both.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {set: x}}\ndata: {a: b}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, labels: {set: x}}\ndata: {a: b}\n',
  'unknown.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wrong}\nwrong: 1\n',
  'repeated.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: repeated}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: r}}\n  template:\n    metadata: {labels: {app: r}}\n    spec: {containers: [{name: c, image: host, env: [{name: A, value: "1"}, {name: A, value: "2"}]}]}\n',
  'kustomize/kustomization.yaml': 'namePrefix: k-\nresources: [one.yaml]\nconfigMapGenerator: [{name: made, literals: [x=y]}]\ngeneratorOptions: {disableNameSuffixHash: true}\n',
  'kustomize/one.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n',
}
export const rbac = (namespace: string): string => `apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader, namespace: ${namespace}}\nrules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]\n---
apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: reader, namespace: ${namespace}}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}\nsubjects: [{kind: User, name: bob, apiGroup: rbac.authorization.k8s.io}]\n`

const objects = (version: ClientVersion): Row[] => [
  row('apply -f FOLDER/both.yaml --dry-run=client', 'configmap/one created (dry run)\nconfigmap/two created (dry run)'),
  row('apply -f FOLDER/both.yaml --dry-run=server', 'configmap/one created (server dry run)\nconfigmap/two created (server dry run)'),
  row('diff -f FOLDER/cm.yaml', /\n\+kind: ConfigMap\n/, { code: 1 }),
  row('create -f FOLDER/cm.yaml --save-config', 'configmap/one created'),
  row('create -f FOLDER/cm.yaml', 'Error from server (AlreadyExists): error when creating "FOLDER/cm.yaml": configmaps "one" already exists', { code: 1 }),
  row('apply -f FOLDER/both.yaml', 'configmap/one unchanged\nconfigmap/two created'),
  row('diff -f FOLDER/cm2.yaml', /\n- {2}a: b\n\+ {2}a: c\n/, { code: 1 }),
  row('diff --server-side --field-manager=kubectl-client-side-apply -f FOLDER/cm.yaml', ''),
  row('apply -f FOLDER/cm2.yaml --prune -l set=x --prune-allowlist=core/v1/ConfigMap', 'configmap/one configured\nconfigmap/two pruned'),
  row('apply --server-side -f FOLDER/cm.yaml', 'configmap/one serverside-applied'),
  row('apply --server-side --field-manager=other -f FOLDER/cm2.yaml', /^error: Apply failed with 1 conflict: conflict with "kubectl": \.data\.a\n/, { code: 1 }),
  row('apply --server-side --field-manager=other --force-conflicts -f FOLDER/cm2.yaml', 'configmap/one serverside-applied'),
  row('label configmap one colour=red', 'configmap/one labeled'),
  row('label configmap one colour=blue', /'colour' already has a value \(red\), and --overwrite is false/, { code: 1 }),
  // 1.27 said it in the imperative.
  row('annotate configmap one note=x', `configmap/one annotate${version === '1.27' ? '' : 'd'}`),
  row('patch configmap one -p \'{"data":{"s":"1"}}\'', 'configmap/one patched'),
  row('patch configmap one --type=merge -p \'{"data":{"m":"1","s":null}}\'', 'configmap/one patched'),
  row('patch configmap one --type=json -p \'[{"op":"move","from":"/data/m","path":"/data/j"}]\'', 'configmap/one patched'),
  row('patch configmap one --type=merge -p \'{"data":{"j":"1"}}\'', 'configmap/one patched (no change)'),
  row('get configmap one -o jsonpath={.data}', '{"a":"c","j":"1"}'),
  row('edit configmap one', 'configmap/one edited'),
  row('get configmap one -o jsonpath={.data.j}', 'edited'),
  row('replace --force -f FOLDER/cm.yaml', `configmap "one" ${deleted(version)}\nconfigmap/one replaced`),
  row('apply -k FOLDER/kustomize', 'configmap/k-made created\nconfigmap/k-one created'),
  row('kustomize FOLDER/kustomize', /^apiVersion: v1\ndata:\n {2}x: "?y"?\nkind: ConfigMap\nmetadata:\n {2}name: k-made\n---\n/),
  row('delete -k FOLDER/kustomize', `configmap "k-made" ${deleted(version)}\nconfigmap "k-one" ${deleted(version)}`),
  row('apply -f FOLDER/unknown.yaml', 'Error from server (BadRequest): error when creating "FOLDER/unknown.yaml": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "wrong"', { code: 1 }),
  row('apply -f FOLDER/unknown.yaml --validate=warn', 'configmap/wrong created\nWarning: unknown field "wrong"'),
  row('apply -f FOLDER/repeated.yaml', 'deployment.apps/repeated created\nWarning: spec.template.spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'),
  row('delete configmap one --dry-run=server', `configmap "one" ${deleted(version)} (server dry run)`),
  row('delete configmap one wrong -o name', 'configmap/one\nconfigmap/wrong'),
  row('delete configmap nope --ignore-not-found', ''),
  row('delete configmap nope', 'Error from server (NotFound): configmaps "nope" not found', { code: 1 }),
]

const reading = (version: ClientVersion): Row[] => [
  row('create configmap b --from-literal=n=2', 'configmap/b created'),
  row('create configmap a --from-literal=n=10 --from-literal=m=1', 'configmap/a created'),
  row('get configmaps --chunk-size=1 -o name', 'configmap/a\nconfigmap/b\nconfigmap/kube-root-ca.crt'),
  row('get configmaps --sort-by={.data.n} -o name --field-selector=metadata.name!=kube-root-ca.crt', 'configmap/b\nconfigmap/a'),
  row('get configmap b -o custom-columns=NAME:.metadata.name,N:.data.n,NO:.nope', 'NAME  N  NO\nb  2  <none>'),
  row('get configmap b -o go-template={{.data.n}}', '2'),
  row('get configmap a b -o jsonpath={.items[?(@.data.m)].metadata.name}', 'a'),
  row('get configmap a --show-labels', 'NAME  DATA  AGE  LABELS\na  2  <age>  <none>'),
  row('get configmap --field-selector=data.n=1', /"data\.n" is not a known field selector: only "metadata\.name", "metadata\.namespace"$/, { code: 1 }),
  row('get configmap a -o yaml --show-managed-fields', /managedFields:\n {2}- apiVersion: v1\n {4}fieldsType: FieldsV1\n {4}fieldsV1:\n {6}f:data:\n[^]*manager: kubectl-create\n {4}operation: Update/),
  row('get --raw /api/v1/namespaces/NS/configmaps/b', /^\{"kind":"ConfigMap","apiVersion":"v1","metadata":\{.*"name":"b",/),
  row('get --raw /nope', 'Error from server (NotFound): the server could not find the requested resource', { code: 1 }),
  row('get nope', 'error: the server doesn\'t have a resource type "nope"', { code: 1 }),
  row('wait --for=jsonpath={.data.n}=2 configmap/b --timeout=5s', 'configmap/b condition met'),
  row('wait --for=jsonpath={.data.n}=3 configmap/b --timeout=0.1s', 'error: timed out waiting for the condition on configmaps/b', { code: 1 }),
  row('explain configmap.data', /^(GROUP.*\n)?KIND: {2}ConfigMap\nVERSION: {2}v1\n\nFIELD: data <map\[string\]string>\n/),
  row('explain deployment.spec --recursive', /\n {2}template\t<PodTemplateSpec> -required-\n {4}metadata\t<ObjectMeta>\n {6}annotations\t<map\[string\]string>\n/),
  row('api-resources --api-group=apps -o name', 'controllerrevisions.apps\ndaemonsets.apps\ndeployments.apps\nreplicasets.apps\nstatefulsets.apps'),
  row('api-versions', /^admissionregistration\.k8s\.io\/v1\n[^]*\nv1$/),
  row('version -o yaml', /serverVersion:\n[^]* {2}gitVersion: v1\.36\.0\+wherry-/),
  row('config current-context', 'wherry'),
  row('auth can-i create pods', 'yes'),
  row('auth can-i list pods --as=bob', 'no', { code: 1 }),
  row('auth reconcile -f -', /^role\.rbac\.authorization\.k8s\.io\/reader reconciled\n(\t.*\n)*rolebinding\.rbac\.authorization\.k8s\.io\/reader reconciled(\n|$)/, { input: 'RBAC' }),
  row('auth can-i list pods --as=bob', 'yes'),
  row('auth can-i --list --as=bob', /\npods +\[\] +\[\] +\[get list\]\n/),
  // 1.27 knows only the reviews before v1, which are served no longer.
  version === '1.27' ? row('auth whoami', /^error: the selfsubjectreviews API is not enabled in the cluster\n/, { code: 1 }) : row('auth whoami', /^ATTRIBUTE +VALUE\nUsername +kubernetes-admin\nGroups +\[system:masters system:authenticated\]/),
  row('create token default --duration=10m', /^ey[\w-]+\.ey[\w-]+\.[\w-]+$/),
  row('create token nope', 'error: failed to create token: serviceaccounts "nope" not found', { code: 1 }),
  row('create quota few --hard=configmaps=3', 'resourcequota/few created'),
  row('wait --for=jsonpath={.status.used.configmaps}=3 quota/few --timeout=10s', 'resourcequota/few condition met'),
  row('create configmap c', 'error: failed to create configmap: configmaps "c" is forbidden: exceeded quota: few, requested: configmaps=1, used: configmaps=3, limited: configmaps=3', { code: 1 }),
  row('describe quota few', 'Name:  few\nNamespace:  NS\nResource  Used  Hard\n--------  ----  ----\nconfigmaps  3  3'),
  row('create ingress i --rule=a.example/x*=svc:80,tls=sec', 'ingress.networking.k8s.io/i created'),
  row('get ingress', 'NAME  CLASS  HOSTS  ADDRESS  PORTS  AGE\ni  <none>  a.example  80, 443  <age>'),
  row('create poddisruptionbudget p --selector=app=x --min-available=1', 'poddisruptionbudget.policy/p created'),
  row("create cronjob tick --image=host --schedule '0 0 * * *' -- true", 'cronjob.batch/tick created'),
  row('get cronjob tick --no-headers', /^tick {2}0 0 \* \* \* {2}<none> {2}False {2}0 {2}<none> {2}<age>$/),
  row('delete configmaps a b', `configmap "a" ${deleted(version)}\nconfigmap "b" ${deleted(version)}`),
]

const workloads = (version: ClientVersion): Row[] => [
  row('create deployment web --image=host --replicas=1 -- sh -c \'echo starting; trap "exit 0" TERM; sleep 1000 & wait\'', 'deployment.apps/web created'),
  row('rollout status deployment/web --timeout=60s', /deployment "web" successfully rolled out$/),
  row('get deployment web', 'NAME  READY  UP-TO-DATE  AVAILABLE  AGE\nweb  1/1  1  1  <age>'),
  row('get deployment,replicaset -o wide', /^NAME {2}READY {2}UP-TO-DATE {2}AVAILABLE {2}AGE {2}CONTAINERS {2}IMAGES {2}SELECTOR\ndeployment\.apps\/web {2}1\/1 {2}1 {2}1 {2}<age> {2}host {2}host {2}app=web\n/),
  row('describe deployment web', /Replicas: +1 desired \| 1 updated \| 1 total \| 1 available \| 0 unavailable\n[^]*ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set web-\S+ (from 0 )?to 1/),
  row('exec deployment/web -- sh -c \'echo out; echo err >&2; exit 7\'', 'out\nerr\ncommand terminated with exit code 7', { code: 7 }),
  row('exec -i deployment/web -- sort', 'a\nb', { input: 'b\na\n' }),
  row('exec deployment/web -- nothing-like-this', /exec: "nothing-like-this": executable file not found in \$PATH/, { code: 1 }),
  row('logs deployment/web', 'starting'),
  row('logs -l app=web --prefix --tail=1', /^\[pod\/web-\S+\/host\] starting$/),
  row('logs nope', version === '1.27' ? 'Error from server (NotFound): pods "nope" not found' : 'error: error from server (NotFound): pods "nope" not found in namespace "NS"', { code: 1 }),
  row('expose deployment web --port=80 --target-port=8080', 'service/web exposed'),
  row('get service web -o jsonpath={.spec.ports}', '[{"port":80,"protocol":"TCP","targetPort":8080}]'),
  row('autoscale deployment web --min=1 --max=3 --cpu-percent=50', `horizontalpodautoscaler.autoscaling/web autoscaled${isNew(version) ? "\nFlag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU)." : ''}`),
  row('get hpa web', /^NAME {2}REFERENCE {2}TARGETS {2}MINPODS {2}MAXPODS {2}REPLICAS {2}AGE\nweb {2}Deployment\/web {2}cpu: \S+\/50% {2}1 {2}3 {2}\d {2}<age>$/),
  row('delete hpa web', `horizontalpodautoscaler.autoscaling "web" ${deleted(version)}`),
  row('set env deployment/web COLOUR=blue', 'deployment.apps/web env updated'),
  row('rollout status deployment/web --timeout=60s', /deployment "web" successfully rolled out$/),
  row('rollout history deployment/web', 'deployment.apps/web\nREVISION  CHANGE-CAUSE\n1  <none>\n2  <none>\n'),
  row('rollout undo deployment/web', 'deployment.apps/web rolled back'),
  row('rollout pause deployment/web', 'deployment.apps/web paused'),
  row('rollout restart deployment/web', /can't restart paused deployment/, { code: 1 }),
  row('rollout resume deployment/web', 'deployment.apps/web resumed'),
  row('rollout status deployment/web --timeout=60s', /deployment "web" successfully rolled out$/),
  row('scale deployment/web --replicas=2', 'deployment.apps/web scaled'),
  row('scale deployment/web --current-replicas=7 --replicas=1', 'error: Expected replicas to be 7, was 2', { code: 1 }),
  row('wait --for=condition=Available deployment/web --timeout=60s', 'deployment.apps/web condition met'),
  row('delete deployment web --cascade=orphan', `deployment.apps "web" ${deleted(version)}`),
  row('get replicasets -l app=web -o jsonpath={.items[*].metadata.ownerReferences}', ''),
  row('delete replicasets -l app=web --cascade=foreground', /^replicaset\.apps "web-<hash>" deleted/),
  row('get pods -l app=web -o name', ''),
]

const pods = (version: ClientVersion): Row[] => [
  row('run once --image=host --restart=Never -- sh -c \'echo hi; exit 3\'', 'pod/once created'),
  row('wait --for=jsonpath={.status.phase}=Failed pod/once --timeout=60s', 'pod/once condition met'),
  row('logs once', 'hi'),
  row('get pod once', 'NAME  READY  STATUS  RESTARTS  AGE\nonce  0/1  Error  0  <age>'),
  row('logs once --previous', 'Error from server (BadRequest): previous terminated container "once" in pod "once" not found', { code: 1 }),
  row('attach once', /cannot attach a container in a completed pod; current phase is Failed/, { code: 1 }),
  row('run -i --rm --restart=Never piped --image=host -- sh -c \'read -r line; echo "got $line"; exit 4\'', /got typed\n/, { code: 4, input: 'typed\n' }),
  row('events --for=pod/once --types=Normal', /Normal {2}Scheduled {2}Pod\/once {2}Successfully assigned NS\/once to node-1/),
  row('create job sum --image=host -- sh -c \'echo $((1+2))\'', 'job.batch/sum created'),
  row('wait --for=condition=complete job/sum --timeout=60s', 'job.batch/sum condition met'),
  row('logs job/sum', '3'),
  row('get job sum', version === '1.27' ? /^NAME +STATUS +COMPLETIONS +DURATION +AGE\nsum/ : 'NAME  STATUS  COMPLETIONS  DURATION  AGE\nsum  Complete  1/1  <age>  <age>'),
  row('delete job sum', `job.batch "sum" ${deleted(version)}`),
  row('delete pod once --grace-period=0 --force', new RegExp(`pod "once" force ${deleted(version)}`)),
]

/** Scripts by name: each runs in a namespace of its own. */
export const scripts: Record<string, (version: ClientVersion) => Row[]> = { objects, reading, workloads, pods }
