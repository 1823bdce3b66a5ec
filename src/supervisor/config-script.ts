/** Of each section; `environment`, `command` and passwords stay on the host. */
const KEYS = [
  "programs",
  "process_name",
  "priority",
  "autostart",
  "autorestart",
  "startsecs",
  "startretries",
  "stopwaitsecs",
  "stopasgroup",
  "exitcodes",
  "redirect_stderr",
  "stdout_logfile",
  "stderr_logfile",
] as const;

/** A key of a program's or group's section that is read. */
export type ConfigKey = (typeof KEYS)[number];

const LARGEST_FILE_BYTES = 1_000_000;
const MOST_FILES = 1000;
const MOST_BYTES = 500_000;

/**
 * Reads a file as Supervisor's parser does (Python's RawConfigParser): comments behind `;` and `#` at the start of a
 * line or behind a blank, values that continue on lines that are indented more than their key, `=` or `:`, names of keys
 * in any case. Prints each section that matters, and of its keys those that `keys` names, each on one line.
 */
const FILTER = String.raw`
function answered() { if (kept) print name "=" value; name = ""; kept = 0 }
function bare(s) { gsub(/^[ \t\r\f\v]+|[ \t\r\f\v]+$/, "", s); return s }
{
  line = $0
  if (match(" " line, /[ \t\r\f\v][;#]/)) line = substr(line, 1, RSTART - 1)
  text = bare(line)
  if (text == "") next
  match(line, /[^ \t\r\f\v]/)
  if (name != "" && RSTART > level) { value = value " " text; next }
  answered()
  level = RSTART
  if (match(text, /^\[[^]]+\]/)) {
    section = substr(text, 2, RLENGTH - 2)
    wanted = section ~ sections
    if (wanted) print "[" section "]"
  } else if (match(text, /[=:]/)) {
    name = tolower(bare(substr(text, 1, RSTART - 1)))
    value = bare(substr(text, RSTART + 1))
    kept = wanted && index(" " keys " ", " " name " ")
  }
}
END { answered() }
`;

/** Sets `main` to supervisord's config: `$1`, or where that is empty the one that supervisorctl, `$2`, would find. */
export const FIND_CONFIG = `
LC_ALL=C; export LC_ALL
main=$1
if [ -z "$main" ]; then
  found=$(command -v -- "$2") && found=$(dirname -- "$(dirname -- "$found")")
  for each in "$found/etc/supervisord.conf" "$found/supervisord.conf" supervisord.conf etc/supervisord.conf \\
    /etc/supervisord.conf /etc/supervisor/supervisord.conf; do
    [ -e "$each" ] && main=$each && break
  done
fi
`;

/**
 * A shell script for the host. `$1` is supervisord's config, or empty: then the one that supervisorctl, `$2`, would
 * find. `$3` is supervisord's pid, or empty: where it can be seen, `supervisord AGE` is printed. Prints for that file and each that it includes `file AGE PATH`, the age in seconds or `-`, then what `FILTER`
 * lets through, and in the end `end`. What the login may not read, or a host without these commands, prints less.
 */
export const CONFIG_SCRIPT = `
${FIND_CONFIG}[ -r "$main" ] && cd "$(dirname -- "$main")" || exit 0
main=$PWD/$(basename -- "$main")
now=$(date +%s)
filter() { awk -v sections="$2" -v keys="$3" '${FILTER}' "$1"; }
included=$(filter "$main" '^include$' files | sed -n 's/^files=//p' | tail -n 1 |
  sed "s#%(here)s#$PWD#g; s#%(host_node_name)s#$(uname -n)#g; s#%%#%#g")
if [ -n "$3" ] && ps -o args= -p "$3" 2>/dev/null | grep -q supervisord; then
  age=$(ps -o etimes= -p "$3" 2>/dev/null | tr -d ' ') && [ -n "$age" ] && echo "supervisord $age"
fi
files=0
{
  for each in "$main" $included; do
    case $each in /*) ;; *) each=$PWD/$each ;; esac
    [ -f "$each" ] && [ -r "$each" ] && [ "$(wc -c <"$each")" -le ${LARGEST_FILE_BYTES} ] || continue
    files=$((files + 1)); [ "$files" -le ${MOST_FILES} ] || break
    written=$(stat -L -c %Y "$each" 2>/dev/null) && age=$((now - written)) || age=-
    echo "file $age $each"
    filter "$each" '^(program|fcgi-program|eventlistener|group):' '${KEYS.join(" ")}'
  done
  [ "$files" -le ${MOST_FILES} ] && echo end
} | awk '{ bytes += length($0) + 1 } bytes > ${MOST_BYTES} { exit } { print }'
exit 0
`;
