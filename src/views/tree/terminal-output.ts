import type * as Listr2 from "listr2";

/** listr2's hold on the terminal while the tree is drawn. */
export interface TerminalOutput extends Listr2.ProcessOutput {
  readonly columns: number;
  readonly rows: number;
}

/** For terminals that do not know their size, as under `docker exec -t`: they say 0. */
const USUAL_SIZE = { columns: 80, rows: 24 };

/**
 * listr2's process output, with two differences. The size that its renderer sees is the terminal's of now, where the
 * original's is a copy of that at the start. And the cursor is not hidden: then even a killed process leaves a usable
 * terminal. Other output is kept back and written at the release, as listr2 does.
 */
export function terminalOutput(
  { ProcessOutput }: typeof Listr2,
  stdout: NodeJS.WriteStream,
  stderr: NodeJS.WriteStream,
): TerminalOutput {
  return new (class extends ProcessOutput {
    private readonly liveStdout: NodeJS.WriteStream = Object.create(stdout, {
      write: { value: (...data: Parameters<NodeJS.WriteStream["write"]>) => this.stream.stdout.write(...data) },
      columns: { get: () => this.columns },
      rows: { get: () => this.rows },
    }) as NodeJS.WriteStream;

    override get stdout(): NodeJS.WriteStream {
      return this.liveStdout;
    }

    get columns(): number {
      return stdout.columns || USUAL_SIZE.columns;
    }

    get rows(): number {
      return stdout.rows || USUAL_SIZE.rows;
    }

    override hijack(): void {
      this.stream.stdout.hijack();
      // A stderr that is not the terminal does not disturb the tree and need not wait.
      if (stderr.isTTY) this.stream.stderr.hijack();
      this.active = true;
    }

    /** Idempotent, so that a process that ends in an unforeseen way can be sure of it. */
    override release(): void {
      if (this.active) super.release();
    }
  })(stdout, stderr);
}
