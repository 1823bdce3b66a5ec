import { nearest } from "./nearest.ts";
import { planSchema, propertiesOf, schemaAt, type Schema } from "./plan-schema.ts";
import type { Path } from "../text/path.ts";

/** An unknown key, as explained to the user. */
export interface MeantKey {
  readonly suggestion: string;
  /** The key in the same map that was probably meant: that it is missing would be wrong. */
  readonly key?: string;
}

/** What users of other tools call a key, without case, dashes and underscores. Of several, the first that is near is meant. */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  batchsize: ["batches.hosts"],
  serial: ["batches.hosts"],
  parallel: ["batches.hosts"],
  maxparallel: ["batches.hosts"],
  concurrency: ["batches.hosts"],
  forks: ["batches.hosts"],
  maxunavailable: ["limits.min_healthy"],
  minavailable: ["limits.min_healthy"],
  maxfailpercentage: ["limits.max_failures"],
  maxfail: ["limits.max_failures"],
  healthcheck: ["checks"],
  healthchecks: ["checks"],
  probes: ["checks"],
  url: ["http"],
  cmd: ["command"],
  shell: ["command"],
  waves: ["rollout"],
  stages: ["rollout"],
  order: ["rollout"],
  name: ["group"],
  wait: ["pause", "timings.between_restarts"],
  sleep: ["pause", "timings.between_restarts"],
  delay: ["pause", "timings.between_restarts"],
  timeouts: ["timings"],
  stoptimeout: ["timings.stop_deadline"],
  stopwaitsecs: ["timings.stop_deadline"],
  starttimeout: ["timings.healthy_deadline"],
  healthytimeout: ["timings.healthy_deadline"],
  startsecs: ["timings.min_healthy_time"],
  ip: ["address"],
  hostname: ["address"],
  ansiblehost: ["address"],
  sshuser: ["ssh.user"],
  username: ["ssh.user"],
  remoteuser: ["ssh.user"],
  ansibleuser: ["ssh.user"],
  login: ["ssh.user"],
  sshport: ["ssh.port"],
  key: ["ssh.identity_file"],
  keyfile: ["ssh.identity_file"],
  sshkey: ["ssh.identity_file"],
  privatekey: ["ssh.identity_file"],
  privatekeyfile: ["ssh.identity_file"],
  stricthostkeychecking: ["ssh.host_key_checking"],
  knownhosts: ["ssh.known_hosts_file"],
  bastion: ["ssh.proxy_jump"],
  jumphost: ["ssh.proxy_jump"],
  proxycommand: ["ssh.proxy_jump"],
  socket: ["supervisor.server_url"],
  serverurl: ["supervisor.server_url"],
  conf: ["supervisor.config"],
  configuration: ["supervisor.config"],
  configfile: ["supervisor.config"],
  become: ["supervisor.sudo"],
  services: ["programs"],
  processes: ["programs"],
  inventory: ["hosts_from"],
  include: ["extends"],
  inherits: ["extends"],
  prerestart: ["hooks.before_restart"],
  postrestart: ["hooks.after_healthy"],
  afterrestart: ["hooks.after_healthy"],
  variables: ["vars"],
};

/** Explains an unknown key at a path by the keys that its map may have. */
export function keyMeant(path: Path, known: Readonly<Record<string, Schema>>): MeantKey {
  const key = String(path.at(-1));
  const elsewhere = notHere(key, path, known);
  if (elsewhere !== undefined) return { suggestion: elsewhere };
  const meant = byOtherName(key, path, known);
  if (meant !== undefined) return { suggestion: asked(meant), ...(meant in known && { key: meant }) };
  const near = nearest(key, Object.keys(known));
  if (near !== undefined) return { suggestion: asked(near), key: near };
  const deeper = inSection(key, known);
  if (deeper !== undefined) return { suggestion: asked(deeper) };
  const stands = onPlan(path);
  return { suggestion: stands ?? `known here: ${Object.keys(known).join(", ")}` };
}

function asked(key: string): string {
  return `did you mean ${JSON.stringify(key)}?`;
}

function byOtherName(key: string, path: Path, known: Readonly<Record<string, Schema>>): string | undefined {
  const name = key.toLowerCase().replace(/[-_]/g, "");
  for (const meant of Object.hasOwn(MEANT, name) ? (MEANT[name] ?? []) : []) {
    const [section = "", inner] = meant.split(".");
    if (inner !== undefined && path.at(-2) === section && inner in known) return inner;
    if (section in known && (inner === undefined || inner in propertiesOf(known[section] ?? {}))) return meant;
  }
  return undefined;
}

/** Keys that are right at another place, with that place. */
function notHere(key: string, path: Path, known: Readonly<Record<string, Schema>>): string | undefined {
  if (path[0] === "groups" && path.length === 3 && (key === "pause" || key === "ask"))
    return `a pause is for the group's wave: rollout: [{ group: ${path[1]}, pause: 5m }]`;
  if (path[0] === "hosts" && path.length === 3 && (key === "action" || key === "config_changes"))
    return `${key} is for the plan, its groups and programs: put the host into a group of its own`;
  if (path.at(-2) === "ssh" && key === "password")
    return "keys log in: the agent's, ssh.identity_file, or those of ~/.ssh/config";
  if (path[0] === "hosts" && path[2] === "batches" && (key === "hosts" || key === "mode") && "instances" in known)
    return "hosts at once are for the plan and its groups; a host has instances";
  return undefined;
}

/** A key of a group or host that only the plan may have, or the groups as well. */
function onPlan(path: Path): string | undefined {
  if (path[0] !== "groups" && path[0] !== "hosts") return undefined;
  const place = path.slice(2);
  const isKnown = place.reduce<Schema | undefined>(
    (part, name) => (part && Object.hasOwn(propertiesOf(part), name) ? propertiesOf(part)[name] : undefined),
    planSchema as Schema,
  );
  const key = JSON.stringify(place.join("."));
  if (isKnown && path[0] === "hosts" && schemaAt(["groups", "any", ...place]))
    return `only the plan and its groups have ${key}: put it there`;
  return isKnown && `only the plan has ${key}: put it at the top level`;
}

/** Finds a key that belongs one level deeper: `port` on a host is `ssh.port`. */
function inSection(key: string, known: Readonly<Record<string, Schema>>): string | undefined {
  const section = Object.keys(known).find((name) => Object.hasOwn(propertiesOf(known[name] ?? {}), key));
  return section && `${section}.${key}`;
}
