import { faultsOfPrograms } from "./fault-matrix/programs.ts";
import { faultMatrix } from "./fault-matrix/table.ts";

faultMatrix("in programs, checks, hooks and logins", faultsOfPrograms);
