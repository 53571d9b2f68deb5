/**
 * A server and a client of HTTP as Perl programs, which run in pods of any machine: pods do not see the Node of a clone that stands below /tmp.
 * The server answers $NODE, or the host's name; the client prints a JSON list of what each URL answered, or `failed: why`.
 */
export const httpServer = ['perl', '-e', String.raw`use IO::Socket::INET; use Sys::Hostname; $| = 1; $SIG{TERM} = sub { exit 0 };
my $listener = IO::Socket::INET->new(LocalPort => 8000, Listen => 64, ReuseAddr => 1) or die "cannot listen: $!";
my $body = $ENV{NODE} // hostname;
while (1) {
  my $client = $listener->accept or next;
  while (defined(my $line = <$client>)) { last if $line =~ /^\r?\n$/ }
  print $client "HTTP/1.1 200 OK\r\ncontent-length: " . length($body) . "\r\nconnection: close\r\n\r\n$body";
  close $client;
}`] as const

export const httpClient = (urls: readonly string[]): string[] => ['perl', '-e', String.raw`use IO::Socket::INET; my @answers;
for my $url (@ARGV) {
  my ($host, $port) = $url =~ m{^http://([^:/]+):?(\d*)};
  my $server = IO::Socket::INET->new(PeerHost => $host, PeerPort => $port || 80, Timeout => 5);
  if (!$server) { push @answers, "failed: $!"; next }
  my $answer = '';
  eval { local $SIG{ALRM} = sub { die }; alarm 5; print $server "GET / HTTP/1.1\r\nhost: $host\r\nconnection: close\r\n\r\n"; local $/; $answer = <$server> // ''; alarm 0 };
  push @answers, $answer =~ /\r\n\r\n(.*)/s ? $1 : 'failed: no answer';
}
print '[' . join(',', map { qq("$_") } @answers) . "]\n";`, ...urls]
