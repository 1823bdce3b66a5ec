import { faultsOfHosts } from "./fault-matrix/in-the-middle.ts";
import { faultMatrix } from "./fault-matrix/table.ts";

faultMatrix("on hosts in the middle of a rollout", faultsOfHosts);
