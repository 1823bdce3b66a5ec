/** A value that XML-RPC can carry, as far as Supervisor uses it. */
export type XmlRpcValue =
  string | number | boolean | null | readonly XmlRpcValue[] | { readonly [name: string]: XmlRpcValue };

/** The server understood the call and refused it. */
export class XmlRpcFault extends Error {
  readonly faultCode: number;

  constructor(faultCode: number, faultString: string) {
    super(`${faultString} (fault ${faultCode})`);
    this.name = "XmlRpcFault";
    this.faultCode = faultCode;
  }
}

/** A parameter of one of Supervisor's methods; a number must be whole. */
export type XmlRpcParam = string | number | boolean | readonly XmlRpcParam[] | { readonly [name: string]: XmlRpcParam };

/** The body of a call. */
export function writeCall(method: string, params: readonly XmlRpcParam[]): string {
  const written = params.map((param) => `<param>${writeValue(param)}</param>`);
  return (
    `<?xml version="1.0"?><methodCall><methodName>${escapeText(method)}</methodName>` +
    `<params>${written.join("")}</params></methodCall>`
  );
}

function writeParam(param: XmlRpcParam): string {
  if (typeof param === "boolean") return `<boolean>${param ? 1 : 0}</boolean>`;
  if (typeof param === "number") return `<int>${param}</int>`;
  if (typeof param === "string") return `<string>${escapeText(param)}</string>`;
  if (Array.isArray(param)) return `<array><data>${param.map(writeValue).join("")}</data></array>`;
  const members = Object.entries(param).map(
    ([name, value]) => `<member><name>${escapeText(name)}</name>${writeValue(value)}</member>`,
  );
  return `<struct>${members.join("")}</struct>`;
}

function writeValue(param: XmlRpcParam): string {
  return `<value>${writeParam(param)}</value>`;
}

/**
 * The value in the body of a response.
 *
 * @throws XmlRpcFault when the response is a fault
 * @throws Error when it is no XML-RPC response
 */
export function readResponse(xml: string): XmlRpcValue {
  const reader = new Reader(xml);
  reader.open("methodResponse");
  if (reader.next === "<fault>") {
    reader.open("fault");
    const fault = reader.value();
    const { faultCode, faultString } = fault as { faultCode?: XmlRpcValue; faultString?: XmlRpcValue };
    throw new XmlRpcFault(Number(faultCode), typeof faultString === "string" ? faultString : "a fault without words");
  }
  reader.open("params");
  reader.open("param");
  return reader.value();
}

/** Walks over the tags and texts of a document, which XML-RPC gives no attributes. */
class Reader {
  private readonly tokens: readonly string[];
  private position = 0;

  constructor(xml: string) {
    const withoutProlog = xml.replace(/^\s*<\?.*?\?>/s, "");
    this.tokens = withoutProlog.match(/<[^>]*>|[^<]+/g) ?? [];
  }

  /** The next tag or text that is not mere space between tags. */
  get next(): string | undefined {
    while (this.tokens[this.position]?.trim() === "") this.position++;
    return this.tokens[this.position];
  }

  open(name: string): void {
    this.take(`<${name}>`);
  }

  value(): XmlRpcValue {
    if (this.next === "<value/>") {
      this.position++;
      return "";
    }
    this.open("value");
    // Raw, not `next`: a value without a type is a string, and may be nothing but space.
    const first = this.tokens[this.position] ?? "";
    const untyped = !first.startsWith("<") && this.tokens[this.position + 1] === "</value>";
    const value = untyped || first === "</value>" ? this.text() : this.typed();
    this.take("</value>");
    return value;
  }

  private typed(): XmlRpcValue {
    const tag = this.next ?? "the end";
    const empty = /^<(\w+)\s*\/>$/.exec(tag)?.[1];
    const type = empty ?? /^<(\w+)>$/.exec(tag)?.[1];
    if (type === undefined) throw new Error(`XML-RPC: expected a type, found ${tag}`);
    this.position++;
    if (empty !== undefined) return emptyValue(type);
    const value = this.content(type);
    this.take(`</${type}>`);
    return value;
  }

  private content(type: string): XmlRpcValue {
    switch (type) {
      case "struct":
        return this.struct();
      case "array":
        return this.array();
      case "boolean":
        return this.text().trim() === "1";
      case "int":
      case "i4":
      case "i8":
      case "double":
        return Number(this.text());
      case "string":
        return this.text();
      default:
        throw new Error(`XML-RPC: a value of type ${type} is not expected here`);
    }
  }

  private struct(): XmlRpcValue {
    const members: [string, XmlRpcValue][] = [];
    while (this.next === "<member>") {
      this.open("member");
      this.open("name");
      const name = this.text();
      this.take("</name>");
      members.push([name, this.value()]);
      this.take("</member>");
    }
    return Object.fromEntries(members);
  }

  private array(): XmlRpcValue {
    const items: XmlRpcValue[] = [];
    if (this.next === "<data/>") {
      this.position++;
      return items;
    }
    this.open("data");
    while (this.next?.startsWith("<value")) items.push(this.value());
    this.take("</data>");
    return items;
  }

  private text(): string {
    const token = this.tokens[this.position];
    if (token === undefined || token.startsWith("<")) return "";
    this.position++;
    return unescapeText(token);
  }

  private take(tag: string): void {
    const found = this.next;
    if (found !== tag) throw new Error(`XML-RPC: expected ${tag}, found ${found ?? "the end"}`);
    this.position++;
  }
}

function emptyValue(type: string): XmlRpcValue {
  if (type === "nil") return null;
  if (type === "struct") return {};
  if (type === "array") return [];
  return "";
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeText(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (whole: string, hex: string | undefined, decimal: string | undefined, name: string | undefined) => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      return entities[name ?? ""] ?? whole;
    },
  );
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
