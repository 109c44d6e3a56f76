import { expect, test } from "vitest";
import type { EdgeOptions } from "../../../src/mirror/edge/edge.ts";
import type { DirectorSpec } from "../../../src/vcl/runtime.ts";
import { ask, backendAt, programOf, serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { TestEdge } from "./harness.ts";

const SHIELD: DirectorSpec = {
  name: "ssl_shield_iad_va_us",
  type: "shield",
  shield: "iad-va-us",
  quorumPercent: 0,
  retries: null,
  members: [],
};
const PAGE = { kind: "keys", keys: ["page"] } as const;

interface Network extends TestEdge {
  /** What the origin says from now on. */
  readonly publish: (text: string) => void;
  /** What a visitor of a POP reads. */
  readonly read: (pop: string, headers?: Readonly<Record<string, string>>) => Promise<string>;
  readonly purge: (soft?: boolean) => Promise<void>;
}

/** A naive service on three POPs behind the shield IAD, with pages that are fresh for a minute. */
async function network(options: Partial<EdgeOptions> = {}, cacheControl = "max-age=60"): Promise<Network> {
  let content = "old";
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "Cache-Control": cacheControl, "Surrogate-Key": "page" }).end(content);
  });
  const program = programOf({
    backends: [backendAt(origin.port)],
    directors: [SHIELD],
    subs: {
      recv(t) {
        const shield = program.directors.get(SHIELD.name);
        if (shield !== undefined && !t.host.hasVisitedShield(SHIELD)) t.backend = shield;
      },
    },
  });
  const started = await testEdge(serviceOf(program), { pops: ["LHR", "IAD", "SYD"], ...options });
  return {
    ...started,
    publish: (text) => void (content = text),
    read: async (pop, headers = {}) =>
      (await started.ask("/", { headers: { "Fastly-Test-Pop": pop, ...headers } })).text,
    purge: (soft = false) => started.edge.purge({ serviceId: "svc", scope: PAGE, soft }),
  };
}

test("each POP has a cache of its own, chosen by a header that VCL never sees", async () => {
  const { ask, edge, read } = await network();
  await read("lhr");
  await read("SYD");
  expect([...edge.stats()].map(([pop, { objects }]) => [pop, objects])).toEqual([
    ["LHR", 1],
    ["IAD", 1],
    ["SYD", 1],
  ]);
  const { headers } = await ask("/", { headers: { "Fastly-Test-Pop": "SYD" } });
  expect(headers.get("X-Served-By") ?? headers.get("Via")).not.toBeNull();
  expect((await ask("/", { headers: { "Fastly-Test-Pop": "XYZ" } })).status).toBe(400);
});

test("a POP with ports of its own is reached there without a header, which still chooses another", async () => {
  const any = { http: 0, https: 0 };
  const { edge } = await network({
    popPorts: new Map([
      ["IAD", any],
      ["SYD", any],
    ]),
  });
  const at = (pop: string): number => edge.popPorts.get(pop)?.http ?? 0;
  expect([...edge.popPorts.keys()]).toEqual(["IAD", "SYD"]);
  const filled = (): string[] =>
    [...edge.stats()].filter(([, { objects }]) => objects > 0).map(([pop]) => pop);
  await ask(at("IAD"), "/");
  expect(filled()).toEqual(["IAD"]);
  await ask(at("SYD"), "/");
  expect(filled()).toEqual(["IAD", "SYD"]);
  await ask(at("SYD"), "/", { headers: { "Fastly-Test-Pop": "lhr" } });
  expect(filled()).toEqual(["LHR", "IAD", "SYD"]);
  expect(new Set([edge.httpPort, edge.httpsPort, at("IAD"), at("SYD")]).size).toBe(4);
});

test("a POP's port that is taken closes those that were open already, and says which flag gave it", async () => {
  const taken = await startOrigin(() => undefined);
  const started = network({ popPorts: new Map([["SYD", { http: taken.port, https: 0 }]]) });
  await expect(started).rejects.toMatchObject({
    code: "mirror/port-in-use",
    message: expect.stringContaining("the POP SYD"),
    hint: expect.stringContaining("--pop-ports"),
  });
});

test("a visitor of the shield's own POP needs no second hop", async () => {
  const { read, edge, ask } = await network();
  expect(await read("IAD")).toBe("old");
  const { headers } = await ask("/", { headers: { "Fastly-Test-Pop": "IAD" } });
  expect(headers.get("Via")).toBe("1.1 varnish");
  expect(edge.stats().get("LHR")?.objects).toBe(0);
});

