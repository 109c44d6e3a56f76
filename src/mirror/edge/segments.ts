import type { HeaderList } from "../../http/header-list.ts";
import type { ResponseBody } from "./body.ts";
import { lengthOf } from "./body.ts";

/**
 * Segmented caching in figures (reference/vcl/variables/segmented-caching; guides/full-site-delivery/caching/
 * segmented-caching): an object is cut into blocks of one size, each fetched with a Range request and cached by
 * itself. Positions are bytes; ends are exclusive unless said otherwise.
 */

/** What a client asks of an object whose size nobody knows yet. `last` is inclusive, `null` = to the end. */
export type AskedRange =
  | { readonly kind: "whole" }
  | { readonly kind: "range"; readonly first: number; readonly last: number | null }
  /** Answered 501 without asking the origin, as the real edge does. */
  | { readonly kind: "unsupported" };

export const WHOLE_OBJECT: AskedRange = { kind: "whole" };

/** Positions beyond this are beyond any object, and sums with them stay exact. */
const FARTHEST = 2 ** 49;

/**
 * Reads a Range header. Segmented caching takes one range that says where it begins: a suffix (`-500`), several ranges
 * and an end before the beginning are not supported; what is no range of bytes at all is ignored (RFC 9110 §14.2).
 */
export function readAskedRange(range: string | null): AskedRange {
  const list = /^\s*bytes\s*=(.*)$/is.exec(range ?? "")?.[1];
  if (list === undefined) return WHOLE_OBJECT;
  const ranges = list.split(",").map((part) => /^\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/.exec(part));
  const isRange = ranges.every((match) => match !== null && (match[1] ?? match[2]) !== undefined);
  if (!isRange) return WHOLE_OBJECT;
  const [first = "", last = ""] = ranges[0]?.slice(1) ?? [];
  if (ranges.length > 1 || first === "") return { kind: "unsupported" };
  const from = Math.min(Number(first), FARTHEST);
  const to = last === "" ? null : Math.min(Number(last), FARTHEST);
  if (to !== null && to < from) return { kind: "unsupported" };
  return { kind: "range", first: from, last: to };
}

/** One block of an object: `[start, end)`, the last one longer than what is left. */
export interface Block {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

export function blockOf(number: number, size: number): Block {
  return { number, start: number * size, end: (number + 1) * size };
}

/** The block that an answer begins in. */
export function firstBlock(asked: AskedRange, size: number): Block {
  return blockOf(asked.kind === "range" ? Math.floor(asked.first / size) : 0, size);
}

/** The Range header that fetches a block. */
export function rangeOfBlock(block: Block): string {
  return `bytes=${block.start}-${block.end - 1}`;
}

/** Bytes of an answer, `null` when none of them exist. */
export function spanOf(
  asked: AskedRange,
  total: number,
): { readonly start: number; readonly end: number } | null {
  if (asked.kind !== "range") return { start: 0, end: total };
  if (asked.first >= total) return null;
  return { start: asked.first, end: asked.last === null ? total : Math.min(asked.last + 1, total) };
}

/** What a 206 brought: which bytes, of how many, of which version of the object. */
export interface SegmentPart {
  readonly start: number;
  readonly end: number;
  readonly total: number;
  /** Equal for parts that belong together. */
  readonly version: string;
}

/**
 * Reads the answer to a block's request, or says what is wrong with it. The origin must frame it with Content-Length:
 * chunked answers are not supported (guides/full-site-delivery/caching/segmented-caching).
 */
export function readPart(
  reply: { readonly headers: HeaderList; readonly body: ResponseBody },
  block: Block,
): SegmentPart | string {
  const lines = reply.headers.getAll("Content-Range");
  const match = /^\s*bytes\s+(\d{1,15})-(\d{1,15})\/(\d{1,15})\s*$/i.exec(lines[0] ?? "");
  if (match === null || lines.length !== 1) return "segment without a usable Content-Range";
  const [start, last, total] = match.slice(1).map(Number);
  if (start === undefined || last === undefined || total === undefined) return "segment without a range";
  if (start !== block.start || last + 1 !== Math.min(block.end, total) || start >= total) {
    return "segment with another range than asked for";
  }
  const length = lengthOf(reply.body);
  if (length === null) return "segment without Content-Length";
  if (length !== last + 1 - start) return "segment with another length than its range";
  const validators = [reply.headers.get("ETag"), reply.headers.get("Last-Modified")];
  return { start, end: last + 1, total, version: JSON.stringify([...validators, total]) };
}

/** Cache key of a block: blocks of different sizes have nothing to do with each other. */
export function blockKey(plainKey: string, size: number, number: number): string {
  return `${plainKey}\0${size}/${number}`;
}

/** The tag that every block of an object has, so that they are purged together. No surrogate key begins with NUL. */
export function segmentTag(plainKey: string): string {
  return `\0segments ${plainKey}`;
}
