import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { dirname, join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { PublishSession } from "../../src/fleet/publish-session.ts";
import { setDomain } from "../../src/publish/domains.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import type { PublishReport, PublishRequest } from "../../src/publish/publish.ts";
import { readReceipt } from "../../src/publish/live/receipt.ts";
import { readSite } from "../../src/publish/record-store.ts";
import { startLocalEdge } from "../support/local-edge.ts";
import type { LocalEdge } from "../support/local-edge.ts";

let started: LocalEdge | undefined;

function edge(): LocalEdge {
  if (!started) throw new Error("nothing was started");
  return started;
}

beforeAll(async () => {
  started = await startLocalEdge({ shield: true });
}, 60_000);

afterAll(() => started?.close());

async function publish(
  files: Readonly<Record<string, string>>,
  wishes: Omit<PublishRequest, "siteEnv" | "dir" | "domains"> & { readonly domains?: readonly string[] },
  session = edge().openSession(),
): Promise<PublishReport> {
  const dir = await mkdtemp(join(edge().root, "site-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return publishFolder(session.deps, { siteEnv: "production", dir, domains: [], ...wishes });
}

/** Visits paths of a host as a browser does; what the edge read for them, without configs' secret segments. */
async function readsFor(
  host: string,
  paths: readonly string[],
): Promise<{ readonly reads: readonly string[]; readonly bodies: readonly string[] }> {
  const before = edge().reads.length;
  const bodies: string[] = [];
  for (const path of paths) {
    const headers = { host, "accept-encoding": "identity" };
    const answer = await request(`${edge().mirror.file.edge.http}${path}`, { headers });
    bodies.push(`${answer.statusCode} ${await answer.body.text()}`);
  }
  return { reads: edge().reads.slice(before), bodies };
}

function visitTls(host: string): Promise<number> {
  const { port } = new URL(edge().mirror.file.edge.https);
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      servername: host,
      rejectUnauthorized: false,
      headers: { host },
    };
    httpsRequest(options, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    })
      .on("error", reject)
      .end();
  });
}

const V1 = { "index.html": "one", "about.html": "about", "app.css": "p{}", _redirects: "/old /about 301\n" };
const PATHS = ["/", "/about", "/app.css", "/old"];

describe("a verified publish", () => {
  const wishes = { site: "checked", verify: { timeoutMs: 5_000 } };

  it("sees the release at the edge and at the shield, of each domain, and keeps a receipt", async () => {
    const domains = ["checked.localhost", "www-checked.localhost"];
    await publish(V1, { ...wishes, domains });
    const report = await publish({ ...V1, "about.html": "about two" }, wishes);
    const { receipt } = report;
    expect(report.warnings).toEqual([]);
    expect(receipt).toMatchObject({
      site: "checked",
      release: "2",
      previous: "1",
      kind: "delta",
      written: { uploaded: 1, copied: 0, uploadedBytes: 9 },
      verified: true,
      hosts: { serving: 2, probed: 2 },
      purgeKeys: ["c:checked", ...domains.map((host) => `d:${host}`)],
      requests: { purge: 2, list: 0 },
      notes: [],
    });
    expect(receipt?.probes.map(({ host, path, hop }) => `${host}${path} ${hop}`)).toEqual(
      domains.flatMap((host) =>
        ["/", "/about"].flatMap((path) => [`${host}${path} edge`, `${host}${path} shield`]),
      ),
    );
    for (const { release, keys, status } of receipt?.probes ?? []) {
      expect({ release, status }).toEqual({ release: "2", status: 200 });
      expect(keys).toContain("s:checked");
    }
    const moments = Object.values(receipt?.times ?? {}).flatMap((moment) => (moment ? [moment.ms] : []));
    expect(Object.keys(receipt?.times ?? {})).toEqual([
      "started",
      "scanned",
      "uploaded",
      "committed",
      "configsWritten",
      "firstPurge",
      "liveAt",
      "secondPurge",
      "settled",
    ]);
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
    const { deps } = edge().openSession();
    expect(await readReceipt(deps, { site: "checked", siteEnv: "production" })).toEqual(receipt);
    await expect(readReceipt(deps, { site: "checked", siteEnv: "production" }, "9")).rejects.toMatchObject({
      code: "release/not-found",
    });
  });

  it("that overwrites in place is judged by the content", async () => {
    const report = await publish({ ...V1, "about.html": "about three" }, { ...wishes, inPlace: true });
    expect(report.receipt).toMatchObject({ kind: "in-place", verified: true, release: "2" });
    expect((await readsFor("checked.localhost", ["/about"])).bodies).toEqual(["200 about three"]);
  });

  it("asks domains that force TLS over TLS", async () => {
    const { deps } = edge().openSession();
    const ref = { site: "checked", siteEnv: "production" };
    await setDomain(deps, ref, { domain: "checked.localhost", choices: { forceTls: true } });
    const report = await publish({ ...V1, "about.html": "about four" }, wishes);
    expect(report.receipt?.probes.every(({ status }) => status === 200)).toBe(true);
    const before = edge().reads.length;
    expect(await visitTls("checked.localhost")).toBe(200);
    expect(edge().reads.length).toBe(before);
  });

  it("killed while it looks leaves the purge owed, and the next one finishes", async () => {
    const abort = new AbortController();
    const session = edge().openSession(abort.signal);
    const probe = session.deps.edge;
    if (!probe) throw new Error("no edge");
    let asked = 0;
    const deps = {
      ...session.deps,
      edge: {
        hops: probe.hops,
        schemes: probe.schemes,
        visit: (page: Parameters<typeof probe.visit>[0]) => probe.visit(page),
        look(page: Parameters<typeof probe.look>[0]) {
          asked += 1;
          if (asked === 3) abort.abort(new Error("killed"));
          return probe.look(page);
        },
      },
    };
    const files = { ...V1, "about.html": "about five" };
    await expect(publish(files, wishes, { ...session, deps })).rejects.toThrow();
    const ref = { site: "checked", siteEnv: "production" };
    const left = await readSite(edge().openSession().deps, ref);
    expect(left.record.owed).toHaveLength(1);
    const again = await publish(files, wishes);
    expect(again).toMatchObject({ kind: "unchanged", receipt: { kind: "unchanged", verified: true } });
    expect(again.receipt?.requests.purge).toBe(2);
    const done = await readSite(edge().openSession().deps, ref);
    expect(done.record.owed).toEqual([]);
    expect(await readReceipt(edge().openSession().deps, ref)).toMatchObject({ release: done.record.current });
  });
});

