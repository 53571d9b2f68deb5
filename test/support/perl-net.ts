/** Small network programs in Perl, which every Debian has: what pods and the machine run in tests of traffic. */

/** Answers every TCP connection and every UDP packet on a port with the host's name. Arguments: port. */
export const nameServer = ['perl', '-MIO::Socket::INET', '-MIO::Select', '-MSys::Hostname', '-e', `
  $SIG{TERM} = sub { exit 0 }; my $port = shift; my $name = hostname;
  my $tcp = IO::Socket::INET->new(LocalPort => $port, Listen => 512, ReuseAddr => 1) or die $!;
  my $udp = IO::Socket::INET->new(LocalPort => $port, Proto => 'udp') or die $!;
  my $all = IO::Select->new($tcp, $udp);
  while (1) { for my $ready ($all->can_read) {
    if ($ready == $tcp) { my $peer = $tcp->accept or next; print $peer $name; close $peer }
    else { $udp->recv(my $text, 100); $udp->send($name) }
  } }`] as const

/** So many new connections, one after the other; prints \`name count\` lines. Arguments: tcp|udp, address, port, count. */
export const askMany = ['perl', '-MIO::Socket::INET', '-e', `
  my ($protocol, $address, $port, $count) = @ARGV; my %answers; $SIG{ALRM} = sub { die "timeout" };
  for (1 .. $count) {
    my $answer = eval {
      alarm 5;
      my $socket = IO::Socket::INET->new(PeerHost => $address, PeerPort => $port, Proto => $protocol) or die "cannot connect: $!";
      my $text;
      if ($protocol eq 'udp') { $socket->send('?'); defined $socket->recv($text, 100) or die "no answer: $!" } else { local $/; $text = <$socket> }
      alarm 0; $text;
    } // "failed: $@";
    alarm 0; $answers{$answer =~ s/ at .*//sr || 'empty'}++;
  }
  print "$_\\t$answers{$_}\\n" for sort keys %answers`] as const

/**
 * HTTP requests at a rate, a new connection each, until the file is there; prints \`ok N\` and a line for each failure. Arguments: host, port, requests per second, file.
 */
export const askSteadily = ['perl', '-MIO::Socket::INET', '-MTime::HiRes=time,sleep', '-e', `
  my ($host, $port, $rate, $stop) = @ARGV; my ($ok, @failed) = (0); my $next = time;
  until (-e $stop) {
    my $begun = time;
    my $socket = IO::Socket::INET->new(PeerHost => $host, PeerPort => $port, Timeout => 5);
    my ($answer, $why) = ('', "connect: $@");
    if ($socket) { print $socket "GET / HTTP/1.1\\r\\nhost: $host\\r\\nconnection: close\\r\\n\\r\\n"; local $/; $! = 0; $answer = <$socket> // ''; $why = "answer: $! " . length $answer; close $socket }
    if ($answer =~ m{^HTTP/1.1 200 .*\\r\\n\\r\\n.}s) { $ok++ } else { push @failed, sprintf "%.3f after %.3f s %s", $begun, time - $begun, $why }
    $next += 1 / $rate; my $wait = $next - time; sleep $wait if $wait > 0;
  }
  print "ok $ok\\n", map { "failed $_\\n" } @failed`] as const
