import type { HostName } from "../../src/domain/ids.ts";
import type { SupervisorSettings } from "../../src/domain/target.ts";
import type { HostAccess, LookWay } from "../../src/executor/ports.ts";
import { openLocal } from "../../src/hosts/local.ts";
import { openHost } from "../../src/hosts/open.ts";
import { supervisorReader } from "../../src/supervisor/reader.ts";
import { FULL } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { NEVER_MS, targetOf } from "../hosts/fixtures.ts";
import { looksContract, without } from "./looks.contract.ts";
import { raiseStatesHost, type StatesHost } from "./states-host.ts";

describe("looks at a real supervisord with instances in all states", () => {
  let host: StatesHost;
  /** Its sshd leads to the machine on which the supervisord of all states runs. */
  let fleet: Fleet;
  before(async () => {
    [host, fleet] = await Promise.all([
      raiseStatesHost(),
      raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1 }] }),
    ]);
  });
  after(() => Promise.all([host.down(), fleet.down()]));

  const LOCAL = () => openLocal("here" as HostName);
  const SSH = () => openHost(targetOf(fleet, fleet.host("host-1")));

  function contract(
    name: string,
    kind: LookWay["kind"],
    access: () => HostAccess,
    settings: () => Omit<SupervisorSettings, "command" | "sudo">,
  ): void {
    const open = () => {
      const way = access();
      const reader = supervisorReader(
        way,
        { command: "supervisorctl", sudo: false, ...settings() },
        30_000,
        { username: "someone", password: "secret" },
        // How long a busy machine takes decides neither which way it is nor whether a log can be read.
        { openingPatienceMs: NEVER_MS, logTimeoutMs: NEVER_MS },
      );
      const cleanup = async () => {
        await reader.close();
        await way.close();
      };
      return Promise.resolve({ reader, cleanup });
    };
    looksContract(name, kind, () => host, open);
  }

  const byConfig = () => ({ config: host.config });
  const bySocket = () => ({ server_url: host.socketUrl });
  const byPort = () => ({ server_url: host.serverUrl });

  contract("one supervisorctl each, through ssh", "exec", () => without(SSH(), "spawn", "dial"), byConfig);
  contract("one supervisorctl for all, on this machine", "session", () => without(LOCAL(), "dial"), byConfig);
  contract("one supervisorctl for all, through ssh", "session", () => without(SSH(), "dial"), bySocket);
  contract("XML-RPC to a socket, through ssh", "xml-rpc", () => without(SSH(), "spawn"), bySocket);
  if (!FULL) return;
  contract("one supervisorctl each, on this machine", "exec", () => without(LOCAL(), "spawn", "dial"), byConfig);
  contract("XML-RPC to a socket of this machine", "xml-rpc", () => without(LOCAL(), "spawn"), bySocket);
  contract("XML-RPC to a port with a password, through ssh", "xml-rpc", () => without(SSH(), "spawn"), byPort);
});
