import type { DIFFERENCES } from "../../compute/differences.ts";
import type { Asked } from "./buckets.ts";
import type { Stored } from "./edge.ts";
import { bothViews, codingOf, headerOf, keyAsked, keysAsked } from "./scene.ts";
import type { Scene } from "./scene.ts";
import {
  partOverBlindness,
  takeBlindConditions,
  takeBlindKeys,
  takeBlindState,
  takeBlindStorage,
} from "./without-http-cache.ts";

export type Id = (typeof DIFFERENCES)[number]["id"];

/**
 * What an allowance made of a scene: `no` = it is not for this one; `taken` = it took out of both views what may differ;
 * `divided` = that, and from here on the caches hold different things; `parted` = so do the answers themselves, in all that
 * the allowance excuses, and the caches too.
 */
type Verdict = "no" | "taken" | "divided" | "parted";

/** A reason for which answers may differ, asked only where they do. */
export interface Allowance {
  readonly id: Id;
  /** All that it may ever excuse, as findings are named; a `*` at the end stands for any. */
  readonly excuses: readonly string[];
  judge(scene: Scene): Verdict;
}

/** Where an answer came from, in all places that tell of it. */
const STATE = ["header cache-status", "header sf-state", "log cache"];
/** How an answer came about. */
const WAY = ["asked", "stored", ...STATE];
/** Another answer to the same visitor's request. */
const ANSWER = ["status", "header *", "body", "alarms", "log phase", "log status", ...WAY];
/** The same of another config. */
const SITE = ["log site", "log release"];

const PLATFORM_HEADERS = ["via", "x-cache", "x-cache-hits", "x-timer", "x-served-by"];
const HOP_HEADERS = new Set(["cdn-loop", "fastly-ff"]);
const UNWELL = "All backends failed or unhealthy";
const DETAIL = /-(?:CLUSTER|REFRESH)\b/g;
/** Statuses that an object's own metadata may give it. */
const OBJECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 404, 410, 451]);

/** What differs in every answer, and is taken out of all. */
export const EVERYWHERE: Readonly<Partial<Record<Id, (scene: Scene) => void>>> = {
  "platform-headers": (scene) => {
    for (const { headers } of bothViews(scene)) for (const name of PLATFORM_HEADERS) headers.delete(name);
  },
  "hop-headers": (scene) => {
    for (const view of bothViews(scene)) {
      view.asked = view.asked.map((one) => ({
        ...one,
        headers: one.headers.filter(([name]) => !HOP_HEADERS.has(name)),
      }));
    }
  },
  "log-fields": (scene) => {
    for (const { line } of bothViews(scene)) {
      for (const name of ["bytes", "ms", "workspace_free"]) line.delete(name);
      line.set("cache", String(line.get("cache")).replace(DETAIL, ""));
    }
    for (const name of ["sf-state", "sf-config-state"]) {
      const state = scene.vcl.headers.get(name);
      if (state !== undefined) scene.vcl.headers.set(name, state.replace(DETAIL, ""));
    }
  },
  "no-restarts": (scene) => {
    for (const { line } of bothViews(scene)) line.delete("restarts");
  },
  // VCL keeps encodings by what the request accepts.
  "cached-once": ({ vcl }) => {
    vcl.stored = vcl.stored.map((one) =>
      one.vary.join() === "accept-encoding" ? { ...one, vary: [] } : one,
    );
  },
};

