import { array, assert, asyncProperty, constantFrom, dictionary, oneof, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { ROUTES } from "../../../src/mirror/api/routes.ts";
import { field, startApi } from "./api-fixture.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const TEXT = oneof(
  string({ unit: "binary", maxLength: 40 }),
  constantFrom("__proto__", "constructor", "../../x", "1", ""),
);

describe("hostile requests", () => {
  test("any path and body gets an answer that is no fault, and the API goes on", async () => {
    const { call, service } = await startApi();
    const id = await service("kept");
    const segment = oneof(
      TEXT,
      constantFrom(id, "service", "version", "backend", "dictionary", "purge", "main"),
    );
    await assert(
      asyncProperty(
        constantFrom(...METHODS),
        array(segment, { maxLength: 8 }),
        dictionary(TEXT, TEXT),
        async (method, segments, form) => {
          // Deleting the service that must stay is no hostile request but a plain one.
          if (method === "DELETE" && segments.join("/") === `service/${id}`) return;
          const path = `/${segments.map((one) => encodeURIComponent(one.replaceAll(/[\ud800-\udfff]/g, ""))).join("/")}`;
          const { status } = await call(method, path, { form });
          expect([200, 400, 401, 403, 404, 405, 409, 413, 422, 501]).toContain(status);
        },
      ),
      { numRuns: 150 },
    );
    expect((await call("GET", `/service/${id}`)).status).toBe(200);
  });

  test("every endpoint answers a body of nonsense without a fault", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const json = {
      name: { a: 1 },
      items: "x",
      entries: [{}],
      content: [],
      port: {},
      surrogate_keys: 5,
      item_value: {},
    };
    const stores = await Promise.all(
      ["config", "secret", "kv"].map(async (kind) => {
        const made = await call("POST", `/resources/stores/${kind}`, { json: { name: "kept" } });
        return [kind, String(field(made.json, "id"))] as const;
      }),
    );
    for (const route of ROUTES) {
      const store = stores.find(([kind]) => route.path.startsWith(`/resources/stores/${kind}/`));
      const path = route.path
        .replace("{store}", store?.[1] ?? "x")
        .replace("{service}", id)
        .replaceAll("{version}", "1")
        .replaceAll(/\{\w+\}/g, "x")
        .replace("/*", "/");
      if (route.operation === "delete-service") continue;
      const { status } = await call(route.method, path, route.method === "GET" ? {} : { json });
      expect([200, 204, 400, 404, 422], `${route.method} ${path}`).toContain(status);
    }
  });

  test("endpoints have one row each and a name of their own", () => {
    const keys = ROUTES.map((route) => `${route.method} ${route.path}`);
    expect(new Set(keys).size).toBe(keys.length);
    const names = ROUTES.map((route) => route.operation);
    expect(new Set(names).size).toBe(names.length);
  });
});
