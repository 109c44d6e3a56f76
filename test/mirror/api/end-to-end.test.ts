import { request } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { Secret } from "../../../src/lib/secret.ts";
import { startFastlyApi } from "../../../src/mirror/api/server.ts";
import type { FastlyApi } from "../../../src/mirror/api/server.ts";
import { startEdge } from "../../../src/mirror/edge/edge.ts";
import type { Edge } from "../../../src/mirror/edge/edge.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import type { ScriptedServer } from "../../support/scripted-server.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { field, send, TOKEN } from "./api-fixture.ts";
import type { Answer, CallOptions, Method } from "./api-fixture.ts";

const HOST = "www.example.com";

/** The real edge, the real compiler and an origin behind the API. */
interface Whole {
  readonly api: FastlyApi;
  readonly edge: Edge;
  readonly origin: ScriptedServer;
  readonly clock: FakeClock;
  /** From now on the origin hangs up on every request. */
  readonly breakOrigin: () => void;
  /** A service with the domain and a backend at the origin, not yet active. */
  readonly id: string;
  readonly call: (method: Method, path: string, options?: CallOptions) => Promise<Answer>;
  readonly activate: (version?: number) => Promise<Answer>;
  readonly visit: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
}

async function startWhole(backend: Readonly<Record<string, string>> = {}): Promise<Whole> {
  const dir = await tempDir();
  const clock = new FakeClock();
  const edge = await startEdge({ httpPort: 0, httpsPort: 0, stateDir: dir, clock, onLog: () => undefined });
  onTestFinished(() => edge.close());
  const api = await startFastlyApi({ dir: `${dir}/api`, port: 0, token: new Secret(TOKEN), clock, edge });
  onTestFinished(() => api.close());
  let broken = false;
  const origin = await startScriptedServer((seen) => {
    if (broken) return "reset";
    const headers = { "surrogate-key": `page-${seen.url.slice(1)} all`, "cache-control": "max-age=600" };
    return { headers, body: `body of ${seen.url}` };
  });
  const call: Whole["call"] = (method, path, options = {}) => send(`${api.url}${path}`, method, options);
  const { json } = await call("POST", "/service", { form: { name: "whole" } });
  const id = String(field(json, "id"));
  const version = `/service/${id}/version/1`;
  await call("POST", `${version}/domain`, { form: { name: HOST } });
  const form = { name: "origin", address: "127.0.0.1", port: new URL(origin.url).port, ...backend };
  await call("POST", `${version}/backend`, { form });
  return {
    api,
    edge,
    origin,
    clock,
    id,
    call,
    breakOrigin: () => void (broken = true),
    activate: (number = 1) => call("PUT", `/service/${id}/version/${number}/activate`),
    async visit(path, headers = {}) {
      const response = await request(`http://127.0.0.1:${edge.httpPort}${path}`, {
        headers: { host: HOST, ...headers },
      });
      const text = await response.body.text();
      return { status: response.statusCode, headers: response.headers, text, json: undefined };
    },
  };
}

describe("a service without custom VCL", () => {
  test("is valid without a warning and caches as Fastly's boilerplate says", async () => {
    const { call, id, activate, visit, origin } = await startWhole();
    const { json } = await call("GET", `/service/${id}/version/1/validate`);
    expect(json).toMatchObject({ status: "ok", msg: null, errors: [], warnings: [] });
    expect((await activate()).json).toMatchObject({ active: true, msg: null });
    const first = await visit("/a");
    expect(first.text).toBe("body of /a");
    expect(first.headers["x-cache"]).toBe("MISS");
    expect(first.headers["x-cache-hits"]).toBe("0");
    expect(first.headers["x-timer"]).toMatch(/^S\d+\.\d+,VS0,VE\d+$/);
    expect(first.headers["surrogate-key"]).toBeUndefined();
    const second = await visit("/a");
    expect(second.headers["x-cache"]).toBe("HIT");
    expect(second.headers["x-cache-hits"]).toBe("1");
    expect(origin.seen).toHaveLength(1);
  });

  test("shows surrogate keys and its journey only to Fastly-Debug", async () => {
    const { activate, visit } = await startWhole();
    await activate();
    const { headers } = await visit("/a", { "fastly-debug": "1" });
    expect(headers["surrogate-key"]).toBe("page-a all");
    expect(headers["fastly-debug-path"]).toMatch(/\(D \S+ \d+\) \(F \S+ \d+\)/);
    expect(headers["fastly-debug-digest"]).toMatch(/^[0-9a-f]{64}$/);
    expect((await visit("/b")).headers["fastly-debug-path"]).toBeUndefined();
  });

  test("through a shield counts both POPs and both runs of deliver", async () => {
    const { activate, visit, origin } = await startWhole({ shield: "iad-va-us" });
    await activate();
    const { headers } = await visit("/a");
    expect(headers["x-cache"]).toBe("MISS, MISS");
    expect(String(headers["x-served-by"]).split(", ")).toHaveLength(2);
    expect(headers["surrogate-key"]).toBeUndefined();
    expect((await visit("/a")).headers["x-cache"]).toBe("MISS, HIT");
    expect(origin.seen).toHaveLength(1);
  });
});

