/** What the operator's signals ask for. */
export interface SignalHandlers {
  /** The first Ctrl-C, SIGTERM, a closed terminal, a closed stdout. */
  finish(signal: string): void;
  /** A further one. */
  leave(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Listens for the operator until the returned function is called. */
export function onSignals(handlers: SignalHandlers): () => void {
  let told = false;
  const tell = (signal: string) => {
    if (told) handlers.leave();
    told = true;
    handlers.finish(signal);
  };
  // Nobody reads any more; each further write fails again, and that is no second wish.
  const outputFailed = () => {
    if (told) return;
    told = true;
    handlers.finish("stdout closed");
  };
  for (const signal of SIGNALS) process.on(signal, tell);
  process.stdout.on("error", outputFailed);
  return () => {
    for (const signal of SIGNALS) process.off(signal, tell);
    process.stdout.off("error", outputFailed);
  };
}
