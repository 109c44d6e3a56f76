import { HeaderList } from "../../http/header-list.ts";
import { bodyOf } from "./body.ts";
import type { HopResponse } from "./message.ts";

/** Everything an answer that no VCL made needs. */
export interface PageInit {
  readonly status: number;
  /** May quote a client or a program: what a status line cannot hold is replaced. */
  readonly reason: string;
  readonly contentType: string;
  readonly text: string;
}

/** An answer of the edge itself, outside the life cycle. */
export function pageResponse(page: PageInit): HopResponse {
  const headers = HeaderList.from([
    ["Content-Type", page.contentType],
    ["Content-Length", String(page.text.length)],
    ["Cache-Control", "private, no-store"],
    ["Server", "Varnish"],
    ["Retry-After", "0"],
  ]);
  return {
    status: page.status,
    reason: plainReason(page.reason),
    headers,
    body: bodyOf(page.text),
    sent: () => undefined,
  };
}

/** What a service without an answer of its own for an error shows; `identity` is the cache server's name. */
export function errorPageText(error: {
  status: number;
  reason: string;
  identity: string;
  xid: string;
}): string {
  const reason = escapeHtml(error.reason);
  return [
    `<!DOCTYPE html>`,
    `<html>`,
    `  <head>`,
    `    <title>${error.status} ${reason}</title>`,
    `  </head>`,
    `  <body>`,
    `    <h1>Error ${error.status} ${reason}</h1>`,
    `    <p>${reason}</p>`,
    `    <h3>Guru Mediation:</h3>`,
    `    <p>Details: ${escapeHtml(error.identity)} ${error.xid}</p>`,
    `    <hr>`,
    `    <p>Varnish cache server</p>`,
    `  </body>`,
    `</html>`,
    ``,
  ].join("\n");
}

/** The page for a Host that no service claims. */
export function unknownDomain(host: string, identity: string): HopResponse {
  const name = escapeHtml(host);
  const text = [
    `<!DOCTYPE html>`,
    `<html>`,
    `<head><title>Fastly error: unknown domain ${name}</title></head>`,
    `<body>`,
    `<p>Fastly error: unknown domain: ${name}. Please check that this domain has been added to a service.</p>`,
    `<p>Details: ${escapeHtml(identity)}</p>`,
    `</body>`,
    `</html>`,
    ``,
  ].join("\n");
  return pageResponse({
    status: 500,
    reason: "Domain Not Found",
    contentType: "text/html; charset=utf-8",
    text,
  });
}

/** Why a request is refused before any VCL runs. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  /** What the answer says; missing = the reason. */
  readonly text?: string;
}

/** A refusal before any VCL runs. */
export function refusal({ status, reason, text }: Refusal): HopResponse {
  return pageResponse({
    status,
    reason,
    contentType: "text/plain; charset=utf-8",
    text: text ?? `${plainReason(reason)}\n`,
  });
}

function plainReason(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
}

/** Escapes text for HTML; anything else than latin1 cannot occur. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
