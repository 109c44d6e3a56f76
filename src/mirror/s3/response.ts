import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HOST_ID, errorReply, makeRequestId, toHttpDate } from "./reply.ts";
import type { ReplyStream, S3Reply } from "./reply.ts";
import { S3Error } from "./s3-error.ts";
import type { S3ErrorCode } from "./s3-error.ts";

export interface SendOptions {
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Milliseconds since the epoch, for the Date header. */
  readonly nowMs: number;
  /** Whether the connection ends with this answer. */
  readonly closing: boolean;
}

/** Sends an answer. Resolves when all of it is handed to the socket or the client is gone; never rejects. */
export async function sendReply(
  reply: S3Reply,
  { response, requestId, nowMs, closing }: SendOptions,
): Promise<void> {
  const { body, status } = reply;
  const headers = ["x-amz-id-2", HOST_ID, "x-amz-request-id", requestId, "date", toHttpDate(nowMs)];
  for (const [name, value] of reply.headers) headers.push(name, value);
  if (closing) headers.push("connection", "close");
  const isHead = response.req.method === "HEAD";
  const bodiless = isHead || status === 204 || status === 304;
  if (body !== undefined && !isHead)
    headers.push("content-length", String(Buffer.isBuffer(body) ? body.length : body.size));
  else if (body === undefined && !bodiless) headers.push("content-length", "0");
  response.sendDate = false;
  response.writeHead(status, headers);
  if (body === undefined || Buffer.isBuffer(body)) {
    response.end(isHead ? undefined : body);
    return;
  }
  try {
    if (isHead) response.end();
    else await sendStream(body, response);
  } catch {
    // Length and status are out already: cutting the connection is the only way left to say that the body is not whole.
    response.destroy();
  } finally {
    body.release();
  }
}

async function sendStream(body: ReplyStream, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  for await (const chunk of body.chunks) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await once(response, "drain", { signal: gone.signal });
  }
  response.end();
}

const CONNECTION_ERRORS: ReadonlyMap<string, S3ErrorCode> = new Map([
  ["HPE_HEADER_OVERFLOW", "RequestHeaderSectionTooLarge"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "RequestTimeout"],
]);

/** Answers bytes that are not HTTP, as far as the socket still takes an answer. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = CONNECTION_ERRORS.get(error.code ?? "") ?? "BadRequest";
  const { body } = errorReply(new S3Error(code), { requestId: makeRequestId(), resource: "" });
  const document = Buffer.isBuffer(body) ? body.toString() : "";
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/xml\r\ncontent-length: ${Buffer.byteLength(document)}\r\nconnection: close\r\n\r\n${document}`,
  );
}
