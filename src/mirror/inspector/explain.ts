import { toByteString } from "../../http/byte-string.ts";
import { messageOf } from "../../lib/caught.ts";
import { SitefleetError } from "../../lib/errors.ts";
import type { ResponseBody } from "../edge/body.ts";
import { clientRequest } from "../edge/client-request.ts";
import type { ClientCall } from "../edge/client-request.ts";
import type { Edge } from "../edge/edge.ts";
import type { Refusal } from "../edge/fastly-pages.ts";
import type { RequestTrace } from "../edge/trace.ts";
import type { TraceRecorder } from "../edge/trace-recorder.ts";
import type { Observer } from "./observer.ts";

/** What one request did at the mirror's edge, and what it answered. */
export interface Explanation {
  readonly trace: RequestTrace;
  /** Of the body, the first 2,000 bytes; `truncated` says that the edge cut it short. */
  readonly body: { readonly text: string; readonly truncated: boolean };
}

/** One more than is shown, so that a longer body is seen to be cut. */
const SHOWN_BYTES = 2_001;

/**
 * Makes a request at the edge as a client would and tells what it did. The request is a real one: it fills the cache
 * and reaches the origin.
 * @throws SitefleetError `explain/invalid-request` for what the edge's front refuses before any VCL runs
 */
export async function explainRequest(
  by: { readonly edge: Edge; readonly observer: Observer },
  call: ClientCall,
): Promise<Explanation> {
  const { edge, observer } = by;
  const front = clientRequest(call, edge);
  if (!front.ok) throw refused(call, front, edge);
  const recorded = new Promise<TraceRecorder>((resolve) => observer.want(front.request, resolve));
  const response = await edge.serve(front.pop, front.request);
  const body = await readShown(response.body);
  response.sent({ headerBytes: response.headers.bytes, bodyBytes: body.bytes });
  const { trace, show } = await recorded;
  return { trace, body: { text: show(body.text), truncated: body.truncated } };
}

function refused(
  { method, url, headers }: ClientCall,
  { status, reason }: Refusal,
  edge: Edge,
): SitefleetError {
  const host = headers.find(([name]) => name.toLowerCase() === "host")?.[1];
  const hint =
    status === 421 && host !== undefined
      ? `over TLS the certificate must be for the Host: ask for https://${host}${url.pathname}, a name that need not resolve`
      : `correct the method, the URL or the headers; its POPs are ${[...edge.caches().keys()].join(", ")}`;
  return new SitefleetError(
    "explain/invalid-request",
    `the edge refuses ${method} ${url.href} before VCL runs: ${status} ${reason}`,
    { hint },
  );
}

/** Reads a body to its end and keeps what is shown of it, as a byte string. */
async function readShown(
  body: ResponseBody,
): Promise<{ readonly bytes: number; readonly text: string; readonly truncated: boolean }> {
  if (body.kind === "bytes") {
    return { bytes: body.bytes.length, text: textOf(body.bytes), truncated: false };
  }
  const kept: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body.chunks) {
      if (bytes < SHOWN_BYTES) kept.push(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    // What a visitor would see as a connection that breaks off is part of what is explained.
    const text = `${textOf(Buffer.concat(kept))}\n(${toByteString(messageOf(error))})`;
    return { bytes, text, truncated: true };
  }
  return { bytes, text: textOf(Buffer.concat(kept)), truncated: false };
}

function textOf(bytes: Buffer): string {
  return bytes.toString("latin1", 0, SHOWN_BYTES);
}
