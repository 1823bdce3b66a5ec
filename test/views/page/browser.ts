import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { findBrowser } from "../../fleet/prerequisites.ts";

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** A page that is open in a browser. */
export interface OpenPage {
  /** What an expression gives there. Promises are awaited. */
  evaluate<T>(expression: string): Promise<T>;
  /** As a user would press it: `Enter`, `Tab`, `a`. */
  press(key: string): Promise<void>;
  /** What the console was told of errors and warnings, scripts and styles that were refused included. */
  readonly complaints: readonly string[];
  /** Everything that was asked of the network or the disk. */
  readonly requests: readonly string[];
}

/**
 * A real browser without a window, driven by the DevTools protocol over a pipe: no port, no dependency.
 * It reaches no network.
 */
export class Browser {
  private readonly dir = mkdtempSync(join(tmpdir(), "orchestrate-browser-"));
  private readonly child: ChildProcess;
  private readonly closed: Promise<unknown>;
  private readonly pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  private readonly listeners = new Map<string, (message: Message) => void>();
  private lastId = 0;

  constructor() {
    const flags = [
      "--headless",
      "--remote-debugging-pipe",
      `--user-data-dir=${this.dir}`,
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--host-resolver-rules=MAP * ~NOTFOUND",
      "--no-first-run",
      "--disable-background-networking",
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ];
    this.child = spawn(findBrowser(), flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.closed = once(this.child, "close");
    let rest = "";
    (this.child.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop() ?? "";
      for (const message of messages) this.receive(JSON.parse(message) as Message);
    });
  }

  /** Opens a page from its text, and waits until it and its scripts are done with loading. */
  async open(html: string, { width = 1200, height = 900, dark = false } = {}): Promise<OpenPage> {
    const file = join(this.dir, `page-${++this.lastId}.html`);
    writeFileSync(file, html);
    const { targetId } = await this.send<{ targetId: string }>("Target.createTarget", {
      url: "about:blank",
      newWindow: true,
      width,
      height,
    });
    const { sessionId } = await this.send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    const send = <T>(method: string, params = {}) => this.send<T>(method, params, sessionId);
    const complaints: string[] = [];
    const requests: string[] = [];
    /** The documents that are done with loading, and what is to be called at the next. */
    const loaded = new Set<unknown>();
    let hasLoaded: () => void = () => undefined;
    this.listeners.set(sessionId, ({ method, params = {} }) => {
      if (method === "Page.lifecycleEvent" && params["name"] === "load") {
        loaded.add(params["loaderId"]);
        hasLoaded();
      } else if (method === "Network.requestWillBeSent") requests.push((params["request"] as { url: string }).url);
      else if (method === "Runtime.exceptionThrown" || method === "Runtime.consoleAPICalled")
        complaints.push(JSON.stringify(params));
      else if (method === "Log.entryAdded") complaints.push((params["entry"] as { text: string }).text);
    });
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);
    await send("Page.setLifecycleEventsEnabled", { enabled: true });
    const scheme = { name: "prefers-color-scheme", value: dark ? "dark" : "light" };
    await send("Emulation.setEmulatedMedia", { features: [scheme] });
    // Windows are not made narrower than some hundred pixels.
    await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    const { loaderId } = await send<{ loaderId: string }>("Page.navigate", { url: `file://${file}` });
    // about:blank is loaded as well, before or after; and this one may have been before the answer.
    while (!loaded.has(loaderId)) await new Promise<void>((resolve) => (hasLoaded = resolve));
    return {
      complaints,
      requests,
      async evaluate<T>(expression: string): Promise<T> {
        const { result, exceptionDetails } = await send<{ result: { value: T }; exceptionDetails?: unknown }>(
          "Runtime.evaluate",
          { expression, returnByValue: true, awaitPromise: true },
        );
        if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
        return result.value;
      },
      async press(key: string): Promise<void> {
        const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
        await send("Input.dispatchKeyEvent", {
          type: "keyDown",
          key,
          ...(text !== undefined && { text }),
          windowsVirtualKeyCode: KEY_CODES[key] ?? 0,
        });
        await send("Input.dispatchKeyEvent", { type: "keyUp", key });
      },
    };
  }

  async close(): Promise<void> {
    // It may end before it has written its answer.
    await Promise.race([this.send("Browser.close").catch(() => this.child.kill("SIGKILL")), this.closed]);
    await this.closed;
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }

  private send<T>(method: string, params = {}, sessionId?: string): Promise<T> {
    const id = ++this.lastId;
    (this.child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise<T>((resolve, reject) => this.pending.set(id, { resolve, reject }));
  }

  private receive(message: Message): void {
    const { id, sessionId, result, error } = message;
    if (id === undefined) {
      if (sessionId !== undefined) this.listeners.get(sessionId)?.(message);
      return;
    }
    const waiting = this.pending.get(id);
    this.pending.delete(id);
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result as never);
  }
}

const KEY_CODES: Readonly<Record<string, number>> = { Tab: 9, Enter: 13 };
