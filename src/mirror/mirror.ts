import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../lib/atomic-write.ts";
import { traceOf } from "../lib/caught.ts";
import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";
import { takeProcessLock } from "../lib/process-lock.ts";
import type { ProcessLock } from "../lib/process-lock.ts";
import { Secret } from "../lib/secret.ts";
import { MIRROR_BUCKETS } from "../settings/local.ts";
import type { MirrorFile } from "../settings/local.ts";
import { startFastlyApi } from "./api/server.ts";
import { startEdge } from "./edge/edge.ts";
import type { Edge } from "./edge/edge.ts";
import type { PortPair } from "./edge/listeners.ts";
import { LogFiles } from "./edge/log-files.ts";
import type { ActiveComputeService, ActiveService, EdgeControl } from "./service.ts";
import type { ClientCall } from "./edge/client-request.ts";
import { explainRequest } from "./inspector/explain.ts";
import type { Explanation } from "./inspector/explain.ts";
import { startInspector } from "./inspector/inspector-server.ts";
import type { FleetRow, Inspector } from "./inspector/inspector-server.ts";
import { Observer } from "./inspector/observer.ts";
import { findIssuedKey } from "./issued-keys.ts";
import { loadMirrorKeys } from "./keys.ts";
import type { MirrorKeys } from "./keys.ts";
import { openLogFile } from "./log-file.ts";
import type { LogLine } from "./log-file.ts";
import { startS3Server } from "./s3/server.ts";
import type { S3Call, S3Server } from "./s3/server.ts";

/** Ports of the mirror's parts; 0 = any free one. */
export interface MirrorPorts {
  readonly edge: number;
  readonly edgeTls: number;
  readonly api: number;
  readonly s3: number;
  /** Missing: no inspector. */
  readonly inspector?: number;
}

/** Edge 8080 and 8443, Fastly API 8081, S3 8082, inspector 8083. */
export const DEFAULT_PORTS = {
  edge: 8080,
  edgeTls: 8443,
  api: 8081,
  s3: 8082,
  inspector: 8083,
} as const satisfies MirrorPorts;

const LOOPBACK = "127.0.0.1";
const REGION = "us-east-1";

export interface MirrorOptions {
  /** Everything that survives a restart; made when absent. */
  readonly stateDir: string;
  readonly ports: MirrorPorts;
  readonly clock: Clock;
  /** The process that owns the state folder. */
  readonly pid: number;
  /** Address to bind; default loopback. */
  readonly host?: string;
  /** Name or id of the service that gets every Host that no service claims, as on dedicated IPs. */
  readonly pin?: string;
  /** Codes of the POPs that clients reach, the one they reach unasked first; `LHR` unless given. */
  readonly pops?: readonly string[];
  /** Ports of their own that these POPs have beside the edge's, by code; 0 = any free one. */
  readonly popPorts?: ReadonlyMap<string, PortPair>;
  /** What environment `local` deploys: VCL unless given. */
  readonly target?: "vcl" | "compute";
  /** Shield code that environment `local` deploys with, such as `iad-va-us`. */
  readonly shield?: string;
  /** How many milliseconds a purge takes to the POP of a code; none unless given. */
  readonly purgeDelay?: (pop: string) => number;
  /** Header by which a client on this machine says which country it is in; `Fastly-Test-Country` unless given. */
  readonly countryHeader?: string;
  /** Whether the inspector may have any port where its own is taken: nothing else depends on which it is. */
  readonly anyInspectorPort?: boolean;
  /** The sites in the buckets, for the inspector; without it the inspector has no fleet. */
  readonly readFleet?: () => AsyncIterable<FleetRow>;
  /** Sees each log line as it is written to `<state>/logs/edge.log`. */
  readonly onLog?: (line: LogLine) => void;
  /** Sees every action that a key was allowed or refused at S3. */
  readonly onS3Call?: (call: S3Call) => void;
}

