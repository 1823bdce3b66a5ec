/** What to do on the operator's signals. */
export interface SignalHandlers {
  /** The first Ctrl-C, SIGTERM, a closed terminal, a closed stdout. */
  finish(signal: string): void;
  /** A further one. */
  leave(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Listens for the operator until the returned function is called. */
export function onSignals(handlers: SignalHandlers): () => void {
  let hasFinished = false;
  const onSignal = (signal: string) => {
    if (hasFinished) handlers.leave();
    hasFinished = true;
    handlers.finish(signal);
  };
  // Nobody reads it any longer. Each further write fails again; that is no second interrupt.
  const outputFailed = () => {
    if (hasFinished) return;
    hasFinished = true;
    handlers.finish("stdout closed");
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.stdout.on("error", outputFailed);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.stdout.off("error", outputFailed);
  };
}
