import { describe, expect, test } from "vitest";
import { toYaml } from "../../../src/mirror/api/yaml-text.ts";
import { field, startApi } from "./api-fixture.ts";

describe("the diff of two versions", () => {
  test("shows every line, changed ones marked, as recorded", async () => {
    const { call, service } = await startApi();
    const id = await service();
    await call("POST", `/service/${id}/version`);
    const same = await call("GET", `/service/${id}/diff/from/1/to/2`);
    expect(same.json).toMatchObject({ from: "1", to: "2", format: "text" });
    const lines = String(field(same.json, "diff")).trimEnd().split("\n");
    expect(lines.slice(0, 4)).toEqual([" acls: []", " backends: []", " cache_settings: []", " comment: ''"]);
    expect(lines).toContain("   general.default_ttl: 3600");
    expect(lines.every((line) => line.startsWith(" "))).toBe(true);

    await call("POST", `/service/${id}/version/2/backend`, {
      form: { name: "test-backend", address: "x.example" },
    });
    const changed = await call("GET", `/service/${id}/diff/from/1/to/2`);
    const text = String(field(changed.json, "diff"));
    expect(text).toContain("-backends: []\n+backends:\n+- name: test-backend\n+  address: x.example\n");
    expect(text).toContain("+  shield:\n");
    expect(text).not.toContain("created_at");
  });

  test("of their VCL shows the changed line", async () => {
    const { call, service } = await startApi();
    const id = await service();
    await call("PUT", `/service/${id}/version/1/clone`);
    await call("PUT", `/service/${id}/version/2/settings`, { form: { "general.default_ttl": "60" } });
    const { json } = await call("GET", `/service/${id}/vcl/diff/from/1/to/2`);
    const text = String(field(json, "diff"));
    expect(text).toContain("\n-    set beresp.ttl = 3600s;\n+    set beresp.ttl = 60s;\n");
    expect(text).toContain("\n sub vcl_hash {\n");
  });

  test("wants versions and a format that exist", async () => {
    const { call, service } = await startApi();
    const id = await service();
    expect((await call("GET", `/service/${id}/diff/from/1/to/9`)).status).toBe(404);
    expect((await call("GET", `/service/${id}/diff/from/1/to/1?format=pdf`)).status).toBe(400);
    expect((await call("GET", `/service/${id}/diff/from/1/to/1?format=html`)).status).toBe(501);
  });
});

describe("YAML text", () => {
  test("sorts keys with the name first, and quotes what would read as something else", () => {
    const value = {
      b: "yes",
      a: ["x", "- y"],
      name: "example",
      nested: { t: "two\nlines\n", empty: null },
      number: 5,
    };
    expect(toYaml(value)).toBe(
      [
        "name: example",
        "a:",
        "- x",
        "- '- y'",
        "b: 'yes'",
        "nested:",
        "  empty:",
        "  t: |",
        "    two",
        "    lines",
        "number: 5",
        "",
      ].join("\n"),
    );
  });
});