export interface Mirror {
  /** The content of `<state>/mirror.json`. */
  readonly file: MirrorFile;
  readonly edge: Edge;
  readonly s3: S3Server;
  /**
   * Makes a request at the edge and tells every decision it took.
   * @throws SitefleetError `explain/invalid-request`, and `explain/no-inspector` where the mirror was started without one
   */
  explain(call: ClientCall): Promise<Explanation>;
  /** Active services that could not be started, and why. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

/** Undoes what was started, last first. */
class Cleanup {
  #steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const steps = this.#steps.reverse();
    this.#steps = [];
    for (const step of steps) await step();
  }
}

/**
 * Starts the S3 server, the edge and the Fastly API on one state folder.
 * @throws SitefleetError `mirror/already-running`, `mirror/port-in-use`
 */
export async function startMirror(options: MirrorOptions): Promise<Mirror> {
  const { stateDir } = options;
  await mkdir(stateDir, { recursive: true });
  const cleanup = new Cleanup();
  try {
    const lock = await lockState(stateDir, options.pid);
    cleanup.add(() => lock.release());
    return await startParts(options, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function lockState(stateDir: string, pid: number): Promise<ProcessLock> {
  const lock = await takeProcessLock(join(stateDir, "mirror.lock"), pid);
  if ("release" in lock) return lock;
  throw new SitefleetError(
    "mirror/already-running",
    `process ${lock.pid} already runs a mirror on ${stateDir}`,
    {
      hint: "stop it first, or give this one another folder with --state",
    },
  );
}

async function startParts(options: MirrorOptions, cleanup: Cleanup): Promise<Mirror> {
  const { stateDir, clock, ports, host = LOOPBACK } = options;
  const keys = await loadMirrorKeys(stateDir);
  const apiToken = new Secret(keys.apiToken);
  const log = await openLogFile(stateDir);
  cleanup.add(() => log.close());
  const logFiles = new LogFiles({
    dir: join(stateDir, "logs"),
    onFault: (error) => log.write(faultLine(error, clock.now())),
  });
  cleanup.add(() => logFiles.flush());
  const s3 = await startStore(options, keys);
  cleanup.add(() => s3.close());
  const observer = ports.inspector === undefined ? null : new Observer(clock);
  const edge = await startEdge({
    host,
    ...(observer === null ? {} : { watch: observer }),
    httpPort: ports.edge,
    httpsPort: ports.edgeTls,
    stateDir,
    clock,
    mayPurge: (token) => apiToken.equals(token),
    ...(options.pops === undefined ? {} : { pops: options.pops }),
    ...(options.popPorts === undefined ? {} : { popPorts: options.popPorts }),
    ...(options.purgeDelay === undefined ? {} : { purgeDelay: options.purgeDelay }),
    ...(options.countryHeader === undefined ? {} : { countryHeader: options.countryHeader }),
    onLog(line) {
      log.write(line);
      logFiles.write(line);
      options.onLog?.(line);
    },
  });
  cleanup.add(() => edge.close());
  const pinning = pinOnActivation(edge, options.pin, logFiles);
  const api = await startFastlyApi({
    dir: join(stateDir, "api"),
    host,
    port: ports.api,
    token: apiToken,
    clock,
    edge: pinning.edge,
    pinnedService: pinning.pinned,
    onFault: (error) => log.write(faultLine(error, clock.now())),
  });
  cleanup.add(() => api.close());
  const inspector = await startPage(options, { edge, observer });
  if (inspector !== null) cleanup.add(() => inspector.close());
  const file = describeParts(options, { keys, edge, api, s3, inspector });
  await writeFileAtomic(join(stateDir, "mirror.json"), `${JSON.stringify(file)}\n`, 0o600);
  return {
    file,
    edge,
    s3,
    explain: async (call) => explainRequest({ edge, observer: presentObserver(observer) }, call),
    problems: api.problems,
    close: () => cleanup.run(),
  };
}

function startStore(options: MirrorOptions, keys: MirrorKeys): Promise<S3Server> {
  return startS3Server({
    dir: join(options.stateDir, "s3"),
    host: options.host ?? LOOPBACK,
    port: options.ports.s3,
    region: REGION,
    clock: options.clock,
    credentials: [
      { ...keys.publisher, access: "full" },
      { ...keys.edgeReader, access: "read" },
    ],
    findCredential: findIssuedKey(options.stateDir),
    ...(options.onS3Call === undefined ? {} : { onCall: options.onS3Call }),
    buckets: Object.values(MIRROR_BUCKETS),
  });
}

function presentObserver(observer: Observer | null): Observer {
  if (observer !== null) return observer;
  throw new SitefleetError("explain/no-inspector", "this mirror was started without an inspector", {
    hint: "give startMirror a port for the inspector (0 = any free one)",
  });
}

async function startPage(
  { host = LOOPBACK, ports, anyInspectorPort = false, clock, readFleet }: MirrorOptions,
  { edge, observer }: { readonly edge: Edge; readonly observer: Observer | null },
): Promise<Inspector | null> {
  if (observer === null) return null;
  const port = ports.inspector ?? 0;
  return startInspector({
    host,
    port,
    anyPort: anyInspectorPort,
    edge,
    observer,
    clock,
    ...(readFleet === undefined ? {} : { readFleet }),
  });
}

/** What other processes need to find and use the mirror. */
function describeParts(
  { pid, target, shield, pops }: MirrorOptions,
  parts: {
    readonly keys: MirrorKeys;
    readonly edge: Edge;
    readonly api: { readonly url: string };
    readonly s3: S3Server;
    readonly inspector: Inspector | null;
  },
): MirrorFile {
  const { keys, edge, api, s3, inspector } = parts;
  const { publisher, edgeReader } = keys;
  return {
    pid,
    edge: {
      ...urlsOf({ http: edge.httpPort, https: edge.httpsPort }),
      ca: edge.caPath,
      ...(target === undefined ? {} : { target }),
      ...(shield === undefined ? {} : { shield }),
      ...(pops === undefined ? {} : { pops: [...pops] }),
      ...(edge.popPorts.size === 0 ? {} : { popUrls: popUrlsOf(edge) }),
    },
    api: { url: api.url, token: keys.apiToken },
    s3: {
      url: s3.url,
      region: REGION,
      ...publisher,
      edgeKey: `${edgeReader.accessKeyId}:${edgeReader.secretAccessKey}`,
    },
    configSegment: keys.configSegment,
    ...(inspector === null ? {} : { inspector: { url: inspector.url } }),
  };
}

function popUrlsOf({ popPorts }: Edge): NonNullable<MirrorFile["edge"]["popUrls"]> {
  return Object.fromEntries([...popPorts].map(([pop, ports]) => [pop, urlsOf(ports)]));
}

function urlsOf({ http, https }: PortPair): { readonly http: string; readonly https: string } {
  return { http: `http://${LOOPBACK}:${http}`, https: `https://${LOOPBACK}:${https}` };
}

/** Pins a service as soon as it is activated, since ids are not known before. */
function pinOnActivation(
  edge: Edge,
  wanted: string | undefined,
  logFiles: LogFiles,
): { edge: EdgeControl; pinned: () => string | null } {
  let pinned: string | null = null;
  const pin = (serviceId: string | null): void => {
    pinned = serviceId;
    edge.pin(serviceId);
  };
  const activated = (
    { id, name, logEndpoints = [] }: ActiveService | ActiveComputeService,
    run: () => void,
  ): void => {
    logFiles.open(id, logEndpoints);
    run();
    if (name === wanted || id === wanted) pin(id);
  };
  return {
    pinned: () => pinned,
    edge: {
      activate: (service) => activated(service, () => edge.activate(service)),
      ...(edge.activateCompute === undefined
        ? {}
        : { activateCompute: (service) => activated(service, () => edge.activateCompute?.(service)) }),
      deactivate(serviceId) {
        if (pinned === serviceId) pin(null);
        edge.deactivate(serviceId);
      },
      purge: (request) => edge.purge(request),
      pin,
    },
  };
}

function faultLine(error: unknown, at: number): LogLine {
  return { service: "mirror", pop: "api", line: JSON.stringify({ fault: traceOf(error) }), at };
}
