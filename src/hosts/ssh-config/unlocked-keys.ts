import type { ParsedKey } from "ssh2";

/** Private keys whose passphrases somebody has given, by the absolute paths of their files. Never written anywhere. */
export type UnlockedKeys = ReadonlyMap<string, ParsedKey>;
