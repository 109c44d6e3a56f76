import { forEachLimit } from "../lib/for-each-limit.ts";
import { mapAhead } from "../lib/map-ahead.ts";
import { changeKind, describeChange, isVisible } from "./change.ts";
import type { ReplayChange } from "./change.ts";
import { configKeyOf, readCorpusSite } from "./corpus-site.ts";
import { commonCorpus, siteCorpus } from "./corpus.ts";
import type { ReplayEnvironment } from "./environment.ts";
import { HostDesk } from "./host-desk.ts";
import { ObjectView } from "./object-view.ts";
import { EdgePair } from "./pair.ts";
import type { RequestLine } from "./request-line.ts";
import type { ReplayRequest } from "./request.ts";
import { sampleSites } from "./sample.ts";
import type { Sides } from "./side-program.ts";
import { SiteShelf } from "./site-shelf.ts";
import type { ReplaySite, SiteSource } from "./site-source.ts";
import { Tally } from "./tally.ts";
import type { ReplaySummary } from "./tally.ts";

/** What is replayed: the lines of a file, or the bundled corpus over so many sites. */
export type ReplayWork =
  | { readonly kind: "lines"; readonly lines: AsyncIterable<RequestLine> }
  | { readonly kind: "sample"; readonly sites: number | "all" };

export interface ReplayInput {
  readonly sides: Sides;
  readonly environment: ReplayEnvironment;
  readonly source: SiteSource;
  readonly work: ReplayWork;
  /** Epoch milliseconds that both sides take for the present. */
  readonly startedAt: number;
  readonly signal: AbortSignal;
  /** Each change as it is found; waited for, so that whoever writes them sets the pace. */
  readonly onChange?: (change: ReplayChange) => Promise<void> | void;
  /** Told now and then. */
  readonly onProgress?: (done: { readonly pairs: number; readonly sites: number }) => void;
}

/** Sites and lines that are read ahead: enough to hide how long a store takes to answer. */
const AHEAD = 32;
const PARALLEL_CONFIGS = 8;

/**
 * Asks both sides the same over the same stores, and says what differs. Everything is read as it is needed and given up
 * after: memory does not grow with the number of requests.
 */
export async function runReplay(input: ReplayInput): Promise<ReplaySummary> {
  const run = new ReplayRun(input);
  if (input.work.kind === "lines") await run.lines(input.work.lines);
  else await run.sample(input.work.sites);
  return run.summary();
}

/** A site with what it is asked. */
interface PreparedSite {
  readonly ref: ReplaySite | null;
  readonly view: ObjectView;
  readonly requests: readonly ReplayRequest[];
}

class ReplayRun {
  readonly #input: ReplayInput;
  readonly #shelf: SiteShelf;
  readonly #tally = new Tally();

  constructor(input: ReplayInput) {
    this.#input = input;
    this.#shelf = new SiteShelf(input.source);
  }

  summary(): ReplaySummary {
    return this.#tally.summary();
  }

  async sample(wanted: number | "all"): Promise<void> {
    const { source } = this.#input;
    const common = new ObjectView(source, this.#shelf);
    await this.#replaySite({ ref: null, view: common, requests: commonCorpus() });
    const sites = mapAhead(sampleSites(source, wanted), AHEAD, (ref) => this.#prepare(ref));
    for await (const site of sites) if (site !== undefined) await this.#replaySite(site);
  }

  async lines(lines: AsyncIterable<RequestLine>): Promise<void> {
    const desk = new HostDesk(this.#input, this.#shelf);
    const ahead = mapAhead(lines, AHEAD, async (line) => ({
      line,
      place: line.kind === "request" ? await desk.place(line.request.host) : null,
    }));
    for await (const { line, place } of ahead) {
      if (line.kind === "bad") this.#tally.bad(line.line, line.reason);
      else if (place !== null) {
        const { request } = line;
        await this.#ask(desk.pairOf(place, request), { site: place.site, request });
      }
    }
  }

  async #prepare(ref: ReplaySite): Promise<PreparedSite | undefined> {
    const { source, environment, signal } = this.#input;
    const site = await this.#shelf.get(ref);
    const view = new ObjectView(source, this.#shelf);
    const corpus = site && (await readCorpusSite(view, environment, site));
    if (corpus === undefined) return undefined;
    // What the requests will ask for, read before their turn comes: then they wait for nothing.
    await forEachLimit(corpus.others, { limit: PARALLEL_CONFIGS, signal }, async ({ host }) => {
      await view.find("config", configKeyOf(environment, { host, siteEnv: ref.siteEnv }));
    });
    return { ref, view, requests: siteCorpus(corpus, environment) };
  }

  async #replaySite({ ref, view, requests }: PreparedSite): Promise<void> {
    const { sides, environment, startedAt } = this.#input;
    const pair = new EdgePair({ sides, view, stores: environment.stores, startedAt });
    for (const request of requests) await this.#ask(pair, { site: ref, request });
  }

  async #ask(
    pair: EdgePair,
    asked: { readonly site: ReplaySite | null; readonly request: ReplayRequest },
  ): Promise<void> {
    const { environment, onChange, onProgress, signal } = this.#input;
    if (asked.site !== null) this.#tally.seen(asked.site);
    const outcome = await pair.ask(asked.request);
    if (outcome.kind === "refused") this.#tally.refused();
    else if (outcome.kind === "alike") this.#tally.alike();
    else {
      const { hide } = environment;
      let known: ReplayChange | undefined;
      const describe = (): ReplayChange => (known ??= describeChange({ ...asked, hide }, outcome));
      const what = changeKind(outcome, hide);
      this.#tally.differs({ site: asked.site, what, visible: isVisible(outcome), describe });
      await onChange?.(describe());
    }
    if (this.#tally.pairs % PROGRESS === 0) {
      onProgress?.({ pairs: this.#tally.pairs, sites: this.#tally.sites });
      // A replay whose stores have all been read never waits: whoever wants to stop it must be heard.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  }
}

/** Pairs between two words of progress. */
const PROGRESS = 500;
