/** One host to go through. */
export interface Jump {
  readonly user?: string;
  readonly host: string;
  readonly port?: number;
}

const JUMP = /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([0-9A-Fa-f:.%]+)\]|([^\s@:[\]/-][^\s@:[\]/]*))(?::(\d{1,5}))?\/?$/;

/** Reads what ssh's -J and ProxyJump take: `[user@]host[:port]`, the first to go through first. Undefined: it is none. */
export function parseJumps(text: string): readonly Jump[] | undefined {
  const jumps: Jump[] = [];
  for (const part of text.split(",")) {
    const [, user, ipv6, name, digits] = JUMP.exec(part.trim()) ?? [];
    const host = ipv6 ?? name;
    const port = digits === undefined ? undefined : Number(digits);
    if (host === undefined || port === 0 || (port ?? 0) > 65535) return undefined;
    jumps.push({ host, ...(user !== undefined && { user }), ...(port !== undefined && { port }) });
  }
  return jumps;
}

/** The other way round. */
export function jumpText({ user, host, port }: Jump): string {
  const where = host.includes(":") ? `[${host}]` : host;
  return `${user === undefined ? "" : `${user}@`}${where}${port === undefined ? "" : `:${port}`}`;
}
