import { messageOf } from "../../lib/caught.ts";
import { forEachLimit } from "../../lib/for-each-limit.ts";
import { encodePath, pageHash } from "../../site/page-key.ts";
import { domainKey, pageSurrogateKey, siteKey } from "../../site/surrogate-keys.ts";
import type { EdgePage, EdgeProbe, EdgeSighting, ProbeHop } from "./edge-probe.ts";
import { sha256Hex } from "../publish-deps.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import type { ReleaseObject } from "../release/release-object.ts";
import { isPage, pathOfObject } from "../release/object-path.ts";

/** Domains that are asked; of more, this many spread over all. */
export const PROBED_DOMAINS = 20;
const PARALLEL_PROBES = 8;
/** Time between two questions for one page: short at first, because most edges have it at once. */
const PAUSES_MS = [50, 100, 200, 400, 800] as const;

/** A host that shows the site. */
export interface ServingHost {
  readonly host: string;
  /** It answers with pages over TLS only. */
  readonly forceTls: boolean;
  /** It answers with pages in the EU only. */
  readonly euOnly: boolean;
}

/** What the edge should say. */
export interface ExpectedEdge {
  readonly release: string;
  readonly hosts: readonly ServingHost[];
  /** Objects that are new with the release. */
  readonly changed: readonly ReleaseObject[];
  /** Whether rules may answer in a page's place. */
  readonly hasRules: boolean;
  /** Status of every answer while the site is suspended. */
  readonly suspended: number | null;
}

/** One page at one host and cache, and what an answer must show. */
export interface PlannedProbe {
  readonly host: string;
  readonly path: string;
  readonly hop: ProbeHop;
  readonly tls: boolean;
  readonly release: string;
  /** Key that the host's config must carry: a purge of a key that nothing carries is answered 200 too. */
  readonly configKey: string;
  /** Key that every object of the site carries. */
  readonly siteKey: string;
  /** Key of the page itself. */
  readonly pageKey: string;
  /** Rules may show another page there. */
  readonly mayDiffer: boolean;
  readonly suspended: number | null;
  /** Hex SHA-256 of the page, where it is known. */
  readonly bodyHash: string | undefined;
}

export interface ProbePlan {
  readonly probes: readonly PlannedProbe[];
  /** Hosts that show the site, and those of them that are asked. */
  readonly hosts: { readonly serving: number; readonly probed: number };
  /** What is not looked at, and why. */
  readonly notes: readonly string[];
}

/** What became of one probe. */
export interface ProbeResult {
  readonly host: string;
  readonly path: string;
  readonly hop: ProbeHop;
  /** Why the answer is not that of the release; absent = it is. */
  readonly problem?: string;
  readonly status: number | null;
  /** Release that the last answer named. */
  readonly release: string | null;
  readonly keys: readonly string[];
  readonly attempts: number;
  /** Milliseconds from the first question to the answer that was right, or to the last one. */
  readonly ms: number;
}

/** Asks for the root of every host, and for one page that changed, at every cache. */
export function planProbes(
  ref: SiteRef,
  expected: ExpectedEdge,
  edge: Pick<EdgeProbe, "hops" | "schemes">,
): ProbePlan {
  const { schemes } = edge;
  const reachable = expected.hosts.filter(({ forceTls }) => schemes.https || !forceTls);
  const hosts = spread(reachable, PROBED_DOMAINS);
  const root = expected.changed.find(({ key }) => key === "index.html");
  const others = expected.changed.filter((object) => object !== root && isSmall(object));
  const other = others.find(isPage) ?? others[0];
  const pages = [{ path: "/", key: "index.html", object: root }];
  if (other) pages.push({ path: pathOfObject(other), key: other.key, object: other });
  const probes = hosts.flatMap((host) =>
    pages.flatMap(({ path, key, object }) =>
      edge.hops.map((hop): PlannedProbe => ({
        host: host.host,
        path,
        hop,
        tls: host.forceTls || !schemes.http,
        release: expected.release,
        configKey: domainKey(host.host),
        siteKey: siteKey(ref.site),
        pageKey: pageSurrogateKey(pageHash({ site: ref.site, encodedKey: encodePath(key) }, sha256Hex)),
        mayDiffer: expected.hasRules,
        suspended: expected.suspended,
        bodyHash: object && isPage(object) && isPlain(object) ? object.hash : undefined,
      })),
    ),
  );
  return {
    probes,
    hosts: { serving: expected.hosts.length, probed: hosts.length },
    notes: notesOf(expected.hosts.length, { reachable: reachable.length, probed: hosts.length }),
  };
}

