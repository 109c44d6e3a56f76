import { describe, expect, it } from "vitest";
import { replayEnvironment } from "../../src/replay/environment.ts";
import { formatReplay } from "../../src/replay/replay-text.ts";
import { runReplay } from "../../src/replay/replay.ts";
import { compileSides } from "../../src/replay/side-program.ts";
import { MadeSites } from "../support/made-sites.ts";
import {
  DELIVER_END,
  SEGMENT,
  TEST_TIME,
  linesOf,
  plainEnvironment,
  replay,
  sideWith,
  testEnvironment,
} from "./replay-fixture.ts";

const PLANTED = "site-4711.example.net";

/** A statement that acts for one host. */
function forOneHost(host: string, statement: string): readonly [string, string] {
  return [DELIVER_END, `if (req.http.SF-Host == "${host}") {\n  ${statement}\n}\n${DELIVER_END}`];
}

function* homePages(count: number): Generator<object> {
  for (let number = 0; number < count; number += 1) yield { url: `https://${MadeSites.host(number)}/` };
}

describe("a replay of requests", () => {
  it("finds the one site of ten thousand that a change touches, and no other", async () => {
    const environment = plainEnvironment();
    const after = sideWith(forOneHost(PLANTED, 'set resp.http.X-Planted = "1";'), environment);
    const { summary, changes } = await replay(after, {
      count: 10_000,
      work: linesOf(homePages(10_000)),
      before: sideWith(undefined, environment),
      environment: replayEnvironment(environment),
    });
    expect(summary.sites).toEqual({ replayed: 10_000, unaffected: 9_999, changed: 1 });
    expect(summary.requests).toMatchObject({ pairs: 10_000, changed: 1, withoutSite: 0 });
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({
      site: { siteEnv: "production", site: "site-4711" },
      host: PLANTED,
      request: { line: 4_712, method: "GET", url: `https://${PLANTED}/` },
      what: "header x-planted",
      differences: [{ what: "header x-planted", before: "", after: "1" }],
    });
  }, 300_000);

  it("finds nothing where both versions are the same, whatever is asked", async () => {
    const { summary, changes } = await replay(sideWith(), {
      count: 9,
      work: { kind: "sample", sites: "all" },
    });
    expect(changes).toEqual([]);
    expect(summary.sites).toEqual({ replayed: 9, unaffected: 9, changed: 0 });
    expect(summary.requests.pairs).toBeGreaterThan(9 * 40);
    expect(formatReplay(summary)).toContain("9 sites: 9 unaffected, 0 changed");
  });

  it("finds nothing where only the revision and comments differ", async () => {
    const after = sideWith(["# Rendered from templates", "# Another comment; rendered from templates"]);
    const { summary } = await replay(after, { count: 3, work: { kind: "sample", sites: 3 } });
    expect(summary.requests.changed).toBe(0);
  });

  it("tells a status that changes with what was asked of the stores before and after", async () => {
    const host = MadeSites.host(1);
    const after = sideWith([
      'set req.http.SF-Bucket = "hosting";',
      `set req.http.SF-Bucket = "hosting";\n  if (req.http.SF-Host == "${host}") {\n    set req.http.SF-Base = "9";\n  }`,
    ]);
    const { changes } = await replay(after, { count: 2, work: linesOf([{ url: `https://${host}/about` }]) });
    expect(changes[0]).toMatchObject({ before: { status: 200 }, after: { status: 404 } });
    expect(changes[0]?.what).toMatch(/^status 200 -> 404, /);
    expect(changes[0]?.before.asked.at(-1)).toMatch(
      /^hosting production\/production\/site-1\/1\/about\.html -> 200 \[as [0-9a-f]{8}\]$/,
    );
    expect(changes[0]?.after.asked).toContainEqual(
      expect.stringMatching(/^hosting production\/production\/site-1\/9\/about\.html -> 404 \[as /),
    );
  });

  it("sees a signature that the store would refuse", async () => {
    const after = sideWith(['/s3/aws4_request"', '/s4/aws4_request"']);
    const work = linesOf([{ url: `https://${MadeSites.host(1)}/` }]);
    const { summary, changes } = await replay(after, { count: 2, work });
    expect(summary.sites).toMatchObject({ changed: 1, unaffected: 0 });
    expect(changes[0]?.what).toContain("S3 keys");
  });

  it("sees that a backend leads to another store", async () => {
    const side = sideWith();
    const backends = (side.objects.get("backends") ?? []).map((backend) =>
      backend["name"] === "hosting" ? { ...backend, address: "another-bucket.s3.example" } : backend,
    );
    const after = { ...side, objects: new Map([...side.objects, ["backends", backends]]) };
    const work = linesOf([{ url: `https://${MadeSites.host(1)}/` }]);
    const { summary } = await replay(after, { count: 2, work });
    expect(summary.sites).toMatchObject({ changed: 1, unaffected: 0 });
  });

  it("tells how long objects are kept and by which keys they are purged where that changes", async () => {
    const work = linesOf([{ url: `https://${MadeSites.host(1)}/` }]);
    const ttl = await replay(sideWith(["set beresp.ttl = 3600s;", "set beresp.ttl = 60s;"]), {
      count: 2,
      work,
    });
    expect(ttl.changes.flatMap(({ differences }) => differences.map(({ what }) => what))).toContain("ttl");
    const keys = await replay(sideWith(['"all env:"', '"all new env:"']), {
      count: 2,
      work: linesOf([{ url: `https://${MadeSites.host(1)}/` }]),
    });
    expect(keys.changes[0]?.differences.map(({ what }) => what)).toContain("surrogate keys");
  });

  it("sees that cached objects are chosen otherwise by later requests", async () => {
    const work = linesOf([{ url: `https://${MadeSites.host(1)}/` }]);
    const esi = await replay(sideWith(["set beresp.ttl = 3600s;", "set beresp.ttl = 3600s;\n  esi;"]), {
      count: 2,
      work,
    });
    const found = esi.changes.flatMap(({ differences }) => differences.map(({ what }) => what));
    expect(new Set(found)).toEqual(new Set(["cached variants"]));
    const vary = await replay(sideWith(['set beresp.http.Vary = "Accept-Encoding";', ""]), {
      count: 2,
      work: linesOf([{ url: `https://${MadeSites.host(1)}/` }]),
    });
    expect(vary.changes[0]?.differences.find(({ what }) => what === "cached variants")).toMatchObject({
      before: expect.stringContaining("vary accept-encoding"),
      after: expect.stringContaining("vary by nothing"),
    });
  });

  it("counts what is only logged otherwise apart from what visitors see", async () => {
    const after = sideWith(['"","method":""', '"","verb":""']);
    const { summary } = await replay(after, { count: 3, work: linesOf(homePages(3)) });
    expect(summary.requests).toMatchObject({ pairs: 3, changed: 0, loggedOtherwise: 3 });
    expect(summary.sites).toEqual({ replayed: 3, unaffected: 3, changed: 0 });
    expect(summary.changes.map(({ what }) => what)).toEqual(["log"]);
  });

  it("sees a change in how failing stores are dealt with", async () => {
    const after = sideWith(["set beresp.stale_if_error = 86400s;", "set beresp.stale_if_error = 0s;"]);
    const { changes } = await replay(after, { count: 1, work: { kind: "sample", sites: 1 } });
    const faults = changes.filter(({ request }) => request.fault !== null);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.map(({ before, after: then }) => [before.status, then.status])).toContainEqual([200, 503]);
  });

  it("sees that a domain is no longer one of the service's", async () => {
    const before = { ...sideWith(), domains: ["*.example.net"] };
    const after = { ...sideWith(), domains: ["*.elsewhere.example"] };
    const { summary, changes } = await replay(after, { before, count: 2, work: linesOf(homePages(2)) });
    expect(summary.sites.changed).toBe(2);
    expect(changes[0]?.after.restarts).toBeNull();
  });

  it("groups changes by kind, keeps few of many, and shows no secret", async () => {
    const after = sideWith([
      DELIVER_END,
      `set resp.http.X-Leak = table.lookup(sitefleet_private, "config_segment", "");\n${DELIVER_END}`,
    ]);
    const { summary, changes } = await replay(after, { count: 12, work: linesOf(homePages(12)) });
    expect(summary.changes).toHaveLength(1);
    expect(summary.changes[0]).toMatchObject({ what: "header x-leak", answers: 12, sites: 12 });
    expect(summary.changes[0]?.examples.length).toBeLessThan(12);
    const said = JSON.stringify([summary, changes]) + formatReplay(summary);
    expect(said).toContain("[secret]");
    expect(said).not.toContain(SEGMENT);
  });

  it("replays no more of a host's past than it holds, and forgets on both sides at once", async () => {
    const many = Array.from({ length: 1_200 }, (_, at) => ({ url: `https://${MadeSites.host(0)}/?n=${at}` }));
    const { summary } = await replay(sideWith(), { count: 1, work: linesOf(many) });
    expect(summary.requests).toMatchObject({ pairs: 1_200, changed: 0 });
  }, 120_000);

  it("names lines that are no requests by their number and goes on", async () => {
    const lines = [
      { url: `https://${MadeSites.host(0)}/` },
      { url: "ftp://x/" },
      [1],
      { url: "https://x/", a: 1 },
    ];
    const { summary } = await replay(sideWith(), { count: 1, work: linesOf(lines) });
    expect(summary.requests.pairs).toBe(1);
    expect(summary.badLines).toMatchObject({ count: 3, first: [{ line: 2 }, { line: 3 }, { line: 4 }] });
    expect(formatReplay(summary)).toContain("line 4: has unknown fields: a");
  });

  it("ends when it is told to", async () => {
    const aborted = AbortSignal.abort(new Error("enough"));
    const environment = testEnvironment();
    const running = runReplay({
      sides: compileSides(sideWith(), sideWith()),
      environment: replayEnvironment(environment),
      source: new MadeSites({ count: 1_000_000_000, serverEnv: environment.name, segment: SEGMENT }),
      work: { kind: "sample", sites: "all" },
      startedAt: TEST_TIME,
      signal: aborted,
    });
    await expect(running).rejects.toThrow("enough");
  });
});
