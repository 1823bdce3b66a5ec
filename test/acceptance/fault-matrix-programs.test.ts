import { faultsOnTheWay } from "./fault-matrix/on-the-way.ts";
import { faultMatrix } from "./fault-matrix/table.ts";

faultMatrix("in programs, checks, hooks and logins", faultsOnTheWay);
