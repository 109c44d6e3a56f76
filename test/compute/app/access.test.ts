import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { networkOf } from "../../../compute/src/lib/networks.ts";
import { Edge, SETTINGS, TOKEN } from "./edge.ts";

const SALT = "0123456789abcdef0123456789abcdef";
const area = (slot: number, prefix: string, password: string): string =>
  `${slot}=${SALT}:${createHmac("sha256", SALT).update(password).digest("hex")}:${prefix}`;
const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString("base64")}` });

const PAGES = {
  "index.html": { body: "Home" },
  "secret/a.html": { body: "A", headers: { "Cache-Control": "public, max-age=60, s-maxage=9" } },
  "secret/deep/b.html": { body: "B" },
  "404.html": { body: "Not here" },
  ".well-known/acme-challenge/x.html": { body: "proof" },
};
const AREAS = [area(0, "/secret/deep/", "pässword"), area(1, "/secret/", "a:b")].join("|");

function site(config: Record<string, string> = {}, settings = SETTINGS): Edge {
  return new Edge(settings).site({ w: AREAS, n: "p", ...config }, PAGES);
}

describe("passwords", () => {
  test("are asked for in their areas only, by the area's own name", async () => {
    const edge = site();
    expect((await edge.get("/")).status).toBe(200);
    for (const path of ["/secret", "/secret.html", "/secret/", "/secret/a", "/secret/index.html"]) {
      const answer = await edge.get(path);
      expect([answer.status, answer.headers.get("www-authenticate")], path).toEqual([
        401,
        'Basic realm="www.example/secret/", charset="UTF-8"',
      ]);
    }
    expect((await edge.get("/secrets")).status).toBe(404);
    expect((await edge.get("/secret/deep/b")).headers.get("www-authenticate")).toContain("/secret/deep/");
  });

  test("open what lies behind them, for the visitor's own browser only", async () => {
    const edge = site();
    const answer = await edge.get("/secret/a", { headers: basic("anyone:a:b") });
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "private, max-age=60"]);
    const deep = await edge.get("/secret/deep/b", { headers: basic(":pässword") });
    expect([deep.status, deep.headers.get("cache-control")]).toEqual([
      200,
      "private, max-age=0, must-revalidate",
    ]);
    expect(edge.requests.every(({ headers }) => headers.get("authorization")?.startsWith("AWS4"))).toBe(true);
  });

  test.each([
    basic("anyone:wrong"),
    basic("a:b"),
    basic("nocolon"),
    basic("\0:a:b"),
    basic("anyone:a:b "),
    { Authorization: "Basic A" },
    { Authorization: "Bearer x" },
    { Authorization: `Basic ${"A".repeat(1_100)}` },
  ])("that are wrong (%j) open nothing", async (headers) => {
    expect((await site().get("/secret/a", { headers })).status).toBe(401);
  });

  test("keep the 404 page of one area out of another", async () => {
    const edge = new Edge().site({ w: area(0, "/", "top"), n: "p" }, PAGES);
    const missing = await edge.get("/none", { headers: basic(":top") });
    expect([missing.status, await missing.text()]).toEqual([404, "Not here"]);
    const inner = new Edge().site({ w: [area(0, "/x/", "x"), area(1, "/", "top")].join("|"), n: "p" }, PAGES);
    expect(await (await inner.get("/x/none", { headers: basic(":x") })).text()).toContain("Page not found");
  });

  test("are asked for again where a rule shows a protected page", async () => {
    const edge = site({ q: "0=200 /open /secret/a|1=!200 /now /secret/a" });
    expect((await edge.get("/open")).status).toBe(401);
    expect((await edge.get("/now")).status).toBe(401);
  });

  test("are not asked for certificates' challenges, nor of the publisher's own HEAD requests", async () => {
    const edge = new Edge().site({ w: area(0, "/", "top"), n: "p" }, PAGES);
    expect((await edge.get("/.well-known/acme-challenge/x")).status).toBe(200);
    const missing = await edge.get("/.well-known/acme-challenge/none");
    expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining("Page not found")]);
    const headers = { "Sitefleet-Debug": TOKEN };
    expect((await edge.get("/", { method: "HEAD", headers })).status).toBe(200);
    expect((await edge.get("/", { headers })).status).toBe(401);
  });

  test("that are guessed too often shut the network out, for the site", async () => {
    const edge = site({}, { ...SETTINGS, rateLimiting: true });
    const guess = async (address: string, text: string) =>
      (await edge.get("/secret/a", { address, headers: basic(text) })).status;
    const statuses: number[] = [];
    for (let count = 0; count < 20; count += 1) statuses.push(await guess(`2001:db8::${count}`, ":wrong"));
    expect(statuses.slice(0, 19).every((status) => status === 401)).toBe(true);
    expect(statuses.at(-1)).toBe(429);
    expect(await guess("2001:db8:0:0:ffff::1", ":a:b")).toBe(429);
    expect(await guess("2001:db8:0:1::1", ":a:b")).toBe(200);
    expect((await edge.get("/secret/a", { address: "2001:db8::1" })).status).toBe(401);
  });

  test("count by networks of 64 bits", () => {
    expect(
      ["192.0.2.1", "::1", "2001:DB8::1", "2001:db8:0:0:1:2:3:4", "::ffff:192.0.2.1"].map(networkOf),
    ).toEqual(["192.0.2.1", "0:0:0:0", "2001:db8:0:0", "2001:db8:0:0", "192.0.2.1"]);
  });
});

describe("hosts for the EU", () => {
  test("are shown there only; a country that is not known is none", async () => {
    const edge = new Edge().site({ g: "1", n: "p" }, PAGES);
    const statuses = await Promise.all(
      ["DE", "RE", "AX", "US", "CH", ""].map(async (country) => (await edge.get("/", { country })).status),
    );
    expect(statuses).toEqual([200, 200, 200, 403, 403, 403]);
    expect((await edge.get("/.well-known/acme-challenge/x", { country: "US" })).status).toBe(200);
    const missing = await edge.get("/.well-known/acme-challenge/none", { country: "US" });
    expect(await missing.text()).toContain("Page not found");
    const head = { method: "HEAD", country: "US", headers: { "Sitefleet-Debug": TOKEN } };
    expect((await edge.get("/", head)).status).toBe(200);
  });
});
