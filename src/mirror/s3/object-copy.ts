import { createHash } from "node:crypto";
import { startChecksum, toChecksumAlgorithm } from "./checksum.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";
import { checkRead, preconditionFailed, readWriteCondition } from "./conditions.ts";
import { readObjectHeaders, toChecksumHeaders } from "./object-detail.ts";
import { checkVersionId, findObject, quoteEtag } from "./operation-context.ts";
import type { OperationContext } from "./operation-context.ts";
import { bytesToText, decodePercent } from "./percent.ts";
import { arnOf } from "./permissions.ts";
import type { ObjectDetail } from "./records.ts";
import { toIsoTime, xmlReply } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import { checkKey } from "./request.ts";
import { S3Error, invalidArgument } from "./s3-error.ts";
import type { NewObject, OpenObject } from "./store.ts";
import { checksumElement } from "./checksum.ts";
import { xmlDocument, xmlText } from "./xml.ts";

/** Largest source of CopyObject, 5 GiB; above it, UploadPartCopy is the way (API/API_CopyObject.html). */
const MAX_COPY_BYTES = 5 * 1024 ** 3;
const REDIRECT = "x-amz-website-redirect-location";

/** CopyObject: blobs are immutable, so the copy shares the source's. */
export async function copyObject(context: OperationContext): Promise<S3Reply> {
  const { request, store, bucket, key } = context;
  const source = openCopySource(context);
  try {
    if (source.object.entry.size > MAX_COPY_BYTES) {
      throw new S3Error("InvalidRequest", {
        message:
          "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
      });
    }
    store.bucket(bucket);
    const detail = copyDetail(context, source);
    const identity = await identify(source.object, readRequestedAlgorithm(request.headers));
    const checksum = identity.checksum === undefined ? {} : { checksum: identity.checksum };
    const entry = commitCopy(context, {
      bucket,
      key,
      etag: identity.etag,
      size: source.object.entry.size,
      detail: { headers: detail.headers, metadata: detail.metadata, ...checksum },
      body: bodyOf(source.object),
      condition: readWriteCondition(request.headers),
    });
    await store.sync();
    const result =
      xmlText("LastModified", toIsoTime(entry.modified)) +
      xmlText("ETag", quoteEtag(entry.etag)) +
      checksumXml(identity.checksum);
    return xmlReply(xmlDocument("CopyObjectResult", result), toChecksumHeaders(identity.checksum));
  } finally {
    source.object.release();
  }
}

/** The elements that tell a checksum in a result document. */
export function checksumXml(checksum: ObjectDetail["checksum"]): string {
  if (checksum === undefined) return "";
  return (
    xmlText(checksumElement(checksum.algorithm), checksum.value) + xmlText("ChecksumType", checksum.type)
  );
}

function bodyOf(object: OpenObject): NewObject["body"] {
  if (object.inline !== undefined) return { kind: "inline", bytes: object.inline };
  return { kind: "segments", segments: object.entry.segments };
}

function commitCopy(
  { store }: OperationContext,
  object: NewObject,
): ReturnType<OperationContext["store"]["put"]> {
  const segments = object.body.kind === "segments" ? object.body.segments : [];
  store.blobs.hold(segments);
  try {
    return store.put(object);
  } catch (error) {
    store.blobs.release(segments);
    throw error;
  }
}

/** A copy's source, opened; release it when done. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly object: OpenObject;
}

/** Finds and opens what `x-amz-copy-source` names, and holds its conditions against it. */
export function openCopySource(context: OperationContext): CopySource {
  const { headers } = context.request;
  const { bucket, key } = readCopySource(headers.get("x-amz-copy-source") ?? "");
  context.permissions.require({ action: "s3:GetObject", resource: arnOf(bucket, key) });
  const entry = findObject({ ...context, bucket, key });
  const ifMatch = headers.get("x-amz-copy-source-if-match");
  const ifNoneMatch = headers.get("x-amz-copy-source-if-none-match");
  const ifModifiedSince = headers.get("x-amz-copy-source-if-modified-since");
  const ifUnmodifiedSince = headers.get("x-amz-copy-source-if-unmodified-since");
  const verdict = checkRead({ ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince }, entry);
  // A copy has nothing that could be "not modified": both verdicts are 412 here.
  if (verdict !== "ok") {
    const names =
      verdict === "failed" ? ["if-match", "if-unmodified-since"] : ["if-none-match", "if-modified-since"];
    throw preconditionFailed(
      `x-amz-copy-source-${names.find((name) => headers.has(`x-amz-copy-source-${name}`)) ?? ""}`,
    );
  }
  return { bucket, key, object: context.store.open(entry) };
}

