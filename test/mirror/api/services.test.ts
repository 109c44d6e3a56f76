import { describe, expect, test } from "vitest";
import { field, keysOf, startApi } from "./api-fixture.ts";

const ID = /^[A-Za-z0-9]{22}$/;

describe("services", () => {
  test("a new one has an unlocked version 1 and Fastly's fields", async () => {
    const { call } = await startApi();
    const { json, status } = await call("POST", "/service", { form: { name: "test-service", comment: "c" } });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      name: "test-service",
      comment: "c",
      type: "vcl",
      paused: false,
      deleted_at: null,
    });
    expect(field(json, "id")).toMatch(ID);
    expect(keysOf(json)).toEqual(
      "comment created_at customer_id deleted_at environments id name paused publish_key type updated_at versions".split(
        " ",
      ),
    );
    expect(field(json, "versions")).toEqual([
      {
        number: 1,
        service_id: field(json, "id"),
        active: false,
        locked: false,
        comment: "",
        deployed: false,
        staging: false,
        testing: false,
        environments: [],
        created_at: "2026-01-01T00:00:00Z",
        updated_at: "2026-01-01T00:00:00Z",
        deleted_at: null,
      },
    ]);
  });

  test("lists are paged and sorted by name or age", async () => {
    const { call, service, clock } = await startApi();
    for (const name of ["b", "c", "a"]) {
      await service(name);
      clock.advance(1000);
    }
    const names = async (query: string): Promise<unknown[]> => {
      const { json } = await call("GET", `/service?${query}`);
      if (!Array.isArray(json)) throw new Error("not a list");
      return json.map((item: unknown) => field(item, "name"));
    };
    expect(await names("direction=descend&page=1&per_page=2&sort=created")).toEqual(["a", "c"]);
    expect(await names("direction=descend&page=2&per_page=2&sort=created")).toEqual(["b"]);
    expect(await names("direction=descend&page=3&per_page=2&sort=created")).toEqual([]);
    expect(await names("sort=name")).toEqual(["a", "b", "c"]);
  });

  test("come in pages that lead to each other, as clients of go-fastly walk through them", async () => {
    const { call, service, api } = await startApi();
    for (const name of ["a", "b", "c", "d", "e"]) await service(name);
    const links = async (query: string): Promise<unknown> =>
      (await call("GET", `/service?${query}`)).headers["link"];
    const page = (number: number, rel: string): string =>
      `<${api.url}/service?direction=descend&page=${number}&per_page=2>; rel="${rel}"`;
    const at = (number: number): Promise<unknown> => links(`direction=descend&page=${number}&per_page=2`);
    expect(await at(1)).toBe([page(3, "last"), page(2, "next")].join(", "));
    const between = [page(1, "prev"), page(1, "first"), page(3, "last"), page(3, "next")];
    expect(await at(2)).toBe(between.join(", "));
    expect(await at(3)).toBe([page(2, "prev"), page(1, "first")].join(", "));
    expect(await links("page=1&per_page=5")).toBeUndefined();
    expect(await links("")).toBeUndefined();
  });

  test("search finds by exact name, else 404", async () => {
    const { call, service } = await startApi();
    const id = await service("my service");
    expect(field((await call("GET", "/service/search?name=my%20service")).json, "id")).toBe(id);
    expect((await call("GET", "/service/search?name=my")).status).toBe(404);
  });

  test("details carry every array and the settings", async () => {
    const { call, service } = await startApi();
    const id = await service();
    await call("POST", `/service/${id}/version/1/domain`, { form: { name: "example.com" } });
    const { json } = await call("GET", `/service/${id}/details`);
    expect(field(json, "active_version")).toBeNull();
    const version = field(json, "version");
    expect(version).toMatchObject({
      number: 1,
      domains: [{ name: "example.com" }],
      conditions: [],
      wordpress: [],
      settings: { "general.default_ttl": 3600 },
    });
    expect((await call("GET", `/service/${id}/details?version=9`)).status).toBe(404);
  });

  test("names are unique, also when two are created or renamed at once", async () => {
    const { call, service } = await startApi();
    const answers = await Promise.all(
      [1, 2, 3].map(() => call("POST", "/service", { form: { name: "same" } })),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409, 409]);
    const other = await service("other");
    expect((await call("PUT", `/service/${other}`, { form: { name: "same" } })).status).toBe(409);
    expect((await call("PUT", `/service/${other}`, { form: { comment: "x" } })).json).toMatchObject({
      name: "other",
      comment: "x",
    });
  });

  test("a deleted one is gone from lists and answers 400 that it is deleted", async () => {
    const { call, service } = await startApi();
    const id = await service("x");
    expect((await call("DELETE", `/service/${id}`)).json).toEqual({ status: "ok" });
    expect((await call("GET", "/service")).json).toEqual([]);
    const again = await call("DELETE", `/service/${id}`);
    expect(again.status).toBe(400);
    expect(again.json).toEqual({ msg: "Bad request", detail: `Service '${id}' is deleted` });
    expect(await service("x")).not.toBe(id);
  });

  test("an active one cannot be deleted", async () => {
    const { call, service } = await startApi();
    const id = await service();
    await call("PUT", `/service/${id}/version/1/activate`);
    expect((await call("DELETE", `/service/${id}`)).status).toBe(400);
    await call("PUT", `/service/${id}/version/1/deactivate`);
    expect((await call("DELETE", `/service/${id}`)).status).toBe(200);
  });

  test("an unknown id is 404", async () => {
    const { call } = await startApi();
    const answer = await call("GET", "/service/..%2F..%2Fetc");
    expect(answer.status).toBe(404);
    expect(field(answer.json, "msg")).toBe("Record not found");
  });
});
