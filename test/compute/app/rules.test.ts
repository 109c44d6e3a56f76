import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Edge, SEGMENT } from "./edge.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const slots = (...rules: readonly string[]): string =>
  rules.map((rule, index) => `${index}=${rule}`).join("|");

const NAVIGATION = { "Sec-Fetch-Mode": "navigate" };

describe("rules of the config", () => {
  test("with `!` come before the page, the others after a miss", async () => {
    const edge = new Edge().site(
      { q: slots("301 /late/* /l/{*}", "!302 /forced/: /f/{2}?x=y") },
      { "forced/a.html": { body: "page" }, "late/there.html": { body: "there" } },
    );
    const forced = await edge.get("/forced/a?q=1");
    expect([forced.status, forced.headers.get("location")]).toEqual([302, "/f/a?x=y"]);
    const late = await edge.get("/late/b/c?q=1");
    expect([late.status, late.headers.get("location")]).toEqual([301, "/l/b/c?q=1"]);
    expect(await (await edge.get("/late/there")).text()).toBe("there");
    expect(edge.log()["phase"]).toBe("page");
  });

  test("show another page in place, under the path that was asked for", async () => {
    const edge = new Edge().site(
      { q: slots("200 /shop/: /item", "410 /sold/* /item", "!404 /hidden /item") },
      { "item.html": { body: "Item", meta: { p: "/item" }, headers: { ETag: '"i"' } } },
    );
    const shown = await edge.get("/shop/7?a=b");
    expect([shown.status, await shown.text(), edge.log()["phase"], edge.log()["path"]]).toEqual([
      200,
      "Item",
      "rewrite",
      "/shop/7",
    ]);
    expect((await edge.get("/shop/7", { headers: { "If-None-Match": '"i"' } })).status).toBe(304);
    const sold = await edge.get("/sold/x", { headers: { "If-None-Match": '"i"', Range: "bytes=0-1" } });
    expect([sold.status, sold.headers.get("etag"), await sold.text()]).toEqual([410, null, "Item"]);
    const hidden = await edge.get("/hidden");
    expect([hidden.status, hidden.headers.get("cache-control")]).toEqual([404, "no-store"]);
  });

  test("lead to a page and no further", async () => {
    const edge = new Edge().site(
      { q: slots("200 /a /moved", "200 /b /none"), n: "p" },
      { "moved.html": { meta: { l: "/x", c: "301" } }, "404.html": { body: "Not here" } },
    );
    for (const path of ["/a", "/b"]) {
      const answer = await edge.get(path);
      expect([answer.status, await answer.text()]).toEqual([404, "Not here"]);
    }
  });

  test("ask the query and take what they capture out of it", async () => {
    const edge = new Edge().site({ q: slots("301 /p /post/{a} id={a}") });
    const answer = await edge.get("/p?id=%41+b&c=d");
    expect(answer.headers.get("location")).toBe("/post/A%2Bb?c=d");
    expect((await edge.get("/p?c=d")).status).toBe(404);
  });

  test("that no publisher writes are none, and the others count", async () => {
    const edge = new Edge().site({ q: "0=nonsense|1=301 /a javascript:x|2=301 /a /b" });
    expect((await edge.get("/a")).headers.get("location")).toBe("/b");
  });
});

describe("rules in buckets", () => {
  const hash = sha("blog").slice(0, 4);
  const bucket = `/test/production/_sites/blog/rules/1/${hash}`;

  test("take the place of the config's where it lists the segment, kept under the site's keys", async () => {
    const edge = new Edge().site({ b: `1,${hash},`, q: slots("301 /* /slot") });
    edge.objects.set(bucket, { meta: { v: "3", s: "blog", q: slots("301 /blog/: /b/{2}") } });
    expect((await edge.get("/blog/x")).headers.get("location")).toBe("/b/x");
    expect((await edge.get("/blog/x/y")).status).toBe(404);
    expect((await edge.get("/other")).headers.get("location")).toBe("/slot");
    const kept = edge.cache.get(`rules${bucket}`);
    expect([kept?.keys.join(" "), kept?.headers.get("etag")]).toEqual([
      "all env:production c:blog s:blog",
      null,
    ]);
  });

  test("that are listed and missing, or another site's, are a fault", async () => {
    const edge = new Edge().site({ b: `1,${hash},` });
    expect([(await edge.get("/blog/x")).status, edge.log()["phase"]]).toEqual([503, "trouble"]);
    expect(edge.alarms()).toEqual([{ alarm: "origin", bucket: "rules", status: 503 }]);
    for (const meta of [
      { v: "3", s: "other", q: "0=301 /* /x" },
      { v: "9", s: "blog", q: "" },
      { v: "3", s: "blog" },
    ]) {
      const other = new Edge().site({ b: `1,${hash},` });
      other.objects.set(bucket, { meta });
      expect((await other.get("/blog/x")).status).toBe(500);
    }
    expect((await new Edge().site({ b: `.,${hash},` }).get("/blog/x")).status).toBe(500);
  });
});

