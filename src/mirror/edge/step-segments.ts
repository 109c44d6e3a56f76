import { assertDefined } from "../../lib/errors.ts";
import { reasonOf } from "../../http/status-reasons.ts";
import type { ResponseMessage, SegmentReport } from "../../vcl/runtime.ts";
import { DEFAULT_BLOCK_SIZE } from "../../vcl/builtins/variables-segments.ts";
import { discard, EMPTY_BODY } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import { UNANSWERED } from "./exchange.ts";
import type { Exchange, Product, SegmentRun, Step } from "./exchange.ts";
import type { HopResponse } from "./message.ts";
import { MAX_OBJECT } from "./parts.ts";
import { ifRangeHolds } from "./ranges.ts";
import { readSegments } from "./segment-reader.ts";
import type { FetchedSegment, SegmentEnd } from "./segment-reader.ts";
import { blockKey, blockOf, firstBlock, readAskedRange, spanOf, WHOLE_OBJECT } from "./segments.ts";
import type { AskedRange, Block, SegmentPart } from "./segments.ts";
import { deliver, logRequest, runDeliver } from "./step-deliver.ts";
import { cloneRequest } from "./transaction.ts";

/** Runs an exchange from a step to its end: the life cycle, which knows this module and not the other way round. */
type RunExchange = (x: Exchange, from: Step) => Promise<HopResponse>;

/** After vcl_hash: the request becomes the outer one, and goes on to look up the first block of its answer. */
export function beginSegments(x: Exchange): Step {
  const { delivery } = x;
  const { req } = delivery;
  const asked = req.method === "GET" ? readAskedRange(req.headers.get("Range")) : WHOLE_OBJECT;
  const given = delivery.segmentSize ?? DEFAULT_BLOCK_SIZE;
  const blockSize = given > 0 ? Math.min(given, MAX_OBJECT) : DEFAULT_BLOCK_SIZE;
  delivery.segmentSize = blockSize;
  const snapshot = { ...delivery, req: cloneRequest(req), captures: [] };
  const block = firstBlock(asked, blockSize);
  x.segments = { role: "outer", plainKey: x.key, blockSize, asked, block, snapshot };
  if (asked.kind === "unsupported") {
    x.failure = { status: 501, reason: "Range not supported by segmented caching" };
    return "error";
  }
  x.key = blockKey(x.key, blockSize, block.number);
  return "lookup";
}

/** Instead of vcl_deliver's ordinary step, for outer and inner requests. */
export function deliverSegment(x: Exchange, run: RunExchange): Step {
  const { segments, product } = x;
  assertDefined(segments, "segments");
  assertDefined(product, "product");
  if (segments.role === "inner") return deliverInner(x, segments, product);
  const part = product.segment;
  if (part === null) return deliverUnsegmented(x, segments, product);
  // Under a status of VCL's own there are no ranges (RFC 9110 §14.2).
  const isRangeable = product.status === 206 || product.status === 200;
  const isRange = isRangeable && ifRangeHolds(x.delivery.req.headers, product.headers);
  if (segments.asked.kind === "range" && !isRange) {
    const whole = { ...segments, asked: WHOLE_OBJECT, block: blockOf(0, segments.blockSize) };
    x.segments = whole;
    if (segments.block.number !== 0) {
      discard(product.body);
      x.product = null;
      x.key = blockKey(segments.plainKey, segments.blockSize, 0);
      return "lookup";
    }
  }
  return deliverOuter(x, { product, part, run });
}

/** An answer that is no segment ends segmented caching for this request: it goes out as any other would. */
function deliverUnsegmented(x: Exchange, segments: SegmentRun, product: Product): Step {
  const error = product.synthetic ? (x.failure?.reason ?? product.reason) : null;
  x.delivery.segmentReport = {
    ...reportOf(segments, null),
    outcome: error === null ? "cancelled" : "failed",
    error,
  };
  return deliver(x);
}

// ---- inner requests ------------------------------------------------------------------------------------------

/** vcl_deliver of a block. Its headers go no further: those of the first block are on their way already. */
function deliverInner(x: Exchange, segments: SegmentRun, product: Product): Step {
  const part = product.segment;
  const resp = runDeliver(x, product);
  if (resp === null) return "restart";
  x.part = part;
  const ended = part === null ? failed(`${product.status} ${product.reason}`) : COMPLETED;
  x.delivery.segmentReport = { ...reportOf(segments, part), ...ended };
  x.response = {
    status: product.status,
    reason: product.reason,
    headers: resp.headers,
    body: product.body,
    sent: (report) => logRequest(x, x.delivery, report),
  };
  return "end";
}

/** Fetches a block through the whole life cycle, from the lookup on, as the request was after vcl_hash. */
async function fetchSegment(x: Exchange, run: RunExchange, number: number): Promise<FetchedSegment | string> {
  assertDefined(x.segments, "segments");
  const { segments } = x;
  const { snapshot, plainKey, blockSize } = segments;
  const delivery = { ...snapshot, req: cloneRequest(snapshot.req) };
  const inner: Exchange = {
    ...x,
    ...UNANSWERED,
    delivery,
    node: delivery,
    decided: "lookup",
    segments: { ...segments, role: "inner", block: blockOf(number, blockSize) },
    key: blockKey(plainKey, blockSize, number),
    carried: new Map(),
  };
  const response = await run(inner, "lookup");
  if (inner.response !== null && inner.part !== null) {
    return { part: inner.part, body: response.body, sent: (report) => response.sent(report) };
  }
  discard(response.body);
  response.sent({ headerBytes: 0, bodyBytes: 0 });
  return inner.failure?.reason ?? `${response.status} ${response.reason}`;
}