/** Asked one after the other until nothing differs any more: first what excuses little. */
export const ALLOWANCES: readonly Allowance[] = [
  {
    id: "foreign-keys",
    excuses: ["stored", "header sf-keys", "header sf-config-keys"],
    judge: takeForeignKeys,
  },
  { id: "unreachable-alarm", excuses: ["alarms"], judge: takeUnreachableAlarms },
  { id: "no-http-cache", excuses: ["asked"], judge: takeBlindConditions },
  { id: "broken-objects", excuses: ["stored"], judge: takeOwnStatuses },
  { id: "no-http-cache", excuses: ["stored"], judge: takeBlindStorage },
  { id: "no-http-cache", excuses: ["header sf-config-keys"], judge: takeBlindKeys },
  { id: "compressed-length", excuses: ["header content-length"], judge: takeCompressedLength },
  { id: "unsatisfiable-size", excuses: ["header content-range"], judge: takeUnsatisfiableSize },
  { id: "no-revalidation", excuses: ["asked", "stored"], judge: takeRevalidation },
  { id: "dead-ends", excuses: ["stored"], judge: takeDeadEnds },
  { id: "failure-before-second-region", excuses: ["stored"], judge: takeRegionFailures },
  { id: "cached-once", excuses: WAY, judge: takeOtherEncoding },
  { id: "large-files", excuses: ["asked", "alarms"], judge: takeFarRanges },
  {
    id: "no-http-cache",
    excuses: [...STATE, "header sf-config-state", "header sf-config-keys"],
    judge: takeBlindState,
  },
  {
    id: "ranges-of-compressed",
    excuses: [
      "body",
      "header content-encoding",
      "header content-length",
      "header content-range",
      "header etag",
    ],
    judge: takePlainRanges,
  },
  { id: "large-files", excuses: WAY, judge: takeLargeFiles },
  { id: "no-shield", excuses: [...WAY, "header sf-config-state"], judge: takeProbe },
  // From here on whole answers are excused.
  {
    id: "ranges-of-compressed",
    excuses: ["status", "body", "header *", "log status"],
    judge: partOverLengths,
  },
  { id: "large-files", excuses: ["status", "body", "header *", "log status"], judge: partOverLargeFiles },
  { id: "cached-once", excuses: [...ANSWER, ...SITE], judge: partOverOtherEncoding },
  { id: "no-revalidation", excuses: [...ANSWER, ...SITE], judge: partOverMetadata },
  { id: "failure-before-second-region", excuses: [...ANSWER, ...SITE], judge: partOverFailure },
  { id: "no-shield", excuses: [...ANSWER, ...SITE], judge: partOverProbe },
  { id: "no-restarts", excuses: ANSWER, judge: partOverRestarts },
  { id: "no-http-cache", excuses: [...ANSWER, ...SITE], judge: partOverBlindness },
];

// ---- what is taken out ---------------------------------------------------------------------------------------

/** Surrogate keys that the search has somebody before S3 say. */
function takeForeignKeys(scene: Scene): Verdict {
  const isForeign = (key: string): boolean => key.startsWith("proxy-");
  if (!bothViews(scene).some(({ stored }) => stored.some((one) => one.surrogateKeys.some(isForeign)))) {
    if (
      !/\bproxy-/.test(scene.vcl.headers.get("sf-keys") ?? "") &&
      !/\bproxy-/.test(scene.vcl.headers.get("sf-config-keys") ?? "")
    )
      return "no";
  }
  for (const view of bothViews(scene)) {
    view.stored = view.stored.map((one) => ({
      ...one,
      surrogateKeys: one.surrogateKeys.filter((key) => !isForeign(key)),
    }));
    for (const name of ["sf-keys", "sf-config-keys"]) {
      const keys = view.headers.get(name);
      if (keys === undefined) continue;
      view.headers.set(
        name,
        keys
          .split(" ")
          .filter((key) => !isForeign(key))
          .join(" "),
      );
    }
  }
  return "taken";
}

/** At most one alarm of the app for each time that it reached nobody: where something stale is shown it learns of none. */
function takeUnreachableAlarms({ compute }: Scene): Verdict {
  const unreached = compute.asked.filter(({ answer }) => answer === "timeout" || answer === "refused");
  const own = compute.alarms.filter(({ alarm, status }) => alarm === "origin" && status === 0);
  // What a health check finds unwell nobody asks.
  const unwell = own.filter(({ reason }) => String(reason).endsWith(UNWELL));
  if (own.length === 0 || own.length > unreached.length + unwell.length) return "no";
  compute.alarms = compute.alarms.filter((one) => !own.includes(one));
  return "taken";
}