function notesOf(
  serving: number,
  { reachable, probed }: { readonly reachable: number; readonly probed: number },
): readonly string[] {
  const unreachable = serving - reachable;
  return [
    ...(unreachable > 0
      ? [`${unreachable} domains force TLS and are not looked at: verify.url in the settings has none`]
      : []),
    ...(probed < reachable ? [`${probed} of ${reachable} domains are looked at`] : []),
  ];
}

function isPlain({ headers }: ReleaseObject): boolean {
  return headers.contentEncoding === undefined;
}

/** Not a large file, which would be read whole on every question, and none that is only kept for pages loaded before. */
function isSmall(object: ReleaseObject): boolean {
  return object.size <= 1024 * 1024 && !("removedAt" in object);
}

/** At most `count` of the items, evenly from first to last. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  const step = (items.length - 1) / (count - 1);
  return items.filter((_, index) => Math.round(Math.round(index / step) * step) === index);
}

/**
 * Asks until every answer is that of the release, or time is up.
 * @param input.until epoch milliseconds; every probe is asked at least once
 * @returns what came of each probe, in their order
 */
export async function runProbes(
  deps: PublishDeps,
  edge: EdgeProbe,
  input: { readonly probes: readonly PlannedProbe[]; readonly until: number },
): Promise<readonly ProbeResult[]> {
  const results: ProbeResult[] = [];
  const { signal } = deps;
  const work = [...input.probes.entries()];
  await forEachLimit(work, { limit: PARALLEL_PROBES, signal }, async ([index, probe]) => {
    results[index] = await runProbe(deps, edge, { probe, until: input.until });
  });
  return results;
}

async function runProbe(
  { clock, signal }: PublishDeps,
  edge: EdgeProbe,
  { probe, until }: { readonly probe: PlannedProbe; readonly until: number },
): Promise<ProbeResult> {
  const beganAt = clock.now();
  const { host, path, hop, tls } = probe;
  for (let attempts = 1; ; attempts += 1) {
    const seen = await lookOnce(edge, { host, path, hop, tls, signal });
    const problem = typeof seen === "string" ? seen : problemOf(probe, seen);
    const pause = PAUSES_MS[Math.min(attempts, PAUSES_MS.length) - 1] ?? 0;
    const now = clock.now();
    if (problem === undefined || now + pause >= until) {
      const told = typeof seen === "string" ? undefined : seen;
      return {
        host,
        path,
        hop,
        ...(problem === undefined ? {} : { problem }),
        status: told?.status ?? null,
        release: told?.release ?? null,
        keys: told?.keys ?? [],
        attempts,
        ms: now - beganAt,
      };
    }
    await clock.sleep(pause, signal);
  }
}

/** What was seen, or why there was no answer. */
async function lookOnce(
  edge: EdgeProbe,
  page: EdgePage & { readonly hop: ProbeHop },
): Promise<EdgeSighting | string> {
  try {
    return await edge.look(page);
  } catch (error) {
    page.signal.throwIfAborted();
    return `no answer: ${messageOf(error)}`;
  }
}

/** Why an answer is not one of the release, or `undefined`. */
export function problemOf(probe: PlannedProbe, seen: EdgeSighting): string | undefined {
  if (seen.release === undefined) {
    return `status ${seen.status}, and the edge names no release: it knows no such host, or runs another version`;
  }
  if (seen.release !== probe.release) return `shows release ${seen.release}`;
  if (seen.status >= 500 && seen.status !== probe.suspended) return `status ${seen.status}`;
  if (!seen.configKeys.includes(probe.configKey)) return `its config does not carry ${probe.configKey}`;
  // Answers that the edge makes itself (a password is asked for, a rule redirects) are no objects.
  if (seen.keys.length === 0) return undefined;
  if (!seen.keys.includes(probe.siteKey)) return `its page does not carry ${probe.siteKey}`;
  if (!seen.keys.includes(probe.pageKey)) {
    const isOther = probe.mayDiffer || seen.status !== 200;
    return isOther ? undefined : `its page does not carry ${probe.pageKey}`;
  }
  const { bodyHash } = probe;
  if (seen.status !== 200 || bodyHash === undefined || seen.bodyHash === undefined) return undefined;
  return seen.bodyHash === bodyHash ? undefined : "shows other content than was published";
}

/** A line for people about a probe that failed. */
export function probeText({ host, path, hop, problem, attempts }: ProbeResult): string {
  return `${host}${path} at the ${hop}: ${problem ?? "right"} (asked ${attempts} times)`;
}
