import { readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { startOrchestrate, type Ended } from "../acceptance/orchestrate.ts";
import type { Configuration, SelectionName } from "./configuration.ts";
import { COMPLAINT, onRealHost, type RealHost } from "./host.ts";
import { readLedger, readSupervisordLog } from "./judge/happenings.ts";
import { judgeFailure, judgeResume, judgeSuccess, type Expected, type Seen } from "./judge/judge.ts";
import { readReport, wordsIn, type Report } from "./judge/report.ts";

export type ConnectionName = "ssh" | "local";

/** What is done with a configuration, in this order. */
export const STEPS = ["all", "pick", "fail", "resume"] as const;
export type StepName = (typeof STEPS)[number];

/** What is wrong in each step; an empty list is right. */
export type Faults = Readonly<Record<StepName, readonly string[]>>;

const longestRunMs = 300_000;
/** Small enough for a test, and of the shape of the defaults. */
const timings = { between_checks: "1s", between_restarts: "0s", min_healthy_time: "1s", command_timeout: "20s" };

/** Where the report says that a text is, if it cannot show it. */
const elsewhere = {
  syslog: /syslog/,
  container: /container's log|supervisord's own (stdout|output)/,
  nowhere: /\bNONE\b|keeps no log|not kept/,
} as const;

/** Rolls a configuration in every way, on a host of its own, and judges each. Rejects only where the tests themselves fail. */
export function rollConfiguration(configuration: Configuration, connection: ConnectionName): Promise<Faults> {
  return onRealHost(configuration, async (host) => {
    const story = new Story(configuration, connection, host);
    const all = await story.succeed("all");
    const pick = await story.succeed("pick");
    const { faults: fail, report } = await story.fail();
    return { all, pick, fail, resume: await story.resume(report) };
  });
}

class Story {
  private readonly configuration: Configuration;
  private readonly connection: ConnectionName;
  private readonly host: RealHost;

  constructor(configuration: Configuration, connection: ConnectionName, host: RealHost) {
    this.configuration = configuration;
    this.connection = connection;
    this.host = host;
  }

  async succeed(selection: SelectionName): Promise<string[]> {
    const { every_restart_ends_supervisord } = this.configuration.expected;
    const preview = await this.orchestrate(selection, "--dry-run");
    const previewed = this.previewFaults(selection, preview);
    if (every_restart_ends_supervisord) {
      const { faults } = await this.runToFailure(selection);
      await this.host.startSupervisord();
      return [...previewed, ...faults];
    }
    const seen = await this.watched(() => this.orchestrate(selection));
    // Its name stands above; what it warns of, skips or counts stands below.
    const [, waves = ""] = preview.stdout.split(/^(?:wave 1 |skipped|warnings|fewest healthy)/m);
    return [...previewed, ...judgeSuccess(seen, { ...this.expected(selection), announced: [...wordsIn(waves)] })];
  }

  async fail(): Promise<{ faults: string[]; report: Report }> {
    await this.host.break(this.configuration.expected.fails.process);
    return this.runToFailure("pick");
  }

  /** After the repair; a container whose supervisord has ended is started again. */
  async resume(before: Report): Promise<string[]> {
    const { expected } = this.configuration;
    await this.host.repair(expected.fails.process);
    const wasDown = this.host.supervisord.pid === undefined;
    if (wasDown) await this.host.startSupervisord();
    const seen = await this.watched(() => this.orchestrate("pick", "--resume"));
    const restarts = expected.restarts.pick;
    return judgeResume(seen, {
      ...this.expected("pick"),
      healthyBefore: before.healthy,
      mayRunAlready: wasDown ? restarts : before.failed.map(({ name }) => name),
    });
  }

  private async runToFailure(
    selection: SelectionName,
    ...options: string[]
  ): Promise<{ faults: string[]; report: Report }> {
    const { fails, restarts, every_restart_ends_supervisord } = this.configuration.expected;
    const seen = await this.watched(() => this.orchestrate(selection, ...options));
    const faults = judgeFailure(seen, {
      ...this.expected(selection),
      fails: every_restart_ends_supervisord
        ? // The first restart ends it.
          { name: restarts[selection][0] ?? "", text: /supervisord itself ended/ }
        : {
            name: fails.process,
            text: fails.text === undefined ? new RegExp(COMPLAINT) : elsewhere[fails.text],
          },
    });
    const stays = fails.ends_supervisord && seen.endedAt === undefined ? ["supervisord did not end"] : [];
    return { faults: [...faults, ...stays], report: seen.report };
  }

  /** Runs something, and takes what happened on the host meanwhile from supervisord's log. */
  private async watched(act: () => Promise<Ended>): Promise<Seen> {
    const read = () => (this.configuration.expected.silent_log ? this.host.ledger() : this.host.console());
    const before = (await read()).length;
    const { code, stdout, stderr } = await act();
    const text = (await read()).slice(before);
    const report = readReport(`${stderr}\n${stdout}`);
    if (this.configuration.expected.silent_log)
      return { happenings: readLedger(text), endedAt: undefined, code, report };
    const { happenings, endedAt } = readSupervisordLog(text);
    if (endedAt !== undefined) await this.host.supervisord.ended();
    return { happenings, endedAt, code, report };
  }

  private expected(selection: SelectionName): Expected {
    const {
      restarts,
      order,
      ends_by_itself = [],
      dies_with_another = [],
      leaves_behind = [],
      floor,
    } = this.configuration.expected;
    const names = restarts[selection];
    return {
      restarts: names,
      order: order?.[selection] ?? [],
      restless: [...ends_by_itself, ...dies_with_another],
      leaveBehind: leaves_behind,
      ...(floor && selection === "pick" ? { floor: { names: floor.names, atLeast: floor.lowest } } : {}),
    };
  }

  private previewFaults(selection: SelectionName, { code, stdout, stderr }: Ended): string[] {
    const { expected } = this.configuration;
    const { listeners = [], one_shots = [], preview = [], floor } = expected;
    const text = stdout + stderr;
    const wanted = expected.restarts[selection].length;
    const announced = Number(/: (\d+) instances? on 1 host would be/.exec(text)?.[1]);
    const patterns = [
      ...(selection === "pick" ? preview.map((each) => new RegExp(each)) : []),
      ...(selection === "pick" && floor
        ? [new RegExp(`${floor.program}: ${floor.lowest} of ${floor.names.length}\\b`)]
        : []),
    ];
    const said = wordsIn(text);
    const leftAlone = selection === "all" ? [...listeners, ...one_shots] : [];
    return [
      ...(code === 0 ? [] : [`the preview exits ${code}: ${stderr.trim()}`]),
      ...(announced === wanted ? [] : [`the preview counts ${announced} instances, not ${wanted}`]),
      ...leftAlone.filter((name) => !said.has(name)).map((name) => `the preview does not name ${name}`),
      ...patterns.filter((each) => !each.test(text)).map((each) => `the preview does not say ${String(each)}`),
    ];
  }

  private async orchestrate(selection: SelectionName, ...options: string[]): Promise<Ended> {
    const plan = join(this.host.dir, `${selection}.yaml`);
    await writeFile(plan, this.plan(selection));
    const { child, ended } = startOrchestrate([plan, "--output", "plain", ...options], {
      env: { ORCHESTRATE_STATE_DIR: join(this.host.dir, "state") },
    });
    const tooLong = setTimeout(() => child.kill("SIGKILL"), longestRunMs);
    const result = await ended.finally(() => clearTimeout(tooLong));
    if (process.env["REAL_VERBOSE"] !== undefined) await this.print(options, result);
    return result;
  }

  private plan(selection: SelectionName): string {
    const { all = ["*"], pick, plan = {}, all_plan = {}, floor, supervisor } = this.configuration.expected;
    const host = this.host;
    const how = { supervisor: supervisor ?? { config: host.config } };
    const more = selection === "all" ? { ...plan, ...all_plan } : plan;
    const written = stringify({
      version: 1,
      name: `${this.configuration.name}, ${selection}`,
      programs: selection === "all" ? all : pick,
      hosts: {
        "host-1": this.connection === "local" ? { connection: "local", ...how } : { address: host.address, ...how },
      },
      ...(this.connection === "local" ? {} : { ssh: this.ssh() }),
      timings,
      ...(floor && selection === "pick" ? { limits: { min_healthy: floor.min_healthy } } : {}),
      lock: { directory: host.dir },
      ...more,
    });
    return host.filledIn(written);
  }

  private ssh() {
    const { port, identityFile, knownHostsFile } = this.host;
    return { user: userInfo().username, port, identity_file: identityFile, known_hosts_file: knownHostsFile };
  }

  private async print(options: readonly string[], { code, stdout, stderr }: Ended): Promise<void> {
    const log = await readFile(join(this.host.dir, "console.log"), "utf8");
    const title = `${this.configuration.name} ${this.connection} ${options.join(" ")}`;
    console.log(`\n===== ${title}: exit ${code}\n${stderr}${stdout}\n----- console\n${log.slice(-3000)}`);
  }
}
