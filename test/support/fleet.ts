import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debugToken } from "../../src/fleet/edge-checks.ts";
import { MIRROR_COUNTRY_HEADER } from "../../src/fleet/conformance-target.ts";
import { fixtureSites } from "../../src/fleet/fixture-sites.ts";
import type { Capability, Act } from "../../src/conformance/case.ts";
import type { ConformanceTarget } from "../../src/conformance/target.ts";
import { applyDeploy } from "../../src/deploy/apply/apply.ts";
import { desiredService } from "../../src/deploy/service/desired.ts";
import { readLive } from "../../src/deploy/live/live.ts";
import { planDeploy } from "../../src/deploy/plan/plan.ts";
import { FastlyClient } from "../../src/fastly/client.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import type { PublishDeps } from "../../src/publish/publish-deps.ts";
import { renderService } from "../../src/render/render.ts";
import type { RenderOptions } from "../../src/render/render.ts";
import type { Environment } from "../../src/settings/environment.ts";
import type { EdgeFolder } from "../../src/settings/schema.ts";
import { localEnvironment } from "../../src/settings/local.ts";
import { S3SiteStore } from "../../src/store/s3-store.ts";
import { makeComputeService } from "./compute-service.ts";
import { InstantClock } from "./instant-clock.ts";
import { OffsetClock } from "./offset-clock.ts";
import { openOriginGate } from "./origin-gate.ts";

/** Pages live this long in tests: short enough that moving past it keeps S3 signatures valid (15 minutes). */
const PAGE_TTL = 900;

/** What runs at the edge: the rendered VCL, or the Compute app with Fastly's HTTP cache or without it. */
export type Target = "vcl" | "compute" | "compute without HTTP cache";

/** A running mirror with a service deployed to it, two gates in front of S3, and the conformance sites. */
export interface Fleet {
  readonly mirror: Mirror;
  readonly environment: Environment;
  readonly deps: PublishDeps;
  readonly target: ConformanceTarget;
  /** Lines that the service logged so far. */
  readonly log: readonly string[];
  /** What the edge has asked S3 for in the first region. */
  readonly originCalls: readonly string[];
  /**
   * Deploys a rendering, with a team's folder of templates where one is given, or makes the Compute service, which has
   * neither; resolves when the edge runs it.
   */
  deploy(options?: RenderOptions, edge?: EdgeFolder): Promise<void>;
  prepare(): Promise<void>;
  close(): Promise<void>;
}

/** POPs of a mirror with a Compute service, which has no shield. */
const POPS = ["LHR", "IAD"] as const;

