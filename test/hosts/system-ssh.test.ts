import { openSystemSsh } from "../../src/hosts/system-ssh.ts";
import { sshContract } from "./ssh.contract.ts";

sshContract({
  name: "the ssh program",
  open: openSystemSsh,
  says: {
    lost: /^the connection to 127\S+ was lost: /,
    frozen: /^the connection to 127\S+ was lost: Timeout, server 127\S+ not responding\.$/,
    closedByUs: /^the connection to 127\S+ was lost: it was closed by us$/,
    nobodyListens: /^127\S+: ssh: connect to host 127\S+ port \d+: Connection refused$/,
    noSuchName: /^no-such-host\.invalid: ssh: Could not resolve hostname no-such-host\.invalid: /,
  },
});
