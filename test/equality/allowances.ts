import type { DIFFERENCES } from "../../compute/differences.ts";
import { CASELESS_PATTERNS } from "../../src/site/edge-patterns.ts";
import type { Asked } from "./buckets.ts";
import type { Seen, Stored } from "./edge.ts";
import type { CaseRequest } from "./equality-case.ts";
import type { Setting } from "./settings.ts";
import type { View } from "./view.ts";

/** One request's answers, from which what may differ is taken. */
export interface Scene {
  readonly request: CaseRequest;
  readonly setting: Setting;
  readonly vcl: View;
  readonly compute: View;
  readonly raw: { readonly vcl: Seen; readonly compute: Seen };
  /** Cache keys of pages that the app has stored before. */
  readonly kept: ReadonlySet<string>;
  /** Cache keys of objects that were put in place of others. */
  readonly replaced: ReadonlySet<string>;
  /** Of what VCL has stored in several encodings: those that it has, by cache key. */
  readonly codings: ReadonlyMap<string, ReadonlySet<string>>;
  /** Cache keys under which one of the two has stored a failure that is not over. */
  readonly failed: ReadonlySet<string>;
  /** Set where the caches hold other things from here on (`after`), or the answers are others (`now`), for a listed reason. */
  parting: "no" | "after" | "now";
}

type Id = (typeof DIFFERENCES)[number]["id"];
type Allowance = (scene: Scene) => void;

function part(scene: Scene, when: "after" | "now"): void {
  if (scene.parting !== "now") scene.parting = when;
}

function both({ vcl, compute }: Scene): readonly [View, View] {
  return [vcl, compute];
}

const BROTLI = new RegExp(CASELESS_PATTERNS.acceptsBrotli, "i");
const GZIP = new RegExp(CASELESS_PATTERNS.acceptsGzip, "i");
const PLATFORM_HEADERS = ["via", "x-cache", "x-cache-hits", "x-timer", "x-served-by"];
const DETAIL = /-(?:CLUSTER|REFRESH)\b/g;
/** Statuses that an object's own metadata may give it. */
const OBJECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 404, 410, 451]);
const HOP_HEADERS = new Set(["cdn-loop", "fastly-ff"]);

/** What is taken out before answers are compared, by the difference that says why. Applied in this order. */
export const ALLOWANCES: Readonly<Partial<Record<Id, Allowance>>> = {
  "platform-headers": (scene) => {
    for (const view of both(scene)) for (const name of PLATFORM_HEADERS) view.headers.delete(name);
  },
  "hop-headers": (scene) => {
    for (const view of both(scene)) {
      view.asked = view.asked.map((one) => ({
        ...one,
        headers: one.headers.filter(([name]) => !HOP_HEADERS.has(name)),
      }));
    }
  },
  "log-fields": (scene) => {
    for (const { line } of both(scene)) {
      for (const name of ["bytes", "ms", "workspace_free"]) line.delete(name);
      line.set("cache", String(line.get("cache")).replace(DETAIL, ""));
    }
    for (const name of ["sf-state", "sf-config-state"]) {
      const state = scene.vcl.headers.get(name);
      if (state !== undefined) scene.vcl.headers.set(name, state.replace(DETAIL, ""));
    }
  },
  "unreachable-alarm": ({ compute }) => {
    const unreached = compute.asked.filter(({ answer }) => answer === "timeout" || answer === "refused");
    const own = compute.alarms.filter(({ alarm, status }) => alarm === "origin" && status === 0);
    if (own.length <= unreached.length) compute.alarms = compute.alarms.filter((one) => !own.includes(one));
  },
  "no-shield": (scene) => {
    const { headers } = scene.request;
    const isProbed = headers.some(([name, value]) => name === "Sitefleet-Probe" && value === "shield");
    const isTrusted = scene.vcl.headers.has("sf-version");
    // VCL looks past its own cache: where the app has something in its, the answers are of different times.
    const asked = new Set(scene.compute.asked.map(({ path }) => path));
    if (isProbed && isTrusted && scene.vcl.asked.some(({ path }) => !asked.has(path))) part(scene, "now");
  },
  "no-restarts": allowLastPass,
  "broken-objects": ({ vcl, compute }) => {
    const shown = new Map(vcl.stored.map(({ key, status }) => [key, status]));
    compute.stored = compute.stored.map((one) => {
      const status = shown.get(one.key) ?? 0;
      return one.status === 200 && OBJECT_STATUSES.has(status) ? { ...one, status } : one;
    });
  },
  "no-revalidation": allowRevalidation,
  "dead-ends": allowDeadEnds,
  "failure-before-second-region": allowRegionFailures,
  "large-files": allowLargeFiles,
  "unsatisfiable-size": ({ vcl, compute, request }) => {
    if (vcl.status !== 416 || compute.status !== 416 || vcl.headers.has("content-range")) return;
    if (/\.mp4\b/.test(request.target)) compute.headers.delete("content-range");
  },
  "ranges-of-compressed": allowPlainRanges,
  "cached-once": allowOtherEncoding,
  "compressed-length": ({ raw, vcl, compute }) => {
    const isEncodedHere = (seen: Seen): boolean =>
      seen.headers.some(
        ([name, value]) => name.toLowerCase() === "content-encoding" && /^(?:br|gzip)$/.test(value),
      );
    if (!isEncodedHere(raw.compute) || compute.headers.has("content-length")) return;
    vcl.headers.delete("content-length");
  },
};

