import type { Argv, RunOutcome } from "../../executor/ports.ts";

/**
 * Ends a command when its time is up, on whatever host it runs. Shell text, given the seconds and the command:
 * - `timeout` is tried first: there are hosts without it, and old ones of busybox want other arguments.
 * - KILL, since that is all that every `timeout` can do to what ignores TERM; nothing bounded is a change.
 * - What sudo started only root may kill, so `timeout` goes inside, if the sudoers let it.
 * - The inner shell says of a missing command what shells say.
 */
const SCRIPT = `
seconds=$1; shift
run='exec "$@"'
timeout -s KILL 9 true 2>/dev/null || exec "$@"
[ "$1 $2" = "sudo -n" ] || exec timeout -s KILL "$seconds" sh -c "$run" sh "$@"
shift 2
sudo -n -l timeout -s KILL "$seconds" sh -c "$run" sh "$@" >/dev/null 2>&1 || exec sudo -n "$@"
exec sudo -n timeout -s KILL "$seconds" sh -c "$run" sh "$@"
`.trim();

/** The command, bounded on the host itself: it would outlive its channel, its connection, and us. */
export function boundedArgv(argv: Argv, timeoutMs: number): Argv {
  return ["sh", "-c", SCRIPT, "sh", String(hostBoundMs(timeoutMs) / 1000), ...argv];
}

/** When the host ends a command: at whole seconds, since not every `timeout` knows parts of them. */
export function hostBoundMs(timeoutMs: number): number {
  return Math.ceil(timeoutMs / 1000) * 1000;
}

/**
 * What was killed once its time was up was ended by its bound on the host: word of that may come to us before our own
 * timer does, if we were busy.
 *
 * @param startedAt when it was started or before, by `performance.now()`
 */
export function orTimedOut(outcome: RunOutcome, startedAt: number, timeoutMs: number | undefined): RunOutcome {
  const isInTime = timeoutMs === undefined || performance.now() - startedAt < timeoutMs;
  return isInTime || outcome.kind !== "signalled" ? outcome : { kind: "timed_out", afterMs: timeoutMs };
}
