# Ways to type into a terminal or to reach another one; says of each what came of it.
use strict;
use Fcntl;
$| = 1;
my ($tty, $console, $other, $ours);
my ($TIOCSTI, $TIOCLINUX) = (0x5412, 0x541c);
sub tried { print "$_[0]: ", ($_[1] ? "DONE" : "refused ($!)"), "\r\n" }
tried("stdin", ioctl(STDIN, $TIOCSTI, my $a = "x"));
tried("stdout", ioctl(STDOUT, $TIOCSTI, my $b = "x"));
tried("tty", sysopen($tty, "/dev/tty", O_RDWR) && ioctl($tty, $TIOCSTI, my $c = "x"));
tried("high bits", syscall(16, 0, 0x100000000 | $TIOCSTI, my $d = "x") == 0);
tried("console", sysopen($console, "/dev/console", O_RDWR) && ioctl($console, $TIOCSTI, my $e = "x"));
tried("selection", ioctl(STDIN, $TIOCLINUX, my $f = "\x03"));
tried("other", sysopen($other, $ARGV[0], O_RDWR | O_NOCTTY));
# The name that its own terminal has outside.
my ($number) = readlink("/proc/self/fd/0") =~ /(\d+)$/;
tried("name", sysopen($ours, "/dev/pts/$number", O_RDWR));
print "END\r\n";
