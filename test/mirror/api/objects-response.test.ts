import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { startWhole } from "./whole-fixture.ts";

const LONG = "compress me ".repeat(200);

describe("header objects", () => {
  test("of type response change what the visitor gets, some under a response condition", async () => {
    const { add, activate, visit } = await startWhole();
    const header = { type: "response", action: "set" } as const;
    const statement = 'resp.status == 200 && req.url ~ "^/a"';
    await add("condition", { type: "RESPONSE", name: "ok", statement });
    await add("header", { ...header, name: "h", dst: "http.X-All", src: '"yes"' });
    await add("header", {
      ...header,
      name: "c",
      dst: "http.X-Some",
      src: "req.url",
      response_condition: "ok",
    });
    await add("header", { type: "response", action: "delete", name: "d", dst: "http.Content-Type" });
    await activate();
    const [a, b] = [await visit("/a"), await visit("/b")];
    expect([a.headers["x-all"], a.headers["x-some"], a.headers["content-type"]]).toEqual([
      "yes",
      "/a",
      undefined,
    ]);
    expect([b.headers["x-all"], b.headers["x-some"]]).toEqual(["yes", undefined]);
  });

  test("of type cache are stored with the object, those of type fetch go to the origin alone", async () => {
    const { add, activate, visit, origin } = await startWhole();
    await add("condition", { type: "CACHE", name: "found", statement: "beresp.status == 200" });
    await add("condition", { type: "PREFETCH", name: "some", statement: 'req.url == "/b"' });
    const set = { action: "set" } as const;
    const cached = { ...set, type: "cache", name: "c", cache_condition: "found" };
    await add("header", { ...cached, dst: "http.X-Stored", src: "now.sec" });
    await add("header", { ...set, type: "fetch", name: "f", dst: "http.X-Origin", src: '"1"' });
    const fetched = { ...set, type: "fetch", name: "g", request_condition: "some" };
    await add("header", { ...fetched, dst: "http.X-Some", src: '"2"' });
    await activate();
    const first = await visit("/a");
    const second = await visit("/a");
    expect(first.headers["x-stored"]).toMatch(/^\d+$/);
    expect(second.headers["x-stored"]).toBe(first.headers["x-stored"]);
    await visit("/b");
    await visit("/b", {}, "POST");
    expect(origin.seen.map((seen) => [seen.headers["x-origin"], seen.headers["x-some"]])).toEqual([
      ["1", undefined],
      ["1", "2"],
      ["1", "2"],
    ]);
    expect(first.headers["x-origin"]).toBeUndefined();
  });
});

describe("cache settings", () => {
  test("set the life of what they match, pass it, or leave it to the origin", async () => {
    const { add, activate, visit, clock, origin } = await startWhole();
    await add("condition", { type: "CACHE", name: "short", statement: 'req.url == "/short"' });
    await add("condition", { type: "CACHE", name: "never", statement: 'req.url == "/never"' });
    await add("cache_settings", { name: "s", action: "cache", ttl: "30", cache_condition: "short" });
    await add("cache_settings", { name: "n", action: "pass", ttl: "0", cache_condition: "never" });
    await activate();
    const count = (path: string): number => origin.seen.filter((seen) => seen.url === path).length;
    for (const path of ["/short", "/never", "/long"]) for (const _ of [1, 2]) await visit(path);
    expect([count("/short"), count("/never"), count("/long")]).toEqual([1, 2, 1]);
    clock.advance(31_000);
    for (const path of ["/short", "/never", "/long"]) await visit(path);
    expect([count("/short"), count("/never"), count("/long")]).toEqual([2, 3, 1]);
  });

  test("keep a stale copy for when the origin fails, and begin a request anew", async () => {
    let broken = false;
    const { add, activate, visit, clock, origin } = await startWhole({
      answer: ({ url }, count) => {
        if (broken) return { status: 503, body: "broken" };
        return url === "/again" && count === 1 ? { status: 404 } : { body: "fine" };
      },
    });
    await add("condition", {
      type: "CACHE",
      name: "missing",
      statement: "beresp.status == 404 && req.restarts == 0",
    });
    await add("cache_settings", { name: "again", action: "restart", cache_condition: "missing" });
    await add("cache_settings", { name: "all", ttl: "10", stale_ttl: "600" });
    await add("snippet", {
      name: "stale",
      type: "fetch",
      content: "if (beresp.status >= 500 && stale.exists) { return(deliver_stale); }",
    });
    await add("snippet", { name: "own ttl", type: "fetch", content: 'set beresp.http.Expires = "x";' });
    await activate();
    const again = await visit("/again");
    expect([again.status, again.text, origin.seen.length]).toEqual([200, "fine", 2]);
    await visit("/a");
    broken = true;
    clock.advance(60_000);
    expect((await visit("/a")).text).toBe("fine");
    clock.advance(601_000);
    expect((await visit("/a")).status).toBe(503);
  });
});

