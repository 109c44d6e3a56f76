import { createHash, randomBytes } from "node:crypto";
import { messageOf } from "../lib/caught.ts";
import { send } from "../conformance/send.ts";
import type { Answer } from "../conformance/send.ts";
import type { ConformanceTarget } from "../conformance/target.ts";
import type { EdgeChecks, ExpectedEdge } from "../deploy/apply/activation.ts";
import type { Secret } from "../lib/secret.ts";
import { DEBUG_HEADER, DEBUG_PREFIX } from "../site/edge-names.ts";
import { readEdgeAuthority } from "../settings/edge-authority.ts";
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

/** By what a client of the mirror says which POP it reaches; heard from this machine only. */
const MIRROR_POP_HEADER = "Fastly-Test-Pop";

/** Answers in a row that show a place to have a version: the nodes of a POP take it one after the other. */
const IN_A_ROW = 5;

/** An address of the edge, or one of its POPs, that has to answer. */
interface Place {
  readonly name: string;
  readonly target: ConformanceTarget;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * How a deploy looks at the edge of an environment: at every address and POP that the settings name, each time over a new
 * connection. Verifying asks for a host that no site has: the edge can say "unknown" only when it runs the version, reads
 * its private dictionary and gets a signed answer from the config bucket.
 * @throws SitefleetError `settings/invalid-ca`, before anything is asked
 */
export function edgeChecksFor(environment: Environment, notes: Notes): EdgeChecks {
  const { verify } = environment;
  if (!verify) {
    notes.warn(
      `environment "${environment.name}" has no \`verify\` in the settings: the edge is not looked at`,
    );
    return { probe: () => Promise.resolve(true), verify: () => Promise.resolve({ ok: true }) };
  }
  const places = placesOf(environment, verify);
  const told = new Map<string, string>();
  const tell = (place: Place, line: string): void => {
    if (told.get(place.name) !== line) notes.progress(`${place.name}: ${line}`);
    told.set(place.name, line);
  };
  return {
    async probe(expected) {
      const seen = await Promise.all(places.map((place) => isServing(place, { expected, tell })));
      return seen.every(Boolean);
    },
    async verify(expected) {
      const problems = await Promise.all(places.map((place) => findProblems(place, expected)));
      return problems.flat().length === 0 ? { ok: true } : { ok: false, problems: problems.flat() };
    },
  };
}

function placesOf(environment: Environment, verify: NonNullable<Environment["verify"]>): readonly Place[] {
  const { url, hostSuffix, edges = [], pops } = verify;
  const token = debugToken(environment.secrets.configSegment());
  const ca = readEdgeAuthority(environment);
  return [...new Set([url, ...edges])].flatMap((http) => {
    const target: ConformanceTarget = {
      http,
      hostSuffix,
      publicPorts: environment.publicPorts,
      capabilities: new Set(),
      debugToken: token,
      ...(ca === undefined ? {} : { ca }),
    };
    if (pops === undefined) return [{ name: http, target, headers: {} }];
    return pops.map((pop) => ({ name: `${http} at ${pop}`, target, headers: { [MIRROR_POP_HEADER]: pop } }));
  });
}

function askEdge({ target, headers }: Place): Promise<Answer> {
  return send(
    { host: unknownHost(), path: "/", headers: { [DEBUG_HEADER]: "{debug}", ...headers } },
    { target, etag: "" },
  );
}

/**
 * Whether an answer is that of a version. The number tells apart what the revision does not: versions whose VCL is the
 * same and whose objects differ. Versions of before there was a number to tell are known by their revision.
 */
function isFrom({ headers }: Answer, expected: ExpectedEdge): boolean {
  const version = headers.get("sf-version");
  if (version !== undefined && version !== String(expected.version)) return false;
  return expected.revision === undefined || headers.get("sf-revision") === expected.revision;
}

async function isServing(
  place: Place,
  context: {
    readonly expected: ExpectedEdge;
    readonly tell: (place: Place, line: string) => void;
  },
): Promise<boolean> {
  const { expected, tell } = context;
  try {
    for (let count = 0; count < IN_A_ROW; count += 1) {
      const answer = await askEdge(place);
      if (isFrom(answer, expected)) continue;
      tell(place, `still ${describeAnswer(answer)}`);
      return false;
    }
    return true;
  } catch (error) {
    tell(place, `no answer yet: ${messageOf(error)}`);
    return false;
  }
}

function describeAnswer({ status, headers }: Answer): string {
  const version = headers.get("sf-version");
  return version === undefined ? `an answer with status ${status} and no version` : `version ${version}`;
}

async function findProblems(place: Place, expected: ExpectedEdge): Promise<readonly string[]> {
  const answer = await askEdge(place);
  const { status, headers } = answer;
  const problems: string[] = [];
  if (status !== 404) {
    problems.push(
      `an unknown host is answered with ${status}, not 404: the edge cannot read the config bucket, or a rule is broken`,
    );
  }
  if (!isFrom(answer, expected)) {
    const [version, revision] = [headers.get("sf-version"), headers.get("sf-revision")];
    const said = `version ${version ?? "unknown"}, revision ${revision ?? "unknown"}`;
    problems.push(`the edge says ${said}, not ${expected.version}, ${expected.revision ?? "unknown"}`);
  }
  return problems.map((problem) => `${place.name}: ${problem}`);
}
