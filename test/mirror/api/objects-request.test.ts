import { describe, expect, test } from "vitest";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { addressOf, HOST, startWhole } from "./whole-fixture.ts";

const REQUEST = { type: "REQUEST" } as const;

describe("header objects of type request", () => {
  test("set, append, delete, regex and regex_repeat act on what the origin sees, by priority", async () => {
    const { add, activate, visit, origin } = await startWhole();
    const header = { type: "request" } as const;
    await add("header", {
      ...header,
      name: "set",
      action: "set",
      dst: "http.X-Set",
      src: '"one"',
      priority: "10",
    });
    await add("header", {
      ...header,
      name: "more",
      action: "append",
      dst: "http.X-Set",
      src: '", two"',
      priority: "20",
    });
    await add("header", { ...header, name: "first", action: "append", dst: "http.X-New", src: "req.url" });
    await add("header", { ...header, name: "gone", action: "delete", dst: "http.X-Secret" });
    const regex = { regex: "a", substitution: "b" };
    await add("header", {
      ...header,
      ...regex,
      name: "r1",
      action: "regex",
      dst: "http.X-Once",
      src: "req.url",
    });
    await add("header", {
      ...header,
      ...regex,
      name: "r2",
      action: "regex_repeat",
      dst: "http.X-All",
      src: "req.url",
    });
    await activate();
    await visit("/aaa", { "x-secret": "s" });
    expect(origin.seen[0]?.headers).toMatchObject({
      "x-set": "one, two",
      "x-new": "/aaa",
      "x-once": "/baa",
      "x-all": "/bbb",
    });
    expect(origin.seen[0]?.headers).not.toHaveProperty("x-secret");
  });

  test("ignore_if_set leaves what the visitor sent", async () => {
    const { add, activate, visit, origin } = await startWhole();
    const set = { type: "request", action: "set", ignore_if_set: "1", dst: "http.X-Kept", src: '"mine"' };
    await add("header", { ...set, name: "kept" });
    await activate();
    await visit("/a", { "x-kept": "theirs" });
    await visit("/b");
    expect(origin.seen.map((seen) => seen.headers["x-kept"])).toEqual(["theirs", "mine"]);
  });

  test("rewrite the URL with a regex full of what VCL must escape", async () => {
    const { add, activate, visit, origin } = await startWhole();
    const rewrite = { type: "request", action: "regex", dst: "url", src: "req.url" };
    await add("header", { ...rewrite, name: "u", regex: '^/old%(\\d+)"?', substitution: "/new/\\1" });
    await activate();
    await visit("/old%12/x");
    await visit("/plain");
    expect(origin.seen.map((seen) => seen.url)).toEqual(["/new/12/x", "/plain"]);
  });
});