describe("gzip objects", () => {
  const answer = (): { headers: Record<string, string>; body: string } => ({
    headers: { "content-type": "text/css; charset=utf-8", "cache-control": "max-age=60" },
    body: LONG,
  });

  test("compress by type and by extension for those who accept it, and vary", async () => {
    const { add, activate, visit } = await startWhole({ answer });
    await add("gzip", { name: "css", content_types: "text/css image/svg+xml", extensions: "" });
    await activate();
    const gzip = await visit("/a", { "accept-encoding": "gzip" });
    expect([gzip.headers["content-encoding"], gzip.headers["vary"]]).toEqual(["gzip", "Accept-Encoding"]);
    expect(gunzipSync(Buffer.from(gzip.text, "latin1")).toString()).toBe(LONG);
    const br = await visit("/a", { "accept-encoding": "gzip, br" });
    expect(br.headers["content-encoding"]).toBe("br");
    expect(brotliDecompressSync(Buffer.from(br.text, "latin1")).toString()).toBe(LONG);
    const plain = await visit("/a", { "accept-encoding": "identity" });
    expect([plain.headers["content-encoding"], plain.headers["vary"]]).toEqual([
      undefined,
      "Accept-Encoding",
    ]);
  });

  test("leave alone what they do not name or what their condition excludes", async () => {
    const { add, activate, visit } = await startWhole({ answer });
    await add("condition", { type: "CACHE", name: "not b", statement: 'req.url !~ "^/b"' });
    const object = { name: "txt", content_types: "text/plain", extensions: "txt", cache_condition: "not b" };
    await add("gzip", object);
    await activate();
    const encodings = [];
    for (const path of ["/a.txt?q", "/a.txtx", "/b.txt"]) {
      encodings.push((await visit(path, { "accept-encoding": "gzip" })).headers["content-encoding"]);
    }
    expect(encodings).toEqual(["gzip", undefined, undefined]);
  });

  test("have Fastly's lists where nobody says", async () => {
    const { add } = await startWhole();
    const { json } = await add("gzip", { name: "default" });
    expect(json).toMatchObject({ extensions: "css js html eot ico otf ttf json", version: "1" });
    expect(JSON.stringify(json)).toContain("text/html application/x-javascript text/css");
  });
});

describe("response objects with a cache condition", () => {
  test("take the place of what the origin answered", async () => {
    const { add, activate, visit } = await startWhole({ answer: () => ({ status: 406, body: "no" }) });
    await add("condition", { type: "CACHE", name: "blocked", statement: "beresp.status == 406" });
    const page = { name: "page", status: "403", response: "Forbidden", content: "<h1>no</h1>" };
    await add("response_object", { ...page, content_type: "text/html", cache_condition: "blocked" });
    await activate();
    const answer = await visit("/");
    expect([answer.status, answer.text, answer.headers["content-type"]]).toEqual([
      403,
      "<h1>no</h1>",
      "text/html",
    ]);
  });
});

describe("snippets", () => {
  test("run at every hook, in the order of their priorities", async () => {
    const { add, activate, visit, logged } = await startWhole();
    const mark = (word: string): string =>
      `set req.http.X-Trail = if(req.http.X-Trail, req.http.X-Trail, "") "${word} ";`;
    for (const type of ["recv", "hash", "miss", "fetch"]) {
      await add("snippet", { name: `${type}2`, type, priority: "200", content: mark(`${type}2`) });
      await add("snippet", { name: `${type}1`, type, priority: "5", content: mark(`${type}1`) });
    }
    await add("snippet", { name: "hit2", type: "hit", priority: "200", content: 'log "hit2";' });
    await add("snippet", { name: "hit1", type: "hit", priority: "5", content: 'log "hit1";' });
    const keep = { type: "fetch", priority: "300", content: "set beresp.http.X-Fetched = req.http.X-Trail;" };
    await add("snippet", { name: "keep", ...keep });
    await add("snippet", { name: "init", type: "init", content: 'table words { "a": "b" }' });
    const deliver = 'set resp.http.X-Trail = req.http.X-Trail table.lookup(words, "a");';
    await add("snippet", { name: "deliver", type: "deliver", content: deliver });
    await add("snippet", { name: "log", type: "log", content: 'log "seen " req.url;' });
    await add("snippet", { name: "pass", type: "pass", content: 'set bereq.http.X-Pass = "1";' });
    await activate();
    const [miss, hit] = [await visit("/a"), await visit("/a")];
    // The fetch has a request of its own: what it notes there is not the delivery's.
    const fetched = "recv1 recv2 hash1 hash2 miss1 miss2 fetch1 fetch2 ";
    expect(String(miss.headers["x-fetched"]).trim()).toBe(fetched.trim());
    expect(hit.headers["x-fetched"]).toBe(miss.headers["x-fetched"]);
    expect(miss.headers["x-trail"]).toBe("recv1 recv2 hash1 hash2 b");
    expect(logged.map(({ line }) => line)).toEqual(["seen /a", "hit1", "hit2", "seen /a"]);
  });
});

describe("settings", () => {
  test("the default TTL and the default Host are the version's", async () => {
    const { call, id, activate, visit, clock, origin } = await startWhole({ answer: () => ({ body: "x" }) });
    const form = { "general.default_ttl": "20", "general.default_host": "fixed.example.com" };
    await call("PUT", `/service/${id}/version/1/settings`, { form });
    await activate();
    for (const _ of [1, 2]) await visit("/a");
    expect(origin.seen).toHaveLength(1);
    expect(origin.seen[0]?.headers.host).toBe("fixed.example.com");
    clock.advance(21_000);
    await visit("/a");
    expect(origin.seen).toHaveLength(2);
  });
});
