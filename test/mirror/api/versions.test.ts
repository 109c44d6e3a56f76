import { describe, expect, test } from "vitest";
import { field, startApi } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";

async function uploaded(fixture: ApiFixture, content: string): Promise<string> {
  const id = await fixture.service();
  const form = { name: "main", content, main: "1" };
  await fixture.call("POST", `/service/${id}/version/1/vcl`, { form });
  return id;
}

describe("versions", () => {
  test("a created one is blank and answers as recorded: number, service, comment if sent", async () => {
    const { call, service } = await startApi();
    const id = await service();
    expect((await call("POST", `/service/${id}/version`)).json).toEqual({ service_id: id, number: 2 });
    const commented = await call("POST", `/service/${id}/version`, { form: { comment: "test comment" } });
    expect(commented.json).toEqual({ service_id: id, number: 3, comment: "test comment" });
    expect((await call("PUT", `/service/${id}/version/3`, { form: { comment: "new" } })).json).toMatchObject({
      number: 3,
      comment: "new",
    });
    expect((await call("GET", `/service/${id}/version`)).json).toHaveLength(3);
  });

  test("a clone of a locked one is unlocked, has its objects with their ids, and changes alone", async () => {
    const { call, service } = await startApi();
    const id = await service();
    await call("POST", `/service/${id}/version/1/domain`, { form: { name: "a.example" } });
    const dictionary = await call("POST", `/service/${id}/version/1/dictionary`, { form: { name: "d" } });
    await call("PUT", `/service/${id}/version/1/lock`);
    const clone = await call("PUT", `/service/${id}/version/1/clone`);
    expect(clone.json).toMatchObject({ number: 2, locked: false, active: false });
    const copy = await call("GET", `/service/${id}/version/2/dictionary/d`);
    expect(field(copy.json, "id")).toBe(field(dictionary.json, "id"));
    await call("DELETE", `/service/${id}/version/2/domain/a.example`);
    expect((await call("GET", `/service/${id}/version/1/domain`)).json).toHaveLength(1);
    expect((await call("GET", `/service/${id}/version/2/domain`)).json).toEqual([]);
  });

  test("clones made at once get different numbers", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const answers = await Promise.all([1, 2, 3, 4].map(() => call("PUT", `/service/${id}/version/1/clone`)));
    expect(answers.map(({ json }) => Number(field(json, "number"))).sort((a, b) => a - b)).toEqual([
      2, 3, 4, 5,
    ]);
  });

  test("a number that the service does not have is 404", async () => {
    const { call, service } = await startApi();
    const id = await service();
    for (const number of ["2", "0", "-1", "01", "1e0", "x"]) {
      expect((await call("GET", `/service/${id}/version/${number}`)).status).toBe(404);
    }
  });
});

describe("validation", () => {
  test("says ok, with warnings in the message", async () => {
    const fixture = await startApi();
    const id = await uploaded(fixture, "# fine\n#  DUBIOUS\n");
    const { json } = await fixture.call("GET", `/service/${id}/version/1/validate`);
    expect(json).toMatchObject({ status: "ok", msg: "Warning: Unexpected DUBIOUS\nat: (main Line 2 Pos 4)" });
  });

  test("says error with file, line and position, and changes nothing", async () => {
    const fixture = await startApi();
    const id = await uploaded(fixture, "# one\n  BROKEN");
    const answer = await fixture.call("GET", `/service/${id}/version/1/validate`);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ status: "error", msg: "Unexpected BROKEN\nat: (main Line 2 Pos 3)" });
    expect((await fixture.call("GET", `/service/${id}/version/1`)).json).toMatchObject({ locked: false });
    expect(fixture.edge.activations).toBe(0);
  });

  test("names a health check or condition that is not there", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const form = { name: "b", address: "example.com", healthcheck: "gone", request_condition: "never" };
    await call("POST", `/service/${id}/version/1/backend`, { form });
    const { json } = await call("GET", `/service/${id}/version/1/validate`);
    expect(json).toMatchObject({ status: "error" });
    expect(field(json, "msg")).toContain("no healthcheck 'gone'");
    expect(field(json, "msg")).toContain("no condition 'never'");
  });
});

describe("activation", () => {
  test("locks the version, hands the service to the edge, and carries warnings as msg", async () => {
    const fixture = await startApi();
    const id = await uploaded(fixture, "# DUBIOUS");
    await fixture.call("POST", `/service/${id}/version/1/domain`, { form: { name: "WWW.Example.com" } });
    const { status, json } = await fixture.call("PUT", `/service/${id}/version/1/activate`);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      number: 1,
      active: true,
      locked: true,
      environments: [],
      msg: "Warning: Unexpected DUBIOUS\nat: (main Line 1 Pos 3)",
    });
    expect(fixture.edge.active.get(id)).toMatchObject({
      id,
      name: "example",
      version: 1,
      domains: ["www.example.com"],
    });
  });

  test("of wrong VCL is 400 and leaves the former version serving", async () => {
    const fixture = await startApi();
    const { call, edge } = fixture;
    const id = await uploaded(fixture, "# fine");
    await call("PUT", `/service/${id}/version/1/activate`);
    await call("PUT", `/service/${id}/version/1/clone`);
    await call("PUT", `/service/${id}/version/2/vcl/main`, { form: { content: "BROKEN" } });
    const answer = await call("PUT", `/service/${id}/version/2/activate`);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      msg: "Bad request",
      detail: "Unexpected BROKEN\nat: (main Line 1 Pos 1)",
    });
    expect(edge.active.get(id)?.version).toBe(1);
    expect((await call("GET", `/service/${id}/version/2`)).json).toMatchObject({
      active: false,
      locked: false,
    });
    expect((await call("GET", `/service/${id}/version/active`)).json).toMatchObject({ number: 1 });
  });

  test("of an older, locked version is how one rolls back", async () => {
    const { call, edge, service } = await startApi();
    const id = await service();
    await call("PUT", `/service/${id}/version/1/activate`);
    await call("PUT", `/service/${id}/version/1/clone`);
    await call("PUT", `/service/${id}/version/2/activate`);
    expect(edge.active.get(id)?.version).toBe(2);
    await call("PUT", `/service/${id}/version/1/activate`);
    expect(edge.active.get(id)?.version).toBe(1);
    const { json } = await call("GET", `/service/${id}/version`);
    expect(json).toMatchObject([
      { number: 1, active: true, locked: true },
      { number: 2, active: false, locked: true },
    ]);
  });

  test("of a domain that another active service has is refused until that one stops", async () => {
    const { call, service, edge } = await startApi();
    const [first, second] = [await service("first"), await service("second")];
    for (const id of [first, second]) {
      await call("POST", `/service/${id}/version/1/domain`, { form: { name: "shared.example" } });
    }
    const both = await Promise.all(
      [first, second].map((id) => call("PUT", `/service/${id}/version/1/activate`)),
    );
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 400]);
    const [winner, loser] = both[0]?.status === 200 ? [first, second] : [second, first];
    const stopped = await call("PUT", `/service/${winner}/version/1/deactivate`);
    expect(stopped.json).toMatchObject({ active: false, locked: true });
    expect(edge.active.size).toBe(0);
    expect((await call("PUT", `/service/${loser}/version/1/activate`)).status).toBe(200);
  });

  test("a version that is not active cannot be deactivated", async () => {
    const { call, service } = await startApi();
    const id = await service();
    expect((await call("PUT", `/service/${id}/version/1/deactivate`)).status).toBe(400);
    expect((await call("GET", `/service/${id}/version/active`)).status).toBe(404);
  });
});
