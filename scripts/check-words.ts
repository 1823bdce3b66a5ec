/** `npm run words [PATH]...`: names each place that has fallen into a habit of ours, with the usual word for it. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What we write out of habit, and what others write. docs/glossary.md has the words of ours that stay. */
const HABITS: readonly (readonly [habit: RegExp, usual: string])[] = [
  [/\bunder way\b/i, "in progress, running"],
  [/\banew\b/i, "again, from scratch"],
  [/\bmend(s|ed|ing)?\b/i, "fix"],
  [/\b(somebody|whoever)\b/i, "another user, a user who"],
  [/\bbegun\b/i, "started"],
  [/\b(go|goes|going|gone|went) on\b/i, "continue, resume"],
  [/\b(is|are|was|were|be|been|being) told\b/i, "is reported, is said"],
  [/\btells?\b(?! apart)/i, "says, reports, shows"],
  [/\bwants\b/i, "needs"],
  [/\bany more\b[.,;)]/i, "no longer"],
  [/\bin line \d/i, "on line N"],
  [/\bwhat is\b(?! \w+\?)/i, "name the thing"],
  [/\bbesides?\b/i, "next to, as well as, except"],
  [/\bnot .{1,40} until [a-z_]*deadline\b/i, "before"],
  [/\bunprintable\b/i, "not sanitised"],
];

/** What is history, made by others, or about these very words. */
const EXEMPT = /^(CHANGELOG\.md|scripts\/check-words\.ts|docs\/decisions\/|LICENSE)/;

const paths = process.argv.slice(2);
const files = execFileSync(
  "git",
  ["ls-files", "-z", "--", ...(paths.length > 0 ? paths : ["src", "docs", "scripts", ".github", "*.md"])],
  {
    encoding: "utf8",
  },
)
  .split("\0")
  .filter((file) => /\.(ts|md|json|ya?ml)$/.test(file) && !EXEMPT.test(file));

let found = 0;
for (const file of files)
  readFileSync(file, "utf8")
    .split("\n")
    .forEach((line, index) => {
      for (const [habit, usual] of HABITS) {
        const [words] = habit.exec(line) ?? [];
        if (words === undefined) continue;
        found++;
        process.stdout.write(`${file}:${index + 1}: "${words}": ${usual}\n`);
      }
    });
if (found > 0) process.stdout.write(`${found} places; docs/glossary.md says how we write\n`);
process.exitCode = found > 0 ? 1 : 0;
