/** The runtime with real processes: what a container is, how it ends, and that nothing is left of it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import { readIfThere, readStat } from '../../agents/kubelet/runtime/proc/stat.ts'
import { plain, startAgent } from '../support/runtime-agent.ts'
import { aContainer, aSandbox, collect, isRoot, launch, leavePlace, listenTo, logText, newPlace, never, openRuntime, runToEnd, until, untilExited } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const full = process.env['WHERRY_FULL'] === '1'
const place = newPlace()
// What has ended and waits for its parent to collect it does not count.
const isAlive = (pid: number): boolean => (readStat(pid)?.state ?? 'Z') !== 'Z'

sayWhatIsSkipped('runtime.test.ts', !isRoot, 'containers of real processes need root')

describe.skipIf(!isRoot)('the runtime of processes', () => {
  let runtime: ProcessRuntime
  beforeAll(async () => { runtime = await openRuntime(place) })
  afterAll(async () => {
    await runtime.destroy()
    leavePlace(place)
  })

  describe('a container', () => {
    beforeAll(async () => { await runtime.runSandbox(aSandbox('box'), never) })
    let attempt = 0
    const run = (command: readonly string[], over = {}) => runToEnd(runtime, aContainer(place, 'box', command, { name: 'run', attempt: attempt++, logPath: path.join(place.scratch, `run-${attempt}.log`), ...over }))
    const sh = (script: string, over = {}) => run(['sh', '-c', script], over)

    for (const [name, script, code] of [
      ['success', 'exit 0', 0], ['its own code', 'exit 3', 3], ['255', 'exit 255', 255],
      ['a program that kills a child of its own', 'sh -c "kill -9 \\$\\$"; exit $?', 137],
    ] as const) test(`exits with ${name}`, async () => { expect((await sh(script)).state).toMatchObject({ state: 'exited', exitCode: code, oomKilled: false, reason: undefined }) })

    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGINT', 'SIGQUIT'] as const) {
      test(`killed from the machine by ${signal}`, async () => {
        const spec = aContainer(place, 'box', ['perl', '-e', '$SIG{TERM}=$SIG{INT}=$SIG{QUIT}=$SIG{SEGV}=sub{my $s=shift; print "got $s\\n"; exit 7}; $|=1; print "up\\n"; sleep 100'], { name: `killed-${signal.toLowerCase()}` })
        await launch(runtime, spec)
        await until('it to be up', () => logText(spec.logPath).includes('up'))
        await runtime.signalContainer('box', spec.name, signal)
        const state = await untilExited(runtime, 'box', spec.name)
        // The first process of a namespace dies of SIGKILL without being asked; for anything else it must have a handler.
        expect(state.exitCode).toBe(signal === 'SIGKILL' ? 137 : 7)
      })
    }

    test('is process 1, in a root, a network and a host name of its own', async () => {
      const { output } = await sh('echo pid=$$; hostname; cat /etc/hostname; cat /etc/resolv.conf; tail -1 /etc/hosts; ls /proc | grep -c "^[0-9]"; ls /sys/class/net')
      expect(output.split('\n')).toEqual(['pid=1', 'box', 'box', 'nameserver 10.96.0.10', expect.stringMatching(/^10\.213\.\d+\.\d+ box$/), expect.stringMatching(/^[1-4]$/), 'eth0', 'lo', ''])
    })

    test('gets its environment and arguments byte for byte', async () => {
      const nasty = `it's "$HOME" \`x\` \\ $(id)\n\t\r\u0001\u0081\u0088é€😀 ;&|<>*?[]{}~#!`
      const { output } = await run(['perl', '-e', 'print join "\\0", $ENV{NASTY}, $ENV{"odd.name-x"}, $ENV{OPTIND}, @ARGV', '--', nasty, '', '-n', '--'],
        { env: [{ name: 'NASTY', value: nasty }, { name: 'odd.name-x', value: nasty }, { name: 'OPTIND', value: 'no number' }] })
      expect(output.split('\0')).toEqual([nasty, nasty, 'no number', nasty, '', '-n', '--'])
    })

    test('gets an environment of 300 KB, beyond what a FIFO holds', async () => {
      const { output } = await run(['perl', '-e', 'print length($ENV{BIG1}) + length($ENV{BIG2}) + length($ENV{BIG3})'], { env: ['BIG1', 'BIG2', 'BIG3'].map((name) => ({ name, value: 'x'.repeat(100_000) })) })
      expect(output).toBe('300000')
    })

    test('has nothing of the kubelet\'s environment, files or arguments', async () => {
      const { output } = await sh('env | cut -d= -f1 | sort; exec perl -e \'print "$_\\n" for map { readlink "/proc/self/fd/$_" } 0..20\'')
      expect(output.trim().split(/\n+/)).toEqual(['HOME', 'HOSTNAME', 'PATH', 'PWD', '/dev/null', expect.stringContaining('/out'), expect.stringContaining('/err'), ...(output.includes('/proc/') ? [expect.stringContaining('/proc/')] : [])])
    })

    for (const [name, command, over, message] of [
      ['is not found', ['no-such-program'], {}, 'exec: "no-such-program": executable file not found in $PATH'],
      ['has no file', ['/no/such'], {}, 'exec: "/no/such": stat /no/such: no such file or directory'],
      ['may not be executed', ['/etc/passwd'], {}, 'exec: "/etc/passwd": permission denied'],
      ['is a directory', ['/etc'], {}, 'exec: "/etc": is a directory'],
    ] as const) {
      test(`a program that ${name}`, async () => {
        const spec = aContainer(place, 'box', command, { name: 'unstartable', attempt: attempt++, ...over })
        await expect(launch(runtime, spec)).rejects.toThrow(message)
        expect((await runtime.listContainers('box')).find((state) => state.name === 'unstartable' && state.attempt === spec.attempt)).toMatchObject({ state: 'exited', exitCode: 128, reason: 'StartError', message: expect.stringContaining(message) })
      })
    }

    test('its working directory is made', async () => { expect((await sh('pwd', { workingDir: '/srv/deep/er' })).output).toBe('/srv/deep/er\n') })

    test('its writes do not reach the machine', async () => {
      const { output } = await sh('echo mine > /etc/wherry-test; rm /etc/passwd; echo x > /tmp/y; ls /etc/wherry-test; ls /tmp /run')
      expect(output).toContain('/etc/wherry-test')
      expect(existsSync('/etc/wherry-test')).toBe(false)
      expect(existsSync('/etc/passwd')).toBe(true)
    })

    test('does not see Wherry\'s own directories', async () => {
      const { output } = await sh(`ls -A ${place.dataDirectory} 2>&1; ls -A /run/wherry 2>&1; ls -A ${place.scratch} 2>&1; true`)
      expect(output).not.toMatch(/roots|tools|pods/)
    })

    test('leaves a termination message', async () => { expect((await sh('echo -n because > /dev/termination-log; exit 2')).state).toMatchObject({ exitCode: 2, message: 'because' }) })

    test('a read-only root', async () => {
      const { output } = await sh('touch /x /run/x /tmp/x 2>&1; touch /dev/shm/ok && echo shm; true', { readOnlyRootFilesystem: true })
      expect(output.match(/Read-only file system/g)).toHaveLength(3)
      expect(output).toContain('shm')
    })

    test('as another user: groups, no capabilities, no way back', async () => {
      const { output } = await sh('id; grep -E "CapEff|CapPrm|NoNewPrivs" /proc/self/status; echo done > /dev/stdout; touch /etc/x 2>&1', { runAsUser: 12345, runAsGroup: 23456, supplementalGroups: [34567], allowPrivilegeEscalation: false })
      expect(output).toContain('uid=12345 gid=23456 groups=23456,34567')
      expect(output).toMatch(/CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\ndone/)
      expect(output).toContain('Permission denied')
    })

    for (const [name, capabilities, privileged, expected] of [
      ['the default set', { add: [], drop: [] }, false, '00000000a80425fb'], ['none', { add: [], drop: ['ALL'] }, false, '0000000000000000'],
      ['one', { add: ['NET_BIND_SERVICE'], drop: ['ALL'] }, false, '0000000000000400'], ['all of the machine', { add: [], drop: [] }, true, /CapBnd:\t(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]],
    ] as const) {
      test(`capabilities: ${name}`, async () => {
        expect((await sh('grep -E "CapEff|CapBnd" /proc/self/status', { capabilities, privileged })).output).toBe(`CapEff:\t${expected}\nCapBnd:\t${expected}\n`)
      })
    }

    test('devices of the machine cannot be reached by making a node', async () => {
      const { output } = await sh('mknod /tmp/null c 1 3 && echo x > /tmp/null; mknod /root/null c 1 3 && echo x > /root/null; ls /dev; echo secret > /dev/null && echo fine', {})
      expect(output.match(/Permission denied/g)).toHaveLength(2)
      expect(output).toContain('fine')
    })

    test('proc and sys are not for changing', async () => {
      const { output } = await sh('echo 1 > /proc/sys/kernel/panic; echo b > /proc/sysrq-trigger; mkdir /sys/fs/cgroup/x; mount -t tmpfs x /mnt; umount /dev/.wherry; wc -c < /proc/timer_list', {})
      expect(output.trim().split('\n').at(-1)).toBe('0')
      expect(output.match(/Read-only file system|ermission denied|must be superuser|No such file/gi)?.length).toBeGreaterThanOrEqual(4)
    })

    test('volumes: directories, files, read-only, one in another, by way of a link', async () => {
      const [data, inner, file] = ['data', 'inner', 'file'].map((each) => path.join(place.scratch, `volume-${each}`)) as [string, string, string]
      for (const each of [data, inner]) mkdirSync(each, { recursive: true })
      writeFileSync(file, 'a file')
      writeFileSync(path.join(inner, 'x'), 'inner')
      const mount = (hostPath: string, containerPath: string, readOnly = false) => ({ hostPath, containerPath, readOnly, propagation: 'private' as const })
      const { output } = await sh('exec 2>&1; echo seen > /data/y; cat /data/inner/x; echo; cat /opt/conf/a.txt; echo; echo n > /opt/conf/a.txt; cat /run/v/x; cat /var/run/w/x', {
        mounts: [mount(inner, '/data/inner', true), mount(data, '/data'), mount(file, '/opt/conf/a.txt', true), mount(inner, '/run/v', true), mount(inner, '/var/run/w', true)] })
      expect(output).toContain('inner\na file\n')
      expect(output).toContain('innerinner')
      expect(output).toContain('Read-only file system')
      expect(readFileSync(path.join(data, 'y'), 'utf8')).toBe('seen\n')
    })

    test('a link in a volume does not lead out of the container', async () => {
      const trap = path.join(place.scratch, 'trap')
      const goal = path.join(place.scratch, 'goal')
      mkdirSync(trap)
      mkdirSync(goal)
      symlinkSync(`../../../../../../../../${goal}`, path.join(trap, 'out'))
      await sh('true', { mounts: [{ hostPath: trap, containerPath: '/t', readOnly: false, propagation: 'private' }, { hostPath: trap, containerPath: '/t/out/in', readOnly: false, propagation: 'private' }] })
      expect(readdirSync(goal)).toEqual([])
    })

    test('check 17: memory beyond the limit: OOMKilled, and only this one', async () => {
      const { state } = await run(['perl', '-e', '$x = "x" x (1 << 28); sleep 5'], { resources: { memoryLimitBytes: 32 << 20 } })
      expect(state).toMatchObject({ exitCode: 137, oomKilled: true })
    })

    test('more processes than allowed', async () => {
      const { output } = await sh('for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait', { resources: { pidsLimit: 8 } })
      expect(output).toContain('Cannot fork')
    })

    test('a pod shrinks with its containers, though one of them had a spare', async () => {
      const cpu = (cpuQuotaMicroseconds: number) => ({ cpuQuotaMicroseconds, cpuPeriodMicroseconds: 100_000 })
      await runtime.runSandbox(aSandbox('shrinks', { resources: cpu(90_000) }), never)
      const spec = aContainer(place, 'shrinks', ['sleep', '100'], { resources: cpu(90_000) })
      await launch(runtime, spec)
      // The kernel forgets what was removed when it gets to it: again and again, one of them is still remembered.
      for (let attempt = 1; attempt < 9; attempt++) {
        await runtime.createContainer({ ...spec, attempt, resources: cpu(100_000 - attempt * 10_000) }, never)
        await runtime.removeContainer('shrinks', 'main', attempt)
        await runtime.updateContainer('shrinks', 'main', cpu(90_000 - attempt * 10_000))
        await expect(runtime.updateSandbox('shrinks', cpu(90_000 - attempt * 10_000))).resolves.toBeUndefined()
      }
      await runtime.removeSandbox('shrinks')
    })

    test('usage and processes', async () => {
      const spec = aContainer(place, 'box', ['sh', '-c', 'sleep 100 & while :; do :; done'], { name: 'busy' })
      await launch(runtime, spec)
      const usage = await until('some CPU to be used', async () => { const now = await runtime.usage('box'); return (now?.containers['busy']?.cpuNanoseconds ?? 0n) > 20_000_000n ? now : undefined })
      expect(usage.containers['busy']?.memoryWorkingSetBytes).toBeGreaterThan(0)
      expect(usage.containers['busy']?.processCount).toBe(2)
      expect(await runtime.processes('box', 'busy')).toHaveLength(2)
      await expect(runtime.signalContainer('box', 'busy', 'SIGTERM', process.pid)).rejects.toThrow('does not belong')
      await runtime.stopContainer('box', 'busy', 0)
    })

    test('a root file system of its own, without any program of ours', async () => {
      const image = path.join(place.scratch, 'image')
      for (const each of ['bin', 'etc', 'lib64', 'lib/x86_64-linux-gnu']) mkdirSync(path.join(image, each), { recursive: true })
      writeFileSync(path.join(image, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n')
      writeFileSync(path.join(image, 'etc/group'), 'extra:x:77:app\n')
      for (const [from, to] of [['/bin/dash', 'bin/sh'], ['/usr/bin/id', 'bin/id'], ['/usr/bin/ls', 'bin/ls']] as const) execFileSync('cp', [from, path.join(image, to)])
      for (const each of ['/bin/dash', '/usr/bin/id', '/usr/bin/ls']) {
        for (const [, library = ''] of execFileSync('ldd', [each], { encoding: 'utf8' }).matchAll(/(\/\S+) \(/g)) {
          mkdirSync(path.dirname(path.join(image, library)), { recursive: true })
          execFileSync('cp', [library, path.join(image, library)])
        }
      }
      const { output } = await sh('ls /; id; echo $HOME; echo x > /home 2>/dev/null; echo w > /tmp-file || echo no', { image: { kind: 'root', path: image, id: 'img' }, runAsUser: 1000 })
      expect(output).toContain('uid=1000(app) gid=1001 groups=1001,77(extra)\n/home/app\n')
      expect(output).toMatch(/^bin\ndev\netc\nlib\nlib64\nproc\nsys\n/)
      expect(readdirSync(image).sort()).toEqual(['bin', 'etc', 'lib', 'lib64'])
    })
  })

  describe('stopping', () => {
    beforeAll(async () => { await runtime.runSandbox(aSandbox('stops'), never) })

    test('the stop signal is enough for one who listens', async () => {
      const spec = aContainer(place, 'stops', ['sh', '-c', 'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done'], { name: 'polite' })
      await launch(runtime, spec)
      await until('it to be up', () => logText(spec.logPath).includes('up'))
      const begun = performance.now()
      await runtime.stopContainer('stops', 'polite', 100)
      // Nobody waits for the grace to be over.
      expect(performance.now() - begun).toBeLessThan(50_000)
      expect((await untilExited(runtime, 'stops', 'polite')).exitCode).toBe(5)
      expect(logText(spec.logPath)).toContain('bye')
    })

    test('check 12: the whole tree: double-forked, in sessions of their own, deaf to SIGTERM; its port is free again', async () => {
      await runtime.runSandbox(aSandbox('tree', { hostNetwork: true }), never)
      // Four generations, each deaf, each in a session of its own, the youngest with a port of the machine's.
      const deaf = String.raw`use POSIX; use IO::Socket::INET; $| = 1; $SIG{TERM} = $SIG{HUP} = $SIG{INT} = 'IGNORE';
        for my $generation (1 .. 3) { my $child = fork; if ($child) { sleep 1000 while 1 } POSIX::setsid(); fork and sleep(1000) while 0; if ($generation == 2) { fork and exit 0; POSIX::setsid() } }
        my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1, ReuseAddr => 1) or die $!; print 'port ', $listener->sockport, "\n"; sleep 1000 while 1`
      const spec = aContainer(place, 'tree', ['perl', '-e', deaf], { name: 'deaf' })
      await launch(runtime, spec)
      const port = Number(await until('the youngest to listen', () => /^port (\d+)\n/m.exec(logText(spec.logPath))?.[1]))
      const pids = await runtime.processes('tree', 'deaf')
      expect(pids.length).toBeGreaterThanOrEqual(3)
      const begun = performance.now()
      await runtime.stopContainer('tree', 'deaf', 1)
      expect((await untilExited(runtime, 'tree', 'deaf')).exitCode).toBe(137)
      const took = performance.now() - begun
      expect(pids.filter(isAlive)).toEqual([])
      // Grace, and two seconds: the stated number is for a machine that has nothing else to do.
      expect(took).toBeGreaterThanOrEqual(1000)
      expect(took).toBeLessThan(full ? 3000 : 10_000)
      const again = createServer()
      await new Promise<void>((resolve, reject) => { again.once('error', reject); again.listen(port, '127.0.0.1', resolve) })
      again.close()
      await runtime.removeSandbox('tree')
    })

    test('in the machine\'s own process namespace nothing outlives the first process', async () => {
      await runtime.runSandbox(aSandbox('hostpid', { hostPid: true }), never)
      const spec = aContainer(place, 'hostpid', ['sh', '-c', '(setsid sleep 1000 &); echo $$; until [ -e /tmp/go ]; do sleep 0.05; done; exit 4'])
      await launch(runtime, spec)
      const pids = await until('both to run', async () => { const all = await runtime.processes('hostpid', 'main'); return all.length >= 3 ? all : undefined })
      // Which may well be killed with the container.
      await collect(runtime, 'hostpid', ['touch', '/tmp/go'])
      expect((await untilExited(runtime, 'hostpid')).exitCode).toBe(4)
      expect(pids.filter(isAlive)).toEqual([])
      expect(Number(logText(spec.logPath))).toBeGreaterThan(10)
    })
  })

  describe('sandboxes', () => {
    test('a shared process namespace: containers see one another, orphans are collected', async () => {
      await runtime.runSandbox(aSandbox('shared', { sharedProcessNamespace: true }), never)
      await launch(runtime, aContainer(place, 'shared', ['sleep', '1234'], { name: 'one' }))
      const { output } = await runToEnd(runtime, aContainer(place, 'shared', ['sh', '-c', '(sleep 0.01 &); ps -eo args; for round in $(seq 300); do ps -eo args | grep -qE "^sleep 0.01|[d]efunct" || { echo collected; exit; }; sleep 0.1; done; ps -eo args'], { name: 'two' }))
      expect(output).toContain('sleep 1234')
      expect(output.trim().split('\n').at(-1)).toBe('collected')
    })

    test('an ephemeral container sees the processes of its target, and ends with it', async () => {
      await runtime.runSandbox(aSandbox('debugged'), never)
      const target = aContainer(place, 'debugged', ['sleep', '1234'], { name: 'target' })
      await expect(runtime.createContainer(aContainer(place, 'debugged', ['true'], { name: 'early', targetContainer: 'target' }), never)).rejects.toThrow('unable to find target container target')
      await launch(runtime, target)
      await launch(runtime, aContainer(place, 'debugged', ['sleep', '5678'], { name: 'other' }))
      const { output } = await runToEnd(runtime, aContainer(place, 'debugged', ['sh', '-c', 'ps -eo args'], { name: 'debug', targetContainer: 'target' }))
      expect(output).toContain('sleep 1234')
      expect(output).not.toContain('sleep 5678')
      const shell = aContainer(place, 'debugged', ['sh', '-c', 'while sleep 1; do :; done'], { name: 'shell', targetContainer: 'target' })
      await launch(runtime, shell)
      await runtime.signalContainer('debugged', 'target', 'SIGKILL')
      expect((await untilExited(runtime, 'debugged', 'shell')).exitCode).toBe(137)
      expect((await runtime.listContainers('debugged')).find(({ name }) => name === 'other')?.state).toBe('running')
      await runtime.removeSandbox('debugged')
    })

    test('sysctls, and shared memory between its containers', async () => {
      await runtime.runSandbox(aSandbox('tuned', { sysctls: { 'net.ipv4.ip_local_port_range': '20000 30000', 'kernel.msgmax': '9000' } }), never)
      await runToEnd(runtime, aContainer(place, 'tuned', ['sh', '-c', 'echo hello > /dev/shm/x'], { name: 'writer' }))
      const { output } = await runToEnd(runtime, aContainer(place, 'tuned', ['sh', '-c', 'cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/msgmax /dev/shm/x'], { name: 'reader' }))
      expect(output).toBe('20000\t30000\n9000\nhello\n')
    })

    test('a sysctl that does not exist is said by name', async () => {
      await expect(runtime.runSandbox(aSandbox('untuned', { sysctls: { 'net.no.such': '1' } }), never)).rejects.toThrow('net/no/such')
      await runtime.removeSandbox('untuned')
    })

    test('the machine\'s own network', async () => {
      await runtime.runSandbox(aSandbox('hostnet', { hostNetwork: true, hostname: 'the-node' }), never)
      const spec = aContainer(place, 'hostnet', ['sleep', '100'])
      const pid = await launch(runtime, spec)
      expect(readlinkSync(`/proc/${pid}/ns/net`)).toBe(readlinkSync('/proc/self/ns/net'))
      await runtime.removeSandbox('hostnet')
      expect(isAlive(pid)).toBe(false)
    })

    test('one that is killed is told, and can be made again', async () => {
      const { events, stop } = listenTo(runtime)
      await runtime.runSandbox(aSandbox('fragile'), never)
      const pid = await launch(runtime, aContainer(place, 'fragile', ['sleep', '100']))
      expect(execFileSync('pgrep', ['-f', 'default/fragile/main'], { encoding: 'utf8' })).not.toBe('')
      const record = JSON.parse(readFileSync(path.join(place.stateDirectory, 'pods/fragile/.sandbox/0/record.json'), 'utf8')) as { holder: { pid: number } }
      process.kill(record.holder.pid, 'SIGKILL')
      await until('the loss to be told', () => events.some(({ podUid, kind }) => podUid === 'fragile' && kind === 'sandboxGone'))
      expect((await runtime.listSandboxes()).find(({ podUid }) => podUid === 'fragile')?.ready).toBe(false)
      await expect(runtime.createContainer(aContainer(place, 'fragile', ['true'], { attempt: 1 }), never)).rejects.toThrow('no running sandbox')
      await runtime.stopContainer('fragile', 'main', 0)
      expect(isAlive(pid)).toBe(false)
      expect(await runtime.runSandbox(aSandbox('fragile', { attempt: 1 }), never)).toMatchObject({ ready: true, attempt: 1 })
      expect((await runToEnd(runtime, aContainer(place, 'fragile', ['sh', '-c', 'ip -4 -o addr show eth0'], { attempt: 1 }))).output).toContain('10.213.')
      stop()
    })

    test('removing one leaves nothing of the pod', async () => {
      await runtime.runSandbox(aSandbox('gone'), never)
      const pid = await launch(runtime, aContainer(place, 'gone', ['sleep', '100']))
      await runtime.createContainer(aContainer(place, 'gone', ['sleep', '100'], { attempt: 1 }), never)
      await runtime.removeSandbox('gone')
      expect(isAlive(pid)).toBe(false)
      expect(existsSync(path.join(place.stateDirectory, 'pods/gone'))).toBe(false)
      expect(existsSync(path.join(place.dataDirectory, 'roots/gone'))).toBe(false)
      expect(existsSync(`/sys/fs/cgroup/memory/wherry-${place.clusterId}/${place.nodeName}/besteffort/podgone`)).toBe(false)
      expect(await runtime.listContainers('gone')).toEqual([])
    })
  })

  describe('exec, attach and dial', () => {
    beforeAll(async () => {
      await runtime.runSandbox(aSandbox('talks'), never)
      await launch(runtime, aContainer(place, 'talks', ['sleep', '1000'], { env: [{ name: 'WORD', value: "it's" }], runAsUser: 1234, workingDir: '/srv' }))
    })

    for (const [name, command, expected] of [
      ['output, errors and code', ['sh', '-c', 'echo out; echo err >&2; exit 6'], { code: 6, out: 'out\n', err: 'err\n' }],
      ['the container\'s user, environment, directory and host name', ['sh', '-c', 'echo $(id -u) $WORD $(pwd) $(hostname)'], { code: 0, out: "1234 it's /srv talks\n" }],
      ['a command that is killed', ['sh', '-c', 'kill -9 $$'], { code: 137 }],
      ['arguments as they are', ['printf', '%s|', "a'b", '$x', ''], { out: "a'b|$x||" }],
    ] as const) test(`exec: ${name}`, async () => { expect(await collect(runtime, 'talks', command)).toMatchObject(expected) })

    test('exec: input', async () => {
      async function* input() { yield Buffer.from('one\n'); yield Buffer.from('two') }
      expect(await collect(runtime, 'talks', ['cat'], { stdin: input() })).toMatchObject({ code: 0, out: 'one\ntwo' })
    })

    test('exec: a program that is not there', async () => {
      await expect(collect(runtime, 'talks', ['nope'])).rejects.toThrow('exec: "nope": executable file not found in $PATH')
    })

    test('exec: out of time, with everything that it started', async () => {
      await expect(collect(runtime, 'talks', ['sh', '-c', '(setsid sleep 777 &); sleep 778'], { timeoutSeconds: 1 })).rejects.toThrow('timed out')
      expect(await until('only the container itself to be left', async () => (await runtime.processes('talks', 'main')).length === 1)).toBe(true)
    })

    test('exec: what a command leaves behind goes on, as a process of the container', async () => {
      expect(await collect(runtime, 'talks', ['sh', '-c', 'setsid sleep 779 >/dev/null 2>&1 & echo started'])).toMatchObject({ code: 0, out: 'started\n' })
      const left = await until('it to run', async () => (await runtime.processes('talks', 'main')).find((pid) => readIfThere(`/proc/${pid}/cmdline`)?.startsWith('sleep\x00779')))
      // It sits where the container's own process sits: nothing of the session remains.
      const [first = 0] = await runtime.processes('talks', 'main')
      await expect.poll(() => readFileSync(`/proc/${left}/cgroup`, 'utf8'), { timeout: 30_000 }).toBe(readFileSync(`/proc/${first}/cgroup`, 'utf8'))
      process.kill(left, 'SIGKILL')
      expect(await collect(runtime, 'talks', ['true'])).toMatchObject({ code: 0 })
    })

    test('exec: with a terminal and its size', async () => {
      async function* sizes() { yield { columns: 132, rows: 43 } }
      const { out, code } = await collect(runtime, 'talks', ['sh', '-c', 'while [ "$(stty size)" != "43 132" ]; do sleep 0.02; done; test -t 0 && stty size; exit 9'], { tty: true, resize: sizes() })
      expect(out).toBe('43 132\r\n')
      expect(code).toBe(9)
    })

    test('exec: a shell with job control has its terminal for itself, and gives it back', async () => {
      async function* input() { yield Buffer.from('exit 4\n') }
      const { out, code } = await collect(runtime, 'talks', ['sh', '-i'], { tty: true, stdin: input() })
      expect(out).not.toMatch(/job control|process group/)
      expect(code).toBe(4)
    })

    test('attach: feeds input once, sees output', async () => {
      const spec = aContainer(place, 'talks', ['sh', '-c', 'while read x; do echo got $x; done; echo end'], { name: 'listener', stdin: true, stdinOnce: true })
      await launch(runtime, spec)
      const seen: string[] = []
      async function* input() { yield Buffer.from('a\nb\n') }
      await runtime.attach('talks', 'listener', { tty: false, stdin: input(), stdout: (chunk) => { seen.push(Buffer.from(chunk).toString()) }, stderr() {}, resize: undefined, signal: never })
      expect(seen.join('')).toBe('got a\ngot b\nend\n')
      expect((await untilExited(runtime, 'talks', 'listener')).exitCode).toBe(0)
    })

    // Upstream's `test/e2e/kubectl/kubectl.go`: "executing a command with run and attach with stdin with open stdin should remain running".
    test('attach: ends with its input where the container reads on, from whoever comes next', async () => {
      const spec = aContainer(place, 'talks', ['cat'], { name: 'open', stdin: true })
      await launch(runtime, spec)
      for (const word of ['one', 'two']) {
        async function* input() { yield Buffer.from(`${word}\n`) }
        await runtime.attach('talks', 'open', { tty: false, stdin: input(), stdout() {}, stderr() {}, resize: undefined, signal: never })
        await until(`${word} to be read`, () => logText(spec.logPath).endsWith(`${word}\n`))
      }
      expect(logText(spec.logPath)).toBe('one\ntwo\n')
      expect((await runtime.processes('talks', 'open')).length).toBe(1)
    })

    test('a container with a terminal: echo, size, exit code', async () => {
      const spec = aContainer(place, 'talks', ['sh', '-c', 'test -t 0 && test -t 1 && echo tty; read x; echo "[$x]"; while [ "$(stty size)" != "50 100" ]; do sleep 0.02; done; stty size; trap "echo caught; exit 3" INT; while :; do sleep 0.05; done'], { name: 'screen', stdin: true, tty: true })
      await launch(runtime, spec)
      const seen: string[] = []
      async function* input() {
        yield Buffer.from('hi\r')
        await until('the size to be seen', () => seen.join('').includes('50 100'))
        yield Buffer.from('\u0003')
      }
      async function* sizes() { yield { columns: 100, rows: 50 } }
      await runtime.attach('talks', 'screen', { tty: true, stdin: input(), stdout: (chunk) => { seen.push(Buffer.from(chunk).toString()) }, stderr() {}, resize: sizes(), signal: never })
      expect(seen.join('')).toContain('[hi]\r\n50 100\r\n')
      expect(logText(spec.logPath)).toContain('tty\r\n')
      expect((await untilExited(runtime, 'talks', 'screen')).exitCode).toBe(3)
    })

    test('dial: a port on all addresses, one on the pod\'s loopback only, and none', async () => {
      const server = 'use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => $ARGV[1], Listen => 5, ReuseAddr => 1) or die; print "up\\n"; while (my $c = $s->accept) { my $l = <$c>; print $c "echo $l"; close $c }'
      for (const [name, address, port] of [['everywhere', '0.0.0.0', '8001'], ['loopback', '127.0.0.1', '8002']] as const) {
        const spec = aContainer(place, 'talks', ['perl', '-e', `$|=1; ${server}`, address, port], { name })
        await launch(runtime, spec)
        await until('the server to be up', () => logText(spec.logPath).includes('up'))
        const stream = await runtime.dial('talks', Number(port))
        stream.end('hello\n')
        const answer: Buffer[] = []
        for await (const chunk of stream) answer.push(chunk as Buffer)
        expect(Buffer.concat(answer).toString()).toBe('echo hello\n')
      }
      await expect(runtime.dial('talks', 8003)).rejects.toThrow('ECONNREFUSED')
    })
  })

  test('logs: streams apart, long lines cut, no newline at the end', async () => {
    await runtime.runSandbox(aSandbox('logs'), never)
    const spec = aContainer(place, 'logs', ['perl', '-e', 'print "x" x 40000, "\\n", "tail"; print STDERR "e\\n"'])
    const { output } = await runToEnd(runtime, spec)
    expect(output.replace('e\n', '')).toBe(`${'x'.repeat(40_000)}\ntail`)
    const lines = readFileSync(spec.logPath, 'utf8').split('\n').filter(Boolean)
    expect(lines.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] /.test(line) && line.length <= 16_384 + 60)).toBe(true)
  })

  test('a log is not written through a link', async () => {
    const victim = path.join(place.scratch, 'victim')
    const spec = aContainer(place, 'logs', ['echo', 'x'], { name: 'linked', logPath: path.join(place.scratch, 'linked.log') })
    symlinkSync(victim, spec.logPath)
    await expect(launch(runtime, spec)).rejects.toThrow('ELOOP')
    expect(existsSync(victim)).toBe(false)
  })
})

describe.skipIf(!isRoot)('a node that is destroyed', () => {
  // A machine that nobody else uses: a network and a table of mounts of its own.
  let machine: ChildProcess
  const inside = (): string[] => ['net', 'mnt'].map((name) => `--${name === 'mnt' ? 'mount' : name}=/proc/${machine.pid}/ns/${name}`)
  const says = (...command: string[]): string => execFileSync('nsenter', [...inside(), ...command], { encoding: 'utf8' })
  const network = (): string => [
    ...says('iptables-save').split('\n').filter((line) => /^(-A|:\S+ - )/.test(line)).map((line) => line.replace(/ \[.*/, '')), says('ip', '-o', 'link').replace(/^\d+: /gm, ''), says('ip', 'route'), says('cat', '/proc/sys/net/ipv4/ip_forward'),
  ].join('\n')
  // A directory that somebody else removes takes what is mounted there along, here too: none may be new.
  const mounts = (): string[] => readFileSync(`/proc/${machine.pid}/mountinfo`, 'utf8').split('\n')
  beforeAll(async () => {
    machine = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'sleep', 'infinity'], { stdio: 'ignore' })
    await until('a machine', () => machine.pid && readIfThere(`/proc/${machine.pid}/comm`) === 'sleep\n')
    says('ip', 'link', 'set', 'lo', 'up')
  })
  afterAll(() => { machine.kill('SIGKILL') })

  test('leaves the machine as it was', async () => {
    const [before, mountsBefore] = [network(), mounts()]
    const own = newPlace()
    const agent = await startAgent(own, inside())
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('last', { portMappings: [{ hostPort: 31_999, containerPort: 80, protocol: 'TCP', hostIP: '' }] })) })
    const pid = (await agent.tell({ do: 'launch', spec: aContainer(own, 'last', ['sleep', '1000']) })) as number
    await agent.tell({ do: 'create', spec: aContainer(own, 'last', ['sleep', '1000'], { attempt: 1 }) })
    expect(network()).not.toBe(before)
    expect(mounts().filter((each) => !mountsBefore.includes(each))).not.toEqual([])
    await agent.tell({ do: 'destroy' })
    expect(isAlive(pid)).toBe(false)
    await until('the links to be gone', () => network() === before, 20_000).catch(() => {})
    expect(network()).toBe(before)
    expect(mounts().filter((each) => !mountsBefore.includes(each))).toEqual([])
    for (const each of [own.stateDirectory, own.dataDirectory, own.networkDirectory, ...['memory', 'cpu', 'pids', 'unified'].map((name) => `/sys/fs/cgroup/${name}/wherry-${own.clusterId}`)]) expect(existsSync(each), each).toBe(false)
    await agent.kill()
    leavePlace(own)
  })
})
