import { toCanonicalHost } from "./canonical-host.ts";
import { checkSpelling } from "./canonical-path.ts";
import { lookUpConfig } from "./config-lookup.ts";
import { deliver } from "./deliver.ts";
import type { Reply } from "./deliver.ts";
import { letIn } from "./edge-gate.ts";
import { pageHtml } from "./error-page.ts";
import { checkCountry } from "./eu-only.ts";
import { checkExpiry } from "./expiry.ts";
import { forceTls } from "./force-tls.ts";
import { alarm, writeLine } from "./log.ts";
import { checkMethod } from "./method-policy.ts";
import { decideNotFound, markNotFound, showInstead } from "./not-found.ts";
import type { StoredObject } from "./object.ts";
import { trouble } from "./origin-trouble.ts";
import { lookUpPage, readObject } from "./page-lookup.ts";
import { checkPassword, takeCredentials } from "./passwords.ts";
import { cleanPath } from "./path-hygiene.ts";
import { showRuleStatus, tryRules } from "./pattern-redirects.ts";
import type { Platform, Visitor } from "./platform.ts";
import { withQuery } from "./redirect.ts";
import { readBucket } from "./rule-buckets.ts";
import { messageOf, readSetup } from "./settings.ts";
import type { Setup } from "./settings.ts";
import { checkSuspended } from "./suspended.ts";
import { recognise } from "./version-marker.ts";
import type { Answer, Decision, Visit } from "./visit.ts";
import { EDGE_PAGES } from "../../src/site/edge-pages.ts";

/**
 * Answers one visitor: the whole service, in the order of `templates/`. Never throws: what goes wrong is a page with the
 * request's id and a line in the log.
 */
export async function answerVisitor(visitor: Visitor, platform: Platform): Promise<Response> {
  const { status, headers, body } = await replyTo(visitor, platform);
  return new Response(body, { status, headers });
}

/** The same before the platform has anything of it. */
export async function replyTo(visitor: Visitor, platform: Platform): Promise<Reply> {
  const setup = await readSetup(platform);
  if (setup.kind === "refused") return misconfigured(visitor, platform, setup);
  const visit = letIn(visitor, { platform, settings: setup.settings, secrets: setup.secrets });
  try {
    return await deliver(visit, await walk(visit));
  } catch (error) {
    alarm(visit, { alarm: "exception", request: visitor.requestId, reason: messageOf(error) });
    return deliver(visit, trouble(visit));
  }
}

/** What every request goes through until something answers it (docs/architecture.md, "the request walk"). */
async function walk(visit: Visit): Promise<Answer> {
  await recognise(visit);
  takeCredentials(visit);
  return (
    checkMethod(visit) ??
    cleanPath(visit) ??
    (await lookUpConfig(visit)) ??
    toCanonicalHost(visit) ??
    forceTls(visit) ??
    checkSuspended(visit) ??
    checkExpiry(visit) ??
    (await checkAccess(visit)) ??
    (await readBucket(visit)) ??
    (await followRules(visit, { forced: true })) ??
    showPage(visit)
  );
}

/** May this visitor see what `path` names? Asked of the path of the request and again of the page that a rule shows. */
async function checkAccess(visit: Visit): Promise<Decision> {
  return checkCountry(visit) ?? checkPassword(visit);
}

async function followRules(visit: Visit, wanted: { readonly forced: boolean }): Promise<Decision> {
  return tryRules(visit, wanted) ?? (visit.phase === "rewrite" ? checkAccess(visit) : undefined);
}

/** The page of the path, or what a rule or the site's policy has in place of a missing one. */
async function showPage(visit: Visit): Promise<Answer> {
  const found = await lookUpPage(visit);
  if (!found) return trouble(visit);
  const spelling = checkSpelling(visit, found);
  if (typeof spelling === "object") return instead(found, spelling);
  if (spelling === undefined && !isMissing(visit, found)) return finish(visit, found);
  await discard(found.answer);
  if (visit.phase === "rewrite") return showMissing(visit);
  const decided = await followRules(visit, { forced: false });
  if (decided) return decided;
  return ruleHasPage(visit) ? showRulePage(visit) : showMissing(visit);
}

/** Whether a rule has put another page in place of the one that was asked for. */
function ruleHasPage(visit: Visit): boolean {
  return visit.phase === "rewrite";
}

/** The page of a rule that was tried after a miss. */
async function showRulePage(visit: Visit): Promise<Answer> {
  const found = await lookUpPage(visit);
  if (!found) return trouble(visit);
  if (!isMissing(visit, found)) return finish(visit, found);
  await discard(found.answer);
  return showMissing(visit);
}

/** A rule leads to a page and no further: what is a rule itself there, or nothing, is not found. */
function isMissing(visit: Visit, { answer, hasOwnStatus, isRedirect }: StoredObject): boolean {
  if (visit.phase === "rewrite") return isRedirect || hasOwnStatus || answer.status === 404;
  return answer.status === 404 && !hasOwnStatus;
}

async function showMissing(visit: Visit): Promise<Answer> {
  const decided = await decideNotFound(visit);
  if (decided) return decided;
  const found = await readObject(visit);
  if (!found) return trouble(visit);
  const answer = showInstead(visit, found);
  return answer === found.answer ? answer : instead(found, answer);
}

/** What is shown of a page that is there. */
function finish(visit: Visit, { answer, isRedirect }: StoredObject): Answer {
  showRuleStatus(visit, answer);
  const { headers } = answer;
  if (isRedirect) headers.set("Location", withQuery(headers.get("location") ?? "", visit));
  if (visit.isNotFoundPage && answer.status === 200) markNotFound(answer);
  return answer;
}

async function instead(found: StoredObject, answer: Answer): Promise<Answer> {
  await discard(found.answer);
  return answer;
}

async function discard({ body }: Answer): Promise<void> {
  if (body.kind === "stream") await body.stream?.cancel();
}

/** Without settings there is no site and hardly a log: a page of its own, and the reason where the operator looks. */
function misconfigured(
  visitor: Visitor,
  platform: Platform,
  setup: Extract<Setup, { kind: "refused" }>,
): Reply {
  const line = JSON.stringify({ alarm: "settings", request: visitor.requestId, reason: setup.reason });
  writeLine(platform, setup.log, line);
  if (setup.log !== undefined) platform.stderr(line);
  const html = pageHtml(EDGE_PAGES.misconfigured, visitor.requestId);
  const headers = new Headers({
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Length": String(html.length),
  });
  return { status: 500, headers, body: visitor.method === "HEAD" ? null : html };
}
