import { existsSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock } from "../../src/lib/clock.ts";
import { startInspector } from "../../src/mirror/inspector/inspector-server.ts";
import { Observer } from "../../src/mirror/inspector/observer.ts";
import type { RequestRow, Row } from "../../src/mirror/inspector/row.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { programOf, serviceOf } from "../mirror/edge/harness.ts";
import { runHere } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { startLocalEdge } from "../support/local-edge.ts";
import type { LocalEdge } from "../support/local-edge.ts";

const HOST = "shop.localhost";
/** A service of which a client may purge. */
const NAIVE = serviceOf(programOf({}));
let started: LocalEdge | undefined;

function edge(): LocalEdge {
  if (!started) throw new Error("nothing was started");
  return started;
}

function inspector(): string {
  const url = edge().mirror.file.inspector?.url;
  if (url === undefined) throw new Error("there is no inspector");
  return url;
}

beforeAll(async () => {
  started = await startLocalEdge({ shield: true, inspector: true });
  const dir = await mkdtemp(join(started.root, "site-"));
  await writeFile(join(dir, "index.html"), "<p>welcome</p>");
  await writeFile(join(dir, "_redirects"), "/old / 301\n");
  const wishes = { site: "shop", siteEnv: "production", dir, domains: [HOST], warm: false } as const;
  await publishFolder(started.openSession().deps, wishes);
}, 60_000);

afterAll(() => started?.close());

async function visit(path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const answer = await request(`${edge().mirror.file.edge.http}${path}`, {
    headers: { host: HOST, ...headers },
  });
  await answer.body.dump();
  return answer.statusCode;
}

/** A visit whose path is sent as it stands, `<` and all. */
function visitRaw(path: string): Promise<void> {
  const { hostname, port } = new URL(edge().mirror.file.edge.http);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, headers: { host: HOST } }, (response) => {
      response.resume().on("end", resolve);
    })
      .on("error", reject)
      .end();
  });
}

/** Answers of the inspector to a request whose headers a browser would not let a page choose. */
function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
  method = body === undefined ? "GET" : "POST",
): Promise<{
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(new URL(path, inspector()), { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    outgoing.on("error", reject).end(body);
  });
}

/** The inspector's answer to a target that is sent as it stands. */
function askRaw(path: string): Promise<{ readonly status: number }> {
  const { hostname, port } = new URL(inspector());
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path }, (response) => {
      response.resume().on("end", () => resolve({ status: response.statusCode ?? 0 }));
    })
      .on("error", reject)
      .end();
  });
}

/** Rows that come while `work` runs, until one is what is waited for. */
async function rowsWhile(
  work: () => Promise<unknown>,
  isLast: (row: Row) => boolean,
  after = 0,
): Promise<Row[]> {
  const answer = await request(new URL("/api/rows", inspector()), {
    headers: { "last-event-id": String(after) },
  });
  const rows: Row[] = [];
  let text = "";
  let worked: Promise<unknown> | undefined;
  for await (const chunk of answer.body) {
    worked ??= work();
    text += String(chunk);
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data === undefined) continue;
      const row: Row = JSON.parse(data);
      rows.push(row);
      if (isLast(row)) {
        await worked;
        return rows;
      }
    }
  }
  throw new Error("the stream ended early");
}

const isVisit =
  (path: string) =>
  (row: Row): row is RequestRow =>
    row.kind === "request" && row.url === path && !row.isShield && row.host === HOST;

function explain(args: readonly string[]): Promise<CommandEnd> {
  return runHere(["explain", ...args, "--state", join(edge().root, "state")], {
    cwd: edge().root,
    clock: systemClock,
  });
}

