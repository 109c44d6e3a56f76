import type { Asked } from "./buckets.ts";
import type { Stored } from "./edge.ts";
import { bothViews, codingOf, keyAsked, keysAsked } from "./scene.ts";
import type { Scene } from "./scene.ts";

/** What is left of answers without Fastly's HTTP cache once all is taken out that `no-http-cache` lists. */

/** What S3 says where it is well. */
const WELL: ReadonlySet<string> = new Set(["200", "404", "206", "304", "416"]);

/** The key that Fastly itself gives to what a Compute service stores, for purges by URL. */
const PLATFORM_KEY = /^[0-9a-f]{64}$/;

/** Whether S3 was in trouble while this was answered, or said what no object says. */
export function hasFailed({ raw }: Pick<Scene, "raw">): boolean {
  const isFailure = ({ answer }: Asked): boolean => !WELL.has(answer);
  const { vcl, compute } = raw;
  return (
    [vcl, compute].some(({ asked }) => asked.some(isFailure)) ||
    vcl.stored.some(({ status }) => status >= 500) ||
    compute.lines.some(({ alarm }) => alarm === "origin")
  );
}

/**
 * One time to live for all statuses, nothing kept for when S3 fails, and no key that an answer would have to tell; of what
 * failed each keeps its own, and what the second region says the app does not keep at all.
 */
export function takeBlindStorage(scene: Scene): "no" | "taken" {
  if (scene.setting.edgeSettings.httpCache) return "no";
  const { vcl, compute, setting } = scene;
  const second = new Set(
    vcl.asked.filter(({ bucket }) => bucket.endsWith("_second")).map((one) => keyAsked(setting, one)),
  );
  const failed = new Set(vcl.stored.filter(({ status }) => status >= 500).map(({ key }) => key));
  for (const view of bothViews(scene)) {
    view.stored = view.stored.filter(({ key }) => !second.has(key) && !failed.has(key));
  }
  compute.stored = compute.stored.map((one) => {
    const like = vcl.stored.find(({ key }) => key === one.key);
    return like !== undefined && isBlindly(scene, one, like) ? like : one;
  });
  return "taken";
}

/** Whether the app keeps what VCL keeps, in the way in which it can. */
function isBlindly({ setting }: Scene, own: Stored, like: Stored): boolean {
  const { config, unknownDomain, page } = setting.environment.ttl;
  const isConfig = own.key.startsWith("config/");
  const isOfAnswer = (key: string): boolean => isConfig && /^[cs]:/.test(key);
  const keys = like.surrogateKeys.filter((key) => !isOfAnswer(key));
  const given = own.surrogateKeys.filter((key) => !PLATFORM_KEY.test(key));
  return (
    own.status === like.status &&
    own.ttl === (isConfig ? Math.min(config, unknownDomain) : page) &&
    own.staleIfError === 0 &&
    given.join() === keys.join()
  );
}

/** What is no longer fresh the platform asks for with a condition, configs too, whose bytes are others each time they are written. */
export function takeBlindConditions({ setting, compute }: Scene): "no" | "taken" {
  if (setting.edgeSettings.httpCache) return "no";
  compute.asked = compute.asked.map((one) => ({
    ...one,
    headers: one.headers.filter(([name]) => name !== "if-none-match" && name !== "if-modified-since"),
    answer: one.answer === "304" ? "200" : one.answer,
  }));
  return "taken";
}

/** The keys of a config without those of its site, which were not known when it was stored. */
export function takeBlindKeys({ setting, vcl, compute }: Scene): "no" | "taken" {
  const name = "sf-config-keys";
  const [all, own] = [vcl.headers.get(name), compute.headers.get(name)];
  if (setting.edgeSettings.httpCache || all === undefined || own === undefined) return "no";
  if (all.replaceAll(/ [cs]:[^ ]+/g, "") !== own) return "no";
  vcl.headers.set(name, own);
  return "taken";
}

/** Past the cache the app says so; VCL has a cache to tell of. */
export function takeBlindState(scene: Scene): "no" | "divided" {
  if (scene.setting.edgeSettings.httpCache || !(holdOtherwise(scene) || hasFailed(scene))) return "no";
  for (const { headers, line } of bothViews(scene)) {
    for (const name of ["cache-status", "sf-state", "sf-config-state", "sf-config-keys"])
      headers.delete(name);
    line.delete("cache");
  }
  return "divided";
}

/** What is stored is kept for other times, with other keys, and not shown where S3 fails. */
export function partOverBlindness(scene: Scene): "no" | "parted" {
  const { setting, history, raw } = scene;
  if (setting.edgeSettings.httpCache) return "no";
  const isOldMetadata = raw.compute.asked.some(
    (one) => one.answer === "304" && history.replaced.has(keyAsked(setting, one)),
  );
  return isOldMetadata || holdOtherwise(scene) ? "parted" : "no";
}

/** Whether the two caches held other things of what was asked for, or of what was in vain looked for without asking. */
function holdOtherwise(scene: Scene): boolean {
  const { setting, history, raw, sick } = scene;
  const asked = [raw.vcl, raw.compute].flatMap((seen) => keysAsked(setting, seen));
  const keys = sick.length > 0 ? [...asked, ...history.vcl.keys(), ...history.compute.keys()] : asked;
  return keys.some((key) => isHeldOtherwise(scene, key));
}

function isHeldOtherwise(scene: Scene, key: string): boolean {
  const { vcl, compute } = scene.history;
  const coding = codingOf(scene.request);
  // A failure that is remembered the app looks past.
  if (compute.hasFailure(key) || vcl.hasFailure(key)) return true;
  if (compute.freshStatus(key, coding) !== vcl.freshStatus(key, coding)) return true;
  return hasFailed(scene) && vcl.rank(key, coding) === 1;
}
