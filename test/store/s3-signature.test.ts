import { createHash, createHmac } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, it } from "vitest";

import { EMPTY_PAYLOAD_HASH, RequestSigner, encodeKey, encodeQuery } from "../../src/store/s3-signature.ts";
import type { RequestToSign, SigningKeys } from "../../src/store/s3-signature.ts";

/** The form in which the SDK's signer wants its hash. */
class Sha256 {
  readonly #hash: { update(data: string | Uint8Array): unknown; digest(): Buffer };

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(key));
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }

  reset(): void {
    throw new Error("not used");
  }
}

function bytesOf(key: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof key === "string") return key;
  return ArrayBuffer.isView(key)
    ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength)
    : new Uint8Array(key);
}

async function signedBySdk(
  request: Omit<RequestToSign, "query"> & { readonly fields?: Readonly<Record<string, string>> },
  keys: SigningKeys,
  region: string,
): Promise<string> {
  const signer = new SignatureV4({
    credentials: keys,
    region,
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: true,
  });
  const { headers } = await signer.sign(
    {
      method: request.method,
      protocol: "https:",
      hostname: "ignored",
      path: request.path,
      query: { ...request.fields },
      headers: { ...Object.fromEntries(request.headers), "x-amz-content-sha256": request.payloadHash },
    },
    { signingDate: new Date(request.nowMs) },
  );
  return headers["authorization"] ?? "";
}

function authorizationOf(sent: readonly string[]): string {
  return sent[sent.indexOf("authorization") + 1] ?? "";
}

const word = fc.stringMatching(/^[A-Za-z0-9/+=]{1,40}$/);
const value = fc.stringMatching(/^[\x20-\x7e]{0,60}$/);
const requests = fc.record({
  method: fc.constantFrom("GET", "HEAD", "PUT", "DELETE"),
  path: fc.string({ unit: "grapheme", maxLength: 60 }).map((key) => `/bucket/${encodeKey(key)}`),
  headers: fc
    .dictionary(fc.stringMatching(/^x-amz-meta-[a-z0-9-]{1,8}$/), value, { maxKeys: 4 })
    .map(
      (extra) =>
        new Map([["host", "s3.example.com:9000"], ["content-type", "text/html"], ...Object.entries(extra)]),
    ),
  payloadHash: fc.constantFrom(EMPTY_PAYLOAD_HASH, "ab".repeat(32)),
  nowMs: fc.integer({ min: 0, max: Date.UTC(2099, 0) }),
  fields: fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), fc.string({ unit: "grapheme", maxLength: 20 }), {
    maxKeys: 3,
  }),
});
const keys = fc.record(
  { accessKeyId: word, secretAccessKey: word, sessionToken: word },
  { requiredKeys: ["accessKeyId", "secretAccessKey"] },
);

describe("RequestSigner", () => {
  test.prop([requests, keys, fc.constantFrom("us-east-1", "eu-central-2", "cn-north-1")])(
    "signs as the AWS SDK's signer does",
    async (request, signingKeys, region) => {
      const sent = new RequestSigner(region).sign(
        { ...request, query: encodeQuery(request.fields) },
        signingKeys,
      );
      expect(authorizationOf(sent)).toBe(await signedBySdk(request, signingKeys, region));
    },
  );

  it("derives anew for another day and for other keys", async () => {
    const signer = new RequestSigner("us-east-1");
    const base = {
      method: "GET",
      path: "/b/k",
      headers: new Map([["host", "h"]]),
      payloadHash: EMPTY_PAYLOAD_HASH,
    };
    const first = { accessKeyId: "A", secretAccessKey: "1" };
    const second = { accessKeyId: "B", secretAccessKey: "2", sessionToken: "t" };
    for (const [nowMs, used] of [
      [Date.UTC(2026, 0, 1, 23, 59, 59), first],
      [Date.UTC(2026, 0, 2), first],
      [Date.UTC(2026, 0, 2), second],
      [Date.UTC(2026, 0, 2), first],
    ] as const) {
      const request = { ...base, nowMs };
      expect(authorizationOf(signer.sign(request, used))).toBe(await signedBySdk(request, used, "us-east-1"));
    }
  });
});

describe("encodeKey", () => {
  test.prop([fc.string({ unit: "grapheme" })])(
    "keeps slashes, escapes the rest, and can be undone",
    (key) => {
      const encoded = encodeKey(key);
      expect(encoded).toMatch(/^(?:[A-Za-z0-9_.~/-]|%[0-9A-F]{2})*$/);
      expect(decodeURIComponent(encoded)).toBe(key);
      expect(encoded.split("/")).toHaveLength(key.split("/").length);
    },
  );
});
