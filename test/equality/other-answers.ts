import { bothViews, codingOf, headerOf, keyAsked } from "./scene.ts";
import type { History, Scene, Verdict } from "./scene.ts";
import { isLackedIn, isRangeOfText, lackedEncodings, largeNames, lookedPast } from "./taken-fields.ts";

/** Where the answers themselves are others. */

/** A range may be in one of the two lengths only, and a tag that If-Range asks for of one of the two. */
export function partOverLengths(scene: Scene): Verdict {
  return isRangeOfText(scene) && scene.vcl.status !== scene.compute.status ? "parted" : "no";
}

/** No range applies in the app to a large file that is shown with another status than 200. */
export function partOverLargeFiles(scene: Scene): Verdict {
  const isLarge = largeNames(scene);
  const isAsked = scene.raw.vcl.asked.some(({ path }) => isLarge(path));
  return isAsked && scene.vcl.status === 416 && scene.compute.status !== 416 ? "parted" : "no";
}

/** What S3 has, or how it fares, is no longer what it was when the app stored it. VCL has nothing stale in this encoding. */
export function partOverOtherEncoding(scene: Scene): Verdict {
  const { history, raw, setting, sick, request } = scene;
  const coding = codingOf(request);
  const isSick = sick.length > 0 && raw.vcl.status === 503;
  if (isSick && history.vcl.keys().some((key) => isLackedIn(history, key, coding))) return "parted";
  const lacked = lackedEncodings(scene);
  const isUnwell = raw.vcl.asked.some(
    (one) => one.answer !== "200" && lacked.includes(keyAsked(setting, one)),
  );
  return isUnwell || lacked.some((key) => history.replaced.has(key)) ? "parted" : "no";
}

/** The same bytes under other metadata: for VCL nothing has changed. */
export function partOverMetadata({ raw, setting, history }: Scene): Verdict {
  const renewed = raw.vcl.asked.filter(({ answer }) => answer === "304");
  return renewed.some((one) => history.replaced.has(keyAsked(setting, one))) ? "parted" : "no";
}

/**
 * VCL looks past a failure that it finds stored, and asks the second region; or it has one of the first where the app, which
 * has another region to ask, kept none and asks again.
 */
export function partOverFailure({ raw, setting, history }: Scene): Verdict {
  const hasSecond = setting.origins.some(({ name }) => name.endsWith("_second"));
  const known = [...raw.vcl.asked, ...raw.compute.asked].filter((one) => {
    const key = keyAsked(setting, one);
    if (one.bucket.endsWith("_second")) return hasFailure(history, key);
    return hasSecond && history.vcl.hasFailure(key) && !history.compute.hasFailure(key);
  });
  const isOtherwise = known.some((one) => {
    const key = keyAsked(setting, one);
    const [vcl, compute] = [raw.vcl, raw.compute].map(({ asked }) =>
      asked.flatMap((ask) => (keyAsked(setting, ask) === key ? [ask.bucket] : [])).join(),
    );
    return vcl !== compute;
  });
  return isOtherwise ? "parted" : "no";
}

function hasFailure({ vcl, compute }: History, key: string): boolean {
  return vcl.hasFailure(key) || compute.hasFailure(key);
}

/** What S3 has, or how it fares, is no longer what it was when the app stored what VCL looks past. */
export function partOverProbe(scene: Scene): Verdict {
  const { request, raw, vcl, sick, history } = scene;
  const isProbed = headerOf(request, "Sitefleet-Probe") === "shield" && vcl.headers.has("sf-version");
  // What a health check finds unwell it looks for in vain, without asking.
  if (isProbed && sick.length > 0 && raw.vcl.status === 503 && history.compute.keys().length > 0)
    return "parted";
  return lookedPast(scene).length > 0 ? "parted" : "no";
}

/** What VCL has no restart left for, it ends with a page of its own; its phase tells how far it came. */
export function partOverRestarts(scene: Scene): Verdict {
  const [line] = scene.raw.vcl.lines.filter((one) => !("alarm" in one));
  const [phase, other] = bothViews(scene).map((view) => String(view.line.get("phase")));
  const isCutShort =
    /^(?:page|rewrite|rules|trouble|spa|not-found-page)$/.test(phase ?? "") && phase !== other;
  return line?.["restarts"] === 3 && isCutShort && [404, 503].includes(scene.vcl.status) ? "parted" : "no";
}
