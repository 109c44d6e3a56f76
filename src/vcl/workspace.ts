import type { HeaderList } from "../http/header-list.ts";
import { VclRuntimeError } from "./diagnostics.ts";
import type { Transaction } from "./runtime.ts";

/**
 * The memory that Fastly gives one request: strings that VCL builds and headers that it writes are copied in and never
 * reclaimed, not even by a restart; when it is full the request ends with a 503 that vcl_error never sees
 * (reference/vcl/memory-overflows).
 */
export const WORKSPACE_BYTES = 256 * 1024;

/** What Fastly itself has used before the first statement, a cautious figure. */
export const WORKSPACE_BASE = 10 * 1024;

/** What a header line costs beside its name and value: the colon, the blank and the terminator. */
const HEADER_OVERHEAD = 3;

/** Bytes in use when a request with these headers arrives. */
export function initialWorkspace(headers: HeaderList): number {
  let used = WORKSPACE_BASE;
  for (const [name, value] of headers) used += name.length + value.length + HEADER_OVERHEAD;
  return used;
}

/** Takes bytes of the workspace. Throws `VclRuntimeError` when there are too few left. */
export function chargeWorkspace(t: Transaction, bytes: number): void {
  t.workspaceUsed += bytes;
  if (t.workspaceUsed > WORKSPACE_BYTES) {
    throw new VclRuntimeError(
      "workspace/overflow",
      `Header overflow: the request used up its workspace of ${WORKSPACE_BYTES} bytes`,
    );
  }
}

/** Takes what writing one header line costs. */
export function chargeHeader(t: Transaction, name: string, value: string): void {
  chargeWorkspace(t, name.length + value.length + HEADER_OVERHEAD);
}

/** Lines that a request and a response may have, Fastly's own included (reference/vcl/constraints-and-limitations). */
export const MAX_HEADERS = { request: 255, response: 96 } as const;

/**
 * Ends the request where a message has more header lines than Fastly's memory has places for: a 503 that vcl_error
 * never sees, as with the workspace (reference/vcl/memory-overflows). Throws `VclRuntimeError`.
 */
export function checkHeaderCount(headers: HeaderList, kind: keyof typeof MAX_HEADERS): void {
  const limit = MAX_HEADERS[kind];
  if (headers.size <= limit) return;
  throw new VclRuntimeError("limit/headers", `Header overflow: more than ${limit} headers in a ${kind}`);
}
