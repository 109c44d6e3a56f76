import { createHash, createHmac, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { ChunkedDecoder } from "../../../src/mirror/s3/chunked-decoder.ts";
import type { S3Server } from "../../../src/mirror/s3/server.ts";
import {
  BUCKET,
  FULL,
  REGION,
  send,
  sendSigned,
  sha256,
  signHeaders,
  signingKey,
  startServer,
  timestampOf,
} from "./s3-fixture.ts";
import type { RawRequest, RawResponse } from "./s3-fixture.ts";

function crc(body: Buffer): string {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(body));
  return digest.toString("base64");
}

interface Upload {
  readonly payload: string;
  /** Data chunks; an empty one ends the body and is added. */
  readonly chunks: readonly Buffer[];
  readonly trailer?: readonly [name: string, value: string];
  readonly headers?: Readonly<Record<string, string>>;
  readonly length?: number;
  /** Changes the framed body just before it is sent. */
  readonly spoil?: (framed: Buffer) => Buffer;
}

/** Frames, signs chunk by chunk where the payload name says so, and sends. */
async function upload(
  server: S3Server,
  { payload, chunks, trailer, headers, length, spoil }: Upload,
): Promise<RawResponse> {
  const decoded = length ?? chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const raw: RawRequest = {
    method: "PUT",
    path: `/${BUCKET}/k`,
    payloadHash: payload,
    headers: {
      "content-encoding": "gzip,aws-chunked",
      "x-amz-decoded-content-length": String(decoded),
      ...(trailer === undefined ? {} : { "x-amz-trailer": trailer[0] }),
      ...headers,
    },
  };
  const signed = signHeaders(server, raw);
  const framed = frame(signed, { payload, chunks, ...(trailer === undefined ? {} : { trailer }) });
  return sendSigned(server, { ...raw, body: spoil === undefined ? framed : spoil(framed) }, signed);
}

function frame(headers: Record<string, string>, { payload, chunks, trailer }: Upload): Buffer {
  const date = timestampOf(systemClock).slice(0, 8);
  const key = signingKey(FULL.secretAccessKey, { date, region: REGION });
  const scope = `${date}/${REGION}/s3/aws4_request`;
  let previous = /Signature=(\w+)/.exec(headers["authorization"] ?? "")?.[1] ?? "";
  const chain = (kind: string, hashes: string): string => {
    const text = `AWS4-HMAC-SHA256-${kind}\n${headers["x-amz-date"]}\n${scope}\n${previous}\n${hashes}`;
    previous = createHmac("sha256", key).update(text).digest("hex");
    return previous;
  };
  const signed = payload.includes("AWS4");
  const parts: (Buffer | string)[] = [];
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    const signature = signed ? `;chunk-signature=${chain("PAYLOAD", `${sha256("")}\n${sha256(chunk)}`)}` : "";
    parts.push(`${chunk.length.toString(16)}${signature}\r\n`);
    if (chunk.length > 0) parts.push(chunk, "\r\n");
  }
  if (trailer !== undefined) {
    parts.push(`${trailer[0]}:${trailer[1]}\r\n`);
    if (signed)
      parts.push(`x-amz-trailer-signature:${chain("TRAILER", sha256(`${trailer[0]}:${trailer[1]}\n`))}\r\n`);
  }
  return Buffer.concat([...parts, "\r\n"].map((part) => Buffer.from(part)));
}

const BODY = randomBytes(20_000);
const CHUNKS = [BODY.subarray(0, 8192), BODY.subarray(8192, 19_000), BODY.subarray(19_000)];
const CRC_TRAILER = ["x-amz-checksum-crc32", crc(BODY)] as const;

describe.each([
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", CRC_TRAILER],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", undefined],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", CRC_TRAILER],
] as const)("an upload as %s", (payload, trailer) => {
  const good: Upload = { payload, chunks: CHUNKS, ...(trailer === undefined ? {} : { trailer }) };

  it("is stored without its framing", async () => {
    const server = await startServer();
    const put = await upload(server, good);
    expect([put.code, put.status]).toEqual(["", 200]);
    const got = await send(server, { path: `/${BUCKET}/k` });
    expect(got.body.equals(BODY)).toBe(true);
    expect(got.headers["content-encoding"]).toBe("gzip");
    expect(got.headers["etag"]).toBe(`"${createHash("md5").update(BODY).digest("hex")}"`);
  });

  it("is refused when bytes are missing, added or out of shape", async () => {
    const server = await startServer();
    const cases: readonly Partial<Upload>[] = [
      { length: BODY.length - 1 },
      { length: BODY.length + 1 },
      { spoil: (framed) => framed.subarray(0, 5000) },
      { spoil: (framed) => framed.subarray(0, framed.length - 120) },
      { spoil: (framed) => Buffer.concat([framed, Buffer.from("x")]) },
      { spoil: (framed) => Buffer.concat([Buffer.from("zz\r\n"), framed]) },
      { spoil: (framed) => Buffer.concat([Buffer.from("0".repeat(5000)), framed]) },
      { spoil: (framed) => Buffer.from(framed.toString("latin1").replace("\r\n", "\n"), "latin1") },
    ];
    for (const change of cases) {
      const refused = await upload(server, { ...good, ...change });
      expect(refused.status).toBe(400);
      expect(["IncompleteBody", "MalformedTrailerError"]).toContain(refused.code);
    }
    expect((await send(server, { path: `/${BUCKET}/k` })).status).toBe(404);
  });

  it("is refused when a chunk other than the last is smaller than 8 KiB", async () => {
    const refused = await upload(await startServer(), {
      ...good,
      chunks: [BODY.subarray(0, 8191), BODY.subarray(8191)],
    });
    expect(refused.code).toBe("InvalidChunkSizeError");
  });

  it("is refused when its data changes on the way", async () => {
    const spoil = (framed: Buffer): Buffer => {
      const changed = Buffer.from(framed);
      changed[10_000] = (changed[10_000] ?? 0) ^ 1;
      return changed;
    };
    const refused = await upload(await startServer(), { ...good, spoil });
    expect(refused.code).toBe(payload.includes("AWS4") ? "SignatureDoesNotMatch" : "BadDigest");
  });
});

