import type { RecordedEvent, RolloutEvent, EventOf } from "../../domain/events.ts";
import type { HostName, InstanceName, ProgramName } from "../../domain/ids.ts";
import { programOf } from "../../domain/ids.ts";
import { ownWork, type HostWork } from "../../domain/rollout.ts";
import { onOneLine } from "../../domain/printable.ts";
import { RolloutModel } from "../model/rollout-model.ts";
import { factsOf } from "../words/facts.ts";
import { Health } from "./health.ts";
import { EVENT_KINDS, type EventKind, type EventRow, type HostTrack, type Moment, type PageData } from "./page-data.ts";
import { Track } from "./tracks.ts";

type Planned = EventOf<"rollout.planned">;

/** A host in one of its batches, with the states of its instances over time. */
interface WorkTracks {
  readonly host: HostName;
  readonly tracks: readonly Track[];
}

/** These are trouble, whatever else they are about. */
const TROUBLE: ReadonlySet<string> = new Set<RolloutEvent["type"]>([
  "instance.failed",
  "instance.indeterminate",
  "host.unreachable",
  "host.supervisor_restarted",
  "instance.drifted",
  "instance.leftovers",
  "rollout.asking",
  "rollout.halted",
  "rollout.interrupted",
]);

/** The history of a rollout that the page draws: the states of instances over time, and the list of events. */
export class PageHistory {
  readonly model = new RolloutModel();
  beganAtMs = 0;
  private lengthMs = 0;
  private readonly works: WorkTracks[] = [];
  private readonly tracks = new Map<HostName, Map<InstanceName, Track>>();
  private readonly lost = new Map<HostName, number[]>();
  private health: Health | undefined;
  private readonly moments: Moment[] = [];
  private readonly events: EventRow[] = [];

  apply(event: RecordedEvent): void {
    const wasLost = isReachability(event) && this.isLost(event.host);
    const nowMs = Date.parse(event.at);
    if (this.beganAtMs === 0) this.beganAtMs = nowMs;
    // The time of the page does not go back when the clock is set back.
    this.lengthMs = Math.max(this.lengthMs, nowMs - this.beganAtMs);
    const atMs = this.lengthMs;
    this.model.apply(event, atMs);
    this.list(event, atMs);
    if (event.type === "rollout.planned") this.plan(event);
    else if (isReachability(event)) this.applyLoss(event.host, wasLost, atMs);
    else if (event.type === "instance.failed") {
      const { also = [], ...failed } = event;
      for (const instance of [event.instance, ...also]) this.move({ ...failed, instance }, atMs);
    } else if (isOfInstance(event)) this.move(event, atMs);
  }

  data(): PageData {
    return {
      beganAtMs: this.beganAtMs,
      lengthMs: this.lengthMs,
      hosts: this.works.map((work) => this.drawn(work)),
      programs: this.health?.drawn() ?? [],
      moments: this.moments,
      events: this.events,
    };
  }

  private plan(planned: Planned): void {
    const known = new Map<ProgramName, { total: number; healthy: number }>();
    const count = (program: ProgramName, serves: boolean) => {
      const { total, healthy } = known.get(program) ?? { total: 0, healthy: 0 };
      known.set(program, { total: total + 1, healthy: healthy + Number(serves) });
    };
    for (const { instance } of planned.proven) count(programOf(instance), true);
    for (const { batches } of planned.waves)
      for (const work of batches.flatMap(({ hosts }) => hosts)) {
        const tracks = this.tracksOf(work);
        this.works.push({ host: work.host, tracks });
        for (const track of tracks) count(track.program, track.serves);
      }
    this.health = new Health(planned, known);
  }

  private tracksOf(work: HostWork): Track[] {
    const ofHost = this.tracks.get(work.host) ?? new Map<InstanceName, Track>();
    this.tracks.set(work.host, ofHost);
    return work.batches.flatMap((batch) =>
      batch.instances.map((planned) => {
        const track = new Track(planned, ownWork(work, batch, planned.instance));
        ofHost.set(track.name, track);
        return track;
      }),
    );
  }

  /** Instances of a host that cannot be reached do not count as healthy. */
  private applyLoss(host: HostName, wasLost: boolean, atMs: number): void {
    const isLost = this.isLost(host);
    if (isLost === wasLost || !this.tracks.has(host)) return;
    const spans = this.lost.get(host) ?? [];
    this.lost.set(host, spans);
    spans.push(atMs);
    for (const track of this.tracks.get(host)?.values() ?? [])
      if (track.serves) this.health?.change(track.program, isLost ? -1 : 1, atMs);
  }

  private move(event: OfInstance, atMs: number): void {
    const { host, instance } = event;
    const track = host === undefined || instance === undefined ? undefined : this.tracks.get(host)?.get(instance);
    if (!track) return;
    const served = track.serves;
    track.record(event, atMs);
    if (!this.isLost(track.host)) this.health?.change(track.program, Number(track.serves) - Number(served), atMs);
  }

  private isLost(host: HostName): boolean {
    return this.model.hosts.unreachable.has(host);
  }

  private drawn({ host, tracks }: WorkTracks): HostTrack {
    const spans = this.lost.get(host) ?? [];
    return {
      name: onOneLine(host),
      instances: tracks.map((track) => track.drawn()),
      lost: this.isLost(host) ? [...spans, this.lengthMs] : spans,
    };
  }

  /** The lines of a log are shown with the failure, not among the events. */
  private list(event: RecordedEvent, atMs: number): void {
    const kind = kindOf(event);
    const facts = factsOf(event);
    for (const { about, text } of event.type === "instance.failed" ? facts.slice(0, 1) : facts) {
      // The plan has facts about instances as well: those that it skips, and warnings.
      const itsKind = kind === "rollout" && about !== "" ? (about.includes(" ") ? "instance" : "host") : kind;
      this.events.push([atMs, EVENT_KINDS.indexOf(itsKind), onOneLine(about), onOneLine(text)]);
    }
    const [first] = facts;
    if (first && isMoment(event)) this.moments.push({ atMs, text: onOneLine(first.text) });
  }
}

type OfInstance = Extract<RolloutEvent, { type: `instance.${string}` | `hook.${string}` }>;

function isOfInstance(event: RolloutEvent): event is OfInstance {
  return event.type.startsWith("instance.") || event.type.startsWith("hook.");
}

function isReachability(event: RolloutEvent): event is EventOf<"host.unreachable" | "host.connected"> {
  return event.type === "host.unreachable" || event.type === "host.connected";
}

function kindOf(event: RolloutEvent): EventKind {
  if (TROUBLE.has(event.type) || (event.type === "hook.finished" && !event.succeeded)) return "trouble";
  if ("instance" in event) return "instance";
  return "host" in event ? "host" : "rollout";
}

function isMoment({ type }: RolloutEvent): boolean {
  return (
    type === "wave.started" || type === "rollout.halted" || type === "rollout.paused" || type === "rollout.interrupted"
  );
}
