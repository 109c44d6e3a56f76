import { createHash } from "node:crypto";
import { checksumElement, isCombinable, startChecksum, toChecksumAlgorithm } from "./checksum.ts";
import type { ChecksumAlgorithm, ChecksumType } from "./checksum.ts";
import { checkWrite, readWriteCondition } from "./conditions.ts";
import { MAX_PARTS, checkPromises, makeChecksum, selectParts } from "./multipart-completion.ts";
import { checksumXml, openCopySource } from "./object-copy.ts";
import { readObjectHeaders, toChecksumHeaders } from "./object-detail.ts";
import { quoteEtag } from "./operation-context.ts";
import type { OperationContext } from "./operation-context.ts";
import { releaseBody, storeBody } from "./object-writes.ts";
import { parseRange } from "./range.ts";
import type { UploadDetail } from "./records.ts";
import { emptyReply, toIsoTime, xmlReply } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import { S3Error, invalidArgument } from "./s3-error.ts";
import type { Upload, UploadPart } from "./store-index.ts";
import { parseXml, xmlDocument, xmlText } from "./xml.ts";

/** CreateMultipartUpload. */
export async function createMultipartUpload({
  request,
  store,
  bucket,
  key,
}: OperationContext): Promise<S3Reply> {
  const { checksumAlgorithm, checksumType } = readUploadChecksum(request.headers);
  const detail: UploadDetail = {
    ...readObjectHeaders(request.headers),
    ...(checksumAlgorithm === undefined ? {} : { checksumAlgorithm }),
    ...(checksumType === undefined ? {} : { checksumType }),
  };
  const { id } = store.createUpload({ bucket, key, detail });
  await store.sync();
  const headers: (readonly [string, string])[] = [];
  if (checksumAlgorithm !== undefined) headers.push(["x-amz-checksum-algorithm", checksumAlgorithm]);
  if (checksumType !== undefined) headers.push(["x-amz-checksum-type", checksumType]);
  const result = xmlText("Bucket", bucket) + xmlText("Key", key) + xmlText("UploadId", id);
  return xmlReply(xmlDocument("InitiateMultipartUploadResult", result), headers);
}

