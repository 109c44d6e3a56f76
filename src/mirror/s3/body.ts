import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import {
  CHECKSUM_ALGORITHMS,
  CHECKSUM_BYTES,
  checksumHeader,
  startChecksum,
  toChecksumAlgorithm,
} from "./checksum.ts";
import type { ChecksumAlgorithm, RunningChecksum } from "./checksum.ts";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import type { S3Request } from "./request.ts";
import { S3Error, invalidArgument } from "./s3-error.ts";
import { EMPTY_SHA256 } from "./signature.ts";
import type { VerifiedSignature } from "./signature.ts";

/** Largest body of one PutObject or UploadPart: 5 GiB (userguide/qfacts.html). */
const MAX_BODY_BYTES = 5 * 1024 ** 3;
/** Largest XML document read into memory; 10,000 parts with checksums take about 2 MB. */
const MAX_DOCUMENT_BYTES = 8 * 1024 ** 2;

/** What the headers promise about the body: everything that can be refused before a byte is read has been. */
export interface BodyPlan {
  /** Bytes after decoding; `undefined` only for a body of unknown length that S3 does not take for objects. */
  readonly length: number | undefined;
  readonly sha256: string | undefined;
  readonly md5: string | undefined;
  readonly checksum:
    | {
        readonly algorithm: ChecksumAlgorithm;
        /** `undefined`: the trailer says. */ readonly expected: string | undefined;
      }
    | undefined;
  readonly decoder: ChunkedDecoder | undefined;
}

