/** The arguments of {@link IDENTIFY}, the directory of the locks, and the groups to lock, as names of files. */
export const IDENTITY_ARGUMENTS = `dir=$1 words=$2 own=$3 pid=$4 unproven=$5 children=$6 kept=$7 groups=$8
shift 8`;

/**
 * Finds the names of a supervisord's locks: `names`, of which all are to be held.
 *
 * Where /proc shows the process that has its `pid`, the name is START-LIFE. START is what it was started as, by whom and
 * where: it outlives a restart, but may be that of another supervisord as well (the same relative command line in two
 * folders). LIFE is the very process, as PID.TICKS. All that is read of /proc can be read by every account, since two
 * plans may come by two of them. Elsewhere (a container, a hidden /proc) the name is the plan's `words` for it, with the
 * account where they depend on that (`own`). A lock that was held before is held under its `kept` name as well.
 *
 * The pid is believed unless none of the `children` that supervisord has reported is the child of that process: then it
 * is of another pid namespace. `unproven` set: it is not believed before one of them is.
 */
export const IDENTIFY = `
# Of a process: state, parent and the moment of its birth. False if none can be seen.
look_at() {
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- \${stat##*) }
  state=$1 parent=$2
  shift 19
  born=$1
}
is_alive() { look_at "\${1%.*}" && [ "$born" = "\${1#*.}" ] && [ "$state" != Z ]; }

is_visible() {
  [ -n "$pid" ] && look_at "$pid" || return 1
  life=$pid.$born
  started=$({ tr '\\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null)
  case $started in *supervisord*) ;; *) return 1 ;; esac
  for child in $children; do
    look_at "$child" && [ "$state" != Z ] || continue
    [ "$parent" != "$pid" ] || return 0
    unproven=1
  done
  [ -z "$unproven" ]
}
identify() {
  account=$(id -u)
  if is_visible; then
    while read -r key uid rest; do [ "$key" != Uid: ] || break; done <"/proc/$pid/status"
    read -r boot </proc/sys/kernel/random/boot_id
    space=$(readlink /proc/self/ns/pid 2>/dev/null)
    start=$(printf '%s|%s|%s|%s' "$started" "$uid" "$boot" "$space" | cksum | tr ' ' -)
    names=$start-$life
    case $kept in '' | "$names") ;; *) names="$names $kept" ;; esac
  else
    names=\${kept:-$words\${own:+-$account}}
    start= life=\${names##*-}
    case $life in *.*) start=\${names%-*} ;; esac
  fi
}

# Calls a command for each lock of a group under another life of this START, as $file, until one returns true. A
# supervisord that was restarted was one of these; if both are alive, they are two.
any_other_life() {
  [ -n "$start" ] || return 1
  for file in "$dir/orchestrate-$start-"*"-$1.lock"; do
    other=\${file#"$dir/orchestrate-$start-"}
    other=\${other%"-$1.lock"}
    case $other in '*' | "$life" | "\${kept##*-}" | *[!0-9.]*) continue ;; esac
    is_alive "$other" && is_alive "$life" && continue
    "$2" && return 0
  done
  return 1
}
`;

/**
 * The program that holds a host's locks and runs all commands under them: POSIX sh with flock(1) and timeout(1).
 *
 * It reads lines from stdin and answers with lines that start with its token, which its controller made up: output that the
 * programs under it print cannot be mistaken for its answers. It ends when stdin does, or when it has read nothing for
 * so long that its controller must be gone, but never before what it has started has ended. The locks are open files
 * of its own, so the kernel frees them with it, however it ends.
 *
 * Lines: `beat` · `take RECORD` · `run ID SECONDS COMMAND STDIN` (0: no limit) · `start` (the session) · `write TEXT` (to the
 * session)
 * Answers: `beat` · `held NAME` (of the supervisord) · `locked GROUP RECORDS` · `broken WHY` · `done ID OUTPUT|CODE` · `closed` (the session)
 * · `silent`. RECORDS and OUTPUT are hexadecimal; COMMAND, STDIN and TEXT are escaped as printf's %b reads them, spaces as well.
 * Each answer has a line break before it and one after it, which are its own: all else is output of the session.
 *
 * Arguments: token, seconds of silence, directory, what IDENTIFY needs (see IDENTITY_ARGUMENTS), the groups to lock (file
 * names, in one argument), then the command of the session, if there shall be one.
 *
 * A lock file is made once and then only opened, and each account writes into a record of its own: in a sticky folder
 * fs.protected_regular forbids to open another's file with O_CREAT, which is what a shell's `>` does.
 */
export const HOLDER_SCRIPT = `
token=$1 silence=$2
shift 2
${IDENTITY_ARGUMENTS}
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
# Of NAME/GROUP.
file_of() { file=$dir/orchestrate-\${1%/*}-\${1#*/}.lock; }

# Never through a link, and never over an existing one.
create() {
  [ -e "$1" ] || (umask "$2"; set -C; : >"$1") 2>/dev/null
  [ -f "$1" ] && [ ! -L "$1" ]
}
keep_records() {
  for lock in $locks; do
    file_of "$lock"
    create "$file.by-$account" 022 && printf '%s %s\\n' "$$" "$record" >"$file.by-$account"
  done 2>/dev/null
}
drop_records() {
  for lock in $locks; do
    file_of "$lock"
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

# Another rollout has $file, since before supervisord was restarted.
is_anothers() {
  [ -r "$file" ] || return 1
  flock -n 8 8<"$file"
  [ $? -eq 1 ] || return 1
  ours=\${record#*'"rollout":"'}
  for each in "$file".by-*; do
    { read -r holder text <"$each"; } 2>/dev/null && [ -d "/proc/$holder" ] || continue
    case $text in *'"rollout":"'"\${ours%%'"'*}"'"'*) return 1 ;; esac
  done
}

# One call within the other for each lock: a shell keeps the file of each level open until that level returns.
hold() {
  if [ -z "$1" ]; then
    shift
    for group in $groups; do
      any_other_life "$group" is_anothers || continue
      refuse "$group"
      return
    done
    held "$@"
    exit 0
  fi
  lock=\${1%% *}
  rest=\${1#"$lock"}
  rest=\${rest# }
  shift
  file_of "$lock"
  create "$file" 000 && [ -r "$file" ] || { say "broken no lock file can be made or opened in $dir"; return; }
  {
    flock -n 9
    case $? in
      0) hold "$rest" "$@" ;;
      1) refuse "\${lock#*/}" ;;
      *) say "broken flock(1) does not work on the host" ;;
    esac
  } 9<"$file"
}
held() {
  keep_records
  say "held \${names%% *}"
  if [ $# -eq 0 ]; then work; else work | { read -r line && "$@" 2>&1 | relay; say closed; cat >/dev/null; }; fi
  drop_records
}

# Reads to the end even when nobody listens: a supervisorctl whose output breaks off dies, and that between
# its stop and its start.
relay() { { cat || cat >/dev/null; } 2>/dev/null; }

work() {
  while hear; do
    case $line in
      beat) say beat ;;
      'run '*) run $line & ;;
      start) echo ;;
      'write '*) printf '%b' "\${line#write }" ;;
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
identify
locks=
for name in $names; do
  for group in $groups; do locks="\${locks:+$locks }$name/$group"; done
done
while hear; do
  case $line in
    beat) say beat ;;
    'take '*) record=\${line#take }; hold "$locks" "$@" ;;
  esac
done
`;