describe("conditions", () => {
  test("choose by statement, and run in the order of their priorities", async () => {
    const { add, activate, visit, origin } = await startWhole();
    await add("condition", { ...REQUEST, name: "late", statement: 'req.url ~ "^/a"', priority: "20" });
    await add("condition", { ...REQUEST, name: "early", statement: 'req.url ~ "^/a"', priority: "5" });
    const append = { type: "request", action: "append", dst: "http.X-Trail" };
    await add("header", { ...append, name: "l", src: '"L"', request_condition: "late" });
    await add("header", { ...append, name: "e", src: '"E"', request_condition: "early" });
    await add("header", { ...append, name: "d", src: '"D"' });
    await activate();
    await visit("/a");
    await visit("/b");
    expect(origin.seen.map((seen) => seen.headers["x-trail"])).toEqual(["DEL", "D"]);
  });

  test("that are not there, or are no VCL, keep a version from being activated", async () => {
    const { add, call, id } = await startWhole();
    const header = { type: "request", action: "set", dst: "http.X", src: '"1"', name: "h" };
    await add("header", { ...header, request_condition: "missing" });
    const activation = `/service/${id}/version/1/activate`;
    const missing = await call("PUT", activation);
    expect(missing.status).toBe(400);
    expect(missing.text).toContain("Header 'h': no condition 'missing'");
    await add("condition", { ...REQUEST, name: "missing", statement: "req.url ~" });
    const broken = await call("PUT", activation);
    expect(broken.status).toBe(400);
    expect(broken.text).toMatch(/at: \(#FASTLY recv Line \d+ Pos \d+\)/);
  });

  test("send what they match to another backend, or to one of several in balance", async () => {
    const { add, activate, visit, origin } = await startWhole();
    const other = await startScriptedServer(() => ({ body: "other" }));
    const pair = await startScriptedServer(() => ({ body: "pair" }));
    await add("condition", { ...REQUEST, name: "is other", statement: 'req.url ~ "^/other"' });
    await add("condition", { ...REQUEST, name: "is pair", statement: 'req.url ~ "^/pair"' });
    await add("backend", { name: "other", ...addressOf(other), request_condition: "is other" });
    for (const name of ["p1", "p2"]) {
      const balanced = { auto_loadbalance: "1", request_condition: "is pair" };
      await add("backend", { name, ...addressOf(pair), ...balanced });
    }
    await activate();
    expect((await visit("/other")).text).toBe("other");
    expect((await visit("/pair")).text).toBe("pair");
    expect((await visit("/mine")).text).toBe("body of /mine");
    expect(origin.seen).toHaveLength(1);
  });
});

describe("request settings", () => {
  test("force TLS, and pass what a condition names", async () => {
    const { add, activate, visit, origin } = await startWhole();
    await add("condition", { ...REQUEST, name: "private", statement: 'req.url ~ "^/private"' });
    await add("condition", { ...REQUEST, name: "secure", statement: 'req.url ~ "^/secure"' });
    await add("request_settings", { name: "p", action: "pass", request_condition: "private" });
    await add("request_settings", { name: "s", force_ssl: "1", request_condition: "secure" });
    await activate();
    for (const path of ["/private", "/private", "/public", "/public"]) await visit(path);
    expect(origin.seen.map((seen) => seen.url)).toEqual(["/private", "/private", "/public"]);
    const secure = await visit("/secure?x=1");
    expect([secure.status, secure.headers["location"]]).toEqual([301, `https://${HOST}/secure?x=1`]);
  });

  test.each([
    ["append", "203.0.113.7, 127.0.0.1"],
    ["append_all", "203.0.113.7, 127.0.0.1"],
    ["overwrite", "127.0.0.1"],
    ["clear", undefined],
  ])("xff %s", async (xff, expected) => {
    const { add, activate, visit, origin } = await startWhole();
    await add("request_settings", { name: "x", xff });
    await activate();
    await visit("/a", { "x-forwarded-for": "203.0.113.7" });
    expect(origin.seen[0]?.headers["x-forwarded-for"]).toBe(expected);
  });

  test("force a miss, change the Host, and say where the visitor is", async () => {
    const { add, activate, visit, origin } = await startWhole();
    await add("request_settings", {
      name: "all",
      force_miss: "1",
      bypass_busy_wait: "1",
      geo_headers: "1",
      max_stale_age: "60",
      timer_support: "1",
      default_host: "origin.example.com",
    });
    await activate();
    await visit("/a", { "fastly-test-country": "DE" });
    await visit("/a");
    expect(origin.seen).toHaveLength(2);
    expect(origin.seen[0]?.headers).toMatchObject({
      host: "origin.example.com",
      "fastly-orig-host": HOST,
      "fastly-geo-country": "DE",
    });
  });

  test("hash keys of a condition take the place of URL and Host in the cache key", async () => {
    const { add, activate, visit, origin } = await startWhole();
    await add("condition", { ...REQUEST, name: "same", statement: 'req.url ~ "^/same"' });
    const settings = { name: "h", hash_keys: "req.http.host, req.http.X-Device", request_condition: "same" };
    await add("request_settings", settings);
    await activate();
    const served = [
      await visit("/same/1", { "x-device": "phone" }),
      await visit("/same/2", { "x-device": "phone" }),
      await visit("/same/3", { "x-device": "tv" }),
      await visit("/other/1"),
      await visit("/other/2"),
    ].map((answer) => answer.text);
    expect(served).toEqual([
      "body of /same/1",
      "body of /same/1",
      "body of /same/3",
      "body of /other/1",
      "body of /other/2",
    ]);
    expect(origin.seen).toHaveLength(4);
  });
});

describe("response objects", () => {
  test("answer in place of the origin, with status, type and a body of any text", async () => {
    const { add, activate, visit, origin } = await startWhole();
    const content = 'a "quoted"} body, {E0"; } # ü\n';
    await add("condition", { ...REQUEST, name: "robots", statement: 'req.url == "/robots.txt"' });
    await add("response_object", {
      name: "robots",
      status: "418",
      response: "Teapot",
      content,
      content_type: "text/x-robots",
      request_condition: "robots",
    });
    await activate();
    const answer = await visit("/robots.txt");
    expect(answer.status).toBe(418);
    expect(answer.headers["content-type"]).toBe("text/x-robots");
    expect(Buffer.from(answer.text, "latin1").toString("utf8")).toBe(content);
    expect(origin.seen).toHaveLength(0);
    expect((await visit("/else")).status).toBe(200);
  });

  test("without any condition answer every request", async () => {
    const { add, activate, visit } = await startWhole();
    await add("response_object", { name: "closed", status: "503", response: "Closed", content: "closed" });
    await activate();
    const answer = await visit("/");
    expect([answer.status, answer.text]).toEqual([503, "closed"]);
  });
});
