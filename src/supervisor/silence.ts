/** What supervisorctl's words say of a supervisord that gives it no states. */
export type Silence =
  /** It answers, and takes nothing on any more. */
  | "shutting_down"
  /** Nobody listens where it did. */
  | "no_listener";

const SHUTTING_DOWN = /\bSHUTDOWN_STATE\b/;

/** supervisor/supervisorctl.py, `upcheck`; and what docker and podman say of a container that ended with its supervisord. */
const NO_LISTENER: readonly RegExp[] = [
  /^\S+ (?:refused connection|no such file)$/m,
  /\bConnectionRefusedError\b/,
  /\bcontainer \S+ is not running\b/i,
  /\bno such container\b/i,
  /\bcontainer state improper\b/i,
];

/** Undefined where the words say nothing about supervisord itself: it may hang, or not let us in. */
export function silenceIn(text: string): Silence | undefined {
  if (SHUTTING_DOWN.test(text)) return "shutting_down";
  return NO_LISTENER.some((pattern) => pattern.test(text)) ? "no_listener" : undefined;
}