describe("purging through the API", () => {
  test("by key, by URL and of everything reaches the edge's cache", async () => {
    const { activate, visit, call, id, origin } = await startWhole();
    await activate();
    const cache = async (path: string): Promise<unknown> => (await visit(path)).headers["x-cache"];
    for (const path of ["/a", "/b"]) await visit(path);
    await call("POST", `/service/${id}/purge/page-a`);
    expect([await cache("/a"), await cache("/b")]).toEqual(["MISS", "HIT"]);
    await call("POST", `/purge/${HOST}/b`);
    expect([await cache("/a"), await cache("/b")]).toEqual(["HIT", "MISS"]);
    await call("POST", `/service/${id}/purge`, { headers: { "surrogate-key": "page-a page-b" } });
    expect([await cache("/a"), await cache("/b")]).toEqual(["MISS", "MISS"]);
    await call("POST", `/service/${id}/purge_all`);
    expect([await cache("/a"), await cache("/b")]).toEqual(["MISS", "MISS"]);
    expect(origin.seen).toHaveLength(8);
  });
});

describe("custom VCL", () => {
  const upload = async (whole: Whole, content: string): Promise<void> => {
    const form = { name: "main", content, main: "1" };
    await whole.call("POST", `/service/${whole.id}/version/1/vcl`, { form });
  };

  test("that is wrong is refused with file, line and position, by validate and activate", async () => {
    const whole = await startWhole();
    await upload(
      whole,
      "sub vcl_recv {\n#FASTLY recv\n  set req.http.X = no.such.variable;\n  return(lookup);\n}\n",
    );
    const validated = await whole.call("GET", `/service/${whole.id}/version/1/validate`);
    expect(field(validated.json, "status")).toBe("error");
    expect(field(validated.json, "msg")).toMatch(/no\.such\.variable[\s\S]*\nat: \(main Line 3 Pos 20\)/);
    const activated = await whole.activate();
    expect(activated.status).toBe(400);
    expect(field(activated.json, "detail")).toBe(field(validated.json, "msg"));
    expect((await whole.visit("/")).status).toBe(500);
  });

  test("reads dictionaries live, ACLs and dynamic snippets as they are now", async () => {
    const whole = await startWhole();
    const { call, id, visit } = whole;
    const version = `/service/${id}/version/1`;
    const dictionary = await call("POST", `${version}/dictionary`, {
      form: { name: "words", write_only: "1" },
    });
    const acl = await call("POST", `${version}/acl`, { form: { name: "friends" } });
    const form = { name: "answer", type: "error", dynamic: "1", content: 'synthetic "one";' };
    const snippet = await call("POST", `${version}/snippet`, { form });
    const main = [
      "sub vcl_recv {",
      "#FASTLY recv",
      "  if (client.ip ~ friends) { error 601; }",
      '  error 600 table.lookup(words, "greeting", "none");',
      "}",
      "sub vcl_error {",
      "#FASTLY error",
      "  set obj.http.X-Word = obj.response;",
      "  set obj.status = if(obj.status == 601, 403, 200);",
      "  return(deliver);",
      "}",
      "",
    ];
    await upload(whole, main.join("\n"));
    expect((await whole.activate()).status).toBe(200);
    expect((await visit("/")).headers["x-word"]).toBe("none");
    const item = `/service/${id}/dictionary/${String(field(dictionary.json, "id"))}/item/greeting`;
    await call("PUT", item, { form: { item_value: "hello" } });
    const greeted = await visit("/");
    expect(greeted.headers["x-word"]).toBe("hello");
    expect(greeted.text).toBe("one");
    const content = `/service/${id}/snippet/${String(field(snippet.json, "id"))}`;
    await call("PUT", content, { form: { content: 'synthetic "two";' } });
    expect((await visit("/")).text).toBe("two");
    const entries = `/service/${id}/acl/${String(field(acl.json, "id"))}/entry`;
    await call("POST", entries, { form: { ip: "127.0.0.0", subnet: "8" } });
    expect((await visit("/")).status).toBe(403);
  });

  test("error 801 is a redirect to HTTPS", async () => {
    const whole = await startWhole();
    await upload(whole, "sub vcl_recv {\n#FASTLY recv\n  error 801;\n}\nsub vcl_error {\n#FASTLY error\n}\n");
    expect((await whole.activate()).status).toBe(200);
    const answer = await whole.visit("/a?b=1");
    expect(answer.status).toBe(301);
    expect(answer.headers["location"]).toBe(`https://${HOST}/a?b=1`);
  });

  test("the text of /generated_vcl compiles like the service it was made from", async () => {
    const whole = await startWhole({ shield: "iad-va-us" });
    const { json } = await whole.call("GET", `/service/${whole.id}/version/1/generated_vcl`);
    const other = await whole.call("POST", "/service", { form: { name: "copy" } });
    const id = String(field(other.json, "id"));
    const form = { name: "main", content: String(field(json, "content")), main: "1" };
    await whole.call("POST", `/service/${id}/version/1/vcl`, { form });
    const validated = await whole.call("GET", `/service/${id}/version/1/validate`);
    expect(field(validated.json, "errors")).toEqual([]);
  });
});

describe("stale_if_error in the settings", () => {
  test("serves stale when the origin fails, and does not without it", async () => {
    const whole = await startWhole();
    const { call, id, visit, clock, activate } = whole;
    await call("PUT", `/service/${id}/version/1/settings`, { form: { "general.stale_if_error": "1" } });
    await activate();
    await visit("/a");
    clock.advance(700_000);
    const { text } = await call("GET", `/service/${id}/version/1/generated_vcl`);
    expect(text).toContain("set beresp.stale_if_error = 43200s;");
    whole.breakOrigin();
    const stale = await visit("/a");
    expect(stale.status).toBe(200);
    expect(stale.text).toBe("body of /a");
    expect((await visit("/never-seen")).status).toBe(503);
  });
});
