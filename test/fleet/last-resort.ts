/** Ends that a process can still act upon, besides `exit`, which also follows an exception. */
const deadlySignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const sweeps = new Set<() => void>();

/**
 * Runs `sweep`, which must be synchronous, when this process ends without having taken it back.
 *
 * @returns takes it back
 */
export function sweepAtExit(sweep: () => void): () => void {
  if (sweeps.size === 0) listen();
  sweeps.add(sweep);
  return () => {
    sweeps.delete(sweep);
    if (sweeps.size === 0) stopListening();
  };
}

function listen(): void {
  process.on("exit", sweepAll);
  for (const name of deadlySignals) process.on(name, onSignal);
}

function stopListening(): void {
  process.off("exit", sweepAll);
  for (const name of deadlySignals) process.off(name, onSignal);
}

function onSignal(name: NodeJS.Signals): void {
  // Whoever else listens decides whether and when to end; the exit hook still comes then.
  if (process.listenerCount(name) > 1) return;
  sweepAll();
  stopListening();
  process.kill(process.pid, name);
}

function sweepAll(): void {
  for (const sweep of sweeps) {
    try {
      sweep();
    } catch (error) {
      console.error(error);
    }
  }
  sweeps.clear();
}
