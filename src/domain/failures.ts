/** What the process returns. See the README's table of exit codes. */
export const EXIT = { done: 0, halted: 1, invalid: 2, refused: 3, interrupted: 4, bug: 70 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface FailureKind {
  /** What it means, in a few words. */
  readonly title: string;
  /** What the operator can do about it. */
  readonly remedy: string;
}

/** Every way in which one instance can fail. Codes are part of the contract: only ever added to. */
export const INSTANCE_FAILURES = {
  fatal: {
    title: "Supervisor gave up starting it",
    remedy: "Read its log below and mend the cause.",
  },
  exited: {
    title: "it ended by itself and Supervisor left it so",
    remedy: "Read its log below; a program that is meant to end does not belong in a rollout.",
  },
  stayed_stopped: {
    title: "it is STOPPED after its restart",
    remedy:
      "See that its command's file exists and may be executed (supervisord says nothing more than STOPPED), then start it.",
  },
  unknown_state: {
    title: "Supervisor itself does not know its state",
    remedy: "Look at supervisord's own log on that host before anything is restarted there.",
  },
  vanished: {
    title: "Supervisor does not list it any more",
    remedy: "Somebody ran `supervisorctl update` or changed its config meanwhile: check it, then run the plan again.",
  },
  flapping: {
    title: "it runs, dies, and is started again by Supervisor",
    remedy:
      "Read its log below. Supervisor goes on restarting it: stop it with `supervisorctl stop` if that does harm.",
  },
  not_restarted: {
    title: "supervisorctl returned but the old process is still there",
    remedy: "Read what supervisorctl said; try the same command on the host by hand.",
  },
  stop_deadline: {
    title: "it did not stop within stop_deadline",
    remedy: "It may ignore its stop signal: check stopsignal and stopwaitsecs, or raise timings.stop_deadline.",
  },
  healthy_deadline: {
    title: "it was not healthy within healthy_deadline",
    remedy: "Read its log below; raise timings.healthy_deadline if it is only slow.",
  },
  check_failed: {
    title: "it runs, but a check of it does not pass",
    remedy: "Run the check by hand where the plan runs it; raise timings.healthy_deadline if it only takes longer.",
  },
  check_timed_out: {
    title: "it runs, but a check of it does not answer",
    remedy: "Run the check by hand where the plan runs it; see its timeout in the plan.",
  },
  hook_failed: {
    title: "a hook of the plan failed",
    remedy: "Run the hook's command by hand where the plan runs it.",
  },
  regressed: {
    title: "it was healthy after its restart and is not any more",
    remedy: "Read its log below; what came after it in the rollout was not begun.",
  },
  supervisor_ended: {
    title: "supervisord itself ended after this restart",
    remedy:
      "Everything on this host is down. Read its log below: an event listener may end supervisord when a program fails. Start supervisord again, then resume.",
  },
  supervisor_restarted: {
    title: "supervisord was restarted during the rollout",
    remedy:
      "Find out who restarted it (an upgrade of the package does). A new supervisord does not start what has autostart=false.",
  },
  leftovers: {
    title: "processes of its old instance outlived its restart",
    remedy:
      "They may hold its port and answer in its place. Set stopasgroup=true and killasgroup=true for the program, so that Supervisor ends all of its processes; end what is left with `kill`; then resume.",
  },
  indeterminate: {
    title: "the connection was lost while it was being restarted, and what became of it could not be seen",
    remedy: "Look at the instance on its host before anything else: the restart may have been done or not.",
  },
} as const satisfies Record<string, FailureKind>;

export type InstanceFailureCode = keyof typeof INSTANCE_FAILURES;

/** What halts a rollout that is no failure of an instance. */
export const HALTS = {
  unreachable: {
    title: "a host was lost",
    remedy: "See that it answers to `ssh` again, then run the plan again.",
  },
  journal_unwritable: {
    title: "the journal could not be written",
    remedy: "See that there is room on the disk and that the state directory is yours; then resume or run again.",
  },
  floor_not_met: {
    title: "too few instances were healthy to take down another",
    remedy: "Bring up what is broken, or lower limits.min_healthy; then run the plan again.",
  },
  lock_lost: {
    title: "the lock of a host was lost",
    remedy: "See who has it and what they did (`--dry-run` tells), then resume.",
  },
} as const satisfies Record<string, FailureKind>;

/** Why a rollout that had begun goes no further: the failure that was one too many, or what is in {@link HALTS}. */
export type HaltCode = InstanceFailureCode | keyof typeof HALTS;

/** Every reason to refuse before the first change (exit 3). */
export const REFUSALS = {
  unreachable: {
    title: "a host cannot be reached",
    remedy: "Try `ssh` to it with the same user and port; a host that is gone for good can be taken out of the plan.",
  },
  authentication_failed: {
    title: "a host does not let us in",
    remedy: "Check ssh.user and ssh.identity_file, or load the key into the agent with `ssh-add`.",
  },
  host_key_unknown: {
    title: "a host's key is not in known_hosts",
    remedy:
      "Compare the fingerprint with the host's own (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`), then add it with `ssh`; or let new hosts in with ssh.host_key_checking: accept-new.",
  },
  host_key_changed: {
    title: "a host shows another key than known_hosts has",
    remedy: "Do not go on before you know why. If the host was rebuilt, remove the old line with `ssh-keygen -R`.",
  },
  host_key_revoked: {
    title: "a host shows a key that somebody has revoked",
    remedy:
      "Do not go on: whoever holds that key may pose as the host. Give the host a new one before you take the @revoked line away.",
  },
  supervisor_unavailable: {
    title: "supervisorctl gives no answer on a host",
    remedy: "Run it there by hand; see supervisor.command, .sudo, .config and .server_url of the plan.",
  },
  status_unreadable: {
    title: "a line of `supervisorctl status` was not understood",
    remedy:
      "Run it on the host by hand. A wrapper in place of supervisorctl must print its output unchanged, and a process name must not contain control characters.",
  },
  not_addressable: {
    title: "supervisorctl cannot restart one of the selected processes by itself",
    remedy: "Rename the process (process_name in the configuration of its program), or leave it out of `programs`.",
  },
  program_not_found: {
    title: "a program of the plan does not exist on a host",
    remedy:
      "Compare `programs` with `supervisorctl status` there; a group's own `programs` can differ from the plan's.",
  },
  journal_unwritable: {
    title: "the journal cannot be kept",
    remedy:
      "See that there is room on the disk, and that the state directory is yours; or choose another with --state-dir.",
  },
  locked: {
    title: "somebody else is at work on a host",
    remedy: "Talk to them, or wait with --wait-for-lock 10m.",
  },
  lock_unavailable: {
    title: "a host cannot be locked",
    remedy:
      "It needs flock(1) and timeout(1) (util-linux and coreutils, or busybox) and a folder that all who deploy may write to: see lock.directory of the plan.",
  },
  two_names: {
    title: "two hosts of the plan are one",
    remedy: "Take one of the names out of the plan.",
  },
  floor_impossible: {
    title: "limits.min_healthy leaves no instance that may be restarted",
    remedy: "Lower limits.min_healthy, or bring up what is missing first.",
  },
  placeholder_unusable: {
    title: "a check or hook cannot be filled in for an instance",
    remedy:
      "Use a placeholder that the instance has ({process}, {vars.NAME}), or leave the instance out of this group's programs.",
  },
  unknown_state: INSTANCE_FAILURES.unknown_state,
} as const satisfies Record<string, FailureKind>;

export type RefusalCode = keyof typeof REFUSALS;

/** A reason to refuse, with what was seen. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly host?: string;
  readonly reason: string;
  /** What the operator can do, where the reason tells more than the code does. */
  readonly remedy?: string;
}
