import { describe, expect, it } from "vitest";
import { debugToken, edgeChecksFor } from "../../src/fleet/edge-checks.ts";
import type { Notes } from "../../src/fleet/fleet.ts";
import { Secret } from "../../src/lib/secret.ts";
import { environmentWith } from "../deploy/deploy-fixture.ts";
import { startScriptedServer } from "../support/scripted-server.ts";
import type { Reaction, SeenRequest } from "../support/scripted-server.ts";

function recordingNotes() {
  const lines: string[] = [];
  const notes: Notes = {
    progress: (line) => lines.push(line),
    warn: (line) => lines.push(`warning: ${line}`),
  };
  return { lines, notes };
}

async function checksAgainst(react: (request: SeenRequest) => Reaction) {
  const server = await startScriptedServer(react);
  const environment = environmentWith();
  const { lines, notes } = recordingNotes();
  const verify = { url: server.url, hostSuffix: "sites.example.net" };
  return { server, lines, checks: edgeChecksFor({ ...environment, verify }, notes) };
}

const EXPECTED = { version: 2, revision: "abc" };

describe("edgeChecksFor", () => {
  it("asks for a host that no site has, with the debug token and not the segment", async () => {
    const { server, checks } = await checksAgainst(() => ({
      status: 404,
      headers: { "sf-revision": "abc" },
    }));
    expect(await checks.probe(EXPECTED)).toBe(true);
    expect(await checks.verify(EXPECTED)).toEqual({ ok: true });
    const headers = server.seen[0]?.headers;
    expect(headers?.host).toMatch(/^sitefleet-probe-[0-9a-f]{16}\.sites\.example\.net$/);
    // "Unknown host" is cached: asking for the same one again would prove nothing.
    expect(server.seen[1]?.headers.host).not.toBe(headers?.host);
    expect(headers?.["sitefleet-debug"]).toBe(debugToken(new Secret("hidden-config-segment")));
    expect(JSON.stringify(headers)).not.toContain("hidden-config-segment");
  });

  it.each([
    ["another revision", { status: 404, headers: { "sf-revision": "old" } }],
    ["no revision", { status: 500 }],
    ["no answer", "reset"],
  ] as const)("does not see the version on %s", async (_, reaction) => {
    const { checks } = await checksAgainst(() => reaction);
    expect(await checks.probe(EXPECTED)).toBe(false);
  });

  it("takes any answer for a version that sitefleet did not make", async () => {
    const { checks } = await checksAgainst(() => ({ status: 200 }));
    expect(await checks.probe({ version: 1, revision: undefined })).toBe(true);
  });

  it("says what is wrong with the version", async () => {
    const { server, checks } = await checksAgainst(() => ({
      status: 503,
      headers: { "sf-revision": "old" },
    }));
    expect(await checks.verify(EXPECTED)).toEqual({
      ok: false,
      problems: [
        `${server.url}: an unknown host is answered with 503, not 404: the edge cannot read the config bucket, or a rule is broken`,
        `${server.url}: the edge says version unknown, revision old, not 2, abc`,
      ],
    });
  });

  it("tells versions of the same VCL apart by their number", async () => {
    let version = "1";
    const { lines, server, checks } = await checksAgainst(() => ({
      status: 404,
      headers: { "sf-revision": "abc", "sf-version": version },
    }));
    expect(await checks.probe(EXPECTED)).toBe(false);
    expect(await checks.probe({ version: 2, revision: undefined })).toBe(false);
    expect(lines).toEqual([`${server.url}: still version 1`]);
    version = "2";
    expect(await checks.probe(EXPECTED)).toBe(true);
  });

  it("wants the version several times in a row, each time over a new connection", async () => {
    let count = 0;
    const { server, checks } = await checksAgainst(() => {
      count += 1;
      return { status: 404, headers: { "sf-revision": "abc", "sf-version": count === 4 ? "1" : "2" } };
    });
    expect(await checks.probe(EXPECTED)).toBe(false);
    expect(server.seen).toHaveLength(4);
    expect(await checks.probe(EXPECTED)).toBe(true);
    expect(new Set(server.seen.map(({ headers }) => headers.host)).size).toBe(server.seen.length);
    expect(server.seen.map(({ headers }) => headers.connection)).not.toContain("keep-alive");
  });

  it("asks every address and every POP that the settings name", async () => {
    const late = { pop: "IAD" };
    const answer = ({ headers }: SeenRequest): Reaction => ({
      status: 404,
      headers: { "sf-version": headers["fastly-test-pop"] === late.pop ? "1" : "2", "sf-revision": "abc" },
    });
    const [first, second] = [await startScriptedServer(answer), await startScriptedServer(answer)];
    const { lines, notes } = recordingNotes();
    const verify = {
      url: first.url,
      hostSuffix: "sites.example.net",
      edges: [second.url],
      pops: ["LHR", "IAD"],
    };
    const checks = edgeChecksFor({ ...environmentWith(), verify }, notes);
    expect(await checks.probe(EXPECTED)).toBe(false);
    expect(await checks.probe(EXPECTED)).toBe(false);
    expect(lines.toSorted()).toEqual(
      [first, second].map(({ url }) => `${url} at IAD: still version 1`).toSorted(),
    );
    expect(await checks.verify(EXPECTED)).toMatchObject({ ok: false });
    late.pop = "";
    expect(await checks.probe(EXPECTED)).toBe(true);
    expect(await checks.verify(EXPECTED)).toEqual({ ok: true });
    const asked = second.seen.map(({ headers }) => headers["fastly-test-pop"]);
    expect(new Set(asked)).toEqual(new Set(["LHR", "IAD"]));
  });

  it("warns when the settings do not say where to look", async () => {
    const { lines, notes } = recordingNotes();
    const checks = edgeChecksFor(environmentWith(), notes);
    expect(await checks.probe(EXPECTED)).toBe(true);
    expect(lines).toEqual([
      'warning: environment "test" has no `verify` in the settings: the edge is not looked at',
    ]);
  });
});
