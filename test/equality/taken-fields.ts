import type { Asked } from "./buckets.ts";
import type { Stored } from "./edge.ts";
import { bothViews, codingOf, headerOf, keyAsked, keysAsked } from "./scene.ts";
import type { History, Scene, Verdict } from "./scene.ts";
import type { Coding } from "./shelf.ts";

/** What is taken out of both views where fields of an answer may differ, and what is known of a scene for it. */

const UNWELL = "All backends failed or unhealthy";
/** Statuses that an object's own metadata may give it. */
const OBJECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 404, 410, 451]);

/** Surrogate keys that the search has somebody before S3 say. */
export function takeForeignKeys(scene: Scene): Verdict {
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

/** What the search has somebody before S3 say, and VCL may not take away. */
export function takeProtectedHeaders({ vcl, compute }: Scene): Verdict {
  const isPart = vcl.status === 206 || vcl.status === 416;
  const names = ["fastly-ff", ...(isPart ? [] : ["content-range"])].filter(
    (name) => vcl.headers.has(name) && !compute.headers.has(name),
  );
  for (const name of names) vcl.headers.delete(name);
  return names.length > 0 ? "taken" : "no";
}

/** At most one alarm of the app for each time that it reached nobody: where something stale is shown it learns of none. */
export function takeUnreachableAlarms({ compute }: Scene): Verdict {
  const unreached = compute.asked.filter(({ answer }) => answer === "timeout" || answer === "refused");
  const own = compute.alarms.filter(({ alarm, status }) => alarm === "origin" && status === 0);
  // What a health check finds unwell nobody asks.
  const unwell = own.filter(({ reason }) => String(reason).endsWith(UNWELL));
  if (own.length === 0 || own.length > unreached.length + unwell.length) return "no";
  compute.alarms = compute.alarms.filter((one) => !own.includes(one));
  return "taken";
}

/** The app stores what VCL stores, but as S3 gave it: with status 200. */
export function takeOwnStatuses({ vcl, compute }: Scene): Verdict {
  const shown = new Map(vcl.stored.map(({ key, status }) => [key, status]));
  const isOwn = ({ key, status }: Stored): boolean =>
    status === 200 && OBJECT_STATUSES.has(shown.get(key) ?? 0);
  if (!compute.stored.some(isOwn)) return "no";
  compute.stored = compute.stored.map((one) =>
    isOwn(one) ? { ...one, status: shown.get(one.key) ?? one.status } : one,
  );
  return "taken";
}

export function takeCompressedLength({ raw, vcl, compute }: Scene): Verdict {
  const isEncodedHere = raw.compute.headers.some(
    ([name, value]) => name.toLowerCase() === "content-encoding" && /^(?:br|gzip)$/.test(value),
  );
  if (!isEncodedHere || compute.headers.has("content-length")) return "no";
  vcl.headers.delete("content-length");
  return "taken";
}

export function takeUnsatisfiableSize({ vcl, compute, request }: Scene): Verdict {
  if (vcl.status !== 416 || compute.status !== 416 || vcl.headers.has("content-range")) return "no";
  if (!/\.mp4\b/.test(request.target)) return "no";
  compute.headers.delete("content-range");
  return "taken";
}

/** VCL asks S3 whether what it has is still good; where it is, nothing new is stored. */
export function takeRevalidation({ vcl, compute, setting }: Scene): Verdict {
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
export function takeDeadEnds({ vcl, compute, setting }: Scene): Verdict {
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
export function takeRegionFailures({ vcl, compute, setting, sick }: Scene): Verdict {
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

/**
 * What VCL asks for because it is wanted in an encoding in which it has it not, or not as fresh as the app, which has it
 * once; in another one VCL has it as fresh as that.
 */
export function lackedEncodings({ raw, setting, history, request }: Scene): readonly string[] {
  const coding = codingOf(request);
  return keysAsked(setting, raw.vcl).filter((key) => isLackedIn(history, key, coding));
}

export function isLackedIn({ vcl, compute }: History, key: string, coding: Coding): boolean {
  const rank = compute.bestRank(key);
  return rank > 0 && vcl.rank(key, coding) < rank && vcl.bestRank(key) >= rank;
}

export function takeOtherEncoding(scene: Scene): Verdict {
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
export function takePlainRanges(scene: Scene): Verdict {
  const { vcl, compute } = scene;
  if (!isRangeOfText(scene) || vcl.status !== compute.status) return "no";
  for (const view of bothViews(scene)) {
    for (const name of ["content-encoding", "content-length", "content-range", "etag"])
      view.headers.delete(name);
    view.body = "";
  }
  return "taken";
}

export function isRangeOfText(scene: Scene): boolean {
  const views = bothViews(scene);
  const isPart = views.some(({ status }) => status === 206 || status === 416);
  const isText = views.some(({ headers }) => /\bAccept-Encoding\b/.test(headers.get("vary") ?? ""));
  const isAsked = headerOf(scene.request, "Range") !== undefined && codingOf(scene.request) !== "none";
  return isPart && isText && isAsked;
}

/** Files of segmented extensions are read and kept in other pieces; what is shown of them is compared. */
export function takeLargeFiles(scene: Scene): Verdict {
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
export function takeFarRanges({ compute }: Scene): Verdict {
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

export function largeNames({ setting }: Scene): (name: string) => boolean {
  const { extensions } = setting.environment.segmented;
  return (name) => extensions.some((extension) => name.toLowerCase().includes(`.${extension}`));
}

/** Told to look at the shield, VCL looks past what the app has in its cache. */
export function takeProbe(scene: Scene): Verdict {
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
export function lookedPast({ request, raw, vcl, setting, history }: Scene): readonly string[] {
  const isProbed = headerOf(request, "Sitefleet-Probe") === "shield" && vcl.headers.has("sf-version");
  return isProbed ? keysAsked(setting, raw.vcl).filter((key) => history.compute.has(key)) : [];
}

function forgetState(scene: Scene): void {
  for (const { headers, line } of bothViews(scene)) {
    for (const name of ["cache-status", "sf-state"]) headers.delete(name);
    line.delete("cache");
  }
}
