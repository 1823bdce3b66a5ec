import { faultsOfChanges } from "./fault-matrix/changes.ts";
import { faultMatrix } from "./fault-matrix/table.ts";

faultMatrix("in an update or a signal", faultsOfChanges);