describe("a missing page", () => {
  test("is the nearest 404.html upwards, with status 404 and no conditions", async () => {
    const edge = new Edge().site(
      { n: "p", e: `,${sha("docs").slice(0, 8)},` },
      { "404.html": { body: "root" }, "docs/404.html": { body: "docs" } },
    );
    const texts = async (path: string) =>
      (await edge.get(path, { headers: { "If-None-Match": "*", Range: "bytes=0-1" } })).text();
    expect(await Promise.all(["/x", "/docs/a/b/c", "/docs/", "/a/docs/x"].map(texts))).toEqual([
      "root",
      "docs",
      "docs",
      "root",
    ]);
    const answer = await edge.get("/docs/x");
    expect([answer.status, answer.headers.get("etag"), answer.headers.get("cache-control")]).toEqual([
      404,
      null,
      "no-store",
    ]);
    expect(edge.log()["phase"]).toBe("not-found-page");
    const own = await edge.get("/docs/404");
    expect([own.status, await own.text(), edge.log()["phase"]]).toEqual([404, "docs", "page"]);
  });

  test("is looked for eight directories up and no further", async () => {
    const edge = new Edge().site(
      { n: "p", e: `,${sha("a").slice(0, 8)},` },
      { "a/404.html": { body: "a" }, "404.html": { body: "root" } },
    );
    const at = async (depth: number) => (await edge.get(`/a${"/x".repeat(depth)}/page`)).text();
    expect([await at(7), await at(8)]).toEqual(["a", "root"]);
  });

  test("is our own page where there is none, and a redirect by the site's policy", async () => {
    const edge = new Edge().site({ n: "r" }, { "404.html": { body: "root" } });
    const answer = await edge.get("/x");
    expect([answer.status, answer.headers.get("location")]).toEqual([302, "/404"]);
    const bare = new Edge().site({ n: "p" });
    const built = await bare.get("/x");
    expect([built.status, bare.log()["phase"], bare.log()["cache"]]).toEqual([
      404,
      "not-found-page",
      "ERROR",
    ]);
    expect(await built.text()).toContain("Page not found");
  });

  test("of an application is its index, for navigations and what looks like none of its files", async () => {
    const edge = new Edge().site({ n: "s" }, { "index.html": { body: "App", headers: { ETag: '"app"' } } });
    const status = async (path: string, headers: Record<string, string>) =>
      (await edge.get(path, { headers })).status;
    expect(await status("/inbox/1", NAVIGATION)).toBe(200);
    expect(edge.log()["phase"]).toBe("spa");
    expect(await status("/inbox/1", { Accept: "text/html,*/*" })).toBe(200);
    expect(await status("/inbox/1", { ...NAVIGATION, "If-None-Match": '"app"' })).toBe(304);
    expect(await status("/inbox/1", { Accept: "*/*" })).toBe(404);
    expect(await status("/inbox/1", { "Sec-Fetch-Mode": "cors", Accept: "text/html" })).toBe(404);
    expect(await status("/main.JS", NAVIGATION)).toBe(404);
    expect(await status("/v1.2", NAVIGATION)).toBe(200);
  });

  test("is kept for a while, and shows when it is purged", async () => {
    const edge = new Edge().site();
    await edge.get("/new");
    edge.site({}, { "new.html": { body: "new" } });
    expect((await edge.get("/new")).status).toBe(404);
    edge.now += 121_000;
    expect((await edge.get("/new")).status).toBe(200);
  });
});

test("the segment that keeps configs from being explored is in no cache key and no answer", async () => {
  const edge = new Edge().site({}, { "index.html": {} });
  const answer = await edge.get("/");
  expect([...edge.cache.keys()].join(" ")).not.toContain(SEGMENT);
  expect(JSON.stringify([...answer.headers])).not.toContain(SEGMENT);
});