// ---- the outer request ---------------------------------------------------------------------------------------

interface Outer {
  readonly product: Product;
  readonly part: SegmentPart;
  readonly run: RunExchange;
}

/**
 * vcl_deliver runs for the first block, whose headers become the answer's; what the client gets is framed as the
 * whole object or as the range that it asked for, and the blocks follow one after another as it reads.
 */
function deliverOuter(x: Exchange, { product, part, run }: Outer): Step {
  const { segments } = x;
  assertDefined(segments, "segments");
  const resp = runDeliver(x, product);
  if (resp === null) return "restart";
  const inner = {
    ...x.delivery,
    resp: { ...resp, headers: resp.headers.clone() },
    segmentReport: { ...reportOf(segments, part), ...COMPLETED, role: "inner" },
  } as const;
  const first: FetchedSegment = {
    part,
    body: product.body,
    sent: (report) => logRequest(x, inner, report),
  };
  const finished = (end: SegmentEnd): void => {
    x.delivery.segmentReport = { ...reportOf(segments, part), ...end };
    x.delivery.completed = end.outcome === "completed";
  };
  finished(UNFINISHED);
  const span = frame(resp, { asked: segments.asked, total: part.total });
  let body: ResponseBody = EMPTY_BODY;
  if (span === null || x.delivery.req.method === "HEAD") {
    discard(product.body);
    first.sent({ headerBytes: 0, bodyBytes: 0 });
    finished(COMPLETED);
  } else {
    body = readSegments({
      first,
      span,
      fetch: (start) => fetchSegment(x, run, start / segments.blockSize),
      // What else is cached of the object may be of either version: all of it goes, on every POP.
      autopurge: () => x.parts.purgeObject(segments.plainKey, false),
      finished,
    });
  }
  const { status, reason, headers } = resp;
  x.response = { status, reason, headers, body, sent: (report) => logRequest(x, x.delivery, report) };
  return "end";
}

/** Makes of the first block's response the answer's: 200, 206, 416, or what VCL chose. The bytes to send, if any. */
function frame(
  resp: ResponseMessage,
  { asked, total }: { readonly asked: AskedRange; readonly total: number },
): ReturnType<typeof spanOf> {
  const { headers } = resp;
  headers.unset("X-Compress-Hint");
  headers.unset("Transfer-Encoding");
  headers.unset("Content-Range");
  headers.unset("Content-Length");
  if (resp.status === 304 || resp.status === 204) return null;
  const span = spanOf(asked, total);
  if (span === null) {
    resp.status = 416;
    headers.set("Content-Range", `bytes */${total}`);
  } else if (resp.status === 206 || resp.status === 200) {
    resp.status = asked.kind === "range" ? 206 : 200;
    if (resp.status === 206) headers.set("Content-Range", `bytes ${span.start}-${span.end - 1}/${total}`);
  } else {
    headers.set("Content-Length", String(span.end - span.start));
    return span;
  }
  resp.reason = reasonOf(resp.status);
  headers.set("Content-Length", String(span === null ? 0 : span.end - span.start));
  return span;
}

// ---- reports -------------------------------------------------------------------------------------------------

const COMPLETED: SegmentEnd = { outcome: "completed", error: null, autopurged: false };

/** Until the last byte is read; it stays so when the client leaves before. */
const UNFINISHED: SegmentEnd = { outcome: null, error: null, autopurged: false };

function failed(error: string): SegmentEnd {
  return { outcome: "failed", error, autopurged: false };
}

/** What vcl_log is told; without a part the object's size is not known. */
function reportOf(segments: SegmentRun, part: SegmentPart | null): SegmentReport {
  const { role, asked, block, blockSize } = segments;
  const span = part === null ? null : spanOf(asked, part.total);
  return {
    role,
    outcome: null,
    error: null,
    autopurged: false,
    blockNumber: block.number,
    totalBlocks: span === null ? -1 : Math.ceil(span.end / blockSize) - Math.floor(span.start / blockSize),
    completeLength: part?.total ?? -1,
    isRange: asked.kind !== "whole",
    isOpenEnded: asked.kind === "range" && asked.last === null,
    rangeLow: asked.kind === "range" ? asked.first : asked.kind === "whole" ? 0 : -1,
    rangeHigh: highOf(asked, span),
    ...roundedBounds(block, part),
  };
}

function highOf(asked: AskedRange, span: { readonly end: number } | null): number {
  if (asked.kind === "range" && asked.last !== null) return asked.last;
  return span === null ? -1 : span.end - 1;
}

function roundedBounds(
  block: Block,
  part: SegmentPart | null,
): Pick<SegmentReport, "roundedLow" | "roundedHigh"> {
  return { roundedLow: block.start, roundedHigh: (part?.end ?? block.end) - 1 };
}
