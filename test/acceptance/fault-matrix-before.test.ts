import { faultsBefore } from "./fault-matrix/before.ts";
import { faultMatrix } from "./fault-matrix/table.ts";

faultMatrix("before the first change", faultsBefore);
