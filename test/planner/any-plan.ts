import fc from "fast-check";

/** Plans in which most values are good, and good ones for each key that there is. */
export const anyPlan = plansWith({
  quantity: mostly([1, 2, "50%", "100%", 3, 7, "33.3%", "2"], [0, "200%"]),
  duration: mostly(["1s", "5s", "1m30s", "500ms"], ["2h", "0s"]),
  host: fc.constantFrom("a", "b", "web-[1-3]", "db-[01-02]"),
  pattern: mostly(["*"], ["a", "web-*", "@g1", "!b", "web-[1-2]"]),
  program: fc.constantFrom("x", "y", "mail:*", "x:x_1", "wor?er", "*", "web:web"),
  url: mostly(
    ["http://{address}:80{number}/{vars.zone}", "http://a/?t=${A}", "https://[::1]:8/", "http://[{address}]:8/"],
    ["http://{hots}/"],
  ),
  address: mostly(["{address}:{vars.port}", "127.0.0.1:80", "[::1]:80{number}", "${A}"], ["nowhere"]),
  command: mostly(
    ["drain {host}", "x '${ODD}' {vars.zone}", "echo $${A} {{host}} {a,b}"],
    ["enable {instance} {number}", "'{host}'"],
  ),
});

/** One in sixty is of the second kind. */
function mostly<Value>(good: readonly Value[], bad: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 59, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );
}

interface Values {
  readonly quantity: fc.Arbitrary<unknown>;
  readonly duration: fc.Arbitrary<string>;
  readonly host: fc.Arbitrary<string>;
  readonly pattern: fc.Arbitrary<string>;
  readonly program: fc.Arbitrary<string>;
  readonly url: fc.Arbitrary<string>;
  readonly address: fc.Arbitrary<string>;
  readonly command: fc.Arbitrary<string>;
}

function plansWith({
  quantity,
  duration,
  host,
  pattern,
  program,
  url,
  address,
  command,
}: Values): fc.Arbitrary<object> {
  const some = (keys: Readonly<Record<string, fc.Arbitrary<unknown>>>) => fc.record(keys, { requiredKeys: [] });
  const each = (keys: readonly string[], value: fc.Arbitrary<unknown>) =>
    some(Object.fromEntries(keys.map((key) => [key, value])));
  const every = (keys: readonly string[], value: fc.Arbitrary<unknown>) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, value])));
  const listOf = (value: fc.Arbitrary<unknown>) => fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 }));
  const from = fc.constantFrom("host", "controller");
  const check = fc.oneof(
    some({ from, timeout: duration, status: fc.constant(204) }).chain((more) => url.map((http) => ({ http, ...more }))),
    address.map((tcp) => ({ tcp })),
    fc.tuple(command, from).map(([text, where]) => ({ command: text, from: where })),
  );
  const hook = fc.oneof(
    command,
    fc.tuple(command, from).map(([text, run]) => ({ command: text, run })),
    fc.tuple(command, duration).map(([text, timeout]) => ({ command: text, timeout, on_error: "warn" })),
  );
  const ofSeveral = mostly(["./lb {hosts_list} {vars.zone}"], ["./announce {wave} {hosts} '${A}'", "./lb {host}"]);
  const waveHooks = each(
    ["before_wave", "before_batch", "after_batch", "after_wave"],
    fc.oneof(
      ofSeveral,
      ofSeveral.map((text) => ({ command: text, on_error: "warn" })),
    ),
  );
  const vars = fc.constant({ zone: "b", port: 80 });
  const timings = each(
    ["between_checks", "between_restarts", "min_healthy_time", "progress_deadline", "command_timeout"],
    duration,
  );
  const checks = fc.array(check, { maxLength: 2 });
  const hooks = each(["before_restart", "after_healthy"], hook);
  const ssh = some({
    user: fc.constantFrom("deploy", "{host}", "u-{vars.zone}"),
    identity_file: fc.constantFrom("~/.ssh/id", "keys/${A}"),
  });
  const hostSettings = some({ vars, timings, checks, hooks, ssh, batches: each(["instances"], quantity) });
  const batches = some({
    hosts: listOf(quantity),
    instances: quantity,
    mode: mostly(["lockstep"], ["sliding"]),
  });
  const action = mostly<unknown>(
    ["restart", "start", "stop", "update", { signal: "HUP" }],
    ["reload", { signal: "KILL" }],
  );
  const configChanges = fc.constantFrom("warn", "refuse", "apply");
  const ofProgram = fc.option(
    some({
      action,
      config_changes: configChanges,
      vars,
      timings,
      checks,
      hooks,
      batches: each(["instances"], quantity),
      limits: each(["min_healthy"], quantity),
    }),
  );
  const withSettings = fc.tuple(program, ofProgram).map(([name, settings]) => ({ [name]: settings }));
  const programs = fc.oneof(
    listOf(program),
    fc.array(fc.oneof(program, withSettings), { minLength: 1, maxLength: 3 }),
    fc.dictionary(fc.constantFrom("web", "queue*", "!migrate"), ofProgram, { minKeys: 1, maxKeys: 3 }),
  );
  const hooksOfGroup = fc.oneof(hooks, waveHooks);
  const group = fc.tuple(
    listOf(pattern),
    some({ programs, action, vars, timings, checks, hooks: hooksOfGroup, ssh, batches }),
  );
  return fc.record(
    {
      programs,
      vars,
      hosts: fc.dictionary(host, fc.option(hostSettings), { minKeys: 1, maxKeys: 3 }),
      groups: every(
        ["g1", "g2", "g3"],
        group.map(([hosts, more]) => ({ hosts, ...more })),
      ),
      timings,
      batches,
      checks,
      hooks: some({
        before_rollout: fc.constant("./announce"),
        on_failure: fc.constant("./page {host} {reason}"),
        before_host: hook,
        before_batch: ofSeveral,
        after_wave: ofSeveral,
      }),
      limits: each(["max_failures", "max_unreachable", "min_healthy"], quantity),
      on_failure: fc.constantFrom("stop", "ask", "revert"),
      revert: some({
        before_rollout: fc.constant("./announce"),
        before_host: hook,
        before_restart: fc.oneof(hook, fc.constant(null)),
        after_healthy: hook,
      }),
      action,
      config_changes: configChanges,
      stopped: fc.constantFrom("skip", "start"),
      exited: fc.constantFrom("skip", "restart"),
      name: fc.constantFrom("prod", "${A}"),
      lock: fc.constant({ mode: "off" }),
      rollout: fc.shuffledSubarray(["g1", "g2", "g3"], { minLength: 1 }).chain((names) =>
        fc
          .array(fc.oneof(duration, fc.constant("ask")), { minLength: 3, maxLength: 3 })
          .map((pauses) => names.map((name, index) => ({ group: name, pause: pauses[index] })))
          .chain((entries) =>
            action.map((own) => entries.map((entry, index) => (index > 0 ? entry : { ...entry, action: own }))),
          ),
      ),
    },
    { requiredKeys: ["programs", "hosts", "vars", "groups"] },
  );
}
