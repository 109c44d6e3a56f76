import { describe, expect, test } from "vitest";
import { field, keysOf, startApi } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";
import { startWhole } from "./whole-fixture.ts";

/** What a client sent when it was recorded, with a limit that a test can reach. */
const RECORDED = [
  ["action", "response"],
  ["client_key[]", "req.http.Fastly-Client-IP"],
  ["http_methods[]", "GET"],
  ["http_methods[]", "POST"],
  ["name", "test_erl"],
  ["penalty_box_duration", "30"],
  ["response[content]", "Too many requests"],
  ["response[content_type]", "application/json"],
  ["response[status]", "429"],
  ["rps_limit", "20"],
  ["window_size", "10"],
] as const;

const MADE = {
  feature_revision: 1,
  feature_update_available: false,
  name: "test_erl",
  uri_dictionary_name: null,
  http_methods: ["GET", "POST"],
  rps_limit: 20,
  window_size: 10,
  client_key: ["req.http.Fastly-Client-IP"],
  penalty_box_duration: 30,
  action: "response",
  response: { content: "Too many requests", content_type: "application/json", status: 429 },
  response_object_name: null,
  logger_type: null,
};

/** Eleven requests in one second are too many. */
const TIGHT = {
  name: "tight",
  action: "response",
  client_key: ["req.http.X-Client"],
  http_methods: ["GET"],
  rps_limit: 10,
  window_size: 1,
  penalty_box_duration: 1,
  response: { status: 429, content: "slow <down>\u00e9", content_type: "text/html" },
};

async function made({ call, service }: ApiFixture): Promise<{ id: string; limiter: string; list: string }> {
  const id = await service();
  const list = `/service/${id}/version/1/rate-limiters`;
  const answer = await call("POST", list, { json: TIGHT });
  expect(answer.status).toBe(200);
  return { id, list, limiter: `/rate-limiters/${String(field(answer.json, "id"))}` };
}

describe("rate limiters", () => {
  test("are found by their id alone, by a mirror that has read none of their versions yet", async () => {
    const fixture = await startApi();
    const { limiter, id } = await made(fixture);
    await fixture.call("PUT", `/service/${id}/version/1/clone`);
    await fixture.service("another");
    const { call } = await fixture.restart();
    expect((await call("GET", limiter)).json).toMatchObject({ name: "tight", service_id: id, version: 1 });
    expect((await call("DELETE", limiter)).json).toEqual({ status: "ok" });
    expect((await call("GET", limiter)).status).toBe(404);
    await call("DELETE", `/service/${id}`);
    expect((await call("GET", limiter)).status).toBe(404);
  });

  test("have the recorded shape, from the recorded form", async () => {
    const { call, service, api } = await startApi();
    const id = await service();
    const list = `/service/${id}/version/1/rate-limiters`;
    const body = new URLSearchParams(RECORDED.map(([name, value]): [string, string] => [name, value]));
    const answer = await fetch(`${api.url}${list}`, {
      method: "POST",
      headers: { "fastly-key": "correct-horse-battery-staple" },
      body,
    });
    const json: unknown = await answer.json();
    expect(json).toMatchObject({ ...MADE, service_id: id, version: 1 });
    expect(keysOf(json)).toEqual(
      [...Object.keys(MADE), "id", "service_id", "version", "created_at", "updated_at"].sort(),
    );
    const path = `/rate-limiters/${String(field(json, "id"))}`;
    expect((await call("GET", path)).json).toEqual(json);
    const log = { action: "log_only", logger_type: "azureblob", response: null };
    const updated = await call("PUT", path, { json: log });
    expect(updated.json).toMatchObject({ ...log, name: "test_erl" });
    expect((await call("GET", list)).json).toEqual([updated.json]);
    expect((await call("DELETE", path)).json).toEqual({ status: "ok" });
    expect((await call("GET", path)).status).toBe(404);
    expect((await call("GET", list)).json).toEqual([]);
  });

  test("have an id of their own in every version, and a locked version keeps its", async () => {
    const fixture = await startApi();
    const { call } = fixture;
    const { id, limiter, list } = await made(fixture);
    await call("PUT", `/service/${id}/version/1/clone`);
    await call("PUT", `/service/${id}/version/1/lock`);
    const [cloned] = [(await call("GET", list.replace("/1/", "/2/"))).json].flat();
    const other = `/rate-limiters/${String(field(cloned, "id"))}`;
    expect(other).not.toBe(limiter);
    expect((await call("PUT", limiter, { json: { rps_limit: 99 } })).status).toBe(422);
    expect((await call("DELETE", limiter)).status).toBe(422);
    expect((await call("PUT", other, { json: { rps_limit: 99 } })).json).toMatchObject({ version: 2 });
    expect((await call("GET", limiter)).json).toMatchObject({ rps_limit: 10, version: 1 });
    const after = await fixture.restart();
    expect((await after.call("GET", other)).json).toMatchObject({ rps_limit: 99, version: 2 });
  });

  test.each([
    { name: "" },
    { rps_limit: 9 },
    { window_size: 5 },
    { penalty_box_duration: 61 },
    { feature_revision: 2 },
    { http_methods: [] },
    { http_methods: ["get"] },
    { client_key: [] },
    { client_key: ['client.ip; error 200 "x"'] },
    { client_key: [{}] },
    { action: "block" },
    { action: "log_only", logger_type: "paper" },
    { action: "response_object", response_object_name: "none" },
    { response: { status: 42 } },
    { response: "x" },
  ])("%j is refused", async (change) => {
    const { call, service } = await startApi();
    const list = `/service/${await service()}/version/1/rate-limiters`;
    expect((await call("POST", list, { json: { ...TIGHT, ...change } })).status).toBe(400);
  });

  test("with names that are one in VCL are refused", async () => {
    const fixture = await startApi();
    const { list } = await made(fixture);
    for (const [name, status] of [
      ["two words", 200],
      ["two-words", 409],
      ["tight", 409],
    ] as const) {
      expect((await fixture.call("POST", list, { json: { ...TIGHT, name } })).status).toBe(status);
    }
  });

  test("over a dictionary that is not there refuse the version", async () => {
    const fixture = await startApi();
    const { id, limiter } = await made(fixture);
    await fixture.call("PUT", limiter, { json: { uri_dictionary_name: "paths" } });
    const { json } = await fixture.call("GET", `/service/${id}/version/1/validate`);
    expect(json).toMatchObject({ status: "error", errors: ["RateLimiter 'tight': no dictionary 'paths'"] });
  });
});

