import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

interface Program {
  readonly name: string;
  /** Its package on Debian. */
  readonly apt: string;
  /** Its package on Fedora. */
  readonly dnf: string;
  /** Other programs that do as well. */
  readonly or?: readonly string[];
}

/** What the fleet is made of. */
const fleetPrograms: readonly Program[] = [
  { name: "sshd", apt: "openssh-server", dnf: "openssh-server" },
  { name: "ssh", apt: "openssh-client", dnf: "openssh-clients" },
  { name: "ssh-keygen", apt: "openssh-client", dnf: "openssh" },
  { name: "supervisord", apt: "supervisor", dnf: "supervisor" },
  { name: "supervisorctl", apt: "supervisor", dnf: "supervisor" },
  { name: "perl", apt: "perl-base", dnf: "perl-interpreter" },
];

/** Shows pages; any of them does. */
const browser: Program = {
  name: "chromium",
  apt: "chromium",
  dnf: "chromium",
  or: ["chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell"],
};

/** What the tests use besides: a terminal to read screens from, a browser to open pages in, shells to complete in. */
const testPrograms: readonly Program[] = [
  { name: "tmux", apt: "tmux", dnf: "tmux" },
  browser,
  { name: "zsh", apt: "zsh", dnf: "zsh" },
  { name: "fish", apt: "fish", dnf: "fish" },
];

/** Where servers live that a plain user's PATH does not name. */
const serverDirs = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Debian asks this file whether a newly installed service may start. */
const policyFile = "/usr/sbin/policy-rc.d";

/**
 * Sees to it that a fleet can be raised here. Root on Debian or Ubuntu gets what is missing
 * installed, without its services being started; nothing else is ever changed.
 *
 * @param programs default: what the fleet is made of
 * @throws Error that says what is missing and how to install it
 */
export function ensurePrerequisites(programs = fleetPrograms): void {
  const missing = missingPrograms(programs);
  if (process.platform !== "linux") throw new Error(howToInstall(missing));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || findProgram("apt-get") === undefined) throw new Error(howToInstall(missing));
  installByApt(packages(missing, "apt"));
  const stillMissing = missingPrograms(programs);
  if (stillMissing.length > 0) throw new Error(howToInstall(stillMissing));
}

/** What to tell someone whose machine lacks these programs. */
export function howToInstall(missing: readonly string[], platform: string = process.platform): string {
  if (platform !== "linux") {
    return [
      "The test fleet needs Linux: /proc, and all of 127.0.0.0/8 without further ado. On macOS, in a container:",
      '  docker run --rm -it -v "$PWD":/repo -w /repo node:20 bash',
      "  npx tsx test/fleet/prerequisites.ts",
    ].join("\n");
  }
  return [
    `This needs ${missing.join(", ")}. To install:`,
    `  Debian, Ubuntu:  sudo apt-get install --no-install-recommends ${packages(missing, "apt").join(" ")}`,
    `  Fedora:          sudo dnf install ${packages(missing, "dnf").join(" ")}`,
  ].join("\n");
}

/** The absolute path of a program, in PATH or among the servers; undefined when there is none. */
export function findProgram(name: string): string | undefined {
  return [...(process.env["PATH"] ?? "").split(path.delimiter), ...serverDirs]
    .filter((dir) => path.isAbsolute(dir))
    .map((dir) => path.join(dir, name))
    .find(isExecutable);
}

/** A browser that is here already, Playwright's included. @throws Error that says how to install one */
export function findBrowser(): string {
  const found = programFor(browser);
  if (found === undefined) throw new Error(howToInstall([browser.name]));
  return found;
}

function missingPrograms(programs: readonly Program[]): string[] {
  return programs.filter((program) => programFor(program) === undefined).map(({ name }) => name);
}

function programFor({ name, or = [] }: Program): string | undefined {
  for (const each of [name, ...or]) {
    const found = findProgram(each);
    if (found !== undefined) return found;
  }
  return name === browser.name ? playwrightBrowser() : undefined;
}

function playwrightBrowser(): string | undefined {
  const dir = process.env["PLAYWRIGHT_BROWSERS_PATH"] ?? path.join(homedir(), ".cache", "ms-playwright");
  if (!existsSync(dir)) return undefined;
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => /(^|\/)(chrome|headless_shell|chrome-headless-shell)$/.test(file))
    .map((file) => path.join(dir, file))
    .find(isExecutable);
}

function packages(missing: readonly string[], system: "apt" | "dnf"): string[] {
  return [
    ...new Set(
      [...fleetPrograms, ...testPrograms].filter(({ name }) => missing.includes(name)).map((each) => each[system]),
    ),
  ];
}

function installByApt(names: readonly string[]): void {
  console.error(`test fleet: apt-get install ${names.join(" ")}`);
  const ownPolicy = !existsSync(policyFile);
  if (ownPolicy) writeFileSync(policyFile, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    aptGet("update");
    aptGet("install", "-y", "--no-install-recommends", ...names);
  } finally {
    if (ownPolicy) rmSync(policyFile);
  }
}

/** Its output is shown only when it fails, as part of the error. */
function aptGet(...args: readonly string[]): void {
  try {
    execFileSync("apt-get", ["-q", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
    });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`apt-get ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    ensurePrerequisites([...fleetPrograms, ...testPrograms]);
    console.log("Everything that the tests need is here.");
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
