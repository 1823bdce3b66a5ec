/** The process that writes, or wrote, the journal of a rollout that has not finished. */
export interface Writer {
  /**
   * `unknown`: it was started on another machine, and only that machine can say whether it still runs. `ended`: it was
   * killed.
   */
  readonly state: "running" | "ended" | "unknown";
  readonly pid: number;
  /** The machine on which it was started. */
  readonly machine: string;
}
