import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyDeploy } from "../src/deploy/apply/apply.ts";
import { desiredService } from "../src/deploy/service/desired.ts";
import { readLive } from "../src/deploy/live/live.ts";
import { planDeploy } from "../src/deploy/plan/plan.ts";
import { FastlyClient } from "../src/fastly/client.ts";
import { systemClock } from "../src/lib/clock.ts";
import type { Clock } from "../src/lib/clock.ts";
import type { PublishDeps } from "../src/publish/publish-deps.ts";
import { renderService } from "../src/render/render.ts";
import type { Environment } from "../src/settings/environment.ts";
import { localEnvironment } from "../src/settings/local.ts";
import type { MirrorFile } from "../src/settings/local.ts";
import { S3SiteStore } from "../src/store/s3-store.ts";
import { Child } from "./child.ts";
import type { MirrorReport } from "./mirror-process.ts";
import { TEMPLATES } from "./project.ts";

/** A mirror in another process with the rendered service deployed to it. */
export interface Fleet {
  readonly stateDir: string;
  readonly file: MirrorFile;
  readonly environment: Environment;
  readonly deps: PublishDeps;
  report(): Promise<MirrorReport>;
  close(): Promise<void>;
}

export async function startFleet(): Promise<Fleet> {
  const stateDir = await mkdtemp(join(tmpdir(), "sitefleet-bench-"));
  const child = new Child("mirror-process.js", [stateDir]);
  const { file } = (await child.next()) as MirrorReport;
  const connection = connect(file);
  await deploy(connection);
  return {
    stateDir,
    file,
    environment: connection.environment,
    deps: connection.deps,
    report: async () => (await child.ask("report")) as MirrorReport,
    async close() {
      await connection.close();
      await child.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

export interface Connection {
  readonly environment: Environment;
  readonly client: FastlyClient;
  readonly deps: PublishDeps;
  close(): Promise<void>;
}

/** What publishing and deploying to a running mirror takes. */
export function connect(file: MirrorFile): Connection {
  const environment = localEnvironment(file);
  const client = new FastlyClient({
    apiUrl: environment.fastly.apiUrl,
    token: environment.secrets.apiToken(),
    clock: systemClock,
    signal: new AbortController().signal,
    userAgent: "sitefleet/bench",
    onWait: () => undefined,
  });
  const store = new S3SiteStore({
    location: environment.s3,
    keys: environment.secrets.storeKeys(),
    clock: systemClock,
  });
  let serviceId: Promise<string> | undefined;
  const deps: PublishDeps = {
    environment,
    store,
    purge: client,
    serviceId: () => (serviceId ??= findService(client, environment)),
    clock: hastyClock,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
  return {
    environment,
    client,
    deps,
    async close() {
      store.close();
      await client.close();
    },
  };
}

/** Does not wait between the two passes of a purge: visitors have their answer after the first. */
const hastyClock: Clock = { now: () => systemClock.now(), sleep: () => Promise.resolve() };

async function findService(client: FastlyClient, environment: Environment): Promise<string> {
  const service = await client.findService(environment.fastly.serviceName ?? "");
  if (service === undefined) throw new Error("nothing is deployed");
  return service.id;
}

export async function deploy({ environment, client }: Connection): Promise<void> {
  const desired = desiredService(environment, renderService(environment, { templates: TEMPLATES }));
  const plan = planDeploy(desired, await readLive(client, desired.service));
  await applyDeploy(plan, {
    client,
    clock: systemClock,
    checks: { probe: () => Promise.resolve(true), verify: () => Promise.resolve({ ok: true }) },
    signal: new AbortController().signal,
    progress: () => undefined,
    privateItems: desired.privateItems,
    variables: desired.variables,
    by: null,
    create: true,
  });
}
