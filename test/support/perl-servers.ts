/** Two servers as Perl programs, for pods of any machine (`image: host`). */

/** Answers every request on port 8080 with its own first line, which it prints. */
export const echoServer = ['perl', '-e', String.raw`use IO::Socket::INET; $| = 1; $SIG{TERM} = sub { exit 0 };
my $listener = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die "cannot listen: $!";
while (1) {
  my $client = $listener->accept or next;
  my $request = <$client> // '';
  while (defined(my $line = <$client>)) { last if $line =~ /^\r?\n$/ }
  $request =~ s/\s+$//; print "$request\n";
  print $client "HTTP/1.1 200 OK\r\ncontent-length: " . length($request) . "\r\nconnection: close\r\n\r\n$request";
  close $client;
}`] as const

/** The health service of gRPC on port 5000, as much of HTTP/2 as it takes: whatever is asked, the answer is SERVING. */
export const healthServer = ['perl', '-e', String.raw`use IO::Socket::INET; $| = 1; $SIG{TERM} = sub { exit 0 }; $SIG{CHLD} = 'IGNORE'; $SIG{PIPE} = 'IGNORE';
sub frame { my ($type, $flags, $stream, $payload) = @_; return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload }
sub field { my ($name, $value) = @_; return pack('CC/aC/a', 0, $name, $value) }
sub take { my ($from, $length) = @_; my $data = ''; while (length $data < $length) { my $more = sysread($from, $data, $length - length $data, length $data); exit 0 unless $more } return $data }
my $listener = IO::Socket::INET->new(LocalPort => 5000, Listen => 64, ReuseAddr => 1) or die "cannot listen: $!";
while (1) {
  my $client = $listener->accept or next;
  if (fork) { close $client; next }
  take($client, 24);
  syswrite $client, frame(4, 0, 0, '');
  while (1) {
    my ($high, $low, $type, $flags, $stream) = unpack 'CnCCN', take($client, 9);
    my $payload = take($client, $high << 16 | $low);
    syswrite $client, frame(4, 1, 0, '') if $type == 4 && !($flags & 1);
    syswrite $client, frame(6, 1, 0, $payload) if $type == 6 && !($flags & 1);
    next unless ($type == 0 || $type == 1) && $flags & 1;
    syswrite $client, frame(1, 4, $stream, "\x88" . field('content-type', 'application/grpc')) . frame(0, 0, $stream, "\0\0\0\0\2\x08\1") . frame(1, 5, $stream, field('grpc-status', '0'));
  }
}`] as const