/** Which checksum the object will have; CRC-64 is for whole objects only, hashes for the parts only (userguide/checking-object-integrity-upload.html). */
function readUploadChecksum(
  headers: ReadonlyMap<string, string>,
): Pick<UploadDetail, "checksumAlgorithm" | "checksumType"> {
  const name = headers.get("x-amz-checksum-algorithm");
  const type = headers.get("x-amz-checksum-type");
  const checksumAlgorithm = name === undefined ? undefined : toChecksumAlgorithm(name);
  if (name !== undefined && checksumAlgorithm === undefined)
    throw new S3Error("InvalidRequest", { message: "Checksum algorithm provided is unsupported." });
  if (checksumAlgorithm === undefined) {
    if (type === undefined) return {};
    throw new S3Error("InvalidRequest", {
      message: "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    });
  }
  const checksumType = readChecksumType(type, checksumAlgorithm);
  return { checksumAlgorithm, checksumType };
}

function readChecksumType(type: string | undefined, algorithm: ChecksumAlgorithm): ChecksumType {
  const chosen = type ?? (algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE");
  const possible =
    chosen === "FULL_OBJECT" ? isCombinable(algorithm) : chosen === "COMPOSITE" && algorithm !== "CRC64NVME";
  if (possible) return chosen === "FULL_OBJECT" ? "FULL_OBJECT" : "COMPOSITE";
  throw new S3Error("InvalidRequest", {
    message: `The ${chosen} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  });
}

/** The upload that a request names; its id is good for its own bucket and key only. */
export function findUpload({ request, store, bucket, key }: OperationContext): Upload {
  store.bucket(bucket);
  const upload = store.upload(request.query.get("uploadId") ?? "");
  if (upload.bucket !== bucket || upload.key !== key)
    throw new S3Error("NoSuchUpload", { fields: [["UploadId", upload.id]] });
  return upload;
}

function readPartNumber({ request }: OperationContext): number {
  const text = request.query.get("partNumber") ?? "";
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MAX_PARTS) return number;
  throw invalidArgument(`Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`, {
    name: "partNumber",
    value: text,
  });
}

/** UploadPart. */
export async function uploadPart(context: OperationContext): Promise<S3Reply> {
  const upload = findUpload(context);
  const number = readPartNumber(context);
  checkPartAlgorithm(context, upload);
  const { digest, stored } = await storeBody(context, { inline: false });
  if (stored.kind !== "blob") throw new S3Error("InternalError");
  const { checksum } = digest;
  try {
    context.store.putPart({
      u: upload.id,
      n: number,
      e: digest.md5,
      g: stored.segment,
      ...(checksum === undefined ? {} : { c: [checksum.algorithm, checksum.value] as const }),
    });
  } catch (error) {
    releaseBody(context, stored);
    throw error;
  }
  await context.store.sync();
  return emptyReply(200, [["etag", quoteEtag(digest.md5)], ...partChecksumHeaders(checksum)]);
}

/** A part that came with another checksum than the upload announced could not go into the object's. */
function checkPartAlgorithm({ store, body }: OperationContext, upload: Upload): void {
  const expected = store.readUploadDetail(upload).checksumAlgorithm;
  const actual = body.plan.checksum?.algorithm;
  if (expected === undefined || actual === undefined || expected === actual) return;
  throw new S3Error("InvalidRequest", {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${actual.toLowerCase()}`,
  });
}

function partChecksumHeaders(
  checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined,
): readonly (readonly [string, string])[] {
  return toChecksumHeaders(checksum === undefined ? undefined : { ...checksum, type: "FULL_OBJECT" }).slice(
    0,
    1,
  );
}

/** UploadPartCopy: the bytes are read and written again, for they need an MD5 of their own. */
export async function uploadPartCopy(context: OperationContext): Promise<S3Reply> {
  const { store, request } = context;
  const upload = findUpload(context);
  const number = readPartNumber(context);
  const source = openCopySource(context);
  const writer = store.blobs.write({ inline: false });
  try {
    const range = readCopyRange(request.headers.get("x-amz-copy-source-range"), source.object.entry.size);
    const algorithm = store.readUploadDetail(upload).checksumAlgorithm;
    const md5 = createHash("md5");
    const running = algorithm === undefined ? undefined : startChecksum(algorithm);
    const { inline } = source.object;
    const chunks =
      inline === undefined ? source.object.read(range) : [inline.subarray(range.start, range.end)];
    for await (const chunk of chunks) {
      md5.update(chunk);
      running?.update(chunk);
      await writer.write(chunk);
    }
    const stored = await writer.finish();
    if (stored.kind !== "blob") throw new S3Error("InternalError");
    const value = running?.digest().toString("base64");
    const checksum =
      algorithm === undefined || value === undefined ? undefined : ([algorithm, value] as const);
    const part = commitPart(context, {
      u: upload.id,
      n: number,
      e: md5.digest("hex"),
      g: stored.segment,
      ...(checksum === undefined ? {} : { c: checksum }),
    });
    await store.sync();
    return xmlReply(
      xmlDocument(
        "CopyPartResult",
        xmlText("LastModified", toIsoTime(part.modified)) +
          xmlText("ETag", quoteEtag(part.etag)) +
          partChecksumXml(part),
      ),
    );
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    source.object.release();
  }
}

function commitPart(
  { store }: OperationContext,
  part: Parameters<OperationContext["store"]["putPart"]>[0],
): UploadPart {
  try {
    return store.putPart(part);
  } catch (error) {
    store.blobs.release([part.g]);
    throw error;
  }
}

function readCopyRange(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } {
  if (header === undefined) return { start: 0, end: size };
  const range = /^bytes=\d+-\d+$/.test(header) ? parseRange(header, size) : undefined;
  const last = Number(header.slice(header.indexOf("-") + 1));
  if (range !== undefined && range !== "unsatisfiable" && last < size) return range;
  throw invalidArgument(`Range specified is not valid for source object of size: ${size}`, {
    name: "x-amz-copy-source-range",
    value: header,
  });
}

export function partChecksumXml(part: UploadPart): string {
  return part.checksum === undefined ? "" : xmlText(checksumElement(part.checksum[0]), part.checksum[1]);
}

/** AbortMultipartUpload. */
export async function abortMultipartUpload(context: OperationContext): Promise<S3Reply> {
  context.store.abortUpload(findUpload(context).id);
  await context.store.sync();
  return emptyReply(204);
}

/** CompleteMultipartUpload: parts become segments of the object; nothing is copied. */
export async function completeMultipartUpload(context: OperationContext): Promise<S3Reply> {
  const { store, bucket, key, request } = context;
  const document = await context.body.document();
  const upload = findUpload(context);
  const condition = readWriteCondition(request.headers);
  checkWrite(condition, store.bucket(bucket).objects.get(key));
  const parts = selectParts(parseXml(document), upload);
  const size = parts.reduce((sum, part) => sum + part.segment[1], 0);
  const { headers, metadata, ...wanted } = store.readUploadDetail(upload);
  const checksum = makeChecksum(parts, wanted);
  checkPromises(request.headers, { size, checksum });
  const digests = Buffer.concat(parts.map((part) => Buffer.from(part.etag, "hex")));
  const etag = `${createHash("md5").update(digests).digest("hex")}-${parts.length}`;
  const segments = parts.map((part) => part.segment);
  const detail = { headers, metadata, ...(checksum === undefined ? {} : { checksum }) };
  store.blobs.hold(segments);
  try {
    store.put({
      bucket,
      key,
      etag,
      size,
      detail,
      body: { kind: "segments", segments },
      condition,
      upload: upload.id,
    });
  } catch (error) {
    store.blobs.release(segments);
    throw error;
  }
  await store.sync();
  const location = `http://${request.headers.get("host") ?? ""}${request.rawPath}`;
  const result =
    xmlText("Location", location) +
    xmlText("Bucket", bucket) +
    xmlText("Key", key) +
    xmlText("ETag", quoteEtag(etag));
  return xmlReply(xmlDocument("CompleteMultipartUploadResult", result + checksumXml(checksum)));
}
