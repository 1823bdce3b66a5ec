/** The result of one selected instance so far. */
export type InstanceStatus = "untouched" | "under_restart" | "indeterminate" | "healthy" | "failed" | "skipped";

export type StatusCounts = Record<InstanceStatus, number>;

export function noInstances(): StatusCounts {
  return { untouched: 0, under_restart: 0, indeterminate: 0, healthy: 0, failed: 0, skipped: 0 };
}

/** Instances that may still become healthy. */
export function openOf({ untouched, under_restart, indeterminate }: StatusCounts): number {
  return untouched + under_restart + indeterminate;
}
