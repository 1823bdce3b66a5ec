import assert from "node:assert/strict";
import type { InstanceName } from "../../../src/domain/ids.ts";
import { programMeant } from "../../../src/planner/build/program-suggestions.ts";

const instances = [
  "shop:shop_00",
  "shop:shop_01",
  "app:web",
  "app:beat",
  "myauth:gunicorn",
  "pool:work_00",
  "pool:work_01",
  "cat",
];

const meant = (selector: string) => programMeant(selector, instances as InstanceName[]);

describe("a program that a host does not have is answered with the one that was meant", () => {
  it("where it stands in a group of another name", () => {
    assert.equal(meant("web"), 'did you mean "app:web"?');
    assert.equal(meant("gunicorn"), 'did you mean "myauth:gunicorn"?');
    assert.equal(meant("work"), 'did you mean "pool:work*"?');
  });

  it("where it is a process without its group", () => {
    assert.equal(meant("shop_00"), 'did you mean "shop:shop_00"?');
    assert.equal(programMeant("web", ["a:web", "b:web"] as InstanceName[]), 'did you mean "a:web" or "b:web"?');
  });

  it("where it is written as Supervisor's configuration or supervisorctl has it", () => {
    assert.equal(meant("shop:"), 'did you mean "shop"?');
    assert.equal(meant("program:shop"), 'did you mean "shop"?');
    assert.equal(meant("group:app"), 'did you mean "app"?');
    assert.equal(meant("program:web"), 'did you mean "app:web"?');
    assert.equal(meant("all"), 'for every program write "*"');
  });

  it("where it is several in one", () => {
    assert.equal(meant("shop,cat"), "several programs are a list: [shop, cat], or --program shop --program cat");
  });

  it("where it is misspelt, and nothing where nothing is like it", () => {
    assert.equal(meant("shpo"), 'did you mean "shop"?');
    assert.equal(meant("shop:shop_0"), 'did you mean "shop:shop_00"?');
    assert.equal(meant("database"), undefined);
  });
});
