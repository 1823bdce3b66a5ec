/**
 * Writes `schemas/event.schema.json`, the JSON schema of the lines that `--output json` prints and a journal keeps,
 * from the types and comments of `src/domain/`: the two cannot part.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import ts from "typescript";

export const EVENT_SCHEMA_FILE = fileURLToPath(new URL("../schemas/event.schema.json", import.meta.url));

const EVENTS_FILE = fileURLToPath(new URL("../src/domain/events.ts", import.meta.url));

/** A part of a JSON schema. */
interface Schema {
  description?: string;
  [key: string]: unknown;
}

/** The schema as the file has it. */
export async function eventSchema(): Promise<string> {
  return format(JSON.stringify(new SchemaWriter().schema()), { parser: "json", printWidth: 120 });
}

class SchemaWriter {
  private readonly program = ts.createProgram([EVENTS_FILE], {
    strict: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: [],
  });
  private readonly checker = this.program.getTypeChecker();
  private readonly definitions: Record<string, Schema> = {};

  schema(): Schema {
    const source = this.program.getSourceFile(EVENTS_FILE);
    if (!source) throw new Error(`${EVENTS_FILE} is gone`);
    const union = aliasIn(source, "RolloutEvent").type;
    const recorded = aliasIn(source, "RecordedEvent").type;
    if (!ts.isUnionTypeNode(union) || !ts.isIntersectionTypeNode(recorded))
      throw new Error("events.ts has changed form");
    const [, head] = recorded.types;
    if (!head) throw new Error("events.ts has changed form");
    const common = this.propertiesOf(this.checker.getTypeFromTypeNode(head));
    const oneOf = union.types.map((member) => this.event(member, common, source));
    return {
      $schema: "http://json-schema.org/draft-07/schema#",
      title: "An event of a rollout",
      description:
        "One line of `orchestrate PLAN --output json` and of a journal. Types and fields are only ever added: pass over those that you do not know.",
      oneOf,
      definitions: Object.fromEntries(Object.entries(this.definitions).sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  private event(member: ts.TypeNode, common: Properties, source: ts.SourceFile): Schema {
    const own = this.propertiesOf(this.checker.getTypeFromTypeNode(member));
    const description = commentBefore(member, source);
    if (description === undefined) throw new Error(`an event has no comment: ${member.getText(source)}`);
    const properties = { ...common.properties, ...own.properties };
    return { description, type: "object", properties, required: [...common.required, ...own.required] };
  }

  private propertiesOf(type: ts.Type): Properties {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const symbol of this.checker.getPropertiesOfType(type)) {
      const { name } = symbol;
      properties[name] = described(
        this.schemaOf(this.checker.getTypeOfSymbol(symbol), name),
        ts.displayPartsToString(symbol.getDocumentationComment(this.checker)),
      );
      if ((symbol.flags & ts.SymbolFlags.Optional) === 0) required.push(name);
    }
    return { properties, required };
  }

  private schemaOf(type: ts.Type, name: string): Schema {
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (type.flags & ts.TypeFlags.BooleanLike) return { type: "boolean" };
    if (type.flags & ts.TypeFlags.NumberLike) return { type: isMeasured(name) ? "number" : "integer" };
    if (type.flags & ts.TypeFlags.StringLike)
      return name === "at" ? { type: "string", format: "date-time" } : { type: "string" };
    // A branded string.
    if (type.isIntersection() && type.types.some(({ flags }) => flags & ts.TypeFlags.String))
      return described({ type: "string" }, this.commentOf(type.aliasSymbol));
    if (this.checker.isArrayType(type)) {
      const [item] = this.checker.getTypeArguments(type as ts.TypeReference);
      return { type: "array", items: item ? this.schemaOf(item, name) : {} };
    }
    const symbol = type.aliasSymbol ?? (type.isClassOrInterface() ? type.symbol : undefined);
    const isOurs = symbol?.declarations?.some(
      (declaration) => !this.program.isSourceFileDefaultLibrary(declaration.getSourceFile()),
    );
    return symbol && isOurs ? this.reference(symbol, type, name) : this.structure(type, name);
  }

  /** What has a name is described once. */
  private reference(symbol: ts.Symbol, type: ts.Type, name: string): Schema {
    if (!(symbol.name in this.definitions)) {
      this.definitions[symbol.name] = {};
      this.definitions[symbol.name] = described(this.structure(type, name), this.commentOf(symbol));
    }
    return { $ref: `#/definitions/${symbol.name}` };
  }

  private structure(type: ts.Type, name: string): Schema {
    if (type.isUnion()) {
      const members = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
      if (members.every((member) => member.isStringLiteral()))
        return { type: "string", enum: members.map(({ value }) => value) };
      const [only, ...more] = members;
      if (only && more.length === 0) return this.schemaOf(only, name);
      return { anyOf: members.map((member) => this.schemaOf(member, name)) };
    }
    const values = this.checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (values) return { type: "object", additionalProperties: this.schemaOf(values.type, name) };
    const { properties, required } = this.propertiesOf(type);
    return { type: "object", properties, ...(required.length > 0 && { required }) };
  }

  private commentOf(symbol: ts.Symbol | undefined): string {
    return symbol ? ts.displayPartsToString(symbol.getDocumentationComment(this.checker)) : "";
  }
}

interface Properties {
  readonly properties: Record<string, Schema>;
  readonly required: string[];
}

/** Spans of time may have fractions; everything else is counted. */
function isMeasured(name: string): boolean {
  return name === "seconds" || name === "ms" || name.endsWith("_ms");
}

/** Draft-07 does not read anything next to a reference. */
function described(schema: Schema, comment: string): Schema {
  const description = plainText(comment);
  if (description === "") return schema;
  return "$ref" in schema ? { description, allOf: [schema] } : { description, ...schema };
}

function aliasIn(source: ts.SourceFile, name: string): ts.TypeAliasDeclaration {
  const found = source.statements.find((each) => ts.isTypeAliasDeclaration(each) && each.name.text === name);
  if (!found || !ts.isTypeAliasDeclaration(found)) throw new Error(`events.ts has no type ${name}`);
  return found;
}

/** The comment that stands before a member of a union; it belongs to no symbol. */
function commentBefore(node: ts.Node, source: ts.SourceFile): string | undefined {
  const between = source.text.slice(node.pos - 1000, node.getStart(source));
  const [, comment] = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*\|\s*$/.exec(between) ?? [];
  return comment === undefined ? undefined : plainText(comment.replace(/^\s*\* ?/gm, ""));
}

/** A comment as a sentence: its lines joined, its links as their targets. */
function plainText(comment: string): string {
  return comment
    .replace(/\{@link (\w+)\}/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(EVENT_SCHEMA_FILE, await eventSchema());