/** What VCL has no restart left for, it ends with a page of its own; its phase tells how far it came. */
function allowLastPass(scene: Scene): void {
  const restarts = scene.vcl.line.get("restarts");
  for (const { line } of both(scene)) line.delete("restarts");
  const [phase, other] = both(scene).map(({ line }) => String(line.get("phase")));
  const isCutShort =
    /^(?:page|rewrite|rules|trouble|spa|not-found-page)$/.test(phase ?? "") && phase !== other;
  if (restarts === 3 && isCutShort && [404, 503].includes(scene.vcl.status)) part(scene, "now");
}

/** VCL asks S3 whether what it has is still good; where it is, nothing new is stored. */
function allowRevalidation(scene: Scene): void {
  const { vcl, compute, setting } = scene;
  const isCondition = ([name]: readonly [string, string]): boolean =>
    name === "if-none-match" || name === "if-modified-since";
  const renewed = new Set<string>();
  vcl.asked = vcl.asked.map((one) => {
    if (!one.bucket.startsWith("hosting") || !one.headers.some(isCondition)) return one;
    if (one.answer === "304") renewed.add(keyAsked(setting, one));
    const headers = one.headers.filter((line) => !isCondition(line));
    return { ...one, headers, answer: one.answer === "304" ? "200" : one.answer };
  });
  compute.stored = compute.stored.filter(({ key, status }) => status >= 500 || !renewed.has(key));
  // The same bytes under other metadata: for VCL nothing has changed.
  if ([...renewed].some((key) => scene.replaced.has(key))) part(scene, "now");
}

/** VCL stores the first region's failure, looks past it, and does so again where it finds it stored. */
function allowRegionFailures(scene: Scene): void {
  const { vcl, compute, setting, failed } = scene;
  const askedFor = ({ asked }: View, key: string): string =>
    asked.flatMap((one) => (keyAsked(setting, one) === key ? [one.bucket] : [])).join();
  for (const one of vcl.asked.filter(({ bucket }) => bucket.endsWith("_second"))) {
    const key = keyAsked(setting, one);
    if (failed.has(key) && askedFor(vcl, key) !== askedFor(compute, key)) part(scene, "now");
    const isFailure = (stored: Stored): boolean => stored.key === key && stored.status === 503;
    if (vcl.stored.filter(isFailure).length <= compute.stored.filter(isFailure).length) continue;
    const first = vcl.stored.findIndex(isFailure);
    vcl.stored = vcl.stored.filter((_, index) => index !== first);
  }
}

/** Files of segmented extensions are read and kept in other pieces; what is shown of them is compared. */
function allowLargeFiles(scene: Scene): void {
  const { extensions } = scene.setting.environment.segmented;
  const isLarge = (name: string): boolean =>
    extensions.some((extension) => name.toLowerCase().includes(`.${extension}`));
  if (
    ![scene.vcl, scene.compute].some(
      ({ asked, stored }) =>
        asked.some(({ path }) => isLarge(path)) || stored.some(({ key }) => isLarge(key)),
    )
  )
    return;
  for (const view of both(scene)) {
    view.asked = view.asked.filter(({ path }) => !isLarge(path));
    view.stored = view.stored.filter(({ key }) => !isLarge(key));
  }
  forgetState(scene);
  part(scene, scene.vcl.status === 416 && scene.compute.status !== 416 ? "now" : "after");
}

