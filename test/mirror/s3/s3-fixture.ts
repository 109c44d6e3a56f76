import { createHash, createHmac } from "node:crypto";
import { connect } from "node:net";
import { request } from "undici";
import { onTestFinished } from "vitest";
import type { Clock } from "../../../src/lib/clock.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { startS3Server } from "../../../src/mirror/s3/server.ts";
import type { S3Credential, S3Server, S3ServerOptions } from "../../../src/mirror/s3/server.ts";
import { tempDir } from "../../support/temp-dir.ts";

export const REGION = "eu-central-1";
export const FULL: S3Credential = {
  accessKeyId: "AKIDFULL",
  secretAccessKey: "secret/full+key",
  access: "full",
};
export const READ: S3Credential = { accessKeyId: "AKIDREAD", secretAccessKey: "secret-read", access: "read" };
export const NO_LIST: S3Credential = {
  accessKeyId: "AKIDNOLIST",
  secretAccessKey: "secret-nolist",
  access: "read-no-list",
};
export const BUCKET = "bucket";

/** A server on a free port with one bucket and three credentials; closed when the test ends. */
export async function startServer(options: Partial<S3ServerOptions> = {}): Promise<S3Server> {
  const server = await startS3Server({
    dir: options.dir ?? (await tempDir()),
    port: 0,
    region: REGION,
    credentials: [FULL, READ, NO_LIST],
    clock: systemClock,
    buckets: [BUCKET],
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

/** A request signed by hand: for what the SDK cannot be made to send. */
export interface RawRequest {
  readonly method?: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly credential?: S3Credential;
  readonly clock?: Clock;
  readonly region?: string;
  /** What `x-amz-content-sha256` says; the hash of the body unless given. */
  readonly payloadHash?: string;
  /** Header names left out of the signature. */
  readonly unsigned?: readonly string[];
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** The error code of an XML error document, or empty. */
  readonly code: string;
}

export function sha256(data: Buffer | string): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

export function signingKey(
  secret: string,
  { date, region }: { readonly date: string; readonly region: string },
): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), "s3"), "aws4_request");
}

/** `YYYYMMDDTHHMMSSZ`. */
export function timestampOf(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/** The canonical query of a raw one: pairs sorted, `a` as `a=`. Values on the wire must be encoded canonically already. */
function canonicalQuery(query: string): string {
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
    .sort()
    .join("&");
}

/** Headers of a request with its Authorization; written apart from the server's code on purpose. */
export function signHeaders(server: S3Server, raw: RawRequest): Record<string, string> {
  const { method = "GET", path, credential = FULL, clock = systemClock, region = REGION, body = "" } = raw;
  const timestamp = timestampOf(clock);
  const date = timestamp.slice(0, 8);
  const payloadHash = raw.payloadHash ?? sha256(body);
  const headers: Record<string, string> = {
    host: `127.0.0.1:${server.port}`,
    "x-amz-date": timestamp,
    "x-amz-content-sha256": payloadHash,
  };
  for (const [name, value] of Object.entries(raw.headers ?? {})) headers[name.toLowerCase()] = value;
  const signed = Object.keys(headers)
    .filter((name) => !(raw.unsigned ?? []).includes(name))
    .sort();
  const [rawPath = "", query = ""] = path.split("?");
  const canonical = [
    method,
    rawPath,
    canonicalQuery(query),
    ...signed.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}`),
    "",
    signed.join(";"),
    payloadHash,
  ].join("\n");
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${createHash("sha256").update(canonical, "latin1").digest("hex")}`;
  const signature = hmac(signingKey(credential.secretAccessKey, { date, region }), toSign).toString("hex");
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${credential.accessKeyId}/${scope}, SignedHeaders=${signed.join(";")}, Signature=${signature}`;
  return headers;
}

/** Signs and sends. */
export async function send(server: S3Server, raw: RawRequest): Promise<RawResponse> {
  return sendSigned(server, raw, signHeaders(server, raw));
}

/** Sends with the headers given, whatever they say. */
export async function sendSigned(
  server: S3Server,
  raw: RawRequest,
  headers: Record<string, string>,
): Promise<RawResponse> {
  const { method = "GET", path, body } = raw;
  const response = await request(`${server.url}${path}`, {
    method: method as "GET",
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const code = /<Error><Code>(.*?)<\/Code>/.exec(bytes.toString())?.[1] ?? "";
  return { status: response.statusCode, headers: response.headers, body: bytes, code };
}

/** A presigned path for a request whose only signed header is Host. */
export function presign(
  server: S3Server,
  options: {
    readonly method?: string;
    readonly path: string;
    readonly expires?: number;
    readonly credential?: S3Credential;
    readonly clock?: Clock;
  },
): string {
  const { method = "GET", path, expires = 300, credential = FULL, clock = systemClock } = options;
  const timestamp = timestampOf(clock);
  const date = timestamp.slice(0, 8);
  const scope = `${date}/${REGION}/s3/aws4_request`;
  const [rawPath = "", ownQuery = ""] = path.split("?");
  const query = canonicalQuery(
    [
      ownQuery,
      "X-Amz-Algorithm=AWS4-HMAC-SHA256",
      `X-Amz-Credential=${encodeURIComponent(`${credential.accessKeyId}/${scope}`)}`,
      `X-Amz-Date=${timestamp}`,
      `X-Amz-Expires=${expires}`,
      "X-Amz-SignedHeaders=host",
    ].join("&"),
  );
  const canonical = `${method}\n${rawPath}\n${query}\nhost:127.0.0.1:${server.port}\n\nhost\nUNSIGNED-PAYLOAD`;
  const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
  const signature = hmac(signingKey(credential.secretAccessKey, { date, region: REGION }), toSign).toString(
    "hex",
  );
  return `${rawPath}?${query}&X-Amz-Signature=${signature}`;
}

/** Writes bytes to a socket as they are and returns all that comes back until the server closes. */
export function sendBytes(server: S3Server, bytes: Buffer | string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => (answer += text));
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}
