import { messageOf } from "../../lib/caught.ts";
import { assertDefined } from "../../lib/errors.ts";
import { HeaderList } from "../../http/header-list.ts";
import { reasonOf } from "../../http/status-reasons.ts";
import { checkHeaderCount } from "../../vcl/workspace.ts";
import type { ResponseMessage } from "../../vcl/runtime.ts";
import { bodyOf, discard, EMPTY_BODY, lengthOf, sliceBody } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import { applyCompressHint } from "./compression.ts";
import { isNotModified, notModifiedHeaders } from "./conditional.ts";
import { assemble } from "./esi-assembly.ts";
import { endTurn, markState, nowOf } from "./exchange.ts";
import type { Exchange, NodeTransaction, Product, Step } from "./exchange.ts";
import { errorPageText } from "./fastly-pages.ts";
import type { SentReport } from "./message.ts";
import { chooseRange, ifRangeHolds } from "./ranges.ts";
import { runState } from "./state-run.ts";
import { emptyObject } from "./step-request.ts";

/** vcl_error on the node that failed; its object becomes the response. */
export function handleError(x: Exchange): Step {
  const { node, failure } = x;
  endTurn(x, "private");
  if (x.reply !== null) discard(x.reply.body);
  x.reply = null;
  const status = failure?.status ?? 503;
  const reason = failure?.reason ?? reasonOf(status);
  const object = emptyObject(status, reason);
  object.headers.add("Server", "Varnish");
  object.headers.add("Retry-After", "0");
  object.headers.add("Content-Type", "text/html; charset=utf-8");
  node.bereq = null;
  node.beresp = null;
  node.synthetic = null;
  node.obj = object;
  markState(x, "ERROR");
  const action = runState(x, node, "error");
  if (action.do === "restart") return "restart";
  if (action.do === "deliver_stale") return "stale";
  markState(x, object.status < 400 ? "HIT-SYNTH" : "ERROR");
  const page = { status: object.status, reason: object.reason, identity: x.pop.identity, xid: node.xid };
  x.product = {
    status: object.status,
    reason: object.reason,
    headers: object.headers,
    body: bodyOf(node.synthetic === null ? errorPageText(page) : contentOf(node.synthetic)),
    age: 0,
    object,
    synthetic: true,
    esi: false,
    segment: null,
  };
  return "deliver";
}

function contentOf(synthetic: { readonly content: string }): string {
  return synthetic.content;
}

/** vcl_deliver, on the delivery node. */
export function deliver(x: Exchange): Step {
  const { product } = x;
  assertDefined(product, "product");
  const resp = runDeliver(x, product);
  if (resp === null) return "restart";
  finish(x, resp, product);
  return "end";
}

/** Runs vcl_deliver over a product. The response as VCL left it, or `null` when it restarts. */
export function runDeliver(x: Exchange, product: Product): ResponseMessage | null {
  const { delivery, node } = x;
  delivery.cacheState = node.cacheState;
  delivery.isLocallyGenerated = product.synthetic;
  delivery.bereq = null;
  delivery.beresp = null;
  delivery.obj = product.object;
  const resp = responseOf(x, product);
  delivery.resp = resp;
  delivery.timeToFirstByte = nowOf(x) - delivery.start;
  const action = runState(x, delivery, "deliver");
  if (action.do === "restart") {
    discard(product.body);
    x.product = null;
    x.carried = carriedHeaders(resp.headers);
    return null;
  }
  // What the edge itself added counts as well; who runs this step gives the body up.
  checkHeaderCount(resp.headers, "response");
  return resp;
}

/** Headers that tell of every pass, not only of the last (reference/http/http-headers/X-Cache: "restart"). */
const PER_PASS = ["X-Served-By", "X-Cache", "X-Cache-Hits"] as const;

function carriedHeaders(headers: HeaderList): ReadonlyMap<string, string> {
  const carried = new Map<string, string>();
  for (const name of PER_PASS) {
    const value = headers.get(name);
    if (value !== null) carried.set(name, value);
  }
  return carried;
}

