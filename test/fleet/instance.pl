#!/usr/bin/env perl
# One instance of the test fleet. What it does stands in its behaviour file, read once at its start,
# so that a test can change what the next start will be like. Plain Perl, because it starts in
# milliseconds, handles signals by itself and needs no child: nothing of it can be left behind.
use strict;
use warnings;

my $name = $ENV{SUPERVISOR_PROCESS_NAME};
my $dir = $ENV{FLEET_HOST_DIR};
my $behaviour_file = "$dir/behaviour/$name";
my $ready_file = "$dir/ready/$name";
my $let_stop_file = "$ready_file.let-stop";

$| = 1;
unlink $ready_file, $let_stop_file;
my ($kind, $number) = split ' ', read_file($behaviour_file);
$SIG{TERM} = $kind eq 'ignore_term' ? 'IGNORE' : \&stop;
print "$ENV{SUPERVISOR_GROUP_NAME}:$name started, pid $$, $kind\n";

if ($kind eq 'crash_at_start') {
    crash();
} elsif ($kind eq 'recovers' and $number > 0) {
    write_file($behaviour_file, 'recovers ' . ($number - 1));
    crash();
} elsif ($kind eq 'slow_start') {
    rest($number);
}
if ($kind eq 'reloads') {
    $SIG{HUP} = sub {
        my ($now) = split ' ', read_file($behaviour_file);
        crash() if $now eq 'crash_at_start';
        print "$name: reloaded, $now\n";
    };
}
write_file($ready_file, "$$\n");
if ($kind eq 'exit_after') {
    rest($number);
    unlink $ready_file;
    exit 0;
}
if ($kind eq 'crash_after') {
    rest($number);
    crash();
}
rest(3600) while 1;

sub stop {
    $SIG{TERM} = 'IGNORE';
    print "$name: stopping\n";
    rest($number) if $kind eq 'slow_stop';
    rest(0.02) until $kind ne 'held_stop' or -e $let_stop_file;
    unlink $ready_file;
    exit 0;
}

sub crash {
    print STDERR "$name: cannot read /srv/$name/settings.yml: No such file or directory\n";
    print STDERR "$name: giving up\n";
    unlink $ready_file;
    exit 1;
}

sub rest {
    my ($seconds) = @_;
    select undef, undef, undef, $seconds;
}

sub read_file {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    return scalar <$file>;
}

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
}
