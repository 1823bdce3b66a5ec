import { faultsOfHosts } from "./fault-matrix/hosts-and-controller.ts";
import { faultMatrix } from "./fault-matrix/table.ts";

faultMatrix("on hosts in the middle of a rollout", faultsOfHosts);
