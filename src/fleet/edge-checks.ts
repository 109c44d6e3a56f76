import { createHash, randomBytes } from "node:crypto";
import { messageOf } from "../lib/caught.ts";
import { send } from "../conformance/send.ts";
import type { Answer } from "../conformance/send.ts";
import type { ConformanceTarget } from "../conformance/target.ts";
import type { EdgeChecks, ExpectedEdge, Verification } from "../deploy/activate.ts";
import type { Secret } from "../lib/secret.ts";
import { DEBUG_HEADER, DEBUG_PREFIX } from "../render/constants.ts";
import type { Environment } from "../settings/environment.ts";
import type { Notes } from "./fleet.ts";

/** A host below the verify suffix that no site has, new each time: "unknown host" is cached at the edge. */
function unknownHost(): string {
  return `sitefleet-probe-${randomBytes(8).toString("hex")}`;
}

/** Value of the debug header: only who knows the config segment learns the edge's revision. */
export function debugToken(configSegment: Secret): string {
  return createHash("sha256").update(`${DEBUG_PREFIX}${configSegment.reveal()}`).digest("hex");
}

/**
 * How a deploy looks at the edge of an environment. Verifying asks for a host that no site has: the edge can say
 * "unknown" only when it runs the version, reads its private dictionary and gets a signed answer from the config bucket.
 */
export function edgeChecksFor(environment: Environment, notes: Notes): EdgeChecks {
  const { verify } = environment;
  if (!verify) {
    notes.warn(
      `environment "${environment.name}" has no \`verify\` in the settings: the edge is not looked at`,
    );
    return { probe: () => Promise.resolve(true), verify: () => Promise.resolve({ ok: true }) };
  }
  const target: ConformanceTarget = {
    http: verify.url,
    hostSuffix: verify.hostSuffix,
    publicPorts: environment.publicPorts,
    capabilities: new Set(),
    debugToken: debugToken(environment.secrets.configSegment()),
  };
  return {
    probe: (expected) => isServing(target, { expected, notes }),
    verify: (expected) => verifyEdge(target, expected),
  };
}

function askEdge(target: ConformanceTarget): Promise<Answer> {
  return send(
    { host: unknownHost(), path: "/", headers: { [DEBUG_HEADER]: "{debug}" } },
    { target, etag: "" },
  );
}

async function isServing(
  target: ConformanceTarget,
  context: { readonly expected: ExpectedEdge; readonly notes: Notes },
): Promise<boolean> {
  const { expected, notes } = context;
  try {
    const answer = await askEdge(target);
    return expected.revision === undefined || answer.headers.get("sf-revision") === expected.revision;
  } catch (error) {
    const why = messageOf(error);
    notes.progress(`no answer from ${target.http} yet: ${why}`);
    return false;
  }
}

async function verifyEdge(target: ConformanceTarget, expected: ExpectedEdge): Promise<Verification> {
  const { status, headers } = await askEdge(target);
  const problems: string[] = [];
  if (status !== 404) {
    problems.push(
      `an unknown host is answered with ${status}, not 404: the edge cannot read the config bucket, or a rule is broken`,
    );
  }
  const revision = headers.get("sf-revision");
  if (expected.revision !== undefined && revision !== expected.revision) {
    problems.push(`the edge says revision ${revision ?? "nothing"}, not ${expected.revision}`);
  }
  return problems.length === 0 ? { ok: true } : { ok: false, problems };
}
