/** A machine's network for a test that must not use the real one: a namespace that stands for the machine, and beside it another with somebody to talk to. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { execa } from 'execa'
import type { Ended } from './cluster.ts'

export interface OuterNetwork extends AsyncDisposable {
  /** Path of the machine's namespace. */
  machine: string
  /** Runs where the machine is, or where the other is; with a deadline. */
  on(who: 'machine' | 'other', command: readonly string[], input?: string): Promise<Ended>
  /** Until the end. Resolves when it has said its first word. */
  serve(who: 'machine' | 'other', command: readonly string[]): Promise<ChildProcess>
}

export const machineAddress = '192.0.2.1'
export const otherAddress = '192.0.2.2'

export const outerNetwork = async (): Promise<OuterNetwork> => {
  const name = `whout${randomBytes(3).toString('hex')}`
  const [machine, other] = [`/run/netns/${name}m`, `/run/netns/${name}o`]
  const ip = (...args: string[]) => execa('ip', args)
  for (const end of ['m', 'o']) { await ip('netns', 'add', `${name}${end}`); await ip('-n', `${name}${end}`, 'link', 'set', 'lo', 'up') }
  await ip('-n', `${name}m`, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${name}o`)
  for (const [end, address] of [['m', machineAddress], ['o', otherAddress]] as const) { await ip('-n', `${name}${end}`, 'addr', 'add', `${address}/24`, 'dev', 'eth0'); await ip('-n', `${name}${end}`, 'link', 'set', 'eth0', 'up') }
  const inside = (who: 'machine' | 'other', command: readonly string[]): string[] => [`--net=${who === 'machine' ? machine : other}`, '--', ...command]
  const children: ChildProcess[] = []
  return {
    machine,
    async on(who, command, input) {
      const { exitCode, stdout, stderr } = await execa('nsenter', inside(who, command), { reject: false, timeout: 10_000, ...(input === undefined ? { stdin: 'ignore' as const } : { input }) })
      return { exitCode, stdout: stdout ?? '', stderr: stderr ?? '' }
    },
    serve: (who, command) => new Promise((resolve, reject) => {
      const child = spawn('nsenter', inside(who, command), { stdio: ['ignore', 'pipe', 'inherit'] })
      children.push(child)
      child.once('error', reject)
      child.stdout.once('data', () => { resolve(child) })
    }),
    async [Symbol.asyncDispose]() {
      for (const each of children) each.kill('SIGKILL')
      for (const end of ['m', 'o']) await execa('ip', ['netns', 'delete', `${name}${end}`], { reject: false })
    },
  }
}

/** Says `word` to whoever comes by TCP. */
export const saying = (word: string, address: string, port: number): string[] => ['perl', '-MIO::Socket::INET', '-e',
  '$| = 1; ($w, $a, $p) = @ARGV; $s = IO::Socket::INET->new(LocalAddr => $a, LocalPort => $p, Listen => 9, ReuseAddr => 1) or die $!; print "listens\\n"; while ($c = $s->accept) { print $c $w; close $c }', word, address, String(port)]
/** What TCP says at an address; fails when nobody is there. */
export const hearing = (address: string, port: number): string[] => ['perl', '-MIO::Socket::INET', '-e',
  '$s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 4) or die "no: $!\\n"; print $s "GET / HTTP/1.0\\r\\n\\r\\n"; print <$s>', address, String(port)]
/** Sends a word by UDP and prints the answer. */
export const asking = (word: string, address: string, port: number): string[] => ['perl', '-MIO::Socket::INET', '-e',
  '$s = IO::Socket::INET->new(PeerAddr => $ARGV[1], PeerPort => $ARGV[2], Proto => "udp"); $s->send($ARGV[0]); vec($r, fileno $s, 1) = 1; select($r, undef, undef, 2) or die "no answer\\n"; $s->recv($a, 9999); print $a', word, address, String(port)]
/** Answers by UDP what it is asked, behind a word. */
export const echoing = (port: number): string[] => ['perl', '-MIO::Socket::INET', '-e', `$s = IO::Socket::INET->new(LocalPort => ${port}, Proto => "udp"); while ($s->recv($a, 65535)) { $s->send("echo $a") }`]
/** Answers every question for an address with its own. */
export const naming = (address: string): string[] => ['perl', '-MIO::Socket::INET', '-e', `$| = 1; $s = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => 53, Proto => "udp") or die $!; print "listens\\n";
  while ($s->recv($q, 512)) { ($name) = substr($q, 12) =~ /^(.*?\\0)/s; $type = unpack "n", substr($q, 12 + length $name, 2); $s->send(substr($q, 0, 2) . pack("nnnnn", 0x8180, 1, $type == 1 ? 1 : 0, 0, 0) . $name . pack("nn", $type, 1) . ($type == 1 ? pack("nnnNn", 0xc00c, 1, 1, 5, 4) . pack("C4", split /[.]/, $ARGV[0]) : "")) }`, address]