describe("a publish that warms", () => {
  it("leaves no cold page to its first visitor, on no domain and behind no rule bucket", async () => {
    const rules = Array.from({ length: 30 }, (_, index) => `/s${index % 3}/a${index}/* /about 302`);
    const files = { ...V1, "s0/x.html": "x", _redirects: `/old /about 301\n${rules.join("\n")}\n` };
    const domains = ["warm.localhost", "warm-too.localhost"];
    const report = await publish(files, { site: "warm", domains });
    expect(report.warm).toMatchObject({ warmed: 7, failed: 0 });
    const { record } = await readSite(edge().openSession().deps, { site: "warm", siteEnv: "production" });
    expect(record.releases[0]?.buckets?.segments).not.toHaveLength(0);
    for (const host of domains) {
      const { reads, bodies } = await readsFor(host, [...PATHS, "/s0/x"]);
      expect(bodies.slice(0, 3)).toEqual(["200 one", "200 about", "200 p{}"]);
      expect(reads, host).toEqual([]);
    }
    const next = await publish({ ...files, "about.html": "new" }, { site: "warm" });
    expect(next.warm).toMatchObject({ warmed: 3, failed: 0 });
    expect(await readsFor("warm.localhost", PATHS)).toMatchObject({ reads: [], bodies: { 1: "200 new" } });
  });

  it("in place, and only as many pages as were asked for", async () => {
    await publish(V1, { site: "few", domains: ["few.localhost"], warm: false });
    const files = { ...V1, "index.html": "two", "about.html": "about two", "app.css": "q{}" };
    const report = await publish(files, { site: "few", inPlace: true, warm: 2 });
    expect(report).toMatchObject({ written: { kind: "in-place" }, warm: { warmed: 3, failed: 0 } });
    const { reads } = await readsFor("few.localhost", ["/", "/about", "/app.css"]);
    expect(reads.map((call) => call.replace(/^.*\/few\//, ""))).toEqual(["1/app.css"]);
  });

  it("is left out where it is not wanted, or too much changed", async () => {
    const cold = await publish(V1, { site: "cold", domains: ["cold.localhost"], warm: false });
    expect(cold.warm).toBeUndefined();
    expect((await readsFor("cold.localhost", PATHS)).reads.length).toBeGreaterThan(PATHS.length - 1);
  });

  it("tells of pages that it could not reach, and publishes all the same", async () => {
    const report = await publish(V1, { site: "nobody", domains: ["nobody.localhost"] }, unreachable());
    expect(report).toMatchObject({ kind: "published", release: "1", warm: { warmed: 0 } });
    expect(report.warnings).toEqual([expect.stringMatching(/^5 pages stayed cold; the first: .*refused/)]);
  });
});

function unreachable(): PublishSession {
  const session = edge().openSession();
  const probe = session.deps.edge;
  if (!probe) throw new Error("no edge");
  const refused = (): Promise<never> => Promise.reject(new Error("connection refused"));
  return {
    ...session,
    deps: {
      ...session.deps,
      edge: { hops: probe.hops, schemes: probe.schemes, look: refused, visit: refused },
    },
  };
}
