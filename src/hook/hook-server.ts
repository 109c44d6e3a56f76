import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { SitefleetError } from "../lib/errors.ts";
import { listenAt } from "../lib/listen.ts";
import { takeProcessLock } from "../lib/process-lock.ts";
import { noRoute, problemOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { authenticate } from "./authenticate.ts";
import type { Gate } from "./authenticate.ts";
import type { HookKey } from "./hook-keys.ts";
import { Uploads, withSession } from "./hook-state.ts";
import type { HookState, OpenSession } from "./hook-state.ts";
import { JobFiles } from "./job-files.ts";
import { JobQueue } from "./job-queue.ts";
import { runJobs } from "./job-work.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import type { HookLimits } from "./limits.ts";
import { NonceStore } from "./nonce-store.ts";
import { RateLimit } from "./rate-limit.ts";
import { badRequest } from "./refusal.ts";
import { matchRoute } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { EMPTY_DIGEST } from "./signature.ts";
import { sweepOwed } from "./sweep.ts";

export const DEFAULT_HOOK_PORT = 8084;

export interface HookOptions {
  /** Name of the server environment. */
  readonly environment: string;
  readonly keys: readonly HookKey[];
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Jobs, bodies and nonces are kept in `<stateDir>/hook/<environment>`. */
  readonly stateDir: string;
  readonly openSession: OpenSession;
  readonly clock: Clock;
  /** Id of this process. */
  readonly pid: number;
  readonly warn: (line: string) => void;
  /** Told of each job as it begins and ends. */
  readonly note?: ((line: string) => void) | undefined;
  readonly limits?: Partial<HookLimits>;
}

export interface Hook {
  readonly url: string;
  /** Takes nothing more, finishes what runs, and leaves what could not be finished to the next start. */
  close(): Promise<void>;
}

/** A target of a request as it may be: a path with an optional query, in the characters of a URL (RFC 3986). */
const TARGET = /^\/[\u0021-\u0022\u0024-\u007e]{0,4095}$/;
/** Milliseconds for a caller to stop sending once it was refused. */
const LINGER_MS = 2_000;

/**
 * Starts the endpoint for webhooks and takes up the jobs that an earlier process left.
 * @throws SitefleetError `hook/already-running`, `hook/port-in-use`, `hook/state-damaged`
 */
export async function startHook(options: HookOptions): Promise<Hook> {
  const { clock, openSession, environment, warn } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const dir = join(options.stateDir, "hook", environment);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const lock = await takeLock(dir, options);
  const stop = new AbortController();
  const undo: (() => Promise<void>)[] = [() => lock.release()];
  try {
    const nonces = await NonceStore.open({ path: join(dir, "nonces"), clock, limit: limits.nonces });
    undo.unshift(() => nonces.close());
    const workDir = await emptyFolder(join(dir, "work"));
    const files = await JobFiles.open(join(dir, "jobs"));
    const queue = await JobQueue.open({
      files,
      clock,
      limits,
      warn,
      note: options.note,
      run: (jobs, signal) =>
        withSession(openSession, signal, (deps) =>
          runJobs({ deps, workDir, limits, warn, bodyPath: (id) => files.bodyPath(id) }, jobs),
        ),
    });
    const uploads = new Uploads();
    const state = { environment, queue, files, uploads, limits, openSession, signal: stop.signal };
    const gate = {
      environment,
      keys: options.keys,
      nonces,
      clock,
      rates: new RateLimit({ clock, ...limits }),
    };
    const server = createHookServer(limits);
    serveRequests(server, { state, gate, warn });
    const port = await listenAt(server, {
      ...options,
      what: "webhooks",
      flag: "--port",
      code: "hook/port-in-use",
    });
    // From here on nothing fails: what an earlier process left is begun only by one that serves.
    queue.start();
    const failedSites = () => queue.failedSites();
    const sweep = sweepOwed({ openSession, clock, signal: stop.signal, failedSites, warn });
    return {
      url: `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`,
      async close() {
        const closed = closingOf(server);
        await queue.close();
        stop.abort(new Error("the endpoint stops"));
        await sweep;
        server.closeAllConnections();
        await closed;
        for (const step of undo) await step();
      },
    };
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

async function takeLock(dir: string, options: HookOptions): Promise<{ release(): Promise<void> }> {
  const lock = await takeProcessLock(join(dir, "lock"), options.pid);
  if ("release" in lock) return lock;
  throw new SitefleetError(
    "hook/already-running",
    `process ${lock.pid} serves webhooks of environment "${options.environment}" from ${options.stateDir}`,
    { hint: "stop it first, or give this one a state folder of its own with --state" },
  );
}

async function emptyFolder(path: string): Promise<string> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { mode: 0o700 });
  return path;
}

/** A server that gives each caller little time and room until it has shown a signature. */
function createHookServer(limits: HookLimits): Server {
  const server = createServer({
    maxHeaderSize: 16 * 1024,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
    keepAliveTimeout: 5_000,
    requireHostHeader: true,
  });
  server.maxConnections = limits.connections;
  server.maxHeadersCount = 64;
  return server;
}

/** Takes no further connection; resolves when the last one has ended. */
function closingOf(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

interface Serving {
  readonly state: HookState;
  readonly gate: Gate;
  readonly warn: (line: string) => void;
}

function serveRequests(server: Server, serving: Serving): void {
  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    invite: () => void,
  ): Promise<void> => {
    const gone = new AbortController();
    response.once("close", () => gone.abort(new Error("the caller is gone")));
    const answer = await answerTo(serving, request, { invite, gone: gone.signal }).catch((error: unknown) =>
      // When the caller has gone there is nobody to tell, and its broken connection is no fault.
      problemOf(gone.signal.aborted ? badRequest("the caller is gone") : error, serving.warn),
    );
    send(request, response, answer);
  };
  server.on("request", (request, response) => void serve(request, response, () => undefined));
  // `Expect: 100-continue`: the body is asked for only when it is wanted.
  server.on(
    "checkContinue",
    (request, response) => void serve(request, response, () => response.writeContinue()),
  );
}

async function answerTo(
  { state, gate }: Serving,
  request: IncomingMessage,
  caller: { readonly invite: () => void; readonly gone: AbortSignal },
): Promise<Answer> {
  const { method = "", url: target = "" } = request;
  if (!TARGET.test(target))
    throw badRequest("the request's target is not a path of at most 4,096 characters");
  if ((request.headers["content-encoding"] ?? "identity") !== "identity") {
    throw badRequest(
      "the body has a content encoding",
      "send a gzipped tarball as application/gzip, without one",
    );
  }
  const [path = "", ...query] = target.split("?");
  const match = matchRoute(ROUTES, method, path);
  if (match.kind === "none") return noRoute(path, match.allowed);
  const { route, params } = match;
  const digest = route.signed ? await authenticate(gate, request) : EMPTY_DIGEST;
  return route.serve({
    state,
    request,
    params,
    query: new URLSearchParams(query.join("?")),
    digest,
    ...caller,
  });
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const text = Buffer.from(`${JSON.stringify(answer.body)}\n`);
  response.writeHead(answer.status, {
    "content-type": "application/json",
    "content-length": text.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...answer.headers,
  });
  response.end(text);
  if (request.complete) return;
  // A refused body is thrown away for a moment, so that its sender reads the answer before the connection ends.
  request.resume();
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.once("close", () => clearTimeout(timer));
}
