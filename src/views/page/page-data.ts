/** The data that the page carries and its script draws. */

/** The states of an instance as they are drawn, in the order of the legend. */
export const TRACK_STATES = [
  "old",
  "down",
  "waiting",
  "drained",
  "stopping",
  "starting",
  "soaking",
  "healthy",
  "failed",
  "unseen",
  "skipped",
  "untouched",
] as const;

export type TrackState = (typeof TRACK_STATES)[number];

/** The states in words, where there is room for them. */
export const STATE_WORDS: Readonly<Record<TrackState, string>> = {
  old: "old: before its restart",
  down: "not running before",
  waiting: "waiting for capacity",
  drained: "drained by the plan's hooks",
  stopping: "stopping",
  starting: "starting",
  soaking: "soaking: running, not healthy yet",
  healthy: "healthy",
  failed: "failed",
  unseen: "contact lost",
  skipped: "skipped",
  untouched: "untouched",
};

/** The kinds by which events are filtered. */
export const EVENT_KINDS = ["trouble", "rollout", "host", "instance"] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

/** Pairs, flattened: from when, in milliseconds since the first event, and what. Each lasts until the next, the last to the end. */
export type Steps = readonly number[];

export interface InstanceTrack {
  readonly name: string;
  /** Steps of indices into {@link TRACK_STATES}. */
  readonly states: Steps;
  readonly previousPid?: number;
  readonly pid?: number;
}

/** A host in one of its batches. */
export interface HostTrack {
  readonly name: string;
  readonly instances: readonly InstanceTrack[];
  /** Flattened pairs: from when and until when it could not be reached. */
  readonly lost: readonly number[];
}

export interface ProgramHealth {
  readonly name: string;
  readonly total: number;
  readonly floor: number;
  /** Steps of counts. */
  readonly healthy: Steps;
}

/** An event as the page lists it: milliseconds since the first, index of its kind, host and instance, what happened. */
export type EventRow = readonly [atMs: number, kind: number, about: string, text: string];

/** A moment of the whole rollout that the drawings mark. */
export interface Moment {
  readonly atMs: number;
  readonly text: string;
}

export interface PageData {
  /** The first event's time, in milliseconds since 1970. */
  readonly beganAtMs: number;
  readonly lengthMs: number;
  /** As the rows of the page's table, from the first to the last. */
  readonly hosts: readonly HostTrack[];
  readonly programs: readonly ProgramHealth[];
  readonly moments: readonly Moment[];
  readonly events: readonly EventRow[];
}