/** Starts a fleet on free ports in a folder of its own. */
export async function startFleet(kind: Target = "vcl"): Promise<Fleet> {
  const stateDir = await mkdtemp(join(tmpdir(), "sitefleet-fleet-"));
  const clock = new OffsetClock();
  const log: string[] = [];
  const mirror = await startMirror({
    stateDir,
    ports: { edge: 0, edgeTls: 0, api: 0, s3: 0 },
    clock,
    pid: process.pid,
    onLog: ({ line }) => log.push(line),
    ...(kind === "vcl" ? {} : { pops: POPS }),
  });
  const gates = { first: await openOriginGate(mirror.s3.url), second: await openOriginGate(mirror.s3.url) };
  const environment = fleetEnvironment(mirror, { first: gates.first.port, second: gates.second.port });
  const client = new FastlyClient({
    apiUrl: environment.fastly.apiUrl,
    token: environment.secrets.apiToken(),
    clock,
    signal: new AbortController().signal,
    userAgent: "sitefleet/test",
    onWait: () => undefined,
  });
  const store = new S3SiteStore({ location: environment.s3, keys: environment.secrets.storeKeys(), clock });
  const deps = publishDeps({ environment, client, store });
  const sites = fixtureSites(deps, "conformance.localhost");
  const act = async (wanted: Act): Promise<void> => {
    if (wanted.do === "origin") gates[wanted.location].state = wanted.answer;
    else if (wanted.do === "expire-pages") clock.advance((PAGE_TTL + 10) * 1_000);
    else if (wanted.do === "wait") clock.advance(wanted.seconds * 1_000);
    else await sites.act(wanted);
  };
  return {
    mirror,
    environment,
    deps,
    target: await fleetTarget({ kind, mirror, environment, act, log }),
    log,
    originCalls: gates.first.calls,
    async deploy(options = {}, edge) {
      if (kind === "vcl") return deploy({ environment: { ...environment, edge }, client, clock }, options);
      await makeComputeService(environment, { httpCache: kind === "compute" });
    },
    prepare: () => sites.prepare(),
    async close() {
      store.close();
      await client.close();
      await gates.first.close();
      await gates.second.close();
      await mirror.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

function fleetEnvironment(
  mirror: Mirror,
  ports: { readonly first: number; readonly second: number },
): Environment {
  const local = localEnvironment(mirror.file);
  const { second: _, ...location } = local.s3;
  return {
    ...local,
    hsts: true,
    ttl: { ...local.ttl, page: PAGE_TTL, config: PAGE_TTL },
    s3: {
      ...location,
      endpoint: `http://127.0.0.1:${ports.first}`,
      second: { ...location, endpoint: `http://127.0.0.1:${ports.second}` },
    },
  };
}

function publishDeps(parts: {
  readonly environment: Environment;
  readonly client: FastlyClient;
  readonly store: S3SiteStore;
}): PublishDeps {
  const { environment, client, store } = parts;
  return {
    environment,
    store,
    purge: client,
    async serviceId() {
      const service = await client.findService(environment.fastly.serviceName ?? "");
      if (!service) throw new Error("nothing is deployed");
      return service.id;
    },
    clock: new InstantClock(Date.now()),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
}

async function deploy(
  parts: { readonly environment: Environment; readonly client: FastlyClient; readonly clock: OffsetClock },
  options: RenderOptions,
): Promise<void> {
  const { environment, client, clock } = parts;
  const desired = desiredService(environment, renderService(environment, options));
  const plan = planDeploy(desired, await readLive(client, desired.service));
  await applyDeploy(plan, {
    client,
    clock,
    checks: { probe: () => Promise.resolve(true), verify: () => Promise.resolve({ ok: true }) },
    signal: new AbortController().signal,
    progress: () => undefined,
    privateItems: desired.privateItems,
    variables: desired.variables,
    by: null,
    create: true,
  });
}

/** What every edge of these tests can do, and the runner with it. */
const COMMON: readonly Capability[] = [
  "tls",
  "hsts",
  "second-region",
  "publish",
  "faults",
  "log",
  "debug",
  "country",
  "rate-limiting",
  "segmented",
];

/** What each target can do. */
export const CAPABILITIES: Readonly<Record<Target, readonly Capability[]>> = {
  vcl: [...COMMON, "plain-http", "shield", "blocks", "http-cache"],
  compute: [...COMMON, "tls-only", "http-cache"],
  "compute without HTTP cache": [...COMMON, "tls-only"],
};

async function fleetTarget(parts: {
  readonly kind: Target;
  readonly mirror: Mirror;
  readonly environment: Environment;
  readonly act: (act: Act) => Promise<void>;
  readonly log: readonly string[];
}): Promise<ConformanceTarget> {
  const { kind, mirror, environment, act, log } = parts;
  return {
    http: mirror.file.edge.http,
    https: mirror.file.edge.https,
    ca: await readFile(mirror.file.edge.ca, "utf8"),
    hostSuffix: "conformance.localhost",
    publicPorts: environment.publicPorts,
    capabilities: new Set(CAPABILITIES[kind]),
    countryHeader: MIRROR_COUNTRY_HEADER,
    debugToken: debugToken(environment.secrets.configSegment()),
    act,
    readLog: () =>
      Promise.resolve(
        log.flatMap((line) => {
          const json = line.replace(/^syslog \S+ \S+ :: /, "");
          return json.startsWith("{") ? [JSON.parse(json) as Readonly<Record<string, unknown>>] : [];
        }),
      ),
  };
}