it("refuses a signed upload whose trailer or last chunk was changed", async () => {
  const server = await startServer();
  const good: Upload = {
    payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    chunks: CHUNKS,
    trailer: CRC_TRAILER,
  };
  const replace = (from: RegExp, to: string) => (framed: Buffer) =>
    Buffer.from(framed.toString("latin1").replace(from, to), "latin1");
  expect((await upload(server, { ...good, spoil: replace(/crc32:.{4}/, "crc32:AAAA") })).code).toBe(
    "SignatureDoesNotMatch",
  );
  expect(
    (await upload(server, { ...good, spoil: replace(/x-amz-trailer-signature:\w+\r\n/, "") })).code,
  ).toBe("SignatureDoesNotMatch");
  expect(
    (
      await upload(server, {
        ...good,
        spoil: replace(/\r\n0;chunk-signature=..../, "\r\n0;chunk-signature=abcd"),
      })
    ).code,
  ).toBe("SignatureDoesNotMatch");
  expect((await upload(server, { ...good, spoil: replace(/;chunk-signature=\w+/, "") })).code).toBe(
    "IncompleteBody",
  );
});

it("refuses trailers that were not announced, are missing or name no checksum", async () => {
  const server = await startServer();
  const payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  const headers = { "x-amz-trailer": "x-amz-checksum-crc32" };
  expect((await upload(server, { payload, chunks: CHUNKS, headers })).code).toBe("MalformedTrailerError");
  expect(
    (
      await upload(server, {
        payload,
        chunks: CHUNKS,
        trailer: ["x-amz-checksum-crc32c", crc(BODY)],
        headers,
      })
    ).code,
  ).toBe("MalformedTrailerError");
  expect((await upload(server, { payload, chunks: CHUNKS, trailer: ["x-amz-meta-a", "1"] })).code).toBe(
    "InvalidRequest",
  );
  expect(
    (await upload(server, { payload, chunks: CHUNKS, trailer: ["x-amz-checksum-crc32", "not base64"] })).code,
  ).toBe("InvalidRequest");
  expect(
    (await upload(server, { payload, chunks: CHUNKS, trailer: ["x-amz-checksum-crc32", "AAAAAA=="] })).code,
  ).toBe("BadDigest");
  expect((await send(server, { path: `/${BUCKET}/k` })).status).toBe(404);
});

it("refuses what it cannot verify: other streaming names, no decoded length", async () => {
  const server = await startServer();
  expect(
    (await upload(server, { payload: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", chunks: CHUNKS })).code,
  ).toBe("NotImplemented");
  expect((await upload(server, { payload: "nonsense", chunks: CHUNKS })).code).toBe("InvalidArgument");
  const headers = { "x-amz-decoded-content-length": "many" };
  expect(
    (await upload(server, { payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", chunks: CHUNKS, headers })).code,
  ).toBe("InvalidArgument");
});

it("holds a body against Content-MD5 and checksum headers", async () => {
  const server = await startServer();
  const put = async (headers: Record<string, string>): Promise<string> =>
    (await send(server, { method: "PUT", path: `/${BUCKET}/k`, body: BODY, headers })).code;
  const md5 = createHash("md5").update(BODY).digest("base64");
  expect(await put({ "content-md5": md5, "x-amz-checksum-crc32": crc(BODY) })).toBe("");
  expect(await put({ "content-md5": createHash("md5").digest("base64") })).toBe("BadDigest");
  expect(await put({ "content-md5": "AAAA" })).toBe("InvalidDigest");
  expect(await put({ "x-amz-checksum-crc32": "AAAAAA==" })).toBe("BadDigest");
  expect(await put({ "x-amz-checksum-sha256": "AAAAAA==" })).toBe("InvalidRequest");
  expect(await put({ "x-amz-checksum-crc32": crc(BODY), "x-amz-checksum-crc32c": crc(BODY) })).toBe(
    "InvalidRequest",
  );
  expect(await put({ "x-amz-checksum-crc32": crc(BODY), "x-amz-sdk-checksum-algorithm": "SHA1" })).toBe(
    "InvalidRequest",
  );
});

test.prop([
  fc.array(fc.uint8Array({ minLength: 8192, maxLength: 9000 }), { maxLength: 4 }),
  fc.infiniteStream(fc.integer({ min: 1, max: 5000 })),
])("decodes the same however the network cuts the bytes", (chunks, cuts) => {
  const body = Buffer.concat(chunks);
  const framed = frame({}, { payload: "unsigned", chunks: chunks.map((chunk) => Buffer.from(chunk)) });
  const decoder = new ChunkedDecoder({
    length: body.length,
    signature: undefined,
    trailers: new Set(),
    signedTrailer: false,
  });
  const out: Buffer[] = [];
  for (let at = 0; at < framed.length;) {
    const size = cuts.next().value ?? 1;
    out.push(...decoder.push(framed.subarray(at, at + size)));
    at += size;
  }
  decoder.finish();
  expect(Buffer.concat(out).equals(body)).toBe(true);
});