/** What a verified body turned out to be. */
export interface BodyDigest {
  readonly size: number;
  /** MD5 in lower-case hex: the ETag of an object sent in one piece. */
  readonly md5: string;
  /** The checksum the client sent, now known to hold, in base64. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
}

const STREAMING = /^STREAMING-(?:UNSIGNED-PAYLOAD|AWS4-HMAC-SHA256-PAYLOAD)(?:-TRAILER)?$/;

/** Reads what the headers say of the body. Throws the `S3Error` for headers that contradict themselves. */
export function planBody(request: S3Request, verified: VerifiedSignature): BodyPlan {
  const { payloadHash } = verified;
  const contentLength = readLength(request.headers.get("content-length"), "Content-Length");
  const md5 = request.headers.get("content-md5");
  if (md5 !== undefined && !isDigest(md5, 16)) throw new S3Error("InvalidDigest");
  if (STREAMING.test(payloadHash) && payloadHash !== "STREAMING-UNSIGNED-PAYLOAD")
    return planChunked(request, { verified, md5 });
  if (payloadHash.startsWith("STREAMING-")) throw new S3Error("NotImplemented");
  if (payloadHash !== "UNSIGNED-PAYLOAD" && !/^[0-9a-f]{64}$/.test(payloadHash)) {
    throw invalidArgument(
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
      { name: "x-amz-content-sha256", value: payloadHash },
    );
  }
  const chunkedTransfer = request.headers.has("transfer-encoding");
  return {
    length: chunkedTransfer ? undefined : (contentLength ?? 0),
    sha256: payloadHash === "UNSIGNED-PAYLOAD" ? undefined : payloadHash,
    md5,
    checksum: planChecksum(request, new Set()),
    decoder: undefined,
  };
}

function planChunked(
  request: S3Request,
  { verified, md5 }: { readonly verified: VerifiedSignature; readonly md5: string | undefined },
): BodyPlan {
  const length = readLength(
    request.headers.get("x-amz-decoded-content-length"),
    "x-amz-decoded-content-length",
  );
  if (length === undefined) throw new S3Error("MissingContentLength");
  const withTrailer = verified.payloadHash.endsWith("-TRAILER");
  const trailers = readTrailerNames(request.headers.get("x-amz-trailer"));
  if (!withTrailer && trailers.size > 0) throw new S3Error("MalformedTrailerError");
  const signed = verified.payloadHash.includes("AWS4-HMAC-SHA256");
  const decoder = new ChunkedDecoder({
    length,
    signature: signed ? verified : undefined,
    trailers,
    signedTrailer: signed && withTrailer,
  });
  return { length, sha256: undefined, md5, checksum: planChecksum(request, trailers), decoder };
}

function readLength(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw invalidArgument(`${name} is not a number`, { name, value: text });
  const length = Number(text);
  if (length > MAX_BODY_BYTES + 1024 ** 3) throw tooLarge(length);
  return length;
}

function tooLarge(size: number): S3Error {
  return new S3Error("EntityTooLarge", {
    fields: [
      ["ProposedSize", String(size)],
      ["MaxSizeAllowed", String(MAX_BODY_BYTES)],
    ],
  });
}

function readTrailerNames(text: string | undefined): ReadonlySet<string> {
  const names = (text ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  for (const name of names) {
    if (!CHECKSUM_ALGORITHMS.some((algorithm) => checksumHeader(algorithm) === name)) {
      throw new S3Error("InvalidRequest", {
        message: "The value specified in the x-amz-trailer header is not supported",
      });
    }
  }
  return new Set(names);
}

/** True for the canonical base64 of that many bytes. */
function isDigest(text: string, bytes: number): boolean {
  const decoded = Buffer.from(text, "base64");
  return decoded.length === bytes && decoded.toString("base64") === text;
}

function planChecksum(request: S3Request, trailers: ReadonlySet<string>): BodyPlan["checksum"] {
  const sent = CHECKSUM_ALGORITHMS.filter(
    (algorithm) => request.headers.has(checksumHeader(algorithm)) || trailers.has(checksumHeader(algorithm)),
  );
  const [algorithm] = sent;
  if (sent.length > 1) {
    throw new S3Error("InvalidRequest", {
      message: "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    });
  }
  const named = request.headers.get("x-amz-sdk-checksum-algorithm");
  if (named !== undefined && toChecksumAlgorithm(named) === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Value for x-amz-sdk-checksum-algorithm header is invalid.",
    });
  }
  if (algorithm === undefined) return undefined;
  if (named !== undefined && toChecksumAlgorithm(named) !== algorithm) {
    throw new S3Error("InvalidRequest", {
      message: "Value for x-amz-sdk-checksum-algorithm header is invalid.",
    });
  }
  const header = checksumHeader(algorithm);
  if (trailers.has(header)) return { algorithm, expected: undefined };
  return { algorithm, expected: readChecksumValue(request.headers.get(header) ?? "", algorithm) };
}

function readChecksumValue(text: string, algorithm: ChecksumAlgorithm): string {
  if (isDigest(text, CHECKSUM_BYTES[algorithm])) return text;
  throw new S3Error("InvalidRequest", {
    message: `Value for ${checksumHeader(algorithm)} header is invalid.`,
  });
}

/** Where decoded bytes go; may return a promise to slow the sender down. */
export type BodySinkWrite = (chunk: Buffer) => Promise<void> | undefined;

/**
 * Reads a body to its end, hands the decoded bytes on and verifies every promise of the plan: length, SHA-256, MD5,
 * checksum and chunk signatures. Throws `S3Error` when one does not hold; what was handed on is void then.
 */
export async function receiveBody(
  source: AsyncIterable<Buffer>,
  { plan, write }: { readonly plan: BodyPlan; readonly write: BodySinkWrite },
): Promise<BodyDigest> {
  const digests = new BodyDigests(plan);
  for await (const chunk of source) {
    const slices = plan.decoder === undefined ? [chunk] : plan.decoder.push(chunk);
    for (const slice of slices) {
      digests.update(slice);
      const pending = write(slice);
      if (pending !== undefined) await pending;
    }
  }
  return digests.verify(plan.decoder?.finish());
}

/** The running digests of one body. */
class BodyDigests {
  readonly #plan: BodyPlan;
  readonly #md5: Hash = createHash("md5");
  readonly #sha256: Hash | undefined;
  readonly #checksum: RunningChecksum | undefined;
  #size = 0;

  constructor(plan: BodyPlan) {
    this.#plan = plan;
    this.#sha256 =
      plan.sha256 === undefined || plan.sha256 === EMPTY_SHA256 ? undefined : createHash("sha256");
    this.#checksum = plan.checksum === undefined ? undefined : startChecksum(plan.checksum.algorithm);
  }

  update(slice: Buffer): void {
    this.#size += slice.length;
    if (this.#size > MAX_BODY_BYTES) throw tooLarge(this.#size);
    this.#md5.update(slice);
    this.#sha256?.update(slice);
    this.#checksum?.update(slice);
  }

  verify(trailers: ReadonlyMap<string, string> | undefined): BodyDigest {
    const plan = this.#plan;
    if (plan.length !== undefined && this.#size !== plan.length) throw new S3Error("IncompleteBody");
    if (plan.sha256 !== undefined) this.#verifySha256(plan.sha256);
    const md5 = this.#md5.digest();
    if (plan.md5 !== undefined && plan.md5 !== md5.toString("base64")) {
      throw new S3Error("BadDigest", {
        message: "The Content-MD5 you specified did not match what we received.",
        fields: [
          ["ExpectedDigest", plan.md5],
          ["CalculatedDigest", md5.toString("base64")],
        ],
      });
    }
    return { size: this.#size, md5: md5.toString("hex"), checksum: this.#verifyChecksum(trailers) };
  }

  #verifySha256(expected: string): void {
    const actual = this.#sha256?.digest("hex") ?? (this.#size === 0 ? EMPTY_SHA256 : "different");
    if (actual === expected) return;
    throw new S3Error("XAmzContentSHA256Mismatch", {
      fields: [
        ["ClientComputedContentSHA256", expected],
        ["S3ComputedContentSHA256", actual],
      ],
    });
  }

  #verifyChecksum(trailers: ReadonlyMap<string, string> | undefined): BodyDigest["checksum"] {
    const plan = this.#plan.checksum;
    if (plan === undefined || this.#checksum === undefined) return undefined;
    const { algorithm } = plan;
    const sent =
      plan.expected === undefined
        ? readChecksumValue(trailers?.get(checksumHeader(algorithm)) ?? "", algorithm)
        : plan.expected;
    const value = this.#checksum.digest().toString("base64");
    if (value === sent) return { algorithm, value };
    throw new S3Error("BadDigest", {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
  }
}

/** Reads a whole XML document into memory, verified like any body. */
export async function receiveDocument(source: AsyncIterable<Buffer>, plan: BodyPlan): Promise<Buffer> {
  if (plan.length !== undefined && plan.length > MAX_DOCUMENT_BYTES)
    throw new S3Error("MaxMessageLengthExceeded");
  const chunks: Buffer[] = [];
  let size = 0;
  await receiveBody(source, {
    plan,
    write(chunk) {
      size += chunk.length;
      if (size > MAX_DOCUMENT_BYTES) throw new S3Error("MaxMessageLengthExceeded");
      chunks.push(chunk);
      return undefined;
    },
  });
  return Buffer.concat(chunks);
}
