import { ASSET_EXTENSIONS } from "../../src/site/asset-extensions.ts";
import { DIRECTORY_LEVELS } from "../../src/site/edge-names.ts";
import { shortHash } from "../../src/site/short-hashes.ts";
import { pageAnswer } from "./error-page.ts";
import { narrowExemption } from "./eu-only.ts";
import { sha256Hex } from "./lib/digests.ts";
import { keepToArea } from "./passwords.ts";
import { redirect } from "./redirect.ts";
import type { StoredObject } from "./object.ts";
import type { Answer, Decision, Visit } from "./visit.ts";

const ASSET = new RegExp(String.raw`\.(?:${ASSET_EXTENSIONS.join("|")})$`, "i");

/** Whether a 404 page is asked for by its own address: it still has status 404. */
export function isNotFoundPage(visit: Visit): boolean {
  if (visit.key === "/404.html") return true;
  return visit.config.notFoundDirectories !== undefined && visit.key.endsWith("/404.html");
}

/**
 * No page under this key. For a navigation of an application its index.html (phase `spa`), else the nearest 404.html upwards
 * with status 404 (phase `not-found-page`): then `key` is what is to be read. Else, by the site's policy, a redirect or our
 * own page, which are answers.
 */
export async function decideNotFound(visit: Visit): Promise<Decision> {
  if (isNavigation(visit)) {
    visit.key = "/index.html";
    visit.phase = "spa";
  } else {
    const key = await nearestPage(visit);
    if (key === undefined || key === visit.key) visit.phase = "not-found";
    else if (key === "/404.html" && visit.config.notFound === "r") {
      return redirect(visit, { status: 302, location: "/404" });
    } else {
      visit.key = key;
      visit.phase = "not-found-page";
    }
  }
  if (visit.phase === "not-found-page") visit.isConditional = false;
  narrowExemption(visit);
  keepToArea(visit);
  return visit.phase === "not-found" ? builtInNotFound(visit) : undefined;
}

/** An application's own address, asked for by navigating to it; scripts, images and fetches are not that. */
function isNavigation(visit: Visit): boolean {
  if (visit.config.notFound !== "s" || visit.key === "/index.html") return false;
  if (ASSET.test(visit.asked ?? visit.path)) return false;
  const mode = visit.headers.get("sec-fetch-mode");
  return mode === undefined ? /text\/html/i.test(visit.headers.get("accept") ?? "") : mode === "navigate";
}

/** Key of the 404.html for what was asked for, if the config tells of one. */
async function nearestPage(visit: Visit): Promise<string | undefined> {
  const { notFoundDirectories, notFound } = visit.config;
  const root = notFound === undefined ? undefined : "/404.html";
  if (notFoundDirectories === undefined) return root;
  const asked = visit.asked ?? visit.path;
  let directory = asked.slice(1, Math.max(1, asked.lastIndexOf("/")));
  for (let level = 0; level < DIRECTORY_LEVELS && directory !== ""; level += 1) {
    const digest = await sha256Hex(directory);
    if (notFoundDirectories.includes(`,${shortHash(directory, () => digest)},`))
      return `/${directory}/404.html`;
    directory = directory.slice(0, Math.max(0, directory.lastIndexOf("/")));
  }
  return root;
}

/** What was read in place of a missing page, as it is shown, or our own page where that is none. */
export function showInstead(visit: Visit, { answer, hasOwnStatus }: StoredObject): Answer {
  const isShown = answer.status === 200 || answer.status === 304;
  if (visit.phase === "spa") return isShown ? answer : builtInNotFound(visit);
  if (!isShown && !hasOwnStatus) return builtInNotFound(visit);
  // Another status here is that of an alias page, whose own would be wrong for a miss.
  markNotFound(answer);
  return answer;
}

/** A 404 page shown as one. */
export function markNotFound(answer: Answer): void {
  answer.status = 404;
  answer.headers.set("Cache-Control", "no-store");
  answer.headers.delete("ETag");
  answer.headers.delete("Last-Modified");
}

/** Our own page. The phase stays what the walk had come to. */
export function builtInNotFound(visit: Visit): Answer {
  return pageAnswer(visit, "notFound", { status: 404 });
}
