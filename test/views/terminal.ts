import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ScreenSize } from "../../src/views/tree/tree-frame.ts";
import { until } from "../fleet/until.ts";
import { ownStateDir } from "../own-state-dir.ts";

const run = promisify(execFile);

/** Long, because it is only waited out when something is wrong. */
const DEADLINE_MS = 90_000;

/** Ours, without what may have been decided about colours for the one who tests. */
const environment = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !/COLOR|^TMUX/.test(name)));

export interface PlayOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly before?: string;
}

/** A real terminal, in which a script plays a scene: tmux, with a server of its own. */
export class Terminal {
  /** tmux leaves its socket behind, so it has a directory of its own. */
  private readonly directory = mkdtempSync(join(tmpdir(), "orchestrate-views-"));

  /** Runs `play.ts` with these arguments, and a shell command before it; after it has ended the screen says `exit CODE`. */
  static async play(
    args: readonly string[],
    size: ScreenSize,
    { env = {}, before = "true" }: PlayOptions = {},
  ): Promise<Terminal> {
    return Terminal.run(
      `${before}; '${process.execPath}' --import=tsx test/views/tree/play.ts ${args.join(" ")}`,
      size,
      env,
    );
  }

  /** Runs a shell command; after it has ended the screen says `exit CODE`. */
  static async run(
    command: string,
    { columns, rows }: ScreenSize,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Terminal> {
    const terminal = new Terminal();
    const script = `${command}; echo "exit $?"; exec cat`;
    const settings = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    const size = ["-x", String(columns), "-y", String(rows)];
    await terminal.tmux("-u", "-f", "/dev/null", "new-session", "-d", "-s", "tree", ...size, ...settings, script);
    return terminal;
  }

  /** Waits for a text on the screen. Returns the screen that has it, without empty lines at its end. */
  async shows(pattern: RegExp): Promise<string> {
    let screen = "";
    const found = async () => pattern.test((screen = await this.screen()));
    await until(found, { deadlineMs: DEADLINE_MS, what: `${String(pattern)} on the screen` }).catch(
      (error: unknown) => {
        throw new Error(`the screen shows:\n${screen}`, { cause: error });
      },
    );
    return screen;
  }

  /** What can be seen; with `escapes`, its colours as well. */
  async screen(options: { readonly escapes?: boolean; readonly scrollback?: boolean } = {}): Promise<string> {
    const flags = [...(options.escapes ? ["-e"] : []), ...(options.scrollback ? ["-S", "-"] : [])];
    return (await this.tmux("capture-pane", "-p", "-t", "tree", ...flags)).replace(/\n+$/, "\n");
  }

  async cursorIsVisible(): Promise<boolean> {
    return (await this.tmux("display-message", "-p", "-t", "tree", "#{cursor_flag}")).trim() === "1";
  }

  /** As the shell has it, or as an escape sequence has set it. */
  async title(): Promise<string> {
    return (await this.tmux("display-message", "-p", "-t", "tree", "#{pane_title}")).trim();
  }

  async press(key: string): Promise<void> {
    await this.tmux("send-keys", "-t", "tree", key);
  }

  async resize({ columns, rows }: ScreenSize): Promise<void> {
    await this.tmux("resize-window", "-t", "tree", "-x", String(columns), "-y", String(rows));
  }

  async close(): Promise<void> {
    await this.tmux("kill-server");
    rmSync(this.directory, { recursive: true });
  }

  private async tmux(...args: string[]): Promise<string> {
    const env = { ...environment(), ORCHESTRATE_STATE_DIR: ownStateDir() };
    const { stdout } = await run("tmux", ["-S", join(this.directory, "socket"), ...args], { env });
    return stdout;
  }
}