/** The app stores what VCL stores, but as S3 gave it: with status 200. */
function takeOwnStatuses({ vcl, compute }: Scene): Verdict {
  const shown = new Map(vcl.stored.map(({ key, status }) => [key, status]));
  const isOwn = ({ key, status }: Stored): boolean =>
    status === 200 && OBJECT_STATUSES.has(shown.get(key) ?? 0);
  if (!compute.stored.some(isOwn)) return "no";
  compute.stored = compute.stored.map((one) =>
    isOwn(one) ? { ...one, status: shown.get(one.key) ?? one.status } : one,
  );
  return "taken";
}

function takeCompressedLength({ raw, vcl, compute }: Scene): Verdict {
  const isEncodedHere = raw.compute.headers.some(
    ([name, value]) => name.toLowerCase() === "content-encoding" && /^(?:br|gzip)$/.test(value),
  );
  if (!isEncodedHere || compute.headers.has("content-length")) return "no";
  vcl.headers.delete("content-length");
  return "taken";
}

function takeUnsatisfiableSize({ vcl, compute, request }: Scene): Verdict {
  if (vcl.status !== 416 || compute.status !== 416 || vcl.headers.has("content-range")) return "no";
  if (!/\.mp4\b/.test(request.target)) return "no";
  compute.headers.delete("content-range");
  return "taken";
}

/** VCL asks S3 whether what it has is still good; where it is, nothing new is stored. */
function takeRevalidation({ vcl, compute, setting }: Scene): Verdict {
  const isCondition = ([name]: readonly [string, string]): boolean =>
    name === "if-none-match" || name === "if-modified-since";
  const renewed = new Set<string>();
  let isConditional = false;
  vcl.asked = vcl.asked.map((one) => {
    if (!one.bucket.startsWith("hosting") || !one.headers.some(isCondition)) return one;
    isConditional = true;
    if (one.answer === "304") renewed.add(keyAsked(setting, one));
    const headers = one.headers.filter((line) => !isCondition(line));
    return { ...one, headers, answer: one.answer === "304" ? "200" : one.answer };
  });
  compute.stored = compute.stored.filter(({ key, status }) => status >= 500 || !renewed.has(key));
  return isConditional ? "taken" : "no";
}

/** A missing page after which nothing else can be tried is stored by the app only. */
function takeDeadEnds({ vcl, compute, setting }: Scene): Verdict {
  const last = vcl.asked.at(-1);
  if (last === undefined || vcl.line.get("status") !== 404) return "no";
  const key = keyAsked(setting, last);
  if (vcl.headers.has("cache-status") || vcl.stored.some((one) => one.key === key)) return "no";
  const own = compute.stored.filter((one) => one.key === key && one.status < 500);
  if (own.length === 0) return "no";
  compute.stored = compute.stored.filter((one) => !own.includes(one));
  return "divided";
}

/** VCL stores the first region's failure, and in its place what the second one says. */
function takeRegionFailures({ vcl, compute, setting, sick }: Scene): Verdict {
  let verdict: Verdict = "no";
  const isSick = sick.some((bucket) => bucket.endsWith("_second"));
  for (const one of vcl.asked.filter(({ bucket }) => isSick || bucket.endsWith("_second"))) {
    const key = keyAsked(setting, one);
    const isFailure = (stored: Stored): boolean => stored.key === key && stored.status === 503;
    if (vcl.stored.filter(isFailure).length <= compute.stored.filter(isFailure).length) continue;
    const first = vcl.stored.findIndex(isFailure);
    vcl.stored = vcl.stored.filter((_, index) => index !== first);
    verdict = "taken";
  }
  return verdict;
}

/** What VCL asks for because it is wanted in an encoding that it has not stored, where the app has it, fresh or stale. */
function lackedEncodings({ raw, setting, history, request }: Scene): readonly string[] {
  const coding = codingOf(request);
  return keysAsked(setting, raw.vcl).filter(
    (key) => history.kept.has(key) && history.codings.get(key)?.has(coding) === false,
  );
}