/** `resp` before vcl_deliver. A client's conditions are answered here: the 304 has only its own few headers. */
function responseOf(x: Exchange, product: Product): ResponseMessage {
  const { req } = x.delivery;
  const headers = product.headers;
  if (product.age !== null) headers.unset("Age");
  headers.set("Accept-Ranges", "bytes");
  if (product.age !== null) headers.set("Age", String(product.age));
  headers.set("Date", x.parts.httpDate());
  headers.set("Via", [...headers.getAll("Via"), "1.1 varnish"].join(", "));
  for (const [name, value] of x.carried) {
    const own = headers.get(name);
    headers.set(name, own === null ? value : `${value}, ${own}`);
  }
  const readable = req.method === "GET" || req.method === "HEAD";
  // A block whose status VCL has changed is a redirect or a failure, and no condition is for it (RFC 9110 section 13.2.1).
  const isPage = product.status === (product.segment === null ? 200 : 206);
  if (readable && isPage && isNotModified(req.headers, headers)) {
    return { status: 304, reason: "Not Modified", proto: "HTTP/1.1", headers: notModifiedHeaders(headers) };
  }
  const length = lengthOf(product.body);
  if (length !== null) headers.set("Content-Length", String(length));
  return { status: product.status, reason: product.reason, proto: "HTTP/1.1", headers };
}

const NO_EFFECTS = { altSvc: false, tarpit: null } as const;

/** What `h3.alt_svc` adds to an answer (functions/tls-and-http/h3-alt-svc): Fastly's offer for a day. */
const HTTP3_OFFER = 'h3=":443";ma=86400';

/** The response as it goes out: range, compression and the body that the method and status allow. */
function finish(x: Exchange, resp: ResponseMessage, { body, esi }: Product): void {
  const out: Outgoing = { status: resp.status, reason: resp.reason, headers: resp.headers, body };
  if (!allowsBody(resp.status)) {
    discard(body);
    out.body = EMPTY_BODY;
    out.headers.unset("Content-Length");
  } else {
    // Parts are fetched as the body goes out, which it does not for HEAD; an encoded page cannot be read.
    const hasParts = esi && x.delivery.esi && !out.headers.has("Content-Encoding");
    if (hasParts) out.body = assemble(x, out.body);
    applyHint(x, out);
    applyRange(x, out);
    setLength(out);
  }
  if (x.delivery.req.method === "HEAD") {
    discard(out.body);
    out.body = EMPTY_BODY;
  }
  const { altSvc, tarpit } = x.delivery.effects ?? NO_EFFECTS;
  if (altSvc) out.headers.set("Alt-Svc", HTTP3_OFFER);
  // vcl_log tells what went out.
  resp.status = out.status;
  resp.reason = out.reason;
  x.response = {
    ...out,
    ...(tarpit === null ? {} : { tarpit }),
    sent: (report) => logRequest(x, x.delivery, report),
  };
}

interface Outgoing {
  status: number;
  reason: string;
  headers: HeaderList;
  body: ResponseBody;
}

function allowsBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

function applyHint(x: Exchange, out: Outgoing): void {
  const request = x.delivery.req.headers;
  applyCompressHint(out, request.get("Fastly-Orig-Accept-Encoding") ?? request.get("Accept-Encoding") ?? "");
}

/** One range of a 200 of known size (RFC 9110 §14.2); the client asked for it in what is left of its request. */
function applyRange(x: Exchange, out: Outgoing): void {
  const { req } = x.delivery;
  const size = lengthOf(out.body);
  if (req.method !== "GET" || out.status !== 200 || size === null) return;
  const range = req.headers.get("Range");
  if (range === null || !ifRangeHolds(req.headers, out.headers)) return;
  const choice = chooseRange(range, size);
  switch (choice.kind) {
    case "whole":
      return;
    case "unsatisfiable":
      discard(out.body);
      out.status = 416;
      out.reason = "Requested Range Not Satisfiable";
      out.body = EMPTY_BODY;
      out.headers.set("Content-Range", `bytes */${size}`);
      return;
    case "part":
      out.status = 206;
      out.reason = "Partial Content";
      out.body = sliceBody(out.body, choice.start, choice.end);
      out.headers.set("Content-Range", `bytes ${choice.start}-${choice.end - 1}/${size}`);
  }
}

/** Content-Length is the edge's business, whatever VCL did to it. */
function setLength(out: Outgoing): void {
  const length = lengthOf(out.body);
  out.headers.unset("Transfer-Encoding");
  if (length === null) out.headers.unset("Content-Length");
  else out.headers.set("Content-Length", String(length));
}

/** vcl_log, after the response has gone out. */
export function logRequest(x: Exchange, transaction: NodeTransaction, report: SentReport): void {
  transaction.headerBytesWritten = report.headerBytes;
  transaction.bodyBytesWritten = report.bodyBytes;
  try {
    runState(x, transaction, "log");
  } catch (error) {
    transaction.host.log(`vcl_log failed: ${messageOf(error)}`);
  }
}
