/** A kind of fault in a plan, as docs/plan-errors.md explains it. */
export interface PlanErrorKind {
  readonly meaning: string;
  readonly remedy: string;
  readonly example: PlanErrorExample;
}

/** The smallest plan that has the fault. */
export interface PlanErrorExample {
  readonly plan: string;
  /** Other files next to the plan, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** The JSON that ansible-inventory prints. */
  readonly inventory?: string;
  /** Settings of the command line. */
  readonly settings?: readonly string[];
  /** The plan's encoding, where it is not UTF-8. */
  readonly encoding?: "latin1";
}

/** What every plan needs; an example adds its fault to it. */
const WEB = "programs: web\nhosts: { web-1: }\n";
const WEBS = "programs: web\nhosts:\n  web-[1-3]:\n";

function tenTimes(text: string): string {
  return Array(10).fill(text).join(", ");
}

/**
 * Every fault that a plan may have. Codes are part of the contract: only ever added to.
 * (Only the codes are in the program; the texts are in its documentation.)
 */
export const PLAN_ERRORS = {
  file_not_found: {
    meaning: "The plan, or a file that it extends, does not exist.",
    remedy: "Correct the path. Paths after `extends` are relative to the file in which they stand.",
    example: { plan: `extends: bse.yaml\n${WEB}`, files: { "base.yaml": "" } },
  },
  file_unreadable: {
    meaning: "The plan, or a file that it extends, cannot be read.",
    remedy: "Name a file, and check its permissions.",
    example: { plan: `extends: bases\n${WEB}`, files: { "bases/web.yaml": "" } },
  },
  not_utf8: {
    meaning: "The file is not text in UTF-8.",
    remedy: "Save it as UTF-8.",
    example: { plan: "programs: web\nhosts: { caf\u00e9-1: }\n", encoding: "latin1" },
  },
  empty_plan: {
    meaning: "The file holds nothing, or comments only.",
    remedy: "Add at least `programs` and `hosts`.",
    example: { plan: "# to be written\n" },
  },
  invalid_setting: {
    meaning: "A `--set` of the command line is not `KEY=VALUE`, or its value is not YAML.",
    remedy: "Write the path of a key as errors show it, and its value as in a plan. A list is set as a whole.",
    example: { plan: WEB, settings: ["timings.between_restarts"] },
  },
  extends_circle: {
    meaning: "A plan extends itself, perhaps by way of others.",
    remedy: "Remove one `extends` of the circle.",
    example: { plan: `extends: base.yaml\n${WEB}`, files: { "base.yaml": "extends: plan.yaml\n" } },
  },
  abstract_plan: {
    meaning: "The plan is only a base for others: it has `abstract: true`.",
    remedy: "Run one of the plans that extend it, or remove `abstract`.",
    example: {
      plan: "abstract: true\nprograms: web\n",
      files: { "prod.yaml": "extends: plan.yaml\nhosts: { web-1: }\n" },
    },
  },
  null_without_effect: {
    meaning: "A warning: a `null` takes away what no extended plan has. It may be a misspelt name.",
    remedy: "Correct the name, or remove the line.",
    example: {
      plan: `extends: base.yaml\n${WEB}hooks: { before_host: null }\n`,
      files: { "base.yaml": "hooks: { after_host: lb enable }\n" },
    },
  },
  nothing_left: {
    meaning: "`null` takes away all that a plan needs at least one of.",
    remedy: "Leave one, or add others.",
    example: { plan: "extends: base.yaml\nhosts: { web-1: null }\n", files: { "base.yaml": WEB } },
  },
  yaml_syntax: {
    meaning: "The file is not valid YAML. What follows cannot be read, so more faults may show up later.",
    remedy: "Fix the line that is named, or the one before it: a bracket or quote is open, or the indentation is off.",
    example: { plan: "programs: web\nhosts: { web-1:\n" },
  },
  yaml_tab: {
    meaning: "A line is indented with a tab. YAML allows spaces only.",
    remedy: "Replace it by spaces.",
    example: { plan: "programs: web\nhosts:\n\tweb-1:\n" },
  },
  yaml_quotes: {
    meaning: "A value starts with a character that has a meaning in YAML, such as `@`, `*` or `%`.",
    remedy: "Put the value into quotes.",
    example: { plan: `${WEB}groups:\n  web: { hosts: web-1 }\n  all: { hosts: @web }\n` },
  },
  yaml_alias: {
    meaning: "A `*name` without quotes is a YAML alias, and it refers to nothing or to itself.",
    remedy: "Put a glob into quotes; give an alias an `&name` before it.",
    example: { plan: `${WEB}groups: { web: { hosts: *-1 } }\n` },
  },
  yaml_tag: {
    meaning: "A value starts with `!`, which is a YAML tag, and a plan has none.",
    remedy: "Put an exclusion into quotes; remove any other tag.",
    example: { plan: `${WEBS}groups: { web: { hosts: ["web-*", !web-2] } }\n` },
  },
  yaml_merge: {
    meaning: "`<<` merges something that is not a map.",
    remedy: "Merge an alias of a map: `<<: *name`.",
    example: { plan: "programs: web\nhosts: { web-1: { <<: deploy } }\n" },
  },
  yaml_key: {
    meaning: "A key is a list or a map.",
    remedy: "Use plain text as the key.",
    example: { plan: "programs: web\nhosts:\n  ? [web-1, web-2]\n  :\n" },
  },
  yaml_documents: {
    meaning: "The file has more than one YAML document.",
    remedy: "Remove the line `---`, or split the file in two.",
    example: { plan: `${WEB}---\nhosts: { web-2: }\n` },
  },
  yaml_version: {
    meaning: "The file asks for another version of YAML.",
    remedy: "Remove the `%YAML` line: plans are YAML 1.2.",
    example: { plan: `%YAML 1.1\n---\n${WEB}` },
  },
  yaml_too_deep: {
    meaning: "Lists or maps are nested more than 100 levels deep.",
    remedy: "Remove brackets: no key of a plan is that deep.",
    example: { plan: `${WEB}vars: ${"[".repeat(101)}${"]".repeat(101)}\n` },
  },
  yaml_too_large: {
    meaning: "With its aliases filled in, the plan has more than a million values.",
    remedy: "Use fewer aliases of aliases.",
    example: {
      plan: ["a: &a 1", "b: &b", "c: &c", "d: &d", "e: &e", "f: &f", "g: &g", "h: &h"]
        .map((line, index) => (index === 0 ? line : `${line} [${tenTimes("*" + "abcdefg".charAt(index - 1))}]`))
        .join("\n"),
    },
  },
  duplicate_key: {
    meaning: "A map has the same key twice.",
    remedy: "Remove one of them, or merge their values.",
    example: { plan: "programs: web\nhosts:\n  web-1: { address: 10.0.0.1 }\n  web-1: { address: 10.0.0.2 }\n" },
  },
  unknown_key: {
    meaning: "The plan language has no such key at this place.",
    remedy: "Use the key that is suggested, or one that is known here. See the [plan reference](plan-reference.md).",
    example: { plan: `${WEB}batchs: { hosts: 2 }\n` },
  },
  missing_key: {
    meaning: "A key that this part of a plan needs is not there.",
    remedy: "Add it.",
    example: { plan: "programs: web\n" },
  },
  invalid_key: {
    meaning: "A name that you may choose has a form that does not work.",
    remedy: "Choose a name of letters, digits and `_`.",
    example: { plan: `${WEB}vars: { 2nd-zone: b }\n` },
  },
  invalid_value: {
    meaning: "A value is of the wrong kind, not one of those that are allowed, or out of bounds.",
    remedy: "Use what the message names. The [plan reference](plan-reference.md) has an example for each key.",
    example: { plan: `${WEB}timings: { between_restarts: 10 }\n` },
  },
  variable_not_set: {
    meaning: "`${NAME}` refers to an environment variable that is not set and has no default.",
    remedy: "Set the variable, or write `${NAME:-default}`. `$${` is the text `${`.",
    example: { plan: "programs: ${PROGRAM}\nhosts: { web-1: }\n" },
  },
  malformed_reference: {
    meaning: "A `${` starts no reference to an environment variable.",
    remedy: "Write `${NAME}` or `${NAME:-default}`, and `$${` for the text `${`.",
    example: { plan: 'programs: web\nhosts: { web-1: { address: "${}" } }\n' },
  },
  inventory_unreadable: {
    meaning: "Ansible's inventory cannot be read.",
    remedy: "Run `ansible-inventory -i FILE --list` and fix what it reports.",
    example: { plan: "programs: web\nhosts_from: { ansible: inventory.ini }\n", inventory: "no JSON" },
  },
  inventory_empty: {
    meaning: "The inventory has no hosts.",
    remedy: "Check that the path leads to the right inventory.",
    example: { plan: "programs: web\nhosts_from: { ansible: inventory.ini }\n", inventory: "{}" },
  },
  inventory_template: {
    meaning: "A variable of the inventory is a Jinja template. Only a playbook can fill it in.",
    remedy: "Set the value in the plan, under `hosts`.",
    example: {
      plan: "programs: web\nhosts_from: { ansible: inventory.ini }\n",
      inventory: '{ "_meta": { "hostvars": { "web-1": { "ansible_host": "{{ ip }}" } } } }',
    },
  },
  invalid_host_name: {
    meaning: "A key of `hosts` cannot be the name of a host.",
    remedy: "Choose another name, and put address, port and user under it.",
    example: { plan: 'programs: web\nhosts: { "deploy@web-1": }\n' },
  },
  invalid_node_set: {
    meaning: "The brackets in a name cannot be read, or stand for too many names.",
    remedy: "Write numbers: `web-[01-08]`, `rack-[1,3,5-7]`.",
    example: { plan: "programs: web\nhosts:\n  web-[08-01]:\n" },
  },
  duplicate_host: {
    meaning: "Two keys of `hosts` name the same host.",
    remedy: "Remove it from one of them.",
    example: { plan: "programs: web\nhosts:\n  web-[1-3]:\n  web-2: { address: 10.0.0.2 }\n" },
  },
  address_of_many: {
    meaning: "A node set of several hosts has one address.",
    remedy: "Give each host a key of its own, or remove the address.",
    example: { plan: "programs: web\nhosts:\n  web-[1-3]: { address: 10.0.0.1 }\n" },
  },
  same_supervisord: {
    meaning: "Two hosts lead to the same supervisord: everything there would be restarted twice.",
    remedy: "Remove one of them, or give them different addresses, ports or supervisor settings.",
    example: { plan: "programs: web\nhosts:\n  web-1: { address: 10.0.0.1 }\n  web-one: { address: 10.0.0.1 }\n" },
  },
  host_in_no_wave: {
    meaning: "The plan has a host that no wave restarts. A warning where `rollout` narrows a plan that is extended.",
    remedy: "Add it to a group that `rollout` lists, or remove it from the plan.",
    example: { plan: `${WEBS}groups: { web: { hosts: web-1 } }\n` },
  },
  no_waves: {
    meaning: "No group of the rollout has a host.",
    remedy: "Correct the patterns of one of them, or list another group.",
    example: {
      plan: `${WEB}groups: { web: { hosts: "web-*" }, jobs: { hosts: ["web-*", "!web-*"] } }\nrollout: [{ group: jobs }]\n`,
    },
  },
  invalid_group_name: {
    meaning: "The name of a group would not work as `@name`.",
    remedy: "Use letters, digits, `_`, `-` and `.`, with a letter or digit first.",
    example: { plan: `${WEB}groups: { "web front": { hosts: web-1 } }\n` },
  },
  empty_group: {
    meaning: "A warning: the patterns of a group leave no host, so the group makes no wave.",
    remedy: "Correct the patterns if that is a mistake. If another environment has such hosts, leave it.",
    example: { plan: `${WEB}groups:\n  web: { hosts: web-1 }\n  rest: { hosts: ["*", "!web-*"] }\n` },
  },
  group_circle: {
    meaning: "Groups include each other in a circle.",
    remedy: "Remove one `@group` of the circle.",
    example: { plan: `${WEB}groups:\n  a: { hosts: [web-1, "@b"] }\n  b: { hosts: "@a" }\n` },
  },
  groups_disagree: {
    meaning: "A host is in two groups that give it different settings, and neither is nearer than the other.",
    remedy: "Set the value on the host.",
    example: {
      plan: `${WEB}groups:\n  a: { hosts: web-1, ssh: { user: deploy } }\n  b: { hosts: web-1, ssh: { user: root } }\n`,
    },
  },
  unknown_host: {
    meaning: "A pattern names a host that is not in the plan.",
    remedy: "Correct the name, or add the host under `hosts`.",
    example: { plan: `${WEB}groups: { web: { hosts: web-01 } }\n` },
  },
  unknown_group: {
    meaning: "`rollout` or a pattern names a group that is not in the plan.",
    remedy: "Correct the name, or add the group under `groups`.",
    example: { plan: `${WEB}groups: { web: { hosts: web-1 } }\nrollout: [{ group: wbe }]\n` },
  },
  no_host_matches: {
    meaning: "A warning: a glob, or a whole node set, matches no host of the plan.",
    remedy: "Correct it if it is a mistake. If it is for other environments that share the group, leave it.",
    example: { plan: `${WEB}groups: { web: { hosts: ["web-*", "mail-*"] } }\n` },
  },
  too_many_globs: {
    meaning: "A node set in a glob stands for more than 1000 globs.",
    remedy: "Use a shorter range, or `*` in its place.",
    example: { plan: `${WEB}groups: { web: { hosts: "web-[1-2000]*" } }\n` },
  },
  exclusion_too_early: {
    meaning: "A `!pattern` comes before the pattern to which it is an exception, so it excludes nothing.",
    remedy: "Put it after that pattern.",
    example: { plan: `${WEBS}groups: { web: { hosts: ["!web-2", "web-*"] } }\n` },
  },
  exclusion_matches_nothing: {
    meaning: "A warning: the glob of a `!pattern` matches no host of the plan.",
    remedy: "Correct it if it is a mistake. If it is for other plans that share the group, leave it.",
    example: { plan: `${WEB}groups: { web: { hosts: ["web-*", "!old-*"] } }\n` },
  },
  excludes_no_program: {
    meaning: "A `!program` takes nothing away: no program that stands before it in the list can be it.",
    remedy: "Put it after the program that it is an exception to, correct its name, or remove it.",
    example: { plan: 'programs: [web, "!migrate"]\nhosts: { web-1: }\n' },
  },
  settings_of_exclusion: {
    meaning: "A `!program` has settings. A program that is left out is not restarted, and has none.",
    remedy: "Remove the settings, or the `!`.",
    example: { plan: 'programs: { "*": , "!migrate": { checks: [] } }\nhosts: { web-1: }\n' },
  },
  program_listed_before: {
    meaning:
      "A warning: settings of a program never apply, because a program before it in the list names the same instances.",
    remedy: "Put the narrower one first: an instance has the settings of the first that names it.",
    example: { plan: 'programs:\n  - "*"\n  - web: { checks: [] }\nhosts: { web-1: }\n' },
  },
  duplicate_wave: {
    meaning: "`rollout` lists a group twice.",
    remedy: "Remove one of the entries.",
    example: { plan: `${WEB}groups: { web: { hosts: web-1 } }\nrollout:\n  - group: web\n  - group: web\n` },
  },
  duration_zero: {
    meaning: "A duration is zero where that cannot work.",
    remedy: "Use a longer one.",
    example: { plan: `${WEB}timings: { healthy_deadline: 0s }\n` },
  },
  duration_too_long: {
    meaning: "A duration is longer than a week.",
    remedy: "Use a shorter one.",
    example: { plan: `${WEB}timings: { stop_deadline: 200h }\n` },
  },
  deadline_too_short: {
    meaning: "No instance could become healthy before `healthy_deadline`: it needs at least that long.",
    remedy: "Raise `healthy_deadline`, or lower `min_healthy_time`, `passes` or `between_checks`.",
    example: { plan: `${WEB}timings: { min_healthy_time: 3m, healthy_deadline: 2m }\n` },
  },
  sliding_list: {
    meaning: "A list of batch sizes grows from batch to batch, and mode `sliding` has no batches.",
    remedy: "Use one number or percentage, or `mode: lockstep`.",
    example: { plan: `${WEB}batches: { mode: sliding, hosts: [1, 50%] }\n` },
  },
  min_healthy_too_high: {
    meaning: "`min_healthy` is 100%, so that no instance may ever be down.",
    remedy: "Use a lower percentage: 75% allows a quarter to be down at a time.",
    example: { plan: `${WEB}limits: { min_healthy: 100% }\n` },
  },
  home_in_command: {
    meaning: "supervisor.command starts with `~`, and no shell is there to replace it.",
    remedy: "Write the full path on the host.",
    example: { plan: `${WEB}supervisor: { command: ~/venv/bin/supervisorctl }\n` },
  },
  status_without_http: {
    meaning: "A check that is not an `http` check has a `status`.",
    remedy: "Remove the `status`.",
    example: { plan: `${WEB}checks:\n  - { tcp: "127.0.0.1:8080", status: 204 }\n` },
  },
  password_in_url: {
    meaning: "The URL of a check contains a password. It would be written into the journal.",
    remedy: "Put it into an environment variable and write `${NAME}`.",
    example: { plan: `${WEB}checks:\n  - http: "http://admin:secret@127.0.0.1/"\n` },
  },
  invalid_url: {
    meaning: "The URL of a check cannot be requested, whatever its placeholders stand for.",
    remedy: "Correct the host or the port.",
    example: { plan: `${WEB}checks:\n  - http: "http://127.0.0.1:0/"\n` },
  },
  invalid_address: {
    meaning: "A `tcp` check needs an address and a port.",
    remedy: "Write `127.0.0.1:8080` or, for IPv6, `[::1]:8080`.",
    example: { plan: `${WEB}checks:\n  - tcp: "8080"\n` },
  },
  unknown_placeholder: {
    meaning: "A check, a hook or a setting of the connection has a `{name}` that is not a placeholder.",
    remedy: "Correct it. Variables of your own are `{vars.NAME}`; `{{name}}` is the text `{name}`.",
    example: { plan: `${WEB}checks:\n  - command: "ready {proces}"\n` },
  },
  placeholder_not_here: {
    meaning: "A placeholder stands where it has no value: before_host, for example, is about no instance.",
    remedy: "Use one of those that are known here, or another hook. Other texts of a plan take none at all.",
    example: { plan: `${WEB}hooks: { before_host: "drain {instance}" }\n` },
  },
  placeholder_in_quotes: {
    meaning: "A placeholder stands in quotes of a shell command. Its value is quoted already and would end them.",
    remedy: "End the quotes before it: `'text '{instance}' text'`.",
    example: { plan: `${WEB}hooks: { before_restart: "drain '{instance}'" }\n` },
  },
  placeholder_after_backslash: {
    meaning: "A placeholder or reference stands after a backslash, which would break the quotes of its value.",
    remedy: "Remove the backslash; `{{name}}` is the text `{name}`, `$${` the text `${`.",
    example: { plan: `${WEB}hooks: { before_restart: 'drain \\{instance}' }\n` },
  },
  placeholder_in_comment: {
    meaning: "A placeholder stands in a comment of a shell command.",
    remedy: "Remove it, or write `{{name}}`.",
    example: { plan: `${WEB}hooks: { before_restart: "drain # {instance}" }\n` },
  },
  var_not_set: {
    meaning:
      "A check, a hook or a setting of the connection uses `{vars.NAME}` on hosts for which no `vars` has that name.",
    remedy: "Add it to the `vars` of the plan, of the wave's group or of the host.",
    example: { plan: `${WEB}hooks: { before_host: "drain {vars.zone}" }\n` },
  },
} as const satisfies Readonly<Record<string, PlanErrorKind>>;

/** Stable: editors, scripts and suppressions rely on it. */
export type PlanErrorCode = keyof typeof PLAN_ERRORS;
