import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { request } from "undici";
import { onTestFinished } from "vitest";

import type { HookKey } from "../../src/hook/hook-keys.ts";
import { startHook } from "../../src/hook/hook-server.ts";
import type { Hook, HookOptions } from "../../src/hook/hook-server.ts";
import { DIGEST_HEADER, SIGNATURE_HEADER, signatureHeader } from "../../src/hook/signature.ts";
import { Secret } from "../../src/lib/secret.ts";
import { newWorld, openDeps } from "../publish/publish-fixture.ts";
import type { World } from "../publish/publish-fixture.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";
import { tarGz } from "./archive.ts";

export const KEY: HookKey = { id: "main", secret: new Secret("0123456789abcdef0123456789abcdef") };
export const OTHER_KEY: HookKey = { id: "next", secret: new Secret("fedcba9876543210fedcba9876543210") };

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
}

/** What a test does differently from an honest caller. */
export interface CallOptions {
  readonly body?: Uint8Array | string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: HookKey;
  /** Seconds since the epoch. */
  readonly timestamp?: number;
  readonly nonce?: string;
  readonly environment?: string;
  /** What is signed instead of what is sent. */
  readonly signedTarget?: string;
  readonly signedMethod?: string;
  readonly signedBody?: Uint8Array | string;
  readonly unsigned?: boolean;
}

export type Method = "GET" | "POST" | "DELETE" | "PUT" | "PATCH" | "HEAD" | "OPTIONS";

export interface TestHook {
  readonly hook: Hook;
  readonly world: World;
  readonly clock: FakeClock;
  readonly stateDir: string;
  readonly warnings: string[];
  call(method: Method, target: string, options?: CallOptions): Promise<Reply>;
  /** The same, and waits until the job has ended. */
  callAndWait(method: Method, target: string, options?: CallOptions): Promise<Reply>;
}

export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Headers of an honest caller, but for what a test wants otherwise. */
export function signedHeaders(
  clock: FakeClock,
  method: string,
  target: string,
  options: CallOptions = {},
): Record<string, string> {
  if (options.unsigned) return {};
  const digest = sha256(options.signedBody ?? options.body ?? "");
  const signed = {
    environment: options.environment ?? "test",
    method: options.signedMethod ?? method,
    target: options.signedTarget ?? target,
    timestamp: options.timestamp ?? Math.floor(clock.now() / 1_000),
    nonce: options.nonce ?? randomBytes(16).toString("hex"),
    digest,
  };
  return { [SIGNATURE_HEADER]: signatureHeader(options.key ?? KEY, signed), [DIGEST_HEADER]: digest };
}

export type HookStart = Partial<HookOptions> & { readonly world?: World; readonly clock?: FakeClock };

/** Closes an endpoint without time for what runs. */
export async function closeAtOnce(hook: Hook, clock: FakeClock): Promise<void> {
  const closing = hook.close();
  clock.advance(3_600_000);
  await closing;
}

/** An endpoint on a free port over buckets in memory, which closes with the test. */
export async function startTestHook(start: HookStart = {}): Promise<TestHook> {
  const world = start.world ?? newWorld();
  const clock = start.clock ?? new FakeClock();
  const stateDir = start.stateDir ?? (await tempDir());
  const warnings: string[] = [];
  const hook = await startHook({
    environment: "test",
    keys: [KEY, OTHER_KEY],
    host: "127.0.0.1",
    port: 0,
    stateDir,
    openSession: (signal) =>
      Promise.resolve({ deps: openDeps(world, { signal }), close: () => Promise.resolve() }),
    clock,
    pid: process.pid,
    warn: (line) => warnings.push(line),
    ...start,
    // Time stands still in most tests: a limit on requests a minute would be one on requests.
    limits: { burst: 100_000, ...start.limits },
  });
  onTestFinished(() => closeAtOnce(hook, clock));
  const call = async (method: Method, target: string, options: CallOptions = {}): Promise<Reply> => {
    const headers = {
      ...signedHeaders(clock, method, target, options),
      ...(options.type === undefined ? {} : { "content-type": options.type }),
      ...options.headers,
    };
    const answer = await request(hook.url + target, { method, headers, body: options.body ?? null });
    const text = await answer.body.text();
    const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    return { status: answer.statusCode, headers: answer.headers, body };
  };
  return {
    hook,
    world,
    clock,
    stateDir,
    warnings,
    call,
    callAndWait: (method, target, options = {}) =>
      call(method, target, { ...options, headers: { ...options.headers, prefer: "wait=60" } }),
  };
}

export const GZIP = "application/gzip";
export const JSON_TYPE = "application/json";

/** The tarball of a site of one page. */
export function siteTarball(text: string): Buffer {
  return tarGz([{ name: "index.html", body: text }]);
}

/** Publishes that site and waits for the end. Resolves with the answer's status. */
export async function publishSite(
  test: TestHook,
  text: string,
  query = "?domain=www.acme.com",
): Promise<number> {
  const options = { body: siteTarball(text), type: GZIP };
  return (await test.callAndWait("POST", `/v1/sites/acme/publish${query}`, options)).status;
}

/** A call with a JSON body. */
export function json(value: object): CallOptions {
  return { body: JSON.stringify(value), type: JSON_TYPE };
}

/** The name of every file below a folder. */
export async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** Rejects when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
}
