import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Edge, SETTINGS } from "./edge.ts";

const ETAG = { ETag: '"one"' };
const TEXT = "0123456789".repeat(300);

function site(pages: Parameters<Edge["site"]>[1], config: Record<string, string> = {}): Edge {
  return new Edge().site(config, pages);
}

describe("a range far into a file", () => {
  const body = new Uint8Array(2_500_000).map((_, at) => at % 251);
  const ask = async (edge: Edge, range: string) => {
    const answer = await edge.get("/big.bin", { headers: { Range: range } });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return [answer.status, answer.headers.get("content-range"), bytes.length, bytes[0]];
  };
  const PART = [206, "bytes 2400000-2400009/2500000", 10, 2_400_000 % 251];

  test("is S3's own, of the same file, and not what has been read up to there", async () => {
    const edge = new Edge().site({}, { "big.bin": { body } });
    expect(await ask(edge, "bytes=2400000-2400009")).toEqual(PART);
    const { headers } = edge.requests.at(-1) ?? {};
    expect(headers?.get("range")).toBe("bytes=2400000-2400009");
    expect(headers?.get("if-match")).toBe(`"${createHash("md5").update(body).digest("hex")}"`);
    expect(headers?.get("authorization")).toContain("HOSTINGID");
    expect(edge.alarms()).toEqual([]);
  });

  test.each([
    ["refuses", 1],
    [403, 1],
    [412, 0],
  ] as const)("is cut out of what is cached where S3 answers %s", async (mood, alarms) => {
    const edge = new Edge().site({}, { "big.bin": { body } });
    await edge.get("/big.bin");
    edge.moods.set("F_hosting", mood);
    expect(await ask(edge, "bytes=2400000-2400009")).toEqual(PART);
    expect(edge.alarms()).toHaveLength(alarms);
  });

  test("that is all of it is what is cached", async () => {
    const edge = new Edge().site({}, { "big.bin": { body } });
    expect(await ask(edge, "bytes=0-")).toEqual([206, "bytes 0-2499999/2500000", 2_500_000, 0]);
    expect(edge.asked.filter((line) => line.startsWith("F_hosting"))).toHaveLength(1);
  });
});

