import { createHash, createHmac } from "node:crypto";
import { Pool } from "undici";
import { systemClock } from "../src/lib/clock.ts";

export interface SignedRequest {
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface RequestPlan {
  readonly method: "GET" | "PUT";
  readonly key: string;
  readonly body?: Buffer;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Where requests go and what signs them. */
export interface S3Target {
  readonly url: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const REGION = "us-east-1";
const CONNECTIONS = 32;

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** Signs requests of plain keys, keeping the day's key: far cheaper than an SDK, so that the server is what is measured. */
export function makeSigner(target: S3Target): (plan: RequestPlan) => SignedRequest {
  const { host } = new URL(target.url);
  const timestamp = new Date(systemClock.now()).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const date = timestamp.slice(0, 8);
  const scope = `${date}/${REGION}/s3/aws4_request`;
  const dayKey = hmac(hmac(hmac(`AWS4${target.secretAccessKey}`, date), REGION), "s3");
  const signingKey = hmac(dayKey, "aws4_request");
  return ({ method, key, body, metadata = {} }) => {
    const path = `/${target.bucket}/${key}`;
    const headers: Record<string, string> = {
      host,
      "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
      "x-amz-date": timestamp,
    };
    for (const [name, value] of Object.entries(metadata)) headers[`x-amz-meta-${name}`] = value;
    const names = Object.keys(headers).sort();
    const lines = names.map((name) => `${name}:${headers[name] ?? ""}\n`).join("");
    const canonical = `${method}\n${path}\n\n${lines}\n${names.join(";")}\nUNSIGNED-PAYLOAD`;
    const hash = createHash("sha256").update(canonical).digest("hex");
    const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash}`;
    const signature = hmac(signingKey, text).toString("hex");
    headers["authorization"] =
      `AWS4-HMAC-SHA256 Credential=${target.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
    return { method, path, headers, body: body ?? null };
  };
}

/** Sends all requests, so many at a time; resolves with the seconds it took. */
export async function sendAll(url: string, requests: Iterable<SignedRequest>): Promise<number> {
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 });
  const queue = requests[Symbol.iterator]();
  const startedMs = performance.now();
  const work = async (): Promise<void> => {
    for (let item = queue.next(); item.done !== true; item = queue.next()) {
      const { method, path, headers, body } = item.value;
      const response = await pool.request({ method, path, headers, body });
      await response.body.dump();
      if (response.statusCode !== 200) throw new Error(`${method} ${path} answered ${response.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  const seconds = (performance.now() - startedMs) / 1000;
  await pool.close();
  return seconds;
}