describe("explain", () => {
  it("tells states, conditions, changes, lookups, backends, the restart and the answer", async () => {
    const { code, out } = await explain([`http://${HOST}/`]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^GET http:\/\/shop\.localhost\/\n\nLHR: sitefleet-local version 1\n {2}recv +lookup\n/,
    );
    expect(out).toContain('~ req.url "/" -> "/local/production/shop.localhost"');
    expect(out).toMatch(/lookup +MISS\n +key "/);
    expect(out).toMatch(/main\.vcl:\d+ if req\.http\.SF-Hop == "edge"/);
    expect(out).toContain("IAD, as the shield: sitefleet-local version 1");
    expect(out).toContain("restart 1");
    expect(out).toMatch(/backend +F_hosting: 200 OK, \d+ ms/);
    expect(out).toMatch(/\nanswer: 200 OK \(MISS-CLUSTER\), \d+ bytes, \d+ ms\n/);
  });

  it("shows the hit, its age, its keys and no backend when the page is cached", async () => {
    await visit("/");
    const { out } = await explain([`http://${HOST}/`, "--json"]);
    const { trace } = JSON.parse(out);
    const lookups = trace.events.filter(({ kind }: { kind: string }) => kind === "lookup");
    expect(lookups.at(-1)).toMatchObject({ state: "HIT-CLUSTER", object: { hits: expect.any(Number) } });
    expect(lookups.at(-1).object.surrogateKeys).toEqual(expect.arrayContaining(["all", "s:shop"]));
    expect(trace.events.some(({ kind }: { kind: string }) => kind === "backend")).toBe(false);
    expect(trace.answer).toMatchObject({ status: 200, state: "HIT-CLUSTER", restarts: 1 });
  });

  it("lists the lines that ran, and conditions that did not hold, where asked", async () => {
    const plain = await explain([`http://${HOST}/old`]);
    const lines = await explain([`http://${HOST}/old`, "--lines"]);
    expect(plain.out).toContain("answer: 301 Moved Permanently");
    expect(plain.out).not.toMatch(/main\.vcl:\d+ not /);
    expect(lines.out).toMatch(/main\.vcl:\d+ not /);
    expect(lines.out).toMatch(/main\.vcl:\d+\n/);
  });

  it("leaves out what opens something", async () => {
    const { out } = await explain([`http://${HOST}/`, "--header", "Cookie: session=hunter2", "--json"]);
    expect(out).not.toContain("hunter2");
    expect(out).not.toContain("AWS4-HMAC-SHA256");
    expect(out).toContain('"(15 bytes)"');
  });

  it("covers what the service keeps in private dictionaries, wherever VCL puts it", async () => {
    const { configSegment, s3 } = edge().mirror.file;
    const { out } = await explain(["http://fresh.localhost/", "--lines", "--json"]);
    expect(out).toContain("/sitefleet-config/local/production/fresh.localhost/(private)");
    expect(out).not.toContain(configSegment);
    expect(out).not.toContain(s3.edgeKey.split(":")[1]);
  });

  it("takes headers before and after the URL, and a name and password of the URL as a browser does", async () => {
    const headers = ["--header", "A: 1", "--header", "B: 2"];
    const { out } = await explain([...headers, `http://reader:p%40ss@${HOST}/#part`, "--json"]);
    const { request: made } = JSON.parse(out).trace;
    expect(made.headers).toEqual(
      expect.arrayContaining([
        ["A", "1"],
        ["B", "2"],
        ["Authorization", `(${`Basic ${btoa("reader:p@ss")}`.length} bytes)`],
      ]),
    );
    expect(made.url).toBe("/");
    expect((await explain([`http://reader:p%40ss@${HOST}/`])).out).not.toContain("ss@");
  });

  it("makes a request over TLS one of HTTP/2, and hears the headers of tests", async () => {
    const facts = ["--header", 'Fastly-Test-Facts: {"client.ip": "203.0.113.9"}'];
    const { out } = await explain([
      `https://${HOST}/`,
      ...facts,
      "--header",
      "Fastly-Test-Pop: lhr",
      "--json",
    ]);
    const { trace } = JSON.parse(out);
    expect(trace).toMatchObject({
      pop: "LHR",
      request: { proto: "HTTP/2", tls: true, client: "203.0.113.9" },
    });
    expect(trace.request.headers.some(([name]: [string]) => name.startsWith("Fastly-Test"))).toBe(false);
  });

  it("tells of a host that no site has, and of a country", async () => {
    const { out } = await explain(["https://nobody.localhost/", "--country", "FR"]);
    expect(out).toContain("answer: 404");
    const bad = await explain([`http://${HOST}/`, "--country", "XX"]);
    expect(bad).toMatchObject({ code: 2 });
    expect(bad.err).toContain("explain/invalid-request");
  });

  it.each([
    ["a URL that is none", ["shop"], "cli/usage"],
    ["a header without a colon", [`http://${HOST}/`, "--header", "Accept"], "cli/usage"],
    [
      "a header that would end a line",
      [`http://${HOST}/`, "--header", "A: b\r\nHost: c"],
      "explain/invalid-request",
    ],
    ["a method that is none", [`http://${HOST}/`, "--method", "GET /"], "explain/invalid-request"],
    ["a body that is not there", [`http://${HOST}/`, "--header", "Content-Length: 5"], "no body"],
    ["a POP that is none", [`http://${HOST}/`, "--pop", "xyz"], "its POPs are LHR, IAD"],
    ["a URL that is too long", [`http://${HOST}/${"a".repeat(9_000)}`], "explain/invalid-request"],
    ["another environment", [`http://${HOST}/`, "--env", "production"], "explain/no-inspector"],
  ])("refuses %s", async (_what, args, wanted) => {
    const { code, err } = await explain(args);
    expect(err).toContain(wanted);
    expect(err).toMatch(/\nnext: /);
    expect(code).toBe(2);
  });
});

describe("the inspector", () => {
  it("keeps one row of a request without a listener, and its trace while one listens", async () => {
    await visit("/?quiet");
    const rows = await rowsWhile(() => visit("/?watched"), isVisit("/?watched"));
    const quiet = rows.find(isVisit("/?quiet"));
    const watched = rows.find(isVisit("/?watched"));
    expect(quiet).toMatchObject({ method: "GET", status: 200, traced: false, service: "sitefleet-local" });
    expect(watched).toMatchObject({
      status: 200,
      traced: true,
      restarts: 1,
      keys: expect.arrayContaining(["s:shop"]),
    });
    expect((await ask(`/api/traces/${quiet?.id}`)).status).toBe(404);
    const { trace, sources } = JSON.parse((await ask(`/api/traces/${watched?.id}`)).text);
    expect(trace.request.url).toBe("/?watched");
    expect(sources["main.vcl"]).toContain("sub vcl_recv");
  });

  it("sends what a reader missed when it comes back", async () => {
    const [row] = (await rowsWhile(() => visit("/?first"), isVisit("/?first"))).slice(-1);
    await visit("/?second");
    const missed = await rowsWhile(() => Promise.resolve(), isVisit("/?second"), row?.id);
    expect(missed.some(isVisit("/?first"))).toBe(false);
  });

  it("shows purges as they arrive", async () => {
    const { api } = edge().mirror.file;
    const purge = async (): Promise<void> => {
      const services = await request(`${api.url}/service`, { headers: { "fastly-key": api.token } });
      const [service] = JSON.parse(await services.body.text());
      const url = `${api.url}/service/${service.id}/purge/s:shop`;
      const answer = await request(url, { method: "POST", headers: { "fastly-key": api.token } });
      await answer.body.dump();
    };
    const rows = await rowsWhile(purge, (row) => row.kind === "purge" && row.what === "key s:shop");
    expect(rows.at(-1)).toMatchObject({ kind: "purge", soft: false });
  });

  it("shows a purge that a client asks for with PURGE as well", async () => {
    const { http } = edge().mirror.file.edge;
    const url = `${http}/plain?purged`;
    const service = { ...NAIVE, domains: ["naive.test"] };
    edge().mirror.edge.activate(service);
    const purge = async (): Promise<void> => {
      const answer = await request(url, { method: "PURGE", headers: { host: "naive.test" } });
      await answer.body.dump();
      expect(answer.statusCode).toBe(200);
    };
    const rows = await rowsWhile(purge, (row) => row.kind === "purge" && row.service === service.id);
    expect(rows.at(-1)).toMatchObject({ what: "url naive.test/plain?purged", soft: false });
  });

  it("goes on with its ids where it is started anew, so that a page misses nothing", () => {
    const clock = new FakeClock(1_000_000);
    const purge = { serviceId: "svc", scope: { kind: "all" }, soft: false } as const;
    const before = new Observer(clock);
    for (let i = 0; i < 700; i += 1) before.purged(purge);
    const [first, ...rest] = before.rowsAfter(0);
    const last = rest.at(-1)?.id ?? 0;
    expect([rest.length + 1, last - (first?.id ?? 0)]).toEqual([500, 499]);
    clock.advance(1);
    const after = new Observer(clock);
    after.purged(purge);
    expect(after.rowsAfter(last)).toHaveLength(1);
  });

  it("lists what is in the cache by key and surrogate key", async () => {
    await visit("/");
    const found = JSON.parse((await ask("/api/cache?q=s:shop")).text);
    expect(found.rows.length).toBeGreaterThan(0);
    for (const row of found.rows) expect(row.surrogateKeys).toContain("s:shop");
    expect(JSON.parse((await ask("/api/cache?q=nothing-has-this")).text).rows).toEqual([]);
    expect(found.pops.map(({ pop }: { pop: string }) => pop)).toEqual(["LHR", "IAD"]);
  });

  it.each([
    ["another name that leads here", { host: "evil.example" }],
    ["another page", { origin: "http://evil.example" }],
  ])("does not answer to %s", async (_what, headers) => {
    for (const path of ["/", "/api/cache", "/api/rows"]) {
      const answer = await ask(path, headers);
      expect(answer).toMatchObject({ status: 403 });
      expect(answer.text).not.toContain("shop");
    }
  });

  it("takes a request to explain as JSON only, which no foreign form can send", async () => {
    const call = JSON.stringify({ method: "GET", url: `http://${HOST}/`, headers: [] });
    expect((await ask("/api/explain", { "content-type": "text/plain" }, call)).status).toBe(400);
    expect((await ask("/api/explain", { "content-type": "application/json" }, call)).status).toBe(200);
    expect((await ask("/api/explain", { "content-type": "application/json" }, "{")).status).toBe(400);
  });

  it.each(["//", "//[", "*", "http://[", "/\\..", "/api/traces/9e999", "/api/cache?q=%ff%zz"])(
    "answers the target %s and lives on",
    async (path) => {
      expect([200, 400, 404]).toContain((await askRaw(path)).status);
      expect((await ask("/api/fleet")).status).toBe(200);
    },
  );

  it("takes another port where its own is taken, unless that one was asked for", async () => {
    const { mirror } = edge();
    const port = Number(new URL(inspector()).port);
    const observer = new Observer(systemClock);
    const options = { host: "127.0.0.1", port, edge: mirror.edge, observer, clock: systemClock };
    await expect(startInspector(options)).rejects.toMatchObject({ code: "mirror/port-in-use" });
    const other = await startInspector({ ...options, anyPort: true });
    expect(new URL(other.url).port).not.toBe(String(port));
    await other.close();
  });

  it("lets its page load nothing from elsewhere", async () => {
    const { headers, text } = await ask("/");
    expect(headers["content-security-policy"]).toMatch(/^default-src 'self';/);
    expect(text).not.toMatch(/https?:\/\//);
    expect(await ask("/", {}, undefined, "HEAD")).toMatchObject({ status: 200, text: "" });
    expect((await ask("/../package.json")).status).toBe(404);
    expect((await ask("/%2e%2e/package.json")).status).toBe(404);
  });
});

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));
if (CHROMIUM === undefined) process.stderr.write("skipped: the inspector page, since there is no Chromium\n");