function takeOtherEncoding(scene: Scene): Verdict {
  const { vcl, compute, setting } = scene;
  const own = new Set(keysAsked(setting, compute));
  const again = lackedEncodings(scene).filter((key) => !own.has(key));
  const isWell = vcl.asked.every((one) => one.answer === "200" || !again.includes(keyAsked(setting, one)));
  if (again.length === 0 || !isWell) return "no";
  vcl.stored = vcl.stored.filter(({ key }) => !again.includes(key));
  vcl.asked = vcl.asked.filter((one) => !again.includes(keyAsked(setting, one)));
  forgetState(scene);
  return "divided";
}

/** Of a page that goes out compressed VCL gives a range of its encoded bytes, the app of its own. */
function takePlainRanges(scene: Scene): Verdict {
  const { vcl, compute } = scene;
  if (!isRangeOfText(scene) || vcl.status !== compute.status) return "no";
  for (const view of bothViews(scene)) {
    for (const name of ["content-encoding", "content-length", "content-range", "etag"])
      view.headers.delete(name);
    view.body = "";
  }
  return "taken";
}

function isRangeOfText(scene: Scene): boolean {
  const views = bothViews(scene);
  const isPart = views.some(({ status }) => status === 206 || status === 416);
  const isText = views.some(({ headers }) => /\bAccept-Encoding\b/.test(headers.get("vary") ?? ""));
  const isAsked = headerOf(scene.request, "Range") !== undefined && codingOf(scene.request) !== "none";
  return isPart && isText && isAsked;
}

/** Files of segmented extensions are read and kept in other pieces; what is shown of them is compared. */
function takeLargeFiles(scene: Scene): Verdict {
  const isLarge = largeNames(scene);
  const isTouched = bothViews(scene).some(
    ({ asked, stored }) => asked.some(({ path }) => isLarge(path)) || stored.some(({ key }) => isLarge(key)),
  );
  if (!isTouched) return "no";
  for (const view of bothViews(scene)) {
    view.asked = view.asked.filter(({ path }) => !isLarge(path));
    view.stored = view.stored.filter(({ key }) => !isLarge(key));
  }
  forgetState(scene);
  return "divided";
}

/** Of a cached file the app reads from S3 the bytes of a range that ends far in it; where S3 does not give them, it is told. */
function takeFarRanges({ compute }: Scene): Verdict {
  const isPart = ({ headers }: Asked): boolean =>
    ["range", "if-match"].every((wanted) => headers.some(([name]) => name === wanted));
  const parts = compute.asked.filter(isPart);
  if (parts.length === 0) return "no";
  compute.asked = compute.asked.filter((one) => !isPart(one));
  for (const { answer } of parts) {
    const at = compute.alarms.findIndex(
      ({ status }) => status === (/^\d+$/.test(answer) ? Number(answer) : 0),
    );
    compute.alarms = compute.alarms.filter((_, index) => index !== at);
  }
  return "taken";
}

function largeNames({ setting }: Scene): (name: string) => boolean {
  const { extensions } = setting.environment.segmented;
  return (name) => extensions.some((extension) => name.toLowerCase().includes(`.${extension}`));
}

/** Told to look at the shield, VCL looks past what the app has in its cache. */
function takeProbe(scene: Scene): Verdict {
  const { vcl, compute, setting } = scene;
  const own = new Set(keysAsked(setting, compute));
  const again = lookedPast(scene).filter((key) => !own.has(key));
  if (again.length === 0) return "no";
  vcl.stored = vcl.stored.filter(({ key }) => !again.includes(key));
  vcl.asked = vcl.asked.filter((one) => !again.includes(keyAsked(setting, one)));
  forgetState(scene);
  for (const { headers } of bothViews(scene)) headers.delete("sf-config-state");
  return "divided";
}

/** What VCL asks for although the app has it, fresh or stale, and VCL may have it too. */
function lookedPast({ request, raw, vcl, setting, history }: Scene): readonly string[] {
  const isProbed = headerOf(request, "Sitefleet-Probe") === "shield" && vcl.headers.has("sf-version");
  return isProbed ? keysAsked(setting, raw.vcl).filter((key) => history.kept.has(key)) : [];
}

