import { EDGE_PAGES, PAGE_PARTS } from "../../src/site/edge-pages.ts";
import type { EdgePage } from "../../src/site/edge-pages.ts";
import type { Answer, Visit } from "./visit.ts";

export type PageName = keyof typeof EDGE_PAGES;

/** HTML of a page that the edge makes itself: the bytes that VCL's `synthetic` has. */
export function pageHtml({ title, text }: EdgePage, requestId: string): string {
  const { head, heading, text: before, request, end } = PAGE_PARTS;
  // The id is Fastly's; whatever it may be one day, it is no markup.
  const id = requestId.replaceAll(/[^A-Za-z0-9._-]/g, "");
  return `${head}${title}${heading}${title}${before}${text}${request}${id}${end}\n`;
}

/** An answer with one of the edge's own pages. */
export function pageAnswer(
  visit: Pick<Visit, "visitor">,
  page: PageName,
  init: { readonly status: number; readonly headers?: Readonly<Record<string, string>> },
): Answer {
  const headers = new Headers(init.headers);
  headers.set("Content-Type", "text/html; charset=utf-8");
  headers.set("Cache-Control", "no-store");
  return madeHere(init.status, headers, pageHtml(EDGE_PAGES[page], visit.visitor.requestId));
}

/** An answer that comes from no bucket. */
export function madeHere(status: number, headers: Headers, text: string): Answer {
  return {
    status,
    headers,
    body: { kind: "text", text },
    state: status < 400 ? "HIT-SYNTH" : "ERROR",
    without: new Set(),
    place: undefined,
    isEncoded: false,
  };
}
