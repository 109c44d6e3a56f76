import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Capability } from "../conformance/case.ts";
import type { FixtureHost } from "../conformance/fixtures.ts";
import { send } from "../conformance/send.ts";
import type { ConformanceTarget } from "../conformance/target.ts";
import { SitefleetError } from "../lib/errors.ts";
import { readEdgeAuthority } from "../settings/edge-authority.ts";
import type { Environment } from "../settings/environment.ts";
import { readMirrorFile } from "../settings/local.ts";
import { debugToken } from "./edge-checks.ts";
import type { FixtureSites } from "./fixture-sites.ts";
import type { Fleet } from "./fleet.ts";

/**
 * The edge of a fleet as the conformance cases see it.
 * @param fixtures where given, cases may publish
 * @throws SitefleetError `settings/invalid` when the settings do not say where the edge is, `settings/invalid-ca`
 */
export async function environmentTarget(
  { environment, stateDir }: Fleet,
  fixtures: FixtureSites | undefined,
): Promise<ConformanceTarget> {
  const { url, hostSuffix } = verifySettings(environment);
  const ca = readEdgeAuthority(environment);
  const known: ConformanceTarget = {
    http: url,
    hostSuffix,
    publicPorts: environment.publicPorts,
    capabilities: new Set<Capability>(fixtures ? ["debug", "publish"] : ["debug"]),
    debugToken: debugToken(environment.secrets.configSegment()),
    ...(ca === undefined ? {} : { ca }),
    ...(fixtures ? { act: (act) => fixtures.act(act) } : {}),
  };
  const target = await withSchemes(stateDir === undefined ? known : await mirrorTarget(stateDir, known));
  const isCompute = environment.target === "compute" || target.capabilities.has("tls-only");
  return withCapabilities(target, isCompute ? computeHas(environment) : vclHas(environment));
}

/** What a VCL service of an environment has. */
function vclHas(environment: Environment): readonly Capability[] {
  const shield: readonly Capability[] = environment.fastly.shield === undefined ? [] : ["shield"];
  const blocks: readonly Capability[] = cachesInSegments(environment) ? ["blocks"] : [];
  return [...bothHave(environment), ...shield, ...blocks, "http-cache"];
}

/** What a Compute service of an environment has: no shield and no blocks (compute/differences.ts). */
function computeHas(environment: Environment): readonly Capability[] {
  return [...bothHave(environment), ...(environment.compute.httpCache ? (["http-cache"] as const) : [])];
}

function bothHave(environment: Environment): readonly Capability[] {
  const has: Capability[] = [];
  if (environment.hsts) has.push("hsts");
  if (environment.rateLimiting) has.push("rate-limiting");
  if (cachesInSegments(environment)) has.push("segmented");
  return has;
}

function withCapabilities(target: ConformanceTarget, more: readonly Capability[]): ConformanceTarget {
  return { ...target, capabilities: new Set([...target.capabilities, ...more]) };
}

/**
 * An edge of which nothing is known but where it is and where the conformance sites live on it.
 * @param ca certificates in PEM that it is trusted by besides the usual authorities
 */
export async function foreignTarget(
  url: string,
  hostSuffix: string,
  ca?: string,
): Promise<ConformanceTarget> {
  const publicPorts = { http: portOf(url, "http:") ?? 80, https: portOf(url, "https:") ?? 443 };
  const trust = ca === undefined ? {} : { ca };
  const target = await withSchemes({ http: url, hostSuffix, publicPorts, capabilities: new Set(), ...trust });
  // Where plain HTTP is all that is known, a site that forces TLS tells the port of it; the cases see to the rest.
  const https = target.https ?? (await redirectOf(target, "tls"))?.url;
  if (https === undefined) return target;
  return { ...target, publicPorts: { ...publicPorts, https: portOf(https, "https:") ?? 443 } };
}

/** Port that a URL names; `undefined` where it has another scheme or that scheme's usual port. */
function portOf(url: string, scheme: "http:" | "https:"): number | undefined {
  const { protocol, port } = new URL(url);
  return protocol === scheme && port !== "" ? Number(port) : undefined;
}

/** Finds out by which schemes an edge is reached: a Compute service is not reached without TLS (its 308 says so). */
async function withSchemes(target: ConformanceTarget): Promise<ConformanceTarget> {
  if (target.http.startsWith("https:")) {
    return withCapabilities({ ...target, https: target.http }, ["tls"]);
  }
  const secure = await secureUrl(target);
  if (secure !== undefined) {
    return withCapabilities({ ...target, https: target.https ?? secure }, ["tls", "tls-only"]);
  }
  return withCapabilities(target, target.https === undefined ? ["plain-http"] : ["plain-http", "tls"]);
}

/** Where the platform redirects a site that does not force TLS; `undefined` where plain HTTP is answered. */
async function secureUrl(target: ConformanceTarget): Promise<string | undefined> {
  const redirect = await redirectOf(target, "main");
  return redirect?.status === 308 ? redirect.url : undefined;
}

/** Where TLS is, as an edge's redirect of a fixture's host says: the target's own host with the redirect's port. */
async function redirectOf(
  target: ConformanceTarget,
  host: FixtureHost,
): Promise<{ readonly status: number; readonly url: string } | undefined> {
  const { hostname, port } = new URL(target.http);
  try {
    const hostHeader = port === "" ? "{host}" : `{host}:${port}`;
    const { status, headers } = await send({ host, tls: false, hostHeader }, { target, etag: "" });
    const location = headers.get("location") ?? "";
    if (!location.startsWith("https://") || !URL.canParse(location)) return undefined;
    const to = new URL(location).port;
    return { status, url: `https://${hostname}${to === "" ? "" : `:${to}`}` };
  } catch {
    // No answer at all: each case will say so, with its own request.
    return undefined;
  }
}

/** By what a client of the mirror says which country it is in; heard from this machine only. */
export const MIRROR_COUNTRY_HEADER = "Fastly-Test-Country";

/** Whether the cases of large files can be run in an environment. */
export function cachesInSegments({ segmented }: Environment): boolean {
  return ["mp4", "zip"].every((extension) => segmented.extensions.includes(extension));
}

/**
 * Where an environment is verified.
 * @throws SitefleetError `settings/invalid` when the settings do not say
 */
export function verifySettings({ name, verify }: Environment): NonNullable<Environment["verify"]> {
  if (verify) return verify;
  throw new SitefleetError("settings/invalid", `environment "${name}" has no \`verify\` in its settings`, {
    hint: "add verify.url and verify.hostSuffix, or name an edge with --target",
  });
}

/** The mirror also has TLS by its own CA, and its log can be read. */
async function mirrorTarget(stateDir: string, target: ConformanceTarget): Promise<ConformanceTarget> {
  const { edge } = await readMirrorFile(stateDir);
  return {
    ...target,
    // A Compute service is verified over TLS alone, and its redirect of plain HTTP is looked at all the same.
    http: edge.http,
    https: edge.https,
    ca: await readFile(edge.ca, "utf8"),
    capabilities: new Set<Capability>([...target.capabilities, "log", "country"]),
    countryHeader: MIRROR_COUNTRY_HEADER,
    readLog: () => readLog(join(stateDir, "logs", "edge.log")),
  };
}

async function readLog(path: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const text = await readFile(path, "utf8");
  // The mirror may be writing the last line at this moment: only what a line end closes is whole.
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").flatMap((line) => (line.startsWith("{") ? [toRecord(line)] : []));
}

function toRecord(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
