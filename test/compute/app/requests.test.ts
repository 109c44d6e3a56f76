import { describe, expect, test } from "vitest";
import { Edge, SETTINGS, START, TOKEN } from "./edge.ts";

const page = (text: string, meta: Record<string, string> = {}) => ({ body: text, meta });

describe("the Compute app", () => {
  test("shows a page, with the defaults of every answer and nothing of S3's own", async () => {
    const edge = new Edge().site({}, { "about.html": page("About", { p: "/about" }) });
    const answer = await edge.get("/about");
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("About");
    expect(Object.fromEntries(answer.headers)).toEqual({
      "accept-ranges": "bytes",
      "cache-control": "public, max-age=0, must-revalidate",
      "cache-status": "sitefleet; fwd=uri-miss",
      "content-length": "5",
      "content-type": "text/html; charset=utf-8",
      date: "Fri, 02 Jan 2026 03:04:05 GMT",
      etag: '"8f7f4c1ce7a4f933663d10543562b096"',
      "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
      "referrer-policy": "strict-origin-when-cross-origin",
      vary: "Accept-Encoding",
      "x-content-type-options": "nosniff",
    });
    const again = await edge.get("/about");
    expect(again.headers.get("cache-status")).toBe("sitefleet; hit");
    expect(edge.asked).toHaveLength(2);
  });

  test("reads a config and a page with VCL's cache keys and surrogate keys", async () => {
    const edge = new Edge().site({}, { "about.html": page("About") });
    await edge.get("/about");
    expect([...edge.cache].map(([key, kept]) => [key, kept.keys.join(" ")])).toEqual([
      ["config/test/production/www.example", "all env:production d:www.example c:blog s:blog"],
      ["hosting/test/production/blog/1/about.html", "all env:production s:blog r:blog/1 p:660e3516c57a369c"],
    ]);
  });

  test("tells a log line of every request", async () => {
    const edge = new Edge().site({ i: "2" }, { "about.html": page("About") });
    await edge.get("/about?x=1");
    expect(edge.log()).toEqual({
      time: "2026-01-02T03:04:05Z",
      request: "req-1",
      domain: "www.example",
      site: "blog",
      site_env: "production",
      release: "2",
      method: "GET",
      path: "/about",
      phase: "page",
      status: 200,
      cache: "MISS",
      restarts: 0,
      bytes: 5,
      ms: 0,
    });
  });

  test.each([
    ["POST", 405, "GET, HEAD"],
    ["DELETE", 405, "GET, HEAD"],
    ["PURGE", 403, null],
    ["FASTLYPURGE", 403, null],
  ])("answers %s with %i before any lookup", async (method, status, allow) => {
    const edge = new Edge().site();
    const answer = await edge.get("/", { method });
    expect([answer.status, answer.headers.get("allow"), edge.asked]).toEqual([status, allow, []]);
    expect(await answer.text()).toContain("</main></html>");
  });

  test.each([
    "/%",
    "/%zz",
    "/a%00b",
    "/a%2Fb",
    "/a%5Cb",
    "/a\\b",
    "/a/../b",
    "/./a",
    "/%2e%2e/b",
    "/%ff",
    "/%c3%28",
    "/%0d%0aX:1",
    "/\u00fc",
    "",
  ])("refuses the path %j with 400", async (path) => {
    const edge = new Edge().site();
    expect([(await edge.get(path)).status, edge.asked]).toEqual([400, []]);
  });

  test("has one spelling of a path, whatever was sent", async () => {
    const edge = new Edge().site(
      {},
      { "gr%C3%BC%C3%9Fe.html": page("Greetings"), "a%2Bb.html": page("Plus") },
    );
    for (const path of ["/gr%c3%bc%C3%9fe", "/gr\u00c3\u00bc\u00c3\u009fe", "//gr%C3%BC%C3%9Fe/"]) {
      expect(await (await edge.get(path)).text(), path).toBe("Greetings");
    }
    expect(await (await edge.get("/a+b")).text()).toBe("Plus");
  });

  test("refuses what is too long with 414", async () => {
    const edge = new Edge().site();
    const paths = [
      `/${"a".repeat(4_096)}`,
      `/${"a".repeat(900)}`,
      `/${"%C3%BC".repeat(450)}`,
      `/${"a".repeat(899)}`,
    ];
    const statuses = await Promise.all(paths.map(async (path) => (await edge.get(path)).status));
    expect(statuses).toEqual([414, 414, 414, 404]);
  });

  test("knows a host without case, port and trailing dot, and refuses what is none", async () => {
    const edge = new Edge().site({}, { "index.html": page("Home") });
    const statuses = await Promise.all(
      [
        "WWW.Example",
        "www.example:8080",
        "www.example.",
        "www.example.:80",
        "",
        "a b",
        "-a.example",
        "../etc",
      ].map(async (Host) => (await edge.get("/", { headers: { Host } })).status),
    );
    expect(statuses).toEqual([200, 200, 200, 200, 400, 400, 400, 400]);
  });

  test("finds the website environment by the host's suffix", async () => {
    const edge = new Edge().site({}, { "index.html": page("Trial") }, "blog.staging.example");
    expect(await (await edge.get("/", { headers: { Host: "blog.staging.example" } })).text()).toBe("Trial");
  });

  test("has a page for a host without a site, kept under the domain's key until it is purged", async () => {
    const edge = new Edge();
    const unknown = await edge.get("/");
    expect([unknown.status, unknown.headers.get("x-robots-tag"), edge.log()["phase"]]).toEqual([
      404,
      "noindex",
      "unknown-host",
    ]);
    edge.site({}, { "index.html": page("Home") });
    expect((await edge.get("/")).status).toBe(404);
    edge.purge("d:www.example");
    expect((await edge.get("/")).status).toBe(200);
  });

  test.each([
    [{ v: "99" }],
    [{ v: "" }],
    [{ s: "../x" }],
    [{ r: "" }],
    [{ c: "evil.example/path" }],
    [{ o: "soon" }],
    [{ w: "0=nothing" }],
  ])("answers the config %j with 500 and an alarm", async (config) => {
    const edge = new Edge().site(config);
    expect([(await edge.get("/")).status, edge.log()["phase"]]).toEqual([500, "unusable-config"]);
    expect(edge.alarms()).toEqual([{ alarm: "unusable config", domain: "www.example" }]);
  });

  test("sends an alias to its host, over TLS where that is forced, with path and query", async () => {
    const edge = new Edge({ ...SETTINGS, publicPorts: { http: 80, https: 8443 } }).site({
      c: "www.shop.example",
      r: "",
    });
    const answer = await edge.get("/a/b?c=d", { isTls: false });
    expect([answer.status, answer.headers.get("location"), await answer.text()]).toEqual([
      301,
      "http://www.shop.example/a/b?c=d",
      "",
    ]);
    edge.site({ c: "www.shop.example", r: "", t: "1" }).purge("all");
    expect((await edge.get("/", { isTls: false })).headers.get("location")).toBe(
      "https://www.shop.example:8443/",
    );
    expect((await edge.get("/.well-known/acme-challenge/x", { isTls: false })).status).toBe(404);
  });

  test("forces TLS where the domain says so, challenges excepted, and promises it over TLS only", async () => {
    const edge = new Edge().site(
      { t: "1", h: "300" },
      { ".well-known/acme-challenge/x.html": page("proof") },
    );
    const plain = await edge.get("/a?b", { isTls: false });
    expect([
      plain.status,
      plain.headers.get("location"),
      plain.headers.get("strict-transport-security"),
    ]).toEqual([301, "https://www.example/a?b", null]);
    expect((await edge.get("/.well-known/acme-challenge/x", { isTls: false })).status).toBe(200);
    expect((await edge.get("/")).headers.get("strict-transport-security")).toBe("max-age=300");
  });

  test("takes a suspended or expired site away", async () => {
    const answerTo = async (config: Record<string, string>) => {
      const edge = new Edge().site(config, { "index.html": page("Home") });
      const answer = await edge.get("/");
      return [answer.status, answer.headers.get("retry-after"), edge.log()["phase"]];
    };
    expect(await answerTo({ x: "410" })).toEqual([410, null, "suspended"]);
    expect(await answerTo({ x: "503" })).toEqual([503, "3600", "suspended"]);
    expect(await answerTo({ o: String(START / 1_000) })).toEqual([410, null, "expired"]);
    expect(await answerTo({ o: String(START / 1_000 + 1) })).toEqual([200, null, "page"]);
  });

  test("keeps previews out of search engines", async () => {
    const edge = new Edge().site({ m: "1" }, { "index.html": page("Home") });
    expect((await edge.get("/")).headers.get("x-robots-tag")).toBe("noindex");
  });

  test("tells its version, release, keys and states to who knows the debug token, and to nobody else", async () => {
    const edge = new Edge().site({ i: "2" }, { "index.html": page("Home") });
    const told = await edge.get("/", { headers: { "Sitefleet-Debug": TOKEN } });
    expect([...told.headers].filter(([name]) => name.startsWith("sf-"))).toEqual([
      ["sf-config-keys", "all env:production d:www.example c:blog s:blog"],
      ["sf-config-state", "MISS"],
      ["sf-keys", "all env:production s:blog r:blog/1 p:2e7cc76cb727cb3b"],
      ["sf-release", "2"],
      ["sf-revision", "abc123"],
      ["sf-state", "MISS"],
      ["sf-version", "7"],
    ]);
    for (const token of ["", TOKEN.slice(1), `${TOKEN}0`, TOKEN.replace(/./, "x")]) {
      const answer = await edge.get("/", { headers: { "Sitefleet-Debug": token } });
      expect([...answer.headers.keys()].filter((name) => name.startsWith("sf-"))).toEqual([]);
    }
  });

  test("believes no client that speaks the edge's own language", async () => {
    const edge = new Edge().site({}, { "index.html": page("Home") });
    const headers = { "SF-Phase": "page", "SF-Site": "other", "x-amz-meta-s": "other", "Surrogate-Key": "x" };
    const answer = await edge.get("/secret", { headers });
    expect(answer.status).toBe(404);
    for (const { headers: sent } of edge.requests) {
      expect([...sent.keys()].sort()).toEqual([
        "authorization",
        "host",
        "x-amz-content-sha256",
        "x-amz-date",
      ]);
    }
  });
});