function forgetState(scene: Scene): void {
  for (const { headers, line } of bothViews(scene)) {
    for (const name of ["cache-status", "sf-state"]) headers.delete(name);
    line.delete("cache");
  }
}

// ---- where the answers are others ------------------------------------------------------------------------------

/** A range may be in one of the two lengths only, and a tag that If-Range asks for of one of the two. */
function partOverLengths(scene: Scene): Verdict {
  return isRangeOfText(scene) && scene.vcl.status !== scene.compute.status ? "parted" : "no";
}

/** No range applies in the app to a large file that is shown with another status than 200. */
function partOverLargeFiles(scene: Scene): Verdict {
  const isLarge = largeNames(scene);
  const isAsked = scene.raw.vcl.asked.some(({ path }) => isLarge(path));
  return isAsked && scene.vcl.status === 416 && scene.compute.status !== 416 ? "parted" : "no";
}

/** What S3 has, or how it fares, is no longer what it was when the app stored it. VCL has nothing stale in this encoding. */
function partOverOtherEncoding(scene: Scene): Verdict {
  const { history, raw, setting, sick, request } = scene;
  const coding = codingOf(request);
  const isSick = sick.length > 0 && raw.vcl.status === 503;
  if (isSick && [...history.codings.values()].some((codings) => !codings.has(coding))) return "parted";
  const lacked = lackedEncodings(scene);
  const isUnwell = raw.vcl.asked.some(
    (one) => one.answer !== "200" && lacked.includes(keyAsked(setting, one)),
  );
  return isUnwell || lacked.some((key) => history.replaced.has(key)) ? "parted" : "no";
}

/** The same bytes under other metadata: for VCL nothing has changed. */
function partOverMetadata({ raw, setting, history }: Scene): Verdict {
  const renewed = raw.vcl.asked.filter(({ answer }) => answer === "304");
  return renewed.some((one) => history.replaced.has(keyAsked(setting, one))) ? "parted" : "no";
}

/** VCL looks past a failure that it finds stored, and asks the second region. */
function partOverFailure({ raw, setting, history }: Scene): Verdict {
  const known = raw.vcl.asked.filter(
    (one) => one.bucket.endsWith("_second") && history.failed.has(keyAsked(setting, one)),
  );
  const isOtherwise = known.some((one) => {
    const key = keyAsked(setting, one);
    const [vcl, compute] = [raw.vcl, raw.compute].map(({ asked }) =>
      asked.flatMap((ask) => (keyAsked(setting, ask) === key ? [ask.bucket] : [])).join(),
    );
    return vcl !== compute;
  });
  return isOtherwise ? "parted" : "no";
}

/** What S3 has, or how it fares, is no longer what it was when the app stored what VCL looks past. */
function partOverProbe(scene: Scene): Verdict {
  const { request, raw, vcl, sick, history } = scene;
  const isProbed = headerOf(request, "Sitefleet-Probe") === "shield" && vcl.headers.has("sf-version");
  // What a health check finds unwell it looks for in vain, without asking.
  if (isProbed && sick.length > 0 && raw.vcl.status === 503 && history.kept.size > 0) return "parted";
  return lookedPast(scene).length > 0 ? "parted" : "no";
}

/** What VCL has no restart left for, it ends with a page of its own; its phase tells how far it came. */
function partOverRestarts(scene: Scene): Verdict {
  const [line] = scene.raw.vcl.lines.filter((one) => !("alarm" in one));
  const [phase, other] = bothViews(scene).map((view) => String(view.line.get("phase")));
  const isCutShort =
    /^(?:page|rewrite|rules|trouble|spa|not-found-page)$/.test(phase ?? "") && phase !== other;
  return line?.["restarts"] === 3 && isCutShort && [404, 503].includes(scene.vcl.status) ? "parted" : "no";
}

/** Differences that nothing here can show, and why. */
export const UNSEEN: Readonly<Partial<Record<Id, string>>> = {
  "header-names": "names are compared without case",
  "plain-http": "what the front does is none of the app's",
  "request-id": "all requests have one id",
  "settings-page": "there always are settings",
};
