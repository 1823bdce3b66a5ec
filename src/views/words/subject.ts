/** What something is about: `web-01 web:web_00`, `web-01`, or nothing where it is the whole rollout. Not sanitised: it contains text of hosts. */
export function subjectOf({ host, instance }: { readonly host?: string; readonly instance?: string }): string {
  return [host, instance].filter((part) => part !== undefined).join(" ");
}
