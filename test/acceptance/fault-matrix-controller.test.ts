import { faultsOfTheController } from "./fault-matrix/in-the-middle.ts";
import { faultMatrix } from "./fault-matrix/table.ts";

faultMatrix("on the side of the operator", faultsOfTheController);
