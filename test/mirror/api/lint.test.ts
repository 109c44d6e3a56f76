import { describe, expect, test } from "vitest";
import { compileService } from "../../../src/vcl/compile-service.ts";
import { field, startApi } from "./api-fixture.ts";

const GOOD =
  'sub vcl_recv {\n#FASTLY recv\n  if (std.ip(req.http.X, "192.0.2.1") ~ friends) { error 403; }\n}\n';

describe("linting", () => {
  test("answers what the checker finds, by line, and stores nothing", async () => {
    const { call, service } = await startApi({ compile: compileService });
    const id = await service();
    const vcl = "sub vcl_recv {\n  set req.http.A = nonsense.name;\n}\n";
    for (const path of ["/vcl_lint", `/service/${id}/lint`]) {
      const { status, json } = await call("POST", path, { json: { vcl } });
      expect(status).toBe(200);
      const attributes = field(field(json, "data"), "attributes");
      expect(attributes).toMatchObject({ status: "error", messages: [{ type: "ERROR", warning: false }] });
      expect(field(attributes, "msg")).toContain("at: (main Line 2 Pos ");
      expect(json).toMatchObject({ status: "error", errors: field(attributes, "errors") });
    }
    expect((await call("GET", `/service/${id}/version/1/vcl`)).json).toEqual([]);
    expect((await call("POST", "/vcl_lint", { json: {} })).status).toBe(400);
    expect((await call("POST", "/service/none/lint", { json: { vcl } })).status).toBe(404);
  });

  test("for a service knows its objects", async () => {
    const { call, service } = await startApi({ compile: compileService });
    const id = await service();
    await call("POST", `/service/${id}/version/1/acl`, { form: { name: "friends" } });
    const own = await call("POST", `/service/${id}/lint`, { form: { vcl: GOOD } });
    expect(own.json).toMatchObject({ status: "ok", errors: [] });
    const alone = await call("POST", "/vcl_lint", { form: { vcl: GOOD } });
    expect(alone.json).toMatchObject({ status: "error" });
  });
});
