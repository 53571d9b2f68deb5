"""What people's Python does with a cluster, by the official client (Debian's python3-kubernetes). Usage: checks.py KUBECONFIG; a line of JSON for each check."""
import json
import sys
import threading
import time

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes.stream import portforward, stream

config.load_kube_config(sys.argv[1])
core, apps, custom, definitions = client.CoreV1Api(), client.AppsV1Api(), client.CustomObjectsApi(), client.ApiextensionsV1Api()
NS = 'python'


def eventually(ask, wanted, seconds=30):
    end = time.time() + seconds
    while True:
        try:
            answer = ask()
        except ApiException:
            answer = None
        if wanted(answer) or time.time() > end:
            return answer
        time.sleep(0.1)


def run(command, **more):
    return stream(core.connect_get_namespaced_pod_exec, 'p', NS, command=command, stdin=False, stdout=True, stderr=True, tty=False, **more)


def objects():
    core.create_namespaced_config_map(NS, {'metadata': {'name': 'a'}, 'data': {'k': 'v'}})
    core.patch_namespaced_config_map('a', NS, {'data': {'x': 'y'}})
    core.patch_namespaced_config_map('a', NS, [{'op': 'remove', 'path': '/data/k'}])
    first = core.list_namespaced_config_map(NS, limit=1)
    rest = core.list_namespaced_config_map(NS, _continue=first.metadata._continue)
    try:
        core.create_namespaced_config_map(NS, {'metadata': {'name': 'a'}})
        refused = None
    except ApiException as error:
        refused = [error.status, json.loads(error.body)['reason']]
    return [core.read_namespaced_config_map('a', NS).data, len(first.items) + len(rest.items), refused]


def a_pod():
    core.create_namespaced_pod(NS, {'metadata': {'name': 'p'}, 'spec': {'terminationGracePeriodSeconds': 1, 'containers': [{'name': 'c', 'image': 'host', 'command': ['sh', '-c', 'echo hello; exec sleep 1000']}]}})
    for event in watch.Watch().stream(core.list_namespaced_pod, NS, timeout_seconds=60):
        if event['object'].status.phase == 'Running':
            return core.read_namespaced_pod_log('p', NS)


def exit_codes():
    """The end of a conversation is seen at once, each time: what the server sends last does not wait in what TLS has read already."""
    codes = []
    for code in range(12):
        talk = stream(core.connect_get_namespaced_pod_exec, 'p', NS, command=['sh'], stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False)
        talk.write_stdin(f'echo said; exit {code}\n')
        talk.run_forever(timeout=20)
        codes.append(talk.returncode)
    return codes


def left_behind():
    """A server that a command starts in the background goes on when the command has ended."""
    program = 'use IO::Socket; $s = IO::Socket::INET->new(Listen => 1, LocalPort => 8099, ReuseAddr => 1) or die $!; while ($c = $s->accept) { <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\npong"; close $c }'
    run(['sh', '-c', 'setsid perl -e "$1" >/dev/null 2>&1 & sleep 1', 'sh', program])
    forward = portforward(core.connect_get_namespaced_pod_portforward, 'p', NS, ports='8099')
    socket = forward.socket(8099)
    socket.setblocking(True)
    socket.sendall(b'GET / HTTP/1.0\r\n\r\n')
    answer = b''
    while chunk := socket.recv(1024):
        answer += chunk
    return answer.decode().split('\r\n')[-1]


def scale():
    apps.create_namespaced_deployment(NS, {'metadata': {'name': 'd'}, 'spec': {'replicas': 0, 'selector': {'matchLabels': {'a': 'b'}}, 'template': {'metadata': {'labels': {'a': 'b'}}, 'spec': {'terminationGracePeriodSeconds': 1, 'containers': [{'name': 'c', 'image': 'host', 'command': ['sleep', '1000']}]}}}})
    apps.patch_namespaced_deployment_scale('d', NS, {'kind': 'Deployment', 'spec': {'replicas': 1}})
    return eventually(lambda: apps.read_namespaced_deployment_status('d', NS).status.ready_replicas, lambda ready: ready == 1)


def custom_objects():
    schema = {'type': 'object', 'properties': {'spec': {'type': 'object', 'properties': {'colour': {'type': 'string', 'enum': ['red', 'blue']}}}}}
    definitions.create_custom_resource_definition({'metadata': {'name': 'shirts.python.example.com'}, 'spec': {'group': 'python.example.com', 'scope': 'Namespaced', 'names': {'plural': 'shirts', 'kind': 'Shirt'}, 'versions': [{'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': schema}}]}})
    shirt = {'apiVersion': 'python.example.com/v1', 'kind': 'Shirt', 'metadata': {'name': 's'}, 'spec': {'colour': 'red'}}
    eventually(lambda: custom.create_namespaced_custom_object('python.example.com', 'v1', NS, 'shirts', shirt), lambda made: made is not None)
    found = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version='python.example.com/v1', kind='Shirt').get(namespace=NS).items
    try:
        custom.patch_namespaced_custom_object('python.example.com', 'v1', NS, 'shirts', 's', {'spec': {'colour': 'green'}})
    except ApiException as error:
        return [[each.spec.colour for each in found], error.status]


def leader():
    leads = threading.Event()
    chosen = electionconfig.Config(ConfigMapLock('lock', NS, 'me'), lease_duration=15, renew_deadline=10, retry_period=2, onstarted_leading=leads.set, onstopped_leading=lambda: None)
    threading.Thread(target=lambda: leaderelection.LeaderElection(chosen).run(), daemon=True).start()
    return leads.wait(20)


core.create_namespace({'metadata': {'name': NS}})
eventually(lambda: core.read_namespaced_service_account('default', NS), lambda account: account is not None)
for check in (objects, a_pod, lambda: run(['sh', '-c', 'echo out; echo err >&2']), exit_codes, left_behind, scale, custom_objects, leader):
    try:
        print(json.dumps(check()), flush=True)
    except Exception as error:
        print(json.dumps(f'{type(error).__name__}: {error}'), flush=True)
