/** Small servers and clients in Perl, which stand for upstream's agnhost in tests of traffic: pods of `image: host` have them wherever the machine has Perl. */
import type { Pod } from '../../src/api/types.ts'

/** HTTP on a port: the host's name, or with `--json` the method and `foo`, as `agnhost porter --json-response` says it. Arguments: port, mode. */
export const httpServer = ['perl', '-MIO::Socket::INET', '-MSys::Hostname', '-e', String.raw`
  $SIG{TERM} = sub { exit 0 }; my ($port, $mode) = @ARGV; $| = 1;
  my $listener = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or die $!;
  while (1) {
    my $client = $listener->accept or next; my ($method, $length) = ('', 0);
    while (defined(my $line = <$client>)) { $method ||= (split ' ', $line)[0]; $length = $1 if $line =~ /^content-length: *(\d+)/i; last if $line =~ /^\r?\n$/ }
    read $client, my $sent, $length if $length;
    my $body = ($mode // '') eq '--json' ? qq({"Method":"$method","Body":"foo"}) : hostname;
    print $client "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " . length($body) . "\r\nconnection: close\r\n\r\n" . ($method eq 'HEAD' ? '' : $body); close $client;
  }`] as const

/** One TCP connection or UDP packet from a given address; prints the answer, or fails within two seconds. Arguments: tcp|udp, source (or `-`), address, port. */
export const askOnce = ['perl', '-MIO::Socket::INET', '-e', String.raw`
  my ($protocol, $source, $address, $port) = @ARGV; $SIG{ALRM} = sub { die "timeout" }; alarm 2;
  my $socket = IO::Socket::INET->new(PeerHost => $address, PeerPort => $port, Proto => $protocol, $source eq '-' ? () : (LocalAddr => $source)) or die "cannot connect: $!";
  my $text; if ($protocol eq 'udp') { $socket->send('?'); defined $socket->recv($text, 100) or die "no answer: $!" } else { local $/; $text = <$socket> } print $text`] as const

/** A pod that runs one program of the machine. */
export const programPod = (name: string, namespace: string, command: readonly string[], more: { labels?: Record<string, string>; container?: object; spec?: object } = {}): Pod => ({
  metadata: { name, namespace, labels: more.labels ?? { app: name } },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'host', command: [...command], ...more.container }], ...more.spec },
}) as never

export const sleeping = ['sleep', '3600'] as const