describe("rate limiters at the edge", () => {
  test("block one client after its limit, for as long as the penalty lasts", async () => {
    const { call, id, activate, visit, clock } = await startWhole();
    await call("POST", `/service/${id}/version/1/rate-limiters`, { json: TIGHT });
    await activate();
    const one = { "x-client": "one" };
    for (let n = 0; n < 10; n += 1) expect((await visit(`/${n}`, one)).status).toBe(200);
    const blocked = await visit("/more", one);
    expect([blocked.status, blocked.headers["content-type"]]).toEqual([429, "text/html"]);
    expect(Buffer.from(blocked.text, "latin1").toString()).toBe("slow <down>\u00e9");
    expect((await visit("/more", { "x-client": "two" })).status).toBe(200);
    expect((await visit("/more", one, "POST")).status).toBe(200);
    expect((await visit("/more")).status).toBe(200);
    clock.advance(61_000);
    expect((await visit("/more", one)).status).toBe(200);
  });

  test("guard only the paths that a dictionary names, at once, with the answer of a response object", async () => {
    const { add, call, id, activate, visit } = await startWhole();
    const dictionary = await add("dictionary", { name: "guarded paths" });
    await add("response_object", {
      name: "busy",
      status: "503",
      content: "busy",
      content_type: "text/plain",
    });
    await add("condition", { name: "never", type: "REQUEST", statement: "false" });
    await call("PUT", `/service/${id}/version/1/response_object/busy`, {
      form: { request_condition: "never" },
    });
    const limiter = {
      ...TIGHT,
      action: "response_object",
      response_object_name: "busy",
      uri_dictionary_name: "guarded paths",
    };
    const answer = await call("POST", `/service/${id}/version/1/rate-limiters`, { json: limiter });
    expect(answer.json).toMatchObject({
      response: { status: 503, content: "busy", content_type: "text/plain" },
    });
    await activate();
    const one = { "x-client": "one" };
    for (let n = 0; n < 12; n += 1) expect((await visit(`/log-in?${n}`, one)).status).toBe(200);
    const item = { item_key: "/log-in", item_value: "1" };
    await call("POST", `/service/${id}/dictionary/${String(field(dictionary.json, "id"))}/item`, {
      form: item,
    });
    for (let n = 0; n < 10; n += 1) await visit(`/log-in?${n}`, one);
    const blocked = await visit("/log-in", one);
    expect([blocked.status, blocked.text]).toEqual([503, "busy"]);
    expect((await visit("/", one)).status).toBe(200);
  });

  test("that only log write a line to each endpoint of their kind and let the request through", async () => {
    const { add, call, id, activate, visit, logged } = await startWhole();
    for (const name of ["first", 'second "two"']) await add("logging/https", { name, placement: "none" });
    await add("logging/syslog", { name: "other", placement: "none" });
    const limiter = { ...TIGHT, name: 'a "name"}', action: "log_only", logger_type: "https" };
    await call("POST", `/service/${id}/version/1/rate-limiters`, { json: limiter });
    await activate();
    for (let n = 0; n < 11; n += 1) {
      expect((await visit('/x?q="', { "x-client": 'o"ne' })).status).toBe(200);
    }
    const lines = logged.map(({ line }) => line.split(" :: "));
    expect(lines.map(([head]) => head)).toEqual([`syslog ${id} first`, `syslog ${id} second "two"`]);
    expect(JSON.parse(lines[0]?.[1] ?? "")).toEqual({
      rate_limiter: 'a "name"}',
      entry: 'o"ne',
      method: "GET",
      url: "/x?q=%22",
    });
  });
});
