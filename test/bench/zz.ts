import { showing } from "./showing.ts";
showing("/tmp/benchdir");
