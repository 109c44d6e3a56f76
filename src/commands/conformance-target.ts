import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Capability } from "../conformance/case.ts";
import type { ConformanceTarget } from "../conformance/target.ts";
import { readMirrorFile } from "../settings/local.ts";
import type { Environment } from "../settings/environment.ts";
import type { CommandContext } from "./context.ts";
import { debugToken } from "./edge-checks.ts";
import type { FixtureSites } from "./fixture-sites.ts";

/** The edge of an environment as the conformance cases see it; `undefined` when its settings name none. */
export async function environmentTarget(
  context: CommandContext,
  environment: Environment,
  fixtures: FixtureSites | undefined,
): Promise<ConformanceTarget | undefined> {
  const { verify, publicPorts, fastly } = environment;
  if (!verify) return undefined;
  const capabilities = new Set<Capability>(["debug"]);
  if (fastly.shield !== undefined) capabilities.add("shield");
  if (environment.hsts) capabilities.add("hsts");
  if (fixtures) capabilities.add("publish");
  const target: ConformanceTarget = {
    http: verify.url,
    hostSuffix: verify.hostSuffix,
    publicPorts,
    capabilities,
    debugToken: debugToken(environment.secrets.configSegment()),
    ...(fixtures ? { act: (act) => fixtures.act(act) } : {}),
  };
  if (environment.name === "local") return mirrorTarget(context, target);
  if (verify.url.startsWith("https:"))
    return { ...target, https: verify.url, capabilities: capabilities.add("tls") };
  return target;
}

/** The mirror also has TLS by its own CA, and its log can be read. */
async function mirrorTarget(context: CommandContext, target: ConformanceTarget): Promise<ConformanceTarget> {
  const { edge } = await readMirrorFile(context.stateDir);
  return {
    ...target,
    https: edge.https,
    ca: await readFile(edge.ca, "utf8"),
    capabilities: new Set<Capability>([...target.capabilities, "tls", "log"]),
    readLog: () => readLog(join(context.stateDir, "logs", "edge.log")),
  };
}

async function readLog(path: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const text = await readFile(path, "utf8");
  return text.split("\n").flatMap((line) => (line.startsWith("{") ? [toRecord(line)] : []));
}

function toRecord(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