describe("a page", () => {
  test("is found under each of its spellings and sent to its own", async () => {
    const edge = site({ "about.html": { body: "About", meta: { p: "/about" } } });
    for (const path of ["/about/", "/about.html", "/about/index.html"]) {
      const answer = await edge.get(`${path}?a=b`);
      expect([answer.status, answer.headers.get("location"), await answer.text()]).toEqual([
        308,
        "/about?a=b",
        "",
      ]);
    }
    expect(edge.asked).toHaveLength(2);
  });

  test("has no other spelling where the site is strict, and index.html where its paths are those of its files", async () => {
    const pages = { "about.html": { body: "About", meta: { p: "/about/" } } };
    const statuses = async (l: string) =>
      Promise.all(
        ["/about/", "/about", "/about/index.html"].map(
          async (path) => (await site(pages, { l }).get(path)).status,
        ),
      );
    expect(await statuses("1")).toEqual([200, 404, 404]);
    expect(await statuses("2")).toEqual([200, 404, 200]);
  });

  test("is shown where its object says nonsense of its own path", async () => {
    for (const p of ["//evil.example", "https://evil.example", "/a b", "/a?b"]) {
      expect((await site({ "about.html": { meta: { p } } }).get("/about")).status, p).toBe(200);
    }
  });

  test("comes from the release that the delta list names", async () => {
    const pages = {
      "old.html": { body: "old" },
      "new.html": { body: "new" },
      "/2/new.html": { body: "newer" },
    };
    // Digits of SHA-256 of "new.html" and "gone.html".
    const { deltaHash } = await import("../../../src/site/delta-list.ts");
    const { createHash } = await import("node:crypto");
    const sha = (text: string) => createHash("sha256").update(text).digest("hex");
    const digits = (key: string) => deltaHash(key, sha).slice(0, 4);
    const edge = site(
      { ...pages, "gone.html": { body: "gone" } },
      {
        d: `40:${digits("gone.html")}=-&${digits("new.html")}=2`,
        i: "2",
      },
    );
    expect(await (await edge.get("/old")).text()).toBe("old");
    expect((await edge.get("/gone")).status).toBe(404);
    await edge.get("/new");
    expect(edge.asked.at(-1)).toBe("F_hosting /pages/test/production/blog/2/new.html");
  });

  test("is answered to HEAD with its headers and no body", async () => {
    const answer = await site({ "about.html": { body: "About" } }).get("/about", { method: "HEAD" });
    expect([answer.status, answer.headers.get("content-length"), answer.body]).toEqual([200, "5", null]);
  });

  test.each([
    [{ "If-None-Match": '"one"' }, 304],
    [{ "If-None-Match": 'W/"one"' }, 304],
    [{ "If-None-Match": '"two", W/"one"' }, 304],
    [{ "If-None-Match": "*" }, 304],
    [{ "If-None-Match": '"two"' }, 200],
    [{ "If-None-Match": '"two"', "If-Modified-Since": "Fri, 02 Jan 2026 00:00:00 GMT" }, 200],
    [{ "If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT" }, 304],
    [{ "If-Modified-Since": "Thursday, 01-Jan-26 00:00:00 GMT" }, 304],
    [{ "If-Modified-Since": "Thu Jan  1 00:00:00 2026" }, 304],
    [{ "If-Modified-Since": "Wed, 31 Dec 2025 23:59:59 GMT" }, 200],
    [{ "If-Modified-Since": "Thu, 32 Jan 2026 00:00:00 GMT" }, 200],
  ])("with the condition %j is answered with %i", async (headers, status) => {
    const edge = site({ "about.html": { body: "About", headers: ETAG } });
    expect((await edge.get("/about", { headers })).status).toBe(status);
    expect((await edge.get("/about", { headers, method: "HEAD" })).status).toBe(status);
    expect(edge.requests.every((request) => !request.headers.has("if-none-match"))).toBe(true);
  });

  test("that has not changed has the few headers of a 304", async () => {
    const edge = site({
      "about.html": { body: "About", headers: { ...ETAG, "Cache-Control": "max-age=9" } },
    });
    const answer = await edge.get("/about", { headers: { "If-None-Match": '"one"' } });
    expect(Object.fromEntries(answer.headers)).toEqual({
      "cache-control": "max-age=9",
      "cache-status": "sitefleet; fwd=uri-miss",
      date: "Fri, 02 Jan 2026 03:04:05 GMT",
      etag: '"one"',
      "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
      vary: "Accept-Encoding",
    });
    expect(edge.cancelled).toBeGreaterThan(0);
  });

  test.each([
    ["bytes=0-9", 206, TEXT.slice(0, 10), "bytes 0-9/3000"],
    ["bytes=995-1004", 206, TEXT.slice(995, 1_005), "bytes 995-1004/3000"],
    ["bytes=2990-", 206, TEXT.slice(2_990), "bytes 2990-2999/3000"],
    ["bytes=-5", 206, TEXT.slice(-5), "bytes 2995-2999/3000"],
    ["bytes=-99999", 206, TEXT, "bytes 0-2999/3000"],
    ["bytes=2000-99999", 206, TEXT.slice(2_000), "bytes 2000-2999/3000"],
    ["bytes=3000-", 416, "", "bytes */3000"],
    ["bytes=-0", 416, "", "bytes */3000"],
    ["bytes=0-1,5-6", 200, TEXT, null],
    ["bytes=9-2", 200, TEXT, null],
    ["lines=1-2", 200, TEXT, null],
  ])("of which %s is asked is answered with %i", async (Range, status, body, contentRange) => {
    const edge = site({
      "file.bin": { body: TEXT, headers: { ...ETAG, "Content-Type": "application/octet-stream" } },
    });
    const answer = await edge.get("/file.bin", { headers: { Range } });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([status, contentRange]);
    expect(answer.headers.get("content-length")).toBe(String(body.length));
    expect(await answer.text()).toBe(body);
    expect(edge.requests.every((request) => !request.headers.has("range"))).toBe(true);
  });

  test.each([
    ['"one"', 206],
    ['W/"one"', 200],
    ['"two"', 200],
    ["Thu, 01 Jan 2026 00:00:00 GMT", 206],
    ["Thu, 01 Jan 2026 00:00:01 GMT", 200],
    ["nonsense", 200],
  ])("is asked for in part only as long as If-Range %s holds", async (condition, status) => {
    const edge = site({ "file.bin": { body: TEXT, headers: ETAG } });
    const answer = await edge.get("/file.bin", { headers: { Range: "bytes=0-9", "If-Range": condition } });
    expect(answer.status).toBe(status);
  });

  test("reads no more of a large body than a range needs", async () => {
    const edge = site({ "file.bin": { body: TEXT } });
    const answer = await edge.get("/file.bin", { headers: { Range: "bytes=0-9" } });
    expect(await answer.text()).toBe(TEXT.slice(0, 10));
    expect(edge.cancelled).toBe(1);
  });

  test("goes out compressed where the visitor takes it, under a weak tag, and plain in part", async () => {
    const edge = site({ "about.html": { body: TEXT, headers: ETAG } });
    const ask = async (headers: Record<string, string>) => {
      const answer = await edge.get("/about", { headers });
      const names = ["x-compress-hint", "etag", "vary", "content-length"];
      return [answer.status, ...names.map((name) => answer.headers.get(name))];
    };
    for (const [accepted, coding] of [
      ["br", "br"],
      ["gzip, br", "br"],
      ["deflate, gzip;q=0.5", "gzip"],
      ["br;q=0, gzip", "gzip"],
    ] as const) {
      const expected = [200, coding, 'W/"one"', "Accept-Encoding", null];
      expect(await ask({ "Accept-Encoding": accepted }), accepted).toEqual(expected);
    }
    for (const none of ["br;q=0", "gzip; q=0.0", "identity", "bro", ""]) {
      expect(await ask({ "Accept-Encoding": none }), none).toEqual([
        200,
        null,
        '"one"',
        "Accept-Encoding",
        "3000",
      ]);
    }
    expect(await ask({ "Accept-Encoding": "br", Range: "bytes=0-9" })).toEqual([
      206,
      null,
      '"one"',
      "Accept-Encoding",
      "10",
    ]);
    expect(await ask({ "Accept-Encoding": "br", "If-None-Match": 'W/"one"' })).toEqual([
      304,
      null,
      'W/"one"',
      "Accept-Encoding",
      null,
    ]);
  });

  test("is never compressed where its type is packed already or S3 holds it encoded", async () => {
    const edge = site({
      "a.png": { headers: { "Content-Type": "image/png" } },
      "b.css": { headers: { "Content-Type": "text/css", "Content-Encoding": "gzip" } },
    });
    for (const path of ["/a.png", "/b.css"]) {
      const answer = await edge.get(path, { headers: { "Accept-Encoding": "br" } });
      expect([answer.headers.get("x-compress-hint"), answer.headers.get("vary")]).toEqual([null, null]);
    }
  });

  test("has its own headers, and not the defaults that it does without", async () => {
    const h = "0=X-Own:a%2Bb%7C c|1=!referrer-policy|2=Content-Security-Policy:default-src 'self'";
    const answer = await site({ "about.html": { meta: { h } } }).get("/about");
    expect(answer.headers.get("x-own")).toBe("a+b| c");
    expect(answer.headers.get("content-security-policy")).toBe("default-src 'self'");
    expect(answer.headers.get("referrer-policy")).toBeNull();
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("cannot have headers that publishing refuses, whoever wrote the object", async () => {
    const h =
      "0=Set-Cookie:a=b|1=SF-Trusted:1|2=X-Amz-Foo:1|3=X-Bad:a%0D%0ASet-Cookie: x|4=No value|5=Vary:*|6=X-Good:1";
    const answer = await site({ "about.html": { meta: { h } } }).get("/about");
    for (const name of ["set-cookie", "sf-trusted", "x-amz-foo", "x-bad"])
      expect(answer.headers.has(name), name).toBe(false);
    expect(answer.headers.get("vary")).toBe("Accept-Encoding");
    expect(answer.headers.get("x-good")).toBe("1");
  });
});

describe("a redirect object", () => {
  test("leads on with the request's query, whatever conditions the visitor has", async () => {
    const edge = site({ "old.html": { body: "rule\n", meta: { l: "/new#part", c: "302" } } });
    const answer = await edge.get("/old?a=b", { headers: { "If-None-Match": "*", Range: "bytes=0-1" } });
    expect([answer.status, answer.headers.get("location"), answer.headers.get("etag")]).toEqual([
      302,
      "/new?a=b#part",
      null,
    ]);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
  });

  test.each([
    [{ l: "//evil.example", c: "301" }],
    [{ l: "/\\evil", c: "301" }],
    [{ l: "javascript:x", c: "301" }],
    [{ l: "/x", c: "200" }],
    [{ l: "/x" }],
    [{ c: "200" }],
    [{ c: "999" }],
  ])("that says %j is a fault of storage", async (meta) => {
    expect((await site({ "old.html": { meta } }).get("/old")).status).toBe(503);
  });
});

describe("a page with a status of its own", () => {
  test("has it, without conditions, ranges and tags", async () => {
    const edge = site({
      "gone.html": { body: "gone", meta: { c: "410" } },
      "no.html": { body: "no", meta: { c: "404" } },
    });
    const gone = await edge.get("/gone", { headers: { "If-None-Match": "*", Range: "bytes=0-1" } });
    expect([
      gone.status,
      gone.headers.get("etag"),
      gone.headers.get("cache-control"),
      await gone.text(),
    ]).toEqual([410, null, "public, max-age=0, must-revalidate", "gone"]);
    expect((await edge.get("/no")).headers.get("cache-control")).toBe("no-store");
  });
});

describe("large files", () => {
  const settings = { ...SETTINGS, segmentedExtensions: ["mp4"] };
  const movie = { body: TEXT, headers: { ...ETAG, "Content-Type": "video/mp4" } };

  test("that fit are cached as a whole, and ranges come out of it", async () => {
    const edge = new Edge(settings).site({}, { "a.mp4": movie });
    const part = await edge.get("/a.MP4".toLowerCase(), { headers: { Range: "bytes=10-19" } });
    expect([part.status, await part.text()]).toEqual([206, TEXT.slice(10, 20)]);
    await (await edge.get("/a.mp4")).text();
    expect(edge.asked.filter((line) => line.startsWith("F_hosting"))).toHaveLength(2);
  });

  test("that do not fit are passed on with their range, and nothing of them is read for HEAD and 304", async () => {
    const headers = { ...movie.headers, "X-Size": "200000000" };
    const edge = new Edge(settings).site({}, { "a.mp4": { ...movie, headers } });
    const part = await edge.get("/a.mp4", { headers: { Range: "bytes=10-19" } });
    expect([part.status, part.headers.get("content-range"), part.headers.get("cache-status")]).toEqual([
      206,
      "bytes 10-19/200000000",
      "sitefleet; fwd=bypass",
    ]);
    expect(await part.text()).toBe(TEXT.slice(10, 20));
    const sent = edge.requests.at(-1)?.headers;
    expect([sent?.get("range"), sent?.get("if-match")]).toEqual(["bytes=10-19", '"one"']);
    const count = edge.asked.length;
    expect((await edge.get("/a.mp4", { headers: { "If-None-Match": '"one"' } })).status).toBe(304);
    const head = await edge.get("/a.mp4", { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe("200000000");
    const beyond = await edge.get("/a.mp4", { headers: { Range: "bytes=200000000-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */200000000"]);
    expect(edge.asked).toHaveLength(count);
  });

  test("that are empty, redirects or missing are answered as any other", async () => {
    const edge = new Edge(settings).site(
      {},
      {
        "empty.mp4": { body: "" },
        "moved.mp4": { body: "rule\n", meta: { l: "/a.mp4", c: "301" } },
      },
    );
    expect((await edge.get("/empty.mp4")).status).toBe(200);
    expect((await edge.get("/empty.mp4", { headers: { Range: "bytes=0-" } })).status).toBe(416);
    expect((await edge.get("/moved.mp4", { headers: { Range: "bytes=9-" } })).headers.get("location")).toBe(
      "/a.mp4",
    );
    expect((await edge.get("/none.mp4", { headers: { Range: "bytes=0-1" } })).status).toBe(404);
  });

  test("are sent whole for ranges that VCL's blocks cannot answer, and never compressed", async () => {
    const edge = new Edge(settings).site(
      {},
      { "a.mp4": { ...movie, headers: { ...ETAG, "Content-Type": "text/plain" } } },
    );
    for (const Range of ["bytes=-10", "bytes=0-1,5-6", "bytes=9-2"]) {
      expect((await edge.get("/a.mp4", { headers: { Range } })).status, Range).toBe(200);
    }
    const answer = await edge.get("/a.mp4", { headers: { "Accept-Encoding": "br" } });
    expect([answer.headers.get("x-compress-hint"), answer.headers.get("vary")]).toEqual([null, null]);
  });
});