test("a client cannot pretend to come from another POP", async () => {
  const { ask, read } = await network();
  await read("LHR");
  const { headers } = await ask("/other", { headers: { "Fastly-FF": "abc!IAD!cache-iad7001-IAD" } });
  expect(headers.get("Via")).toBe("1.1 varnish, 1.1 varnish");
});

test("the shield race: an edge that refetches before the purge reaches the shield keeps the old page", async () => {
  const { clock, edge, publish, purge, read } = await network({
    purgeDelay: (pop) => (pop === "IAD" ? 150 : 0),
  });
  await read("LHR");
  publish("new");
  await purge();
  expect(await read("LHR")).toBe("old");
  clock.advance(150);
  await edge.idle();
  // The shield knows better by now, the edge does not: one purge was not enough.
  expect(await read("IAD")).toBe("new");
  expect(await read("LHR")).toBe("old");
  await purge();
  clock.advance(150);
  await edge.idle();
  expect(await read("LHR")).toBe("new");
});

test.each([PAGE, { kind: "url", host: "www.example.com", pathAndQuery: "/" }, { kind: "all" }] as const)(
  "a purge by $kind reaches each POP in its own time",
  async (scope) => {
    const { clock, edge, publish, read } = await network({
      purgeDelay: (pop) => (pop === "SYD" ? 150 : 0),
    });
    await read("LHR");
    await read("SYD");
    publish("new");
    await edge.purge({ serviceId: "svc", scope, soft: false });
    expect([await read("LHR"), await read("SYD")]).toEqual(["new", "old"]);
    clock.advance(150);
    await edge.idle();
    expect(await read("SYD")).toBe("new");
  },
);

test("a purge by the method PURGE reaches each POP in its own time as well", async () => {
  const { ask, clock, edge, publish, read } = await network({
    purgeDelay: (pop) => (pop === "SYD" ? 150 : 0),
  });
  await read("SYD");
  publish("new");
  expect((await ask("/", { method: "PURGE" })).status).toBe(200);
  expect([await read("LHR"), await read("SYD")]).toEqual(["new", "old"]);
  clock.advance(150);
  await edge.idle();
  expect(await read("SYD")).toBe("new");
});

test.each(["API", "method PURGE"])(
  "a purge by URL, by %s, finds the object of a POP that a purge-all has not reached yet",
  async (way) => {
    const {
      clock,
      edge,
      publish,
      read,
      ask: visit,
    } = await network({
      purgeDelay: (pop) => (pop === "SYD" ? 150 : 0),
    });
    await read("SYD");
    await edge.purge({ serviceId: "svc", scope: { kind: "all" }, soft: false });
    publish("new");
    const url = { kind: "url", host: "www.example.com", pathAndQuery: "/" } as const;
    if (way === "API") await edge.purge({ serviceId: "svc", scope: url, soft: false });
    else await visit("/", { method: "PURGE" });
    expect(edge.stats().get("SYD")?.objects).toBe(1);
    clock.advance(150);
    await edge.idle();
    expect(edge.stats().get("SYD")?.objects).toBe(0);
    expect(await read("SYD")).toBe("new");
  },
);

test("the shield race of a purge-all: the edge fills its new generation from the shield's old one", async () => {
  const { clock, edge, publish, read } = await network({
    purgeDelay: (pop) => (pop === "IAD" ? 150 : 0),
  });
  const all = { serviceId: "svc", scope: { kind: "all" }, soft: false } as const;
  await read("LHR");
  publish("new");
  await edge.purge(all);
  expect(await read("LHR")).toBe("old");
  clock.advance(150);
  await edge.idle();
  expect([await read("IAD"), await read("LHR")]).toEqual(["new", "old"]);
  await edge.purge(all);
  expect(await read("LHR")).toBe("new");
});

test("the soft-purge trap: an edge takes the shield's stale page for a fresh one", async () => {
  const { edge, publish, purge, read } = await network({}, "max-age=60, stale-while-revalidate=600");
  await read("LHR");
  publish("new");
  await purge(true);
  expect(await read("LHR")).toBe("old");
  await edge.idle();
  // The edge has revalidated, and got what the shield still had: fresh again, and old.
  expect(await read("LHR")).toBe("old");
  expect(await read("IAD")).toBe("new");
  await purge();
  expect(await read("LHR")).toBe("new");
});

test("an edge that closes waits for no purge on its way", async () => {
  const { edge, purge, read } = await network({ purgeDelay: (pop) => (pop === "SYD" ? 60_000 : 0) });
  await read("SYD");
  await purge();
  expect(edge.stats().get("SYD")?.objects).toBe(1);
});
