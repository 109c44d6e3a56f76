import { expect, test } from "vitest";
import type { DirectorSpec } from "../../../src/vcl/runtime.ts";
import { act, ask as askPort, backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { Origin, Subs, TestEdge } from "./harness.ts";

const SHIELD: DirectorSpec = {
  name: "ssl_shield_iad_va_us",
  type: "shield",
  shield: "iad-va-us",
  quorumPercent: 0,
  retries: null,
  members: [],
};

/** A service that goes through the shield, as `fastly.try_select_shield` would have it. */
async function shielded(subs: Subs = {}): Promise<TestEdge & { origin: Origin }> {
  let count = 0;
  const origin = await startOrigin((request, response) => {
    count += 1;
    const headers = { "Cache-Control": "max-age=60", "Surrogate-Key": "page", "X-Url": request.url };
    response.writeHead(200, headers).end(`v${count}`);
  });
  const program = programOf({
    backends: [backendAt(origin.port)],
    directors: [SHIELD],
    subs: {
      ...subs,
      recv: (t) => {
        const action = subs.recv?.(t);
        const shield = program.directors.get(SHIELD.name);
        if (shield !== undefined && !t.host.hasVisitedShield(SHIELD)) t.backend = shield;
        return action;
      },
    },
  });
  return { ...(await testEdge(serviceOf(program))), origin };
}

test("a miss goes through the shield, which runs all VCL again and keeps its own copy", async () => {
  const seen: string[] = [];
  const { ask, edge, origin } = await shielded({
    recv: (t) =>
      void seen.push(`recv ${t.server.pop} ${t.visitsThisService} ${t.isOriginShield} ${t.client.ip}`),
    miss: (t) => void seen.push(`miss ${t.server.pop} ${t.visitsThisService}`),
  });
  const answer = await ask("/a");
  expect(answer.text).toBe("v1");
  expect(answer.headers.get("Via")).toBe("1.1 varnish, 1.1 varnish");
  expect(seen).toEqual([
    "recv LHR 0 false 127.0.0.1",
    "miss LHR 1",
    "recv IAD 1 true 192.0.2.1",
    "miss IAD 2",
  ]);
  expect([edge.stats().get("LHR")?.objects, edge.stats().get("IAD")?.objects]).toEqual([1, 1]);
  expect(origin.seen).toHaveLength(1);
});

test("the edge's URL and headers reach the shield, and its response headers come back", async () => {
  const { ask, origin } = await shielded({
    recv: (t) => {
      if (t.visitsThisService === 0) {
        t.req.url = "/rewritten";
        t.req.headers.set("SF-Hop", "edge");
      }
    },
    deliver: (t) => {
      if (t.visitsThisService > 0) t.resp?.headers.set("X-From-Shield", t.req.headers.get("SF-Hop") ?? "-");
    },
  });
  const answer = await ask("/a");
  expect([answer.headers.get("X-Url"), answer.headers.get("X-From-Shield")]).toEqual(["/rewritten", "edge"]);
  expect(origin.seen[0]?.headers.get("Host")).toBe("www.example.com");
});

test("a client's own Fastly-FF is dropped", async () => {
  const visits: (number | string | null)[] = [];
  const { ask } = await shielded({
    recv: (t) =>
      void visits.push(t.visitsThisService, t.visitsThisService === 0 ? t.req.headers.get("Fastly-FF") : "-"),
  });
  await ask("/a", { headers: { "Fastly-FF": "forged!LHR!cache-lhr7000-LHR" } });
  expect(visits).toEqual([0, null, 1, "-"]);
});

test("a key purge reaches edge and shield", async () => {
  const { ask, edge } = await shielded();
  await ask("/a");
  await edge.purge({ serviceId: "svc", scope: { kind: "keys", keys: ["page"] }, soft: false });
  expect([edge.stats().get("LHR")?.objects, edge.stats().get("IAD")?.objects]).toEqual([0, 0]);
  expect((await ask("/a")).text).toBe("v2");
});

test("the age an object has at the shield counts at the edge, and shortens its life there", async () => {
  const { ask, clock, origin } = await shielded({
    recv: (t) => {
      t.hashAlwaysMiss = t.visitsThisService === 0 && t.req.headers.has("X-Refresh");
    },
  });
  await ask("/a");
  clock.advance(40_000);
  const renewed = await ask("/a", { headers: { "X-Refresh": "1" } });
  expect([renewed.text, renewed.headers.get("Age")]).toEqual(["v1", "40"]);
  clock.advance(10_000);
  expect((await ask("/a")).headers.get("Age")).toBe("50");
  expect(origin.seen).toHaveLength(1);
  clock.advance(11_000);
  expect((await ask("/a")).text).toBe("v2");
});

test("a shield as backend of a request that is already there is a loop", async () => {
  const { ask } = await shielded({
    miss: (t) => {
      t.backend = { kind: "director", spec: SHIELD };
    },
  });
  const answer = await ask("/a");
  expect([answer.status, answer.reason]).toEqual([503, "Loop detected"]);
});

test("a Host that the edge changed must belong to a service, for the shield finds it by Host", async () => {
  const { edge } = await shielded({
    miss: (t) => {
      if (t.visitsThisService === 1) t.bereq?.headers.set("Host", "elsewhere.example");
    },
  });
  const answer = await askPort(edge.httpPort, "/a");
  expect([answer.status, answer.reason]).toEqual([500, "Domain Not Found"]);
});

test("conditions and ranges of the client never reach the shield, pass streams through both", async () => {
  const { ask, origin } = await shielded({
    recv: (t) => (t.req.method === "POST" ? act("pass") : undefined),
  });
  const range = await ask("/a", { headers: { Range: "bytes=1-1", "If-None-Match": '"q"' } });
  expect([range.status, range.text]).toEqual([206, "1"]);
  expect((await ask("/a", { method: "POST", body: "x".repeat(20_000) })).text).toBe("v2");
  expect(origin.seen[1]?.body).toHaveLength(20_000);
});
