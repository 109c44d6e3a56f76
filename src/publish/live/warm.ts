import { messageOf } from "../../lib/caught.ts";
import { forEachLimit } from "../../lib/for-each-limit.ts";
import type { EdgeProbe } from "./edge-probe.ts";
import type { ServingHost } from "./edge-verification.ts";
import { isPage, isRedirect, pathOfObject } from "../release/object-path.ts";
import type { PublishDeps } from "../publish-deps.ts";
import type { ReleaseObject } from "../release/release-object.ts";

const PARALLEL_VISITS = 8;
/** Failures without any success after which the edge is left alone. */
const HOPELESS = 8;
/** Larger files are read in pieces by whoever wants them; reading them whole would take longer than it spares. */
const LARGEST = 20 * 1024 * 1024;
/** Hosts whose configs are fetched; visitors of others meet a cold one. */
const WARMED_HOSTS = 20;

/** A path of a host that is requested once. */
export interface WarmVisit {
  readonly host: string;
  readonly path: string;
  readonly tls: boolean;
  readonly encoding: "br" | "gzip";
  /** For the page, or only for the host's config, which is read whatever the answer. */
  readonly aim: "page" | "config";
}

/** What is requested: each page once, and one page of each other host, for its config. */
export interface WarmPlan {
  readonly pages: readonly WarmVisit[];
  readonly hosts: readonly WarmVisit[];
  /** Pages that are left out because they ask for a password. */
  readonly skipped: number;
}

/** What became of the visits of one round. */
export interface WarmRound {
  readonly warmed: number;
  readonly failed: number;
  /** Milliseconds. */
  readonly ms: number;
  /** Why pages stayed cold. */
  readonly note?: string;
}

/** What was requested after a publish, so that caches have it. */
export interface WarmReport extends WarmRound {
  /** Pages that were left out because they ask for a password. */
  readonly skipped: number;
}

/**
 * What to request after a publish: pages and redirects first, then the files they use. Pages are cached by site, so one
 * host serves for all. A shield keeps each once, whatever its encoding at the edge; without one every encoding is an origin
 * read of its own, so text is asked for in the two that browsers and crawlers take.
 */
export function planWarm(
  changed: readonly ReleaseObject[],
  edge: Pick<EdgeProbe, "hops" | "schemes">,
  site: {
    readonly hosts: readonly ServingHost[];
    /** Whether a visitor without a password sees what is at an encoded path. */
    readonly isOpen: (path: string) => boolean;
    /** Most paths. */
    readonly limit: number;
  },
): WarmPlan {
  const { hosts, isOpen, limit } = site;
  const { schemes } = edge;
  const reachable = hosts.filter(({ forceTls }) => schemes.https || !forceTls);
  const encodings = edge.hops.includes("shield") ? (["br"] as const) : (["br", "gzip"] as const);
  const at = ({ host, forceTls }: ServingHost): Pick<WarmVisit, "host" | "tls"> => ({
    host,
    tls: forceTls || !schemes.http,
  });
  const wanted = [...new Set(changed.filter(isWarmed).sort(byUse).map(pathOfObject))];
  const open = wanted.filter(isOpen);
  // Whoever runs this may be outside the EU.
  const from = reachable.find(({ euOnly }) => !euOnly);
  const visit = (host: ServingHost, path: string): readonly WarmVisit[] =>
    encodings.map((encoding) => ({ ...at(host), path, encoding, aim: "page" }));
  return {
    pages: from ? open.slice(0, limit).flatMap((path) => visit(from, path)) : [],
    hosts: reachable
      .slice(0, WARMED_HOSTS)
      .map((host) => ({ ...at(host), path: "/", encoding: "br" as const, aim: "config" as const })),
    skipped: wanted.length - open.length,
  };
}

function isWarmed(object: ReleaseObject): boolean {
  // Of removed assets only pages that were loaded before know.
  return object.size <= LARGEST && !("removedAt" in object);
}

function byUse(a: ReleaseObject, b: ReleaseObject): number {
  return useOf(a) - useOf(b) || (a.key < b.key ? -1 : 1);
}

function useOf(object: ReleaseObject): number {
  return isPage(object) || isRedirect(object) ? 0 : 1;
}

/**
 * Requests what is planned. Nothing that goes wrong here is an error: visitors would only meet a cold cache. Answers that
 * show no page (a password is asked for, the site is suspended) end it at once when they are the first.
 */
export async function warm(
  { clock, signal, environment }: PublishDeps,
  edge: EdgeProbe,
  visits: readonly WarmVisit[],
): Promise<WarmRound> {
  const beganAt = clock.now();
  const counts = { warmed: 0, failed: 0 };
  let firstProblem: string | undefined;
  const strangers = new Set<string>();
  await forEachLimit(visits, { limit: PARALLEL_VISITS, signal }, async (visit) => {
    if (counts.warmed === 0 && counts.failed >= HOPELESS) return;
    const problem = await visitOnce({ edge, signal, strangers }, visit);
    if (problem === undefined) counts.warmed += 1;
    else counts.failed += 1;
    firstProblem ??= problem;
  });
  const cold = visits.length - counts.warmed;
  const note =
    strangers.size > 0
      ? { note: describeStrangers([...strangers], environment.name) }
      : firstProblem === undefined
        ? {}
        : { note: `${cold} pages stayed cold; the first: ${firstProblem}` };
  return { warmed: counts.warmed, failed: cold, ms: clock.now() - beganAt, ...note };
}

/** A site's domain is one of the service's as well: without that nobody sees the site, whatever was published. */
function describeStrangers(domains: readonly string[], environment: string): string {
  const names = domains.join(", ");
  const what = domains.length === 1 ? `${names} belongs` : `${names} belong`;
  return `${what} to no Fastly service, so nobody sees the site there: add it to \`fastly.domains\` of ${environment} in the settings, then: sitefleet deploy apply --env ${environment}`;
}

/** Why a page is not in the caches by now, or `undefined`. */
async function visitOnce(
  round: {
    readonly edge: EdgeProbe;
    readonly signal: AbortSignal;
    /** Gets the hosts that no service has. */
    readonly strangers: Set<string>;
  },
  visit: WarmVisit,
): Promise<string | undefined> {
  const { edge, signal, strangers } = round;
  const where = `${visit.host}${visit.path}`;
  try {
    const { host, path, tls, encoding } = visit;
    const { status, unknownDomain = false } = await edge.visit({ host, path, tls, encoding, signal });
    if (unknownDomain) strangers.add(host);
    // A missing page, or one that says 410, is cached too; these are made at the edge, or failures.
    const isCold = (visit.aim === "page" && GUARDED.has(status)) || status >= 500;
    return isCold ? `${where} was answered with ${status}` : undefined;
  } catch (error) {
    signal.throwIfAborted();
    return `${where}: ${messageOf(error)}`;
  }
}

/** A password is needed, the visitor is in the wrong place, or came too often. */
const GUARDED: ReadonlySet<number> = new Set([401, 403, 429]);
