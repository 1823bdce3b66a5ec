import assert from "node:assert/strict";
import { readResponse, writeCall, XmlRpcFault } from "../../src/supervisor/xml-rpc.ts";

const response = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${value}\n</param>\n</params>\n</methodResponse>\n`;

describe("XML-RPC", () => {
  it("reads every kind of value that supervisord sends", () => {
    const xml = response(
      "<value><array><data>\n<value><struct>\n" +
        "<member>\n<name>pid</name>\n<value><int>42</int></value>\n</member>\n" +
        "<member>\n<name>name</name>\n<value><string>web_00</string></value>\n</member>\n" +
        "<member>\n<name>up</name>\n<value><boolean>1</boolean></value>\n</member>\n" +
        "</struct></value>\n<value><double>0.5</double></value>\n<value><i4>-1</i4></value>\n</data></array></value>",
    );
    assert.deepEqual(readResponse(xml), [{ pid: 42, name: "web_00", up: true }, 0.5, -1]);
  });

  it("keeps empty strings, untyped strings and spaces as they were sent", () => {
    const values = ["<string></string>", "<string/>", "", "<string>  two  </string>", "plain", " "];
    const xml = response(
      `<value><array><data>${values.map((each) => `<value>${each}</value>`).join("")}<value/></data></array></value>`,
    );
    assert.deepEqual(readResponse(xml), ["", "", "", "  two  ", "plain", " ", ""]);
  });

  it("tells empty lists, empty structs and nil apart", () => {
    const values = ["<array><data/></array>", "<array><data>\n</data></array>", "<struct></struct>", "<nil/>"];
    const xml = response(
      `<value><array><data>${values.map((each) => `<value>${each}</value>`).join("")}</data></array></value>`,
    );
    assert.deepEqual(readResponse(xml), [[], [], {}, null]);
  });

  it("undoes entities once, not twice", () => {
    const xml = response("<value><string>a &lt;b&gt; &amp;amp; &quot;&#233;&#xE9;&apos;</string></value>");
    assert.equal(readResponse(xml), `a <b> &amp; "éé'`);
  });

  it("throws a fault as such, with its code and its words", () => {
    const xml =
      "<?xml version='1.0'?><methodResponse><fault><value><struct>" +
      "<member><name>faultCode</name><value><int>10</int></value></member>" +
      "<member><name>faultString</name><value><string>BAD_NAME: nope</string></value></member>" +
      "</struct></value></fault></methodResponse>";
    assert.throws(
      () => readResponse(xml),
      (error) => error instanceof XmlRpcFault && error.faultCode === 10 && error.message.includes("BAD_NAME: nope"),
    );
  });

  it("refuses what is cut short or no XML-RPC at all", () => {
    for (const text of ["", "<html></html>", response("<value><int>1</int></value>").slice(0, 70)]) {
      assert.throws(() => readResponse(text), /XML-RPC: expected/);
    }
  });

  it("quotes what would otherwise be markup in a call", () => {
    assert.equal(
      writeCall("supervisor.startProcess", ["a<b&c", true]),
      '<?xml version="1.0"?><methodCall><methodName>supervisor.startProcess</methodName><params>' +
        "<param><value><string>a&lt;b&amp;c</string></value></param>" +
        "<param><value><boolean>1</boolean></value></param></params></methodCall>",
    );
  });
});