/** A missing page after which nothing else can be tried is stored by the app only. */
function allowDeadEnds(scene: Scene): void {
  const { vcl, compute, setting } = scene;
  const last = vcl.asked.at(-1);
  if (last === undefined || vcl.line.get("status") !== 404) return;
  const key = keyAsked(setting, last);
  if (vcl.headers.has("cache-status") || vcl.stored.some((one) => one.key === key)) return;
  const own = compute.stored.filter((one) => one.key === key && one.status < 500);
  if (own.length === 0) return;
  compute.stored = compute.stored.filter((one) => !own.includes(one));
  part(scene, "after");
}

/** Of a page that goes out compressed VCL gives a range of its encoded bytes, the app of its own. */
function allowPlainRanges(scene: Scene): void {
  const { vcl, compute, request } = scene;
  const has = (wanted: string): boolean => request.headers.some(([name]) => name === wanted);
  const isPart = [vcl, compute].some(({ status }) => status === 206 || status === 416);
  const isText =
    compute.headers.get("vary") === "Accept-Encoding" || vcl.headers.get("vary") === "Accept-Encoding";
  if (!isPart || !isText || !has("Range") || !has("Accept-Encoding")) return;
  // A range may be in one of the two lengths only, and a tag that If-Range asks for of one of the two.
  if (vcl.status !== compute.status) part(scene, "now");
  for (const view of both(scene)) {
    for (const name of ["content-encoding", "content-length", "content-range", "etag"])
      view.headers.delete(name);
    view.body = "";
  }
}

/** VCL stores each encoding of a page: the first request for another one is a miss there, and a hit in the app. */
function allowOtherEncoding(scene: Scene): void {
  const { vcl, compute, kept, codings, setting, request } = scene;
  vcl.stored = vcl.stored.map((one) => (one.vary.join() === "accept-encoding" ? { ...one, vary: [] } : one));
  const isOther = (key: string): boolean => codings.get(key)?.has(codingOf(request)) === false;
  const own = new Set(compute.asked.map((one) => keyAsked(setting, one)));
  const again = vcl.asked
    .map((one) => keyAsked(setting, one))
    .filter((key) => kept.has(key) && isOther(key) && !own.has(key));
  if (again.length === 0) return;
  vcl.stored = vcl.stored.filter(({ key }) => !again.includes(key));
  const isWell = vcl.asked.every((one) => one.answer === "200" || !again.includes(keyAsked(setting, one)));
  vcl.asked = vcl.asked.filter((one) => !again.includes(keyAsked(setting, one)));
  forgetState(scene);
  // What S3 has, or how it fares, is no longer what it was when the app stored it.
  const [was, is] = both(scene).map(({ headers }) => headers.get("etag")?.replace("W/", ""));
  part(scene, !isWell || was !== is ? "now" : "after");
}

/** The coding that a request is answered in, where the answer is one that is compressed. */
export function codingOf({ headers }: CaseRequest): "br" | "gzip" | "none" {
  const accepted = headers.find(([name]) => name === "Accept-Encoding")?.[1] ?? "";
  if (BROTLI.test(accepted)) return "br";
  return GZIP.test(accepted) ? "gzip" : "none";
}

/** Where an answer came from, in all places that tell of it. */
function forgetState(scene: Scene): void {
  for (const { headers, line } of both(scene)) {
    for (const name of ["cache-status", "sf-state"]) headers.delete(name);
    line.delete("cache");
  }
}

/** Cache key of what was asked of a bucket. */
function keyAsked({ origins }: Setting, { bucket, path }: Asked): string {
  const prefix = origins.find(({ name }) => name === bucket)?.prefix ?? "";
  const url = path.slice(prefix.length);
  if (bucket.startsWith("hosting")) return `hosting${url}`;
  return url.includes("/_sites/") ? `rules${url}` : `config${url.slice(0, url.lastIndexOf("/"))}`;
}

/** Differences that nothing here can show, and why. */
export const UNSEEN: Readonly<Partial<Record<Id, string>>> = {
  "header-names": "names are compared without case",
  "plain-http": "what the front does is none of the app's",
  "no-http-cache": "the app is compared with the HTTP cache",
  "request-id": "all requests have one id",
  "settings-page": "there always are settings",
};
