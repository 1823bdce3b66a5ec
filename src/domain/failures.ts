/** What the process returns. See the README's table of exit codes. */
export const EXIT = { done: 0, halted: 1, invalid: 2, refused: 3, interrupted: 4, bug: 70 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface FailureKind {
  /** What it means, in a few words. */
  readonly title: string;
  /** What the operator can do about it. */
  readonly remedy: string;
}

interface InstanceFailureKind extends FailureKind {
  /**
   * Its process when it failed: `ended` if the new one has ended for good, so that an event listener may end supervisord
   * and what still runs is left over from the old one; `down` if none of its restart was running for another reason.
   */
  readonly process: "ended" | "down" | "may_run";
}

/** Every way in which one instance can fail. Codes are part of the contract: only ever added to. */
export const INSTANCE_FAILURES = {
  fatal: {
    process: "ended",
    title: "Supervisor gave up starting it",
    remedy: "Read its log below and fix the cause.",
  },
  exited: {
    process: "ended",
    title: "the process exited and Supervisor did not restart it",
    remedy: "Read its log below; a program that is meant to exit does not belong in a rollout.",
  },
  stayed_stopped: {
    process: "ended",
    title: "it is STOPPED after its restart",
    remedy:
      "Check that its command exists and is executable (supervisord says nothing more than STOPPED), then start it.",
  },
  unknown_state: {
    process: "down",
    title: "Supervisor itself does not know its state",
    remedy: "Look at supervisord's own log on that host before anything is restarted there.",
  },
  vanished: {
    process: "down",
    title: "Supervisor no longer lists it",
    remedy:
      "Its configuration was changed or `supervisorctl update` was run in the meantime: check it, then run the plan again.",
  },
  flapping: {
    process: "may_run",
    title: "it keeps exiting and being restarted by Supervisor",
    remedy:
      "Read its log below. Supervisor keeps restarting it: stop it with `supervisorctl stop` if that is causing damage.",
  },
  not_restarted: {
    process: "may_run",
    title: "supervisorctl returned, but the old process is still running",
    remedy: "Read what supervisorctl said, and run the same command on the host by hand.",
  },
  not_signalled: {
    process: "may_run",
    title: "supervisorctl did not send the signal",
    remedy: "Read what supervisorctl said. `signal` needs Supervisor 3.2 or later, and a signal by its name: HUP.",
  },
  not_stopped: {
    process: "may_run",
    title: "supervisorctl returned, but it is not stopped",
    remedy: "Read what supervisorctl said. Something may start it again: stop it on the host by hand.",
  },
  stop_deadline: {
    process: "down",
    title: "it did not stop within stop_deadline",
    remedy: "It may ignore its stop signal: check stopsignal and stopwaitsecs, or raise timings.stop_deadline.",
  },
  healthy_deadline: {
    process: "may_run",
    title: "it was not healthy within healthy_deadline",
    remedy: "Read its log below. If it is only slow, raise timings.healthy_deadline.",
  },
  check_failed: {
    process: "may_run",
    title: "it is running, but a check fails",
    remedy: "Run the check by hand where the plan runs it. If it only takes longer, raise timings.healthy_deadline.",
  },
  check_timed_out: {
    process: "may_run",
    title: "it is running, but a check does not answer",
    remedy: "Run the check by hand where the plan runs it, and compare with its timeout in the plan.",
  },
  hook_failed: {
    process: "may_run",
    title: "a hook of the plan failed",
    remedy: "Run the hook's command by hand where the plan runs it.",
  },
  regressed: {
    process: "may_run",
    title: "it was healthy after its restart but is no longer",
    remedy: "Read its log below. Nothing after it in the rollout was started.",
  },
  supervisor_ended: {
    process: "down",
    title: "supervisord itself ended after this restart",
    remedy:
      "Everything on this host is down. Read its log below: an event listener may end supervisord when a program fails. Start supervisord again, then resume.",
  },
  supervisor_restarted: {
    process: "may_run",
    title: "supervisord was restarted during the rollout",
    remedy:
      "Find out who restarted it (an upgrade of the package does). A new supervisord does not start what has autostart=false.",
  },
  leftovers: {
    process: "may_run",
    title: "processes of its old instance outlived its restart",
    remedy:
      "They may hold its port and answer in its place. Set stopasgroup=true and killasgroup=true for the program, so that Supervisor ends all of its processes; end the leftovers with `kill`; then resume.",
  },
  indeterminate: {
    process: "may_run",
    title: "the connection was lost during its restart and the result could not be determined",
    remedy: "Look at the instance on its host before anything else: the restart may or may not have happened.",
  },
} as const satisfies Record<string, InstanceFailureKind>;

export type InstanceFailureCode = keyof typeof INSTANCE_FAILURES;

/** What halts a rollout that is no failure of an instance. */
export const HALTS = {
  unreachable: {
    title: "a host was lost",
    remedy: "Make sure you can `ssh` to it again, then run the plan again.",
  },
  journal_unwritable: {
    title: "the journal could not be written",
    remedy: "Check for free disk space and that you own the state directory; then resume or run again.",
  },
  floor_not_met: {
    title: "too few instances were healthy to take down another",
    remedy: "Bring up the broken instances, or lower limits.min_healthy; then run the plan again.",
  },
  lock_lost: {
    title: "the lock of a host was lost",
    remedy: "Find out who holds it and what they did (`--dry-run` shows it), then resume.",
  },
} as const satisfies Record<string, FailureKind>;

/** Why a rollout halts after its start: the failure that exceeded the limit, or one of {@link HALTS}. */
export type HaltCode = InstanceFailureCode | keyof typeof HALTS;

/** Every reason to refuse before the first change (exit 3). */
export const REFUSALS = {
  unreachable: {
    title: "a host cannot be reached",
    remedy: "Try `ssh` to it with the same user and port. If the host is gone for good, remove it from the plan.",
  },
  authentication_failed: {
    title: "a host rejected our login",
    remedy: "Check ssh.user and ssh.identity_file, or load the key into the agent with `ssh-add`.",
  },
  host_key_unknown: {
    title: "a host's key is not in known_hosts",
    remedy:
      "Compare the fingerprint with the host's own (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`), then add it with `ssh`; or accept new hosts with ssh.host_key_checking: accept-new.",
  },
  host_key_changed: {
    title: "a host presented a different key from the one in known_hosts",
    remedy: "Do not continue until you know why. If the host was rebuilt, remove the old line with `ssh-keygen -R`.",
  },
  host_key_revoked: {
    title: "a host presented a revoked key",
    remedy:
      "Do not continue: anyone holding that key can impersonate the host. Give the host a new one before you remove the @revoked line.",
  },
  supervisor_unavailable: {
    title: "supervisorctl does not answer on a host",
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
  config_unreadable: {
    title: "Supervisor cannot read its configuration on a host",
    remedy: "Correct the file that is named; `supervisorctl reread` on the host says whether it is right.",
  },
  config_changed: {
    title: "Supervisor's configuration on a host is newer than the loaded one",
    remedy:
      "Load it with `--action update` or `config_changes: apply`, or restart with the loaded one by `config_changes: warn`.",
  },
  group_partly_selected: {
    title: "an update would take down instances that the plan does not update",
    remedy: "Name the whole group in `programs`, all of it with the same action, or leave the group out.",
  },
  program_not_found: {
    title: "a program of the plan does not exist on a host",
    remedy:
      "Compare `programs` with `supervisorctl status` there; a group's own `programs` can differ from the plan's.",
  },
  journal_unwritable: {
    title: "the journal cannot be written",
    remedy: "Check for free disk space and that you own the state directory; or choose another with --state-dir.",
  },
  locked: {
    title: "another rollout is running on a host",
    remedy: "Talk to its operator, or wait with --wait-for-lock 10m.",
  },
  lock_unavailable: {
    title: "a host cannot be locked",
    remedy:
      "It needs flock(1) and timeout(1) (util-linux and coreutils, or busybox) and a directory that everyone who deploys can write to: see lock.directory of the plan.",
  },
  two_names: {
    title: "two hosts in the plan are the same machine",
    remedy: "Remove one of them from the plan.",
  },
  floor_impossible: {
    title: "limits.min_healthy leaves no room for this rollout",
    remedy: "Lower limits.min_healthy, or bring up the missing instances first.",
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
  /** What the operator can do, where the reason says more than the code. */
  readonly remedy?: string;
}
