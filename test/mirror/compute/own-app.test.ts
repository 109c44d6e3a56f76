import { expect, onTestFinished, test } from "vitest";
import { answerVisitor } from "../../../compute/src/app.ts";
import type { EdgeSettings } from "../../../src/site/edge-settings.ts";
import {
  EDGE_SETTINGS_FORMAT,
  EDGE_SETTINGS_ITEM,
  EDGE_STORES,
  edgeSettingsItem,
} from "../../../src/site/edge-settings.ts";
import type { ComputeContent } from "../../../src/mirror/compute-content.ts";
import { httpCacheOf, ownProgram } from "../../../src/mirror/compute/own-program.ts";
import { startMirror } from "../../../src/mirror/mirror.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { backendAt } from "../edge/harness.ts";
import { computeService, contentOf, hostOf } from "./content.ts";

const ORIGIN = { isSecond: false, region: "us-east-1", host: "s3.test", tls: false, prefix: "" } as const;

const SETTINGS: EdgeSettings = {
  format: EDGE_SETTINGS_FORMAT,
  environment: "local",
  revision: "r1",
  hostSuffixes: [{ suffix: ".example.com", siteEnv: "production" }],
  publicPorts: { http: 80, https: 443 },
  hsts: false,
  tlsRedirectStatus: 308,
  ttl: { config: 60, unknownDomain: 10, page: 60, notFound: 10, staleIfError: 600 },
  segmentedExtensions: [],
  rateLimiting: false,
  logEndpoint: "visits",
  httpCache: true,
  origins: [
    { ...ORIGIN, backend: "config", bucket: "config" },
    { ...ORIGIN, backend: "hosting", bucket: "hosting" },
  ],
};

function ownContent(
  settings: EdgeSettings | null,
  backends = ["config", "hosting"].map((name) => backendAt(80, { name })),
): ComputeContent {
  const content = contentOf({
    packageName: "sitefleet",
    backends,
    config: settings === null ? {} : { [EDGE_SETTINGS_ITEM]: JSON.stringify(settings) },
    secrets: {
      config_s3_key: "id:not-so-secret",
      hosting_s3_key: "id:not-so-secret",
      config_segment: "segment",
    },
  });
  const stores = <T>(named: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> =>
    new Map([...named.values()].map((store) => [name, store]));
  return {
    ...content,
    configStores: stores(content.configStores, EDGE_STORES.settings),
    secretStores: stores(content.secretStores, EDGE_STORES.secrets),
  };
}

test("The app runs as it is: it looks the host's config up with a signed request, once for as long as it is kept", async () => {
  const asked: Request[] = [];
  const logs: string[] = [];
  const clock = new FakeClock();
  const host = hostOf(
    {
      program: answerVisitor,
      clock,
      origin(request) {
        asked.push(request);
        return new Response("<Error/>", { status: 404 });
      },
    },
    { service: computeService(ownContent(SETTINGS)), onLog: ({ line }) => logs.push(line) },
  );
  for (let times = 0; times < 2; times += 1) {
    const answer = await host.visit({ host: "nobody.example.com", target: "/" });
    expect(answer.status).toBe(404);
  }
  expect(asked.length).toBeGreaterThan(0);
  expect(new Set(asked.map(({ url }) => url)).size).toBe(asked.length);
  expect(asked[0]?.headers.get("Authorization")).toMatch(/^AWS4-HMAC-SHA256 Credential=id\//);
  expect(logs.filter((line) => line.startsWith("syslog svc visits :: "))).toHaveLength(2);
});

test("The app is what runs for its own package, and the HTTP cache is what its settings say", () => {
  expect(ownProgram(ownContent(SETTINGS))).toBe(answerVisitor);
  expect(ownProgram(contentOf({ packageName: "theirs" }))).toBeNull();
  const hasHttpCache = (content: ComputeContent, version = 1) => httpCacheOf({ version, content })();
  expect(hasHttpCache(ownContent(SETTINGS))).toBe(true);
  expect(hasHttpCache(ownContent({ ...SETTINGS, httpCache: false }))).toBe(false);
  expect(hasHttpCache(ownContent(null))).toBe(true);
  const own = new Map([
    [EDGE_SETTINGS_ITEM, JSON.stringify(SETTINGS)],
    [edgeSettingsItem(7), JSON.stringify({ ...SETTINGS, httpCache: false })],
  ]);
  const content = { ...ownContent(SETTINGS), configStores: new Map([[EDGE_STORES.settings, own]]) };
  expect([hasHttpCache(content, 6), hasHttpCache(content, 7)]).toEqual([true, false]);
});

test("explain tells what a Compute service's request asked of cache and backends, and covers its secrets", async () => {
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0, inspector: 0 };
  const mirror = await startMirror({
    stateDir: await tempDir(),
    ports,
    clock: systemClock,
    pid: process.pid,
  });
  onTestFinished(() => mirror.close());
  // Closed ports: no backend answers.
  const backends = ["config", "hosting"].map((name) => backendAt(1, { name }));
  mirror.edge.activateCompute(computeService(ownContent(SETTINGS, backends)));
  const url = new URL("https://www.example.com/page?key=not-so-secret");
  const { trace } = await mirror.explain({ method: "GET", url, headers: [] });
  expect(trace.service?.name).toBe("compute");
  expect(trace.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["lookup", "backend"]));
  expect(trace.answer?.status).toBe(503);
  expect(trace.request.url).toContain("(private)");
  const plain = await mirror.explain({ method: "GET", url: new URL("http://www.example.com/"), headers: [] });
  expect(plain.trace.answer?.status).toBe(308);
});
