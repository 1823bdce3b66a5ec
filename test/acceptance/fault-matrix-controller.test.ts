import { faultsOfTheController } from "./fault-matrix/hosts-and-controller.ts";
import { faultMatrix } from "./fault-matrix/table.ts";

faultMatrix("on the side of the operator", faultsOfTheController);
