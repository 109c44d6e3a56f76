import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Capability } from "../conformance/case.ts";
import type { ConformanceTarget } from "../conformance/target.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Environment } from "../settings/environment.ts";
import { readMirrorFile } from "../settings/local.ts";
import { debugToken } from "./edge-checks.ts";
import type { FixtureSites } from "./fixture-sites.ts";
import type { Fleet } from "./fleet.ts";

/**
 * The edge of a fleet as the conformance cases see it.
 * @param fixtures where given, cases may publish
 * @throws SitefleetError `settings/invalid` when the settings do not say where the edge is
 */
export async function environmentTarget(
  { environment, stateDir }: Fleet,
  fixtures: FixtureSites | undefined,
): Promise<ConformanceTarget> {
  const verify = verifySettings(environment);
  const { publicPorts, fastly } = environment;
  const capabilities = new Set<Capability>(["debug"]);
  if (fastly.shield !== undefined) capabilities.add("shield");
  if (environment.hsts) capabilities.add("hsts");
  if (fixtures) capabilities.add("publish");
  if (environment.rateLimiting) capabilities.add("rate-limiting");
  if (cachesInSegments(environment)) capabilities.add("segmented");
  const target: ConformanceTarget = {
    http: verify.url,
    hostSuffix: verify.hostSuffix,
    publicPorts,
    capabilities,
    debugToken: debugToken(environment.secrets.configSegment()),
    ...(fixtures ? { act: (act) => fixtures.act(act) } : {}),
  };
  if (stateDir !== undefined) return mirrorTarget(stateDir, target);
  if (verify.url.startsWith("https:"))
    return { ...target, https: verify.url, capabilities: capabilities.add("tls") };
  return target;
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
    https: edge.https,
    ca: await readFile(edge.ca, "utf8"),
    capabilities: new Set<Capability>([...target.capabilities, "tls", "log", "country"]),
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