describe.skipIf(CHROMIUM === undefined)("the inspector page in a browser", () => {
  let browser: Browser | undefined;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? "", args: ["--no-sandbox"] });
  }, 60_000);

  afterAll(() => browser?.close());

  it("shows a request as it passes and its trace by keyboard, with hostile text as text", async () => {
    const page = await browser?.newPage();
    if (page === undefined) throw new Error("no browser");
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    await page.goto(inspector());
    await page.getByText("live", { exact: true }).waitFor();
    await visitRaw("/?<b>bold</b><script>document.title='taken'</script>");
    const hostile = page.locator("#requests tbody tr", { hasText: "<b>bold</b>" });
    await hostile.first().waitFor();
    expect(await page.locator("#requests b").count()).toBe(0);
    expect(await page.title()).toBe("sitefleet inspector");

    await page.keyboard.press("/");
    await page.keyboard.type("status-that-is-none");
    await expect.poll(() => page.locator("#requests tbody tr").count()).toBe(0);
    await page.locator("#filter").fill("bold 200");
    await hostile.first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await expect.poll(() => page.locator("#trace-source .held").count()).toBeGreaterThan(3);
    await expect.poll(() => page.locator("#trace-events").innerText()).toContain("restart 1");
    await page.locator("#trace-events button").first().press("Enter");
    expect(await page.locator("#trace-source .here").count()).toBe(1);
    await page.keyboard.press("Escape");
    expect(await page.getByRole("dialog").count()).toBe(0);

    await page.getByRole("tab", { name: "Requests" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.locator("#cache tbody tr", { hasText: "s:shop" }).first().waitFor();
    expect(faults).toEqual([]);
  }, 60_000);
});