/** `bucket/key` or `/bucket/key`, percent-encoded, with an optional version. */
function readCopySource(value: string): { readonly bucket: string; readonly key: string } {
  const mark = value.indexOf("?versionId=");
  if (mark >= 0) checkVersionId(value.slice(mark + "?versionId=".length));
  const path = (mark >= 0 ? value.slice(0, mark) : value).replace(/^\//, "");
  const text = bytesToText(decodePercent(path));
  const slash = text.indexOf("/");
  if (slash < 1 || slash === text.length - 1) {
    throw invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", {
      name: "x-amz-copy-source",
      value,
    });
  }
  return { bucket: text.slice(0, slash), key: checkKey(text.slice(slash + 1)) };
}

function copyDetail(
  { request, bucket, key }: OperationContext,
  source: CopySource,
): Pick<ObjectDetail, "headers" | "metadata"> {
  const directive = request.headers.get("x-amz-metadata-directive") ?? "COPY";
  const described = readObjectHeaders(request.headers);
  if ((request.headers.get("x-amz-tagging-directive") ?? "COPY") !== "COPY") {
    throw new S3Error("NotImplemented", { fields: [["Header", "x-amz-tagging-directive"]] });
  }
  switch (directive) {
    case "REPLACE":
      return described;
    case "COPY":
      if (source.bucket === bucket && source.key === key && described.headers[REDIRECT] === undefined) {
        throw new S3Error("InvalidRequest", {
          message:
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        });
      }
      return {
        headers: copyHeaders(source.object.detail, described),
        metadata: source.object.detail.metadata,
      };
    default:
      throw invalidArgument("Unknown metadata directive.", {
        name: "x-amz-metadata-directive",
        value: directive,
      });
  }
}

/** All headers of the source but the website redirect, which belongs to one object only (API/API_CopyObject.html). */
function copyHeaders(
  source: ObjectDetail,
  described: Pick<ObjectDetail, "headers">,
): ObjectDetail["headers"] {
  const kept = Object.entries(source.headers).filter(([name]) => name !== REDIRECT);
  const redirect = described.headers[REDIRECT];
  return Object.fromEntries(redirect === undefined ? kept : [...kept, [REDIRECT, redirect]]);
}

function readRequestedAlgorithm(headers: ReadonlyMap<string, string>): ChecksumAlgorithm | undefined {
  const name = headers.get("x-amz-checksum-algorithm");
  if (name === undefined) return undefined;
  const algorithm = toChecksumAlgorithm(name);
  if (algorithm === undefined)
    throw new S3Error("InvalidRequest", {
      message:
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
    });
  return algorithm;
}

/**
 * ETag and checksum of the copy. CopyObject writes in one piece, so a source made of parts gets the plain MD5 of its
 * bytes and a checksum over all of them; these are read once for it. Anything else keeps what it has.
 */
async function identify(
  object: OpenObject,
  requested: ChecksumAlgorithm | undefined,
): Promise<{ readonly etag: string; readonly checksum: ObjectDetail["checksum"] }> {
  const { checksum } = object.detail;
  const algorithm = requested ?? checksum?.algorithm;
  const keepsEtag = !object.entry.etag.includes("-");
  const keepsChecksum = algorithm === checksum?.algorithm && checksum?.type !== "COMPOSITE";
  if (keepsEtag && keepsChecksum) return { etag: object.entry.etag, checksum };
  const md5 = createHash("md5");
  const running = algorithm === undefined ? undefined : startChecksum(algorithm);
  const chunks =
    object.inline === undefined ? object.read({ start: 0, end: object.entry.size }) : [object.inline];
  for await (const chunk of chunks) {
    md5.update(chunk);
    running?.update(chunk);
  }
  const value = running?.digest().toString("base64");
  return {
    etag: md5.digest("hex"),
    checksum:
      algorithm === undefined || value === undefined ? undefined : { algorithm, type: "FULL_OBJECT", value },
  };
}
