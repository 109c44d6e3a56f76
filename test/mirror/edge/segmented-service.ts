import type { ServerResponse } from "node:http";
import { serviceOf, startOrigin, testEdge } from "./harness.ts";
import type { SeenRequest } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";
import type { ServiceText } from "./service-vcl.ts";

/** An object at the origin, as S3 serves it; tests change it and its manners while it is being served. */
export interface Held {
  body: Buffer;
  etag: string | null;
  /** Answers a range with the whole object. */
  ignoresRange: boolean;
  chunked: boolean;
  missing: boolean;
  headers: Record<string, string>;
}

/** Bytes that tell where in the object they are. */
export function bytesOf(length: number, seed = 0): Buffer {
  const period = Buffer.from(Array.from({ length: 251 }, (_, i) => (i * 7 + seed) % 251));
  return Buffer.alloc(length, period);
}

/** Answers as S3 does: ranges, validators, 404 and 416. */
export function serve(held: Held, request: SeenRequest, response: ServerResponse): void {
  const etag = held.etag === null ? {} : { ETag: held.etag };
  const headers = { "Surrogate-Key": "film s:shop", "Cache-Control": "max-age=60", ...etag, ...held.headers };
  if (held.etag !== null && request.headers.get("If-None-Match") === held.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  if (held.missing) {
    response.writeHead(404, { "Cache-Control": "max-age=60" }).end("no such film");
    return;
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("Range") ?? "");
  const [start, total] = [Number(range?.[1]), held.body.length];
  if (range === null || held.ignoresRange) {
    response.writeHead(200, { ...headers, "Content-Length": total }).end(held.body);
    return;
  }
  if (start >= total) {
    response.writeHead(416, { ...headers, "Content-Range": `bytes */${total}` }).end("no such range");
    return;
  }
  const part = held.body.subarray(start, Number(range[2]) + 1);
  const length = held.chunked ? {} : { "Content-Length": part.length };
  const position = { "Content-Range": `bytes ${start}-${start + part.length - 1}/${total}` };
  response.writeHead(206, { ...headers, ...length, ...position }).end(part);
}

/** An object of 45 bytes. */
export const PLAIN: Held = {
  body: bytesOf(45),
  etag: '"v1"',
  ignoresRange: false,
  chunked: false,
  missing: false,
  headers: {},
};

/** Switches segmented caching on, in blocks of 10 bytes. */
export const ON = "set req.enable_segmented_caching = true; set segmented_caching.block_size = 10;";

/** A service of one object, cached in segments. */
export async function segmented(text: ServiceText = {}, more: Partial<Held> = {}) {
  const held: Held = { ...PLAIN, ...more };
  const origin = await startOrigin((request, response) => serve(held, request, response));
  const program = compiledService(origin.port, { recv: ON, ...text });
  const started = await testEdge(serviceOf(program));
  const range = (value: string, headers = {}) =>
    started.ask("/film", { headers: { Range: value, ...headers } });
  return {
    ...started,
    origin,
    held,
    range,
    ranges: () => origin.seen.map((seen) => seen.headers.get("Range")),
  };
}

/** The ranges of all blocks of the object. */
export const ALL = ["bytes=0-9", "bytes=10-19", "bytes=20-29", "bytes=30-39", "bytes=40-49"];

/** Says in the log which kind of request it was and how it ended. */
export const LOG = `log if(segmented_caching.is_inner_req, "inner", if(segmented_caching.is_outer_req, "outer", "plain"))
  if(segmented_caching.completed, " completed", "") if(segmented_caching.failed, " failed", "")
  if(segmented_caching.cancelled, " cancelled", "") if(segmented_caching.autopurged, " autopurged", "")
  if(segmented_caching.error, " error=" segmented_caching.error, "");`;
