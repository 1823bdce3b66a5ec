import { counted } from "../../domain/counted.ts";
import { formatDuration } from "../../domain/duration.ts";
import { actionSteps } from "../../domain/action-steps.ts";
import { alikeParts, type AlikeParts } from "../../domain/alike-parts.ts";
import { folded } from "../../domain/folding.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { sizeOf, type Batch, type Rollout, type Wave } from "../../domain/rollout.ts";
import { checkText, hookTermsText, type Hook } from "../../domain/settings.ts";
import { html, type Markup } from "./markup.ts";

/** The plan as it was run: limits, waves, batches, and what each instance gets. */
export function planMarkup(rollout: Rollout): Markup {
  const { limits, on_failure, hooks, waves, warnings, unreachable } = rollout;
  const settings: [string, string][] = [
    ["Failures tolerated", String(limits.max_failures)],
    ["Unreachable hosts tolerated", String(limits.max_unreachable)],
    ...limits.floors.map(({ program, min_healthy, total }): [string, string] => [
      `Floor of ${program}`,
      `${min_healthy} of ${total} stay healthy`,
    ]),
    ["On a failure over the limit", on_failure],
    ...hookSettings(hooks),
    ...(unreachable.length > 0 ? [["Left out as unreachable", folded(unreachable)] satisfies [string, string]] : []),
  ];
  return html`<section id="plan">
    <h2>The plan as it was run</h2>
    ${
      warnings.length === 0
        ? undefined
        : html`<ul class="warnings">
            ${warnings.map(
              ({ host, instance, message }) =>
                html`<li>${onOneLine([host, instance, message].filter((part) => part !== undefined).join(" "))}</li>`,
            )}
          </ul>`
    }
    ${settingsMarkup(settings)} ${waves.map((wave, index) => waveMarkup(wave, index + 1))} ${hostsMarkup(rollout)}
  </section>`;
}

function waveMarkup(wave: Wave, number: number): Markup {
  const { group, batches, programs, between_batches_ms, pause, hooks = {} } = wave;
  const works = batches.flatMap(({ hosts }) => hosts);
  const instances = works.reduce((sum, work) => sum + sizeOf(work), 0);
  const kinds = alikeParts(works, ({ timings, checks, hooks, leftovers, on_expected_exit }) => [
    timings,
    checks,
    hooks,
    leftovers,
    on_expected_exit,
  ]);
  const settings: [string, string][] = [
    ["Programs", programs.join(" ")],
    ["Between batches", formatDuration(between_batches_ms)],
    ...(pause === undefined
      ? []
      : [
          ["After it", pause === "ask" ? "ask the operator" : `pause ${formatDuration(pause.ms)}`] satisfies [
            string,
            string,
          ],
        ]),
    ...hookSettings(hooks),
  ];
  return html`<details>
    <summary>
      Wave ${number}: <b>${printable(group)}</b>, ${counted(works.length, "host")}, ${counted(instances, "instance")},
      ${counted(batches.length, "batch")}
    </summary>
    ${settingsMarkup(settings)} ${kinds.map(kindMarkup)}
    <table>
      <caption>
        Batches of ${printable(group)}
      </caption>
      <thead>
        <tr>
          <th scope="col">Batch</th>
          <th scope="col">Hosts</th>
          <th scope="col">Hosts at once</th>
          <th scope="col">Instances</th>
        </tr>
      </thead>
      <tbody>
        ${batches.map(batchMarkup)}
      </tbody>
    </table>
  </details>`;
}

function batchMarkup({ hosts, at_once }: Batch, index: number): Markup {
  const names = folded(hosts.map(({ host }) => host));
  const instances = hosts.reduce((sum, work) => sum + sizeOf(work), 0);
  return html`<tr>
    <th scope="row">${index + 1}</th>
    <td>${names}</td>
    <td>${at_once}</td>
    <td>${instances}</td>
  </tr>`;
}

function kindMarkup({ parts, programs, hosts }: AlikeParts): Markup {
  const [part] = parts;
  const steps = actionSteps(parts);
  const { timings, checks, hooks, leftovers, on_expected_exit } = part;
  const names = [programs, hosts].filter((text) => text !== undefined).join(" on ");
  return html`${names === "" ? undefined : html`<h4>${names}</h4>`}
  ${settingsMarkup([
    ...steps.map(({ text, programs: some }): [string, string] => [
      steps.length === 1 ? "action" : `action of ${folded(some)}`,
      text,
    ]),
    ...Object.entries(timings).map(([name, ms]): [string, string] => [
      name.replace(/_ms$/, ""),
      formatDuration(Number(ms)),
    ]),
    ...(leftovers === undefined ? [] : [["leftovers", leftovers] satisfies [string, string]]),
    ...(on_expected_exit === undefined ? [] : [["on_expected_exit", on_expected_exit] satisfies [string, string]]),
    ...checks.map((check): [string, string] => [
      `check from the ${check.from}`,
      `${checkText(check)}; timeout ${formatDuration(check.timeout_ms)}`,
    ]),
    ...hookSettings(hooks),
  ])}`;
}

function hostsMarkup({ hosts }: Rollout): Markup | undefined {
  if (hosts.length === 0) return undefined;
  return html`<details>
    <summary>Connections to ${counted(hosts.length, "host")}</summary>
    <table>
      <caption>
        Hosts and how they were reached
      </caption>
      <thead>
        <tr>
          <th scope="col">Host</th>
          <th scope="col">Address</th>
          <th scope="col">Connection</th>
          <th scope="col">User</th>
          <th scope="col">supervisorctl</th>
        </tr>
      </thead>
      <tbody>
        ${hosts.map(
          ({ name, address, connection, ssh, supervisor: { sudo, command } }) =>
            html`<tr>
              <th scope="row">${printable(name)}</th>
              <td>${printable(address)}${connection === "ssh" && ssh.port !== undefined ? `:${ssh.port}` : ""}</td>
              <td>${connection}</td>
              <td>${printable(ssh.user ?? "")}</td>
              <td>${printable(`${sudo ? "sudo -n " : ""}${command}`)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

function settingsMarkup(settings: readonly (readonly [string, string])[]): Markup {
  return html`<dl class="settings">
    ${settings.map(
      ([name, text]) =>
        html`<div>
          <dt>${printable(name)}</dt>
          <dd>${onOneLine(text)}</dd>
        </div>`,
    )}
  </dl>`;
}

function hookSettings(hooks: Readonly<Record<string, Hook | undefined>> | object): [string, string][] {
  return Object.entries(hooks as Readonly<Record<string, Hook | undefined>>).flatMap(([name, hook]) =>
    hook === undefined
      ? []
      : [[`${name} on the ${hook.run}`, `${hook.command}${hookTermsText(hook)}`] satisfies [string, string]],
  );
}
