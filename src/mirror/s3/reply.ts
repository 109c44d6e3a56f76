import { randomBytes } from "node:crypto";
import { S3Error } from "./s3-error.ts";
import { xmlErrorDocument, xmlText } from "./xml.ts";

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** A body that is read while it is sent. */
export interface ReplyStream {
  /** Bytes. */
  readonly size: number;
  readonly chunks: AsyncIterable<Buffer>;
  /** Called once when nothing is read any more, sent whole or not. */
  release(): void;
}

/** What an operation answers; the server adds request id, date and length. */
export interface S3Reply {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body?: Buffer | ReplyStream;
}

/** An answer without a body. */
export function emptyReply(status: number, headers: HeaderList = []): S3Reply {
  return { status, headers };
}

/** A 200 with an XML document. */
export function xmlReply(document: string, headers: HeaderList = []): S3Reply {
  return {
    status: 200,
    headers: [["content-type", "application/xml"], ...headers],
    body: Buffer.from(document),
  };
}

/** The answer for an error (API/ErrorResponses.html). */
export function errorReply(
  error: S3Error,
  about: { readonly requestId: string; readonly resource: string },
): S3Reply {
  const document = xmlErrorDocument(
    xmlText("Code", error.code) +
      xmlText("Message", error.message) +
      error.fields.map(([name, value]) => xmlText(name, value)).join("") +
      xmlText("Resource", about.resource) +
      xmlText("RequestId", about.requestId) +
      xmlText("HostId", HOST_ID),
  );
  return {
    status: error.status,
    headers: [["content-type", "application/xml"], ...error.headers],
    body: Buffer.from(document),
  };
}

/** Answered as `x-amz-id-2`; S3 names the machine with it. */
export const HOST_ID = "sitefleet-mirror";

/** Makes request ids of the form S3 uses: a random start and a count, for a random number each would cost more than the rest of an answer. */
export class RequestIds {
  readonly #start = randomBytes(4).toString("hex").toUpperCase();
  #count = 0;

  next(): string {
    this.#count = (this.#count + 1) >>> 0;
    return this.#start + this.#count.toString(16).toUpperCase().padStart(8, "0");
  }
}

/** `2026-01-01T00:00:00.000Z`, cut to the second as S3 does. */
export function toIsoTime(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString();
}

/** `Thu, 01 Jan 2026 00:00:00 GMT`. */
export function toHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}
