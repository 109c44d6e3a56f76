import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock } from "../../src/lib/clock.ts";
import { startInspector } from "../../src/mirror/inspector/inspector-server.ts";
import { Observer } from "../../src/mirror/inspector/observer.ts";
import { programOf, serviceOf } from "../mirror/edge/harness.ts";
import { FakeClock } from "../support/fake-clock.ts";
import {
  ask,
  askRaw,
  edge,
  HOST,
  inspector,
  isVisit,
  rowsWhile,
  startInspected,
  stopInspected,
  visit,
} from "./inspected-edge.ts";

/** A service of which a client may purge. */
const NAIVE = serviceOf(programOf({}));
beforeAll(startInspected, 60_000);
afterAll(stopInspected);

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
    expect(rows.at(-1)).toMatchObject({
      kind: "purge",
      service: "sitefleet-local",
      serviceId: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
      soft: false,
    });
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
    const rows = await rowsWhile(purge, (row) => row.kind === "purge" && row.serviceId === service.id);
    expect(rows.at(-1)).toMatchObject({ service: "test", what: "url naive.test/plain?purged", soft: false });
  });

  it("goes on with its ids where it is started anew, so that a page misses nothing", () => {
    const clock = new FakeClock(1_000_000);
    const purge = { serviceId: "svc", scope: { kind: "all" }, soft: false } as const;
    const before = new Observer(clock);
    for (let i = 0; i < 700; i += 1) before.purged(purge, undefined);
    const [first, ...rest] = before.rowsAfter(0);
    const last = rest.at(-1)?.id ?? 0;
    expect([rest.length + 1, last - (first?.id ?? 0)]).toEqual([500, 499]);
    clock.advance(1);
    const after = new Observer(clock);
    after.purged(purge, undefined);
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
