/**
 * Gives `name` to the supervisord with `pid`. Two plans may reach one supervisord in different ways: what it was
 * started as tells it from others, and outlives its restarts.
 */
export const IDENTIFY = `identify() {
  started=/proc/$pid/cmdline
  [ -n "$pid" ] && [ -r "$started" ] && tr '\\0' ' ' <"$started" | grep -q supervisord || return
  name=$(tr '\\0' ' ' <"$started" | cksum | tr ' ' -)
}
`;

/**
 * The program that holds a host's locks and runs what is done under them: POSIX sh with flock(1) and timeout(1).
 *
 * It is told lines on stdin and answers with lines that begin with its token, which its controller made up: what the
 * programs under it print cannot be mistaken for its answers. It ends when stdin does, or when it was told nothing for
 * so long that its controller must be gone, but never before what it has started has ended. The locks are open files
 * of its own, so the kernel frees them with it, however it ends.
 *
 * Told: `beat` · `take RECORD` · `run ID SECONDS COMMAND STDIN` (0: no limit) · `tell ID LINE` (to the session, which the
 * first one starts: its line is lost)
 * Answers: `beat` · `held NAME` (of the supervisord) · `locked GROUP RECORDS` · `broken WHY` · `done ID OUTPUT|CODE` · `closed` (the session)
 * · `silent`. RECORDS and OUTPUT are hexadecimal; COMMAND and STDIN are escaped as printf's %b reads them, spaces as well.
 *
 * Arguments: token, seconds of silence, directory, a name for the supervisord, its pid or nothing, the groups to lock
 * (file names, in one argument), then the command of the session, if there shall be one.
 *
 * A lock file is made once and then only opened, and each account writes into a record of its own: in a sticky folder
 * fs.protected_regular forbids to open another's file with O_CREAT, which is what a shell's `>` does.
 */
export const HOLDER_SCRIPT = `
token=$1 silence=$2 dir=$3 name=$4 pid=$5 groups=$6
shift 6
exec 3>&1
trap '' PIPE

say() { printf '\\n%s %s\\n' "$token" "$*" >&3; }
hex() { od -An -v -tx1 | tr -d ' \\n'; }
hear() {
  line=$(timeout "$silence" sh -c 'IFS= read -r line && printf %s "$line"')
  heard=$?
  return $heard
}

${IDENTIFY}
file_of() { file=$dir/orchestrate-$name-$1.lock; }

# Never through a link, and never anew.
create() {
  [ -e "$1" ] || (umask "$2"; set -C; : >"$1") 2>/dev/null
  [ -f "$1" ] && [ ! -L "$1" ]
}
keep_records() {
  for group in $groups; do
    file_of "$group"
    create "$file.by-$account" 022 && printf '%s %s\\n' "$$" "$record" >"$file.by-$account"
  done 2>/dev/null
}
drop_records() {
  for group in $groups; do
    file_of "$group"
    rm -f "$file.by-$account"
  done
}
records() { cat "$file".by-* 2>/dev/null | tail -c 1400 | hex; }

refuse() {
  known=$(records)
  # Its holder has only just got it, and has not written yet who it is.
  [ -n "$known" ] || { sleep 1; known=$(records); }
  say "locked $1 $known"
}

# One call within the other for each group: a shell keeps the file of each level open until that level returns.
hold() {
  if [ -z "$1" ]; then
    shift
    held "$@"
    exit 0
  fi
  group=\${1%% *}
  rest=\${1#"$group"}
  rest=\${rest# }
  shift
  file_of "$group"
  create "$file" 000 && [ -r "$file" ] || { say "broken no lock file can be made or opened in $dir"; return; }
  {
    flock -n 9
    case $? in
      0) hold "$rest" "$@" ;;
      1) refuse "$group" ;;
      *) say "broken flock(1) does not work on the host" ;;
    esac
  } 9<"$file"
}
held() {
  keep_records
  say "held $name"
  if [ $# -eq 0 ]; then work; else work | { read -r line && "$@" 2>&1 | relay; say closed; cat >/dev/null; }; fi
  drop_records
}

# Reads to the end even when nobody listens any more: a supervisorctl whose output breaks off dies, and that between
# its stop and its start.
relay() { { cat || cat >/dev/null; } 2>/dev/null; }

work() {
  while hear; do
    case $line in
      beat) say beat ;;
      'run '*) run $line & ;;
      'tell '*) line=\${line#tell }; printf '%s\\n_mark%s_\\n' "\${line#* }" "\${line%% *}" ;;
    esac
  done
  # The end of stdin is 1; timeout(1) says 124, and busybox's 143.
  [ $heard -le 1 ] || say silent
  wait
}
run() {
  trap - PIPE
  id=$2 limit=$3 command=$(printf '%b' "$4")
  stdin=$5
  if [ "$limit" = 0 ]; then set -- sh; else set -- timeout -k 5 "$limit" sh; fi
  output=$({ printf '%b' "$stdin" | "$@" -c "$command" 2>&1; printf '|%s' "$?"; } | tail -c 1400 | hex)
  say "done $id $output"
}

for tool in timeout od tail tr \${groups:+flock cksum}; do
  command -v "$tool" >/dev/null 2>&1 || { say "broken there is no $tool(1) on the host"; exit 0; }
done
account=$(id -u)
identify
while hear; do
  case $line in
    beat) say beat ;;
    'take '*) record=\${line#take }; hold "$groups" "$@" ;;
  esac
done
`;
