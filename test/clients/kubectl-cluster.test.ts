/** Real kubectl against a real cluster: applying, looking, changing, asking. Expectations are what kubectl prints of upstream's clusters. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { execa } from 'execa'
import { parseYaml } from '../../src/api/yaml-text.ts'
import { kubectlPath } from '../support/clients.ts'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { type Folder, folder, webDeployment, webService } from './manifests.ts'
import { masked, transcript, words } from './transcript.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('kubectl-cluster.test.ts')

describe.runIf(isRoot)('a cluster and its user', () => {
  let cluster: TestCluster
  let files: Folder

  beforeAll(async () => {
    files = await folder()
    cluster = await startTestCluster()
    await files.write('web.yaml', `${webDeployment()}---\n${webService}`)
  })
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    await files?.[Symbol.asyncDispose]()
  })

  /** Commands a line each; `FOLDER` is the folder of files. */
  const golden = (file: string, lines: string, more: (text: string) => string = (text) => text): Promise<void> => transcript(cluster, {
    file, commands: lines.trim().split('\n').map((line) => words(line).map((word) => word.replace('FOLDER', files.path))), more: (text) => more(text.replaceAll(files.path, 'FOLDER')),
  })

  test('apply: created, unchanged, configured; from the server, with conflicts', async () => {
    await files.write('three.yaml', webDeployment({ replicas: 3 }))
    await golden('apply', `
      apply -f FOLDER/web.yaml
      apply -f FOLDER/web.yaml
      apply view-last-applied service web
      apply -f FOLDER/three.yaml
      apply --server-side -f FOLDER/three.yaml
      apply --server-side --field-manager=other -f FOLDER/web.yaml
      apply --server-side --field-manager=other --force-conflicts -f FOLDER/web.yaml
      apply --dry-run=server -f FOLDER/three.yaml
      apply --dry-run=client -f FOLDER/three.yaml
      diff -f FOLDER/web.yaml
      replace -f FOLDER/web.yaml`)
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])
    await cluster.until('two pods are left', async () => (await cluster.kubectl(['get', 'pods', '-o', 'name'])).trim().split('\n').length === 2)
  })

  test('get in all its forms', async () => {
    await golden('get', `
      get pods
      get pods -o wide
      get pods --show-labels
      get pods -L app
      get pods --no-headers
      get deployments,replicasets,services -l app=web -o wide
      get all
      get endpoints,endpointslices -l app=web
      get pods -o custom-columns=APP:.metadata.labels.app,PHASE:.status.phase,NODE:.spec.nodeName
      get deployment web -o 'jsonpath={.spec.replicas} {.spec.template.spec.containers[*].name}{"\\n"}'
      get deployment web -o 'go-template={{.spec.replicas}}'
      get services -A --sort-by=.metadata.name
      get services -A --sort-by=.spec.ports[0].port -o name
      get pods -A -l k8s-app
      get pods --field-selector status.phase=Running,spec.nodeName=node-1
      get pods --field-selector status.phase=Failed
      get pods --field-selector metadata.nope=1
      get nodes
      get nodes -o wide
      get namespaces
      get leases -n kube-node-lease -o name
      get serviceaccounts,configmaps
      get pods nope
      get nope
      get pods -n nowhere`, (text) => text.replace(/(v1\.36\.0 {2}<node-ip> {2}<none> {2}).*( {2}wherry:\/\/)/, '$1<os>  <kernel>$2').replace(/(endpointslice\S*\/web-)[a-z0-9]{5}/, '$1<id>').replace(/<pod-ip>:8080,<pod-ip>:8080/g, '<two endpoints>').replace(/<pod-ip>,<pod-ip>/g, '<two addresses>'))
  })

  test('get -o yaml and -o json show the same object', async () => {
    const [yaml, json] = await Promise.all([cluster.kubectl(['get', 'service', 'web', '-o', 'yaml']), cluster.kubectl(['get', 'service', 'web', '-o', 'json'])])
    expect(parseYaml(yaml).value).toEqual(JSON.parse(json))
    expect(JSON.parse(await cluster.kubectl(['get', 'pods', '-o', 'json']))).toMatchObject({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' } })
    await golden('get-yaml', 'get service web -o yaml')
  })

  test('get --watch', async () => {
    const watching = execa(await kubectlPath(), ['--kubeconfig', cluster.kubeconfig, 'get', 'configmap', '--watch', '--output-watch-events', '--field-selector', 'metadata.name=seen'], { reject: false, timeout: 20_000 })
    let said = ''
    watching.stdout.on('data', (chunk: Buffer) => { said += chunk.toString() })
    await cluster.until('the watch stands', async () => {
      await cluster.kubectl(['create', 'configmap', 'seen', '--from-literal=a=b'])
      await cluster.kubectl(['delete', 'configmap', 'seen'])
      return said.includes('DELETED')
    })
    watching.kill()
    await watching
    expect(masked(said).split('\n').slice(0, 3)).toEqual(['EVENT  NAME  DATA  AGE', 'ADDED  seen  1  <age>', 'DELETED  seen  1  <age>'])
  })

  test('describe', async () => {
    // Which of two pods a list names first is chance.
    await cluster.kubectl(['scale', 'deployment', 'web', '--replicas=1'])
    await cluster.until('one pod is left', async () => (await cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'name'])).trim().split('\n').length === 1)
    await cluster.until('its endpoint is alone', async () => (await cluster.kubectl(['get', 'endpointslices', '-l', 'kubernetes.io/service-name=web', '-o', 'jsonpath={.items[0].endpoints[*].addresses}'])).split(' ').length === 1)
    const [pod = ''] = (await cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'name'])).trim().split('\n')
    // Conditions stand in the order in which they were first told, or last changed; events are looked at below.
    const steady = (text: string): string => text.replace(/^Events:(\n {2}.*)+/gm, 'Events: …').replace(/: +(\S)/g, ': $1')
      .replace(/(?<=\n {2}Type {2}.*\n {2}----.*\n)( {2}\w+ {2}.*\n)+/g, (lines) => `${lines.trimEnd().split('\n').toSorted().join('\n')}\n`)
    await golden('describe', `
      describe ${pod}
      describe deployment web
      describe replicaset web
      describe service web
      describe namespace default
      describe pod nope`, steady)
    await cluster.until('the cloud controller has initialized the node', async () => cluster.kubectl(['get', 'node', 'node-1', '-o', 'jsonpath={.spec.providerID}']))
    await golden('describe-node', 'describe node node-1', (text) => steady(text)
      .replace(/^( {2}(?:Machine ID|System UUID|Boot ID|Kernel Version|OS Image): ).*$/gm, '$1<fact>').replace(/^( {2}(?:cpu|ephemeral-storage|memory|hugepages-\S+): ).*$/gm, '$1<amount>').replace(/\(\d+%\)/g, '(<n>%)'))
    expect(await cluster.kubectl(['describe', 'node', 'node-1'])).toMatch(/Normal +RegisteredNode +\S+ +node-controller +Node node-1 event: Registered Node node-1 in Controller/)
    expect(await cluster.kubectl(['describe', pod])).toMatch(/Events:\n +Type +Reason +Age +From +Message\n.*\n +Normal +Scheduled +\S+ +default-scheduler +Successfully assigned default\/web-\S+ to node-1\n +Normal +Pulled +\S+ +kubelet +.*\n +Normal +Created +\S+ +kubelet +.*\n +Normal +Started +\S+ +kubelet /)
    expect(await cluster.kubectl(['describe', 'deployment', 'web'])).toMatch(/Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled down replica set web-\S+ from \d to 1/)
  })

  test('label, annotate, patch, edit, expose, set', async () => {
    await cluster.kubectl(['create', 'configmap', 'things', '--from-literal=a=b'])
    await golden('change', `
      label configmap things colour=red
      label configmap things colour=blue
      label configmap things colour=blue --overwrite
      label configmap things colour-
      label configmap things 'colour=not valid'
      annotate configmap things note=one
      annotate configmap things note-
      patch configmap things --type=json -p '[{"op":"add","path":"/data/c","value":"d"}]'
      patch configmap things --type=merge -p '{"data":{"a":null}}'
      patch configmap things -p '{"data":{"e":"f"}}'
      patch configmap things -p '{"data":{"e":"f"}}'
      patch configmap things -p '{"data":{"e":true}}'
      patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":1}}'
      get configmap things -o jsonpath={.data}
      expose deployment web --port=8080 --name=exposed
      expose deployment web --port=8080 --name=exposed
      delete service exposed
      delete configmap things`)
  })

  test.each([
    ['a change', 's/replicas: 1/replicas: 2/', 0, 'deployment.apps/web edited\n', ''],
    ['no change', 's/nothing/nothing/', 0, '', 'Edit cancelled, no changes made.\n'],
    ['an invalid change', 's/replicas: 2/replicas: -1/', 1, '', /^error: deployments\.apps "web" is invalid\nA copy of your changes has been stored to "\S+"\nerror: Edit cancelled, no valid changes were saved\.\n$/],
  ])('edit: %s', async (_, script, code, stdout, stderr) => {
    const { exitCode, stdout: out, stderr: err } = await execa(await kubectlPath(), ['--kubeconfig', cluster.kubeconfig, 'edit', 'deployment', 'web'], { reject: false, stdin: 'ignore', stripFinalNewline: false, env: { KUBE_EDITOR: `sed -i '${script}'` }, timeout: 20_000 })
    expect({ exitCode, out }).toEqual({ exitCode: code, out: stdout })
    expect(err).toMatch(stderr === '' ? /^$/ : stderr)
  })

  test('create: the typed generators, which send protobuf', async () => {
    await golden('create', `
      create deployment idle --image=host --replicas=1 -- sh -c 'trap exit TERM; sleep 1000 & wait'
      create configmap made --from-literal=a=b
      create secret generic made --from-literal=a=b
      create service clusterip made --tcp=80:8080
      create service nodeport made-node --tcp=80:8080 --node-port=30999
      create service externalname made-name --external-name=example.com
      create namespace made
      create job sum --image=host -- sh -c 'echo $((1+2))'
      create role made --verb=get,list --resource=pods
      create rolebinding made --role=made --user=bob
      create clusterrole made --verb=get --resource=nodes
      create clusterrolebinding made --clusterrole=made --user=bob
      create serviceaccount made
      create priorityclass made --value=10
      create namespace made
      create deployment idle --image=host -n nowhere
      wait --for=condition=complete job/sum --timeout=20s
      logs job/sum
      get jobs
      get role,rolebinding,serviceaccount,secret,configmap,service
      get priorityclass made
      auth can-i list pods --as=bob
      auth can-i delete pods --as=bob
      get pods --as=bob --no-headers -o name -l app=nope
      get secrets --as=bob
      get nodes node-1 --as=bob -o name
      describe job sum
      describe role made
      describe secret made
      describe configmap made
      delete job sum
      delete deployment idle
      delete clusterrole,clusterrolebinding,priorityclass,namespace made`)
    expect(await cluster.kubectl(['create', 'token', 'made', '--duration=10m'])).toMatch(/^ey[\w-]+\.ey[\w-]+\.[\w-]+\n?$/)
  })

  test('who may do what', async () => {
    await golden('auth', `
      auth can-i create pods
      auth can-i create pods --as=nobody
      auth can-i list pods --as=system:serviceaccount:kube-system:kube-proxy -A
      auth can-i --list --as=nobody
      auth whoami
      get pods --as=nobody
      create configmap x --as=nobody`)
    expect((await cluster.kubectl(['auth', 'can-i', '--list'])).split('\n').filter((line) => line.includes('[*]')).map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['*.*', '[]', '[]', '[*]'], ['[*]', '[]', '[*]'],
    ])
  })

  test('what the server has: api-resources, api-versions, explain, version, cluster-info, config', async () => {
    const resources = (await cluster.kubectl(['api-resources', '--no-headers'])).split('\n').map((line) => line.trim().split(/ +/))
    expect(resources).toEqual(expect.arrayContaining([['pods', 'po', 'v1', 'true', 'Pod'], ['deployments', 'deploy', 'apps/v1', 'true', 'Deployment'], ['nodes', 'metrics.k8s.io/v1beta1', 'false', 'NodeMetrics'], ['endpointslices', 'discovery.k8s.io/v1', 'true', 'EndpointSlice'], ['leases', 'coordination.k8s.io/v1', 'true', 'Lease']]))
    expect((await cluster.kubectl(['api-resources', '--verbs=list', '--namespaced=false', '-o', 'name', '--api-group=rbac.authorization.k8s.io']))).toBe('clusterrolebindings.rbac.authorization.k8s.io\nclusterroles.rbac.authorization.k8s.io')
    expect((await cluster.kubectl(['api-versions'])).split('\n')).toEqual(expect.arrayContaining(['apps/v1', 'batch/v1', 'metrics.k8s.io/v1beta1', 'rbac.authorization.k8s.io/v1', 'v1']))
    expect(await cluster.kubectl(['explain', 'deployment.spec.replicas'])).toMatch(/^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: replicas <integer>\n\n\nDESCRIPTION:\n {4}Number of desired pods\./)
    expect(await cluster.kubectl(['explain', 'pod', '--recursive'])).toMatch(/\n {2}spec\t<PodSpec>\n {4}activeDeadlineSeconds\t<integer>\n {4}affinity\t<Affinity>\n/)
    expect(await cluster.tryKubectl(['explain', 'pod.spec.nope'])).toMatchObject({ exitCode: 1, stderr: 'error: field "nope" does not exist' })
    expect(await cluster.kubectl(['version'])).toMatch(/^Client Version: v1\.36\.\d+\nKustomize Version: \S+\nServer Version: v1\.36\.0\+wherry-\S+$/)
    expect(masked(await cluster.kubectl(['cluster-info']))).toMatch(/^Kubernetes control plane is running at https:\/\/<node-ip>:6443\nCoreDNS is running at https:\/\/<node-ip>:6443\/api\/v1\/namespaces\/kube-system\/services\/kube-dns:dns\/proxy\n/)
    expect(await cluster.kubectl(['config', 'current-context'])).toBe('wherry')
    expect(masked(await cluster.kubectl(['config', 'view']))).toContain('    certificate-authority-data: DATA+OMITTED\n    server: https://<node-ip>:6443\n')
    expect(await cluster.kubectl(['get', '--raw', '/readyz'])).toBe('ok')
  })

  test('kustomize', async () => {
    await files.write('kustomization.yaml', 'namePrefix: my-\nresources: [web.yaml]\n')
    expect(await cluster.kubectl(['apply', '--dry-run=server', '-k', files.path])).toBe('service/my-web created (server dry run)\ndeployment.apps/my-web created (server dry run)')
  })

  test('mistakes: each with upstream\'s words and exit code', async () => {
    await Promise.all([
      files.write('no-yaml.yaml', 'apiVersion: v1\nkind: [\n'),
      files.write('unknown-kind.yaml', 'apiVersion: v1\nkind: Servize\nmetadata: {name: x}\n'),
      files.write('unknown-group.yaml', 'apiVersion: nobody.example/v1\nkind: Thing\nmetadata: {name: x}\n'),
      files.write('no-kind.yaml', 'apiVersion: v1\nmetadata: {name: x}\n'),
      files.write('unknown-field.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nwrong: 1\n'),
      files.write('unknown-field-deployment.yaml', webDeployment({ extra: '  replicaz: 3\n' })),
      files.write('wrong-type.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: 1}\n'),
      files.write('immutable.yaml', webDeployment({ selector: 'other' })),
      files.write('negative.yaml', webDeployment({ replicas: -1 }).replaceAll('name: web,', 'name: web2,')),
      files.write('bad-quantity.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c, image: host, resources: {requests: {cpu: lots}}}]}\n'),
      files.write('no-name.yaml', 'apiVersion: v1\nkind: ConfigMap\n'),
      files.write('no-containers.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {}\n'),
    ])
    await golden('mistakes', `
      apply -f FOLDER/nothing-here.yaml
      apply -f FOLDER/no-yaml.yaml
      apply -f FOLDER/unknown-kind.yaml
      apply -f FOLDER/unknown-group.yaml
      apply -f FOLDER/no-kind.yaml
      apply -f FOLDER/unknown-field.yaml
      apply -f FOLDER/unknown-field.yaml --validate=warn
      apply -f FOLDER/unknown-field.yaml --validate=ignore
      apply --server-side -f FOLDER/unknown-field-deployment.yaml
      create -f FOLDER/unknown-field-deployment.yaml
      create -f FOLDER/wrong-type.yaml
      apply -f FOLDER/immutable.yaml
      apply -f FOLDER/negative.yaml
      apply -f FOLDER/bad-quantity.yaml
      apply -f FOLDER/no-name.yaml
      apply -f FOLDER/no-containers.yaml
      create -f FOLDER/web.yaml
      run Bad_Name --image=host
      patch deployment web -p '{"spec":{"replicas":"x"}}'
      patch deployment web -p '{"spec":'
      patch deployment web --type=json -p '[{"op":"replace","path":"/spec/nope/x","value":2}]'
      delete pod nope
      scale deployment nope --replicas=1
      scale deployment web --replicas=-1
      get pods -l 'a=b=c'
      delete configmap x`)
  })
})
