import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HOST_ID, errorReply, toHttpDate } from "./reply.ts";
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
  /** Told why an answer could not be sent whole, where the client is not the reason. */
  readonly onFault: (error: unknown) => void;
}

/** Sends an answer. Resolves when all of it is handed to the socket or the client is gone; never rejects. */
export async function sendReply(reply: S3Reply, options: SendOptions): Promise<void> {
  const { response } = options;
  try {
    await send(reply, options);
  } catch (error) {
    if (!response.destroyed) options.onFault(error);
    // Status and length are out already: cutting the connection is the only way left to say that the body is not whole.
    response.destroy();
  } finally {
    if (reply.body !== undefined && !Buffer.isBuffer(reply.body)) reply.body.release();
  }
}

async function send(reply: S3Reply, { response, requestId, nowMs, closing }: SendOptions): Promise<void> {
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
  if (isHead || body === undefined) response.end();
  else if (Buffer.isBuffer(body)) response.end(body);
  else await sendStream(body, response);
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
export function refuseConnection(
  error: NodeJS.ErrnoException,
  { socket, requestId }: { readonly socket: Socket; readonly requestId: string },
): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = CONNECTION_ERRORS.get(error.code ?? "") ?? "BadRequest";
  const { body } = errorReply(new S3Error(code), { requestId, resource: "" });
  const document = Buffer.isBuffer(body) ? body.toString() : "";
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/xml\r\ncontent-length: ${Buffer.byteLength(document)}\r\nconnection: close\r\n\r\n${document}`,
  );
}
