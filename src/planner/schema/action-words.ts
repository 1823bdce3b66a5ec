import type { PlanAction } from "../../domain/action.ts";
import { nearest } from "./nearest.ts";
import { schemaAt } from "./plan-schema.ts";

/** The signals that a plan may send. */
export const SIGNALS = (schemaAt(["action", "signal"])?.enum ?? []) as readonly string[];

const ACTIONS = ["restart", "update", "start", "stop"] as const;

/** Other tools' words for an action. */
const WORDS: Readonly<Record<string, PlanAction>> = {
  reload: { signal: "HUP" },
  graceful: { signal: "HUP" },
  reread: "update",
  apply: "update",
  up: "start",
  down: "stop",
  rolling: "restart",
};

/** Signals by the number that they have on every Unix. */
const NUMBERED: Readonly<Record<string, string>> = { 1: "HUP", 2: "INT", 3: "QUIT", 14: "ALRM", 15: "TERM" };

/** An action as one word of a command line: `restart`, `signal:HUP`, or `signal HUP`. */
export function parseAction(text: string): PlanAction | undefined {
  const action = ACTIONS.find((known) => known === text);
  if (action) return action;
  const [, signal = ""] = /^signal[: ](.*)$/.exec(text) ?? [];
  return SIGNALS.includes(signal) ? { signal } : undefined;
}

/** The action that was probably meant by a word that is none. */
export function actionMeant(text: string): PlanAction | undefined {
  const word = text.trim().toLowerCase();
  if (Object.hasOwn(WORDS, word)) return WORDS[word];
  const [, named = word] = /^signal\s*[: =]\s*(\S+)$/.exec(word) ?? [];
  const signal = signalMeant(named);
  if (signal !== undefined) return { signal };
  const near = nearest(word, ACTIONS);
  return ACTIONS.find((known) => known === near);
}

/** The signal that was probably meant: `sighup`, `hup`, 1. */
export function signalMeant(value: unknown): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const name = String(value).trim().toUpperCase().replace(/^SIG/, "");
  return Object.hasOwn(NUMBERED, name) ? NUMBERED[name] : SIGNALS.find((known) => known === name);
}
