import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** One message of the Language Server Protocol, as far as it is read here. */
interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** The editor's settings for the server: schemas by modeline only, nothing from the network. */
const SETTINGS: Readonly<Record<string, unknown>> = {
  yaml: { completion: true, hover: true, validate: true, schemaStore: { enable: false, url: "" } },
  http: { proxy: "", proxyStrictSSL: true },
  redhat: { telemetry: { enabled: false } },
};

/** An editor's side of the protocol with the real yaml-language-server, over stdio. */
export class LanguageClient {
  private readonly server: ChildProcessWithoutNullStreams;
  private readonly waiting = new Map<number | string, (message: Message) => void>();
  private readonly listeners = new Set<(message: Message) => void>();
  private unread = Buffer.alloc(0);
  private lastId = 0;

  constructor() {
    const manifest = createRequire(import.meta.url).resolve("yaml-language-server/package.json");
    const program = join(dirname(manifest), "bin", "yaml-language-server");
    this.server = spawn(process.execPath, [program, "--stdio"]);
    this.server.stdout.on("data", (data: Buffer) => this.read(data));
  }

  async start(): Promise<void> {
    await this.request("initialize", {
      processId: process.pid,
      rootUri: null,
      capabilities: {
        workspace: { configuration: true },
        textDocument: { completion: {}, hover: {}, publishDiagnostics: {} },
      },
    });
    this.notify("initialized", {});
    this.notify("workspace/didChangeConfiguration", { settings: SETTINGS });
  }

  async stop(): Promise<void> {
    await this.request("shutdown", undefined);
    this.notify("exit", undefined);
    this.server.kill();
  }

  async request(method: string, params: unknown): Promise<unknown> {
    this.lastId += 1;
    const id = this.lastId;
    const answer = new Promise<Message>((resolve) => this.waiting.set(id, resolve));
    this.send({ id, method, params });
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  notify(method: string, params: unknown): void {
    this.send({ method, params });
  }

  /** The parameters of the next notification of this kind that fits. */
  next<Params>(method: string, fits: (params: Params) => boolean): Promise<Params> {
    return new Promise((resolve) => {
      const listener = (message: Message) => {
        if (message.method !== method || !fits(message.params as Params)) return;
        this.listeners.delete(listener);
        resolve(message.params as Params);
      };
      this.listeners.add(listener);
    });
  }

  private send(message: Message): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  private read(data: Buffer): void {
    this.unread = Buffer.concat([this.unread, data]);
    for (;;) {
      const end = this.unread.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(this.unread.subarray(0, end).toString())?.[1]);
      if (end === -1 || this.unread.length < end + 4 + length) return;
      const body = this.unread.subarray(end + 4, end + 4 + length).toString();
      this.unread = this.unread.subarray(end + 4 + length);
      this.receive(JSON.parse(body) as Message);
    }
  }

  private receive(message: Message): void {
    if (message.method === undefined && message.id !== undefined) {
      this.waiting.get(message.id)?.(message);
      this.waiting.delete(message.id);
    } else if (message.id !== undefined) {
      this.send({ id: message.id, result: answerTo(message) });
    } else {
      for (const listener of this.listeners) listener(message);
    }
  }
}

/** The server asks for settings by section; any other request only needs an answer. */
function answerTo({ method, params }: Message): unknown {
  if (method !== "workspace/configuration") return null;
  const { items } = params as { items: readonly { section: string }[] };
  return items.map(({ section }) => SETTINGS[section] ?? null);
}
