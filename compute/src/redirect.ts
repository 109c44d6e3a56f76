import { redirectLocation } from "../../src/site/rule-slots.ts";
import { madeHere } from "./error-page.ts";
import type { Answer, Visit } from "./visit.ts";

/** How every redirect that the edge itself makes is answered. */
export function redirect(
  visit: Visit,
  target: { readonly status: number; readonly location: string },
): Answer {
  visit.phase = "redirect";
  const headers = new Headers({
    Location: target.location,
    "Cache-Control": "public, max-age=0, must-revalidate",
    "Content-Type": "text/html; charset=utf-8",
  });
  return madeHere(target.status, headers, "");
}

/** A target with the query of the request, in front of a fragment, unless it has a query of its own. */
export function withQuery(location: string, visit: Visit): string {
  return redirectLocation({ location, query: visit.query.slice(1) });
}
