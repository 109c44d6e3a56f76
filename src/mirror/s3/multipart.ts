import { createHash, randomBytes } from "node:crypto";
import {
  CHECKSUM_ALGORITHMS,
  checksumElement,
  combineCrc,
  isCombinable,
  startChecksum,
  toChecksumAlgorithm,
} from "./checksum.ts";
import type { Checksum, ChecksumAlgorithm, ChecksumType } from "./checksum.ts";
import { checkWrite, readWriteCondition } from "./conditions.ts";
import { openCopySource } from "./object-copy.ts";
import { checksumXml } from "./object-copy.ts";
import { readObjectHeaders, toChecksumHeaders } from "./object-detail.ts";
import { quoteEtag, readIntegerParameter } from "./operation-context.ts";
import type { OperationContext } from "./operation-context.ts";
import { releaseBody, storeBody } from "./object-writes.ts";
import { parseRange } from "./range.ts";
import type { UploadDetail } from "./records.ts";
import { emptyReply, toIsoTime, xmlReply } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import { S3Error, invalidArgument } from "./s3-error.ts";
import type { Upload, UploadPart } from "./store-index.ts";
import { childText, parseXml, xmlDocument, xmlText } from "./xml.ts";
import type { XmlElement } from "./xml.ts";

/** Limits of multipart uploads (userguide/qfacts.html). */
const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * 1024 ** 2;

/** CreateMultipartUpload. */
export async function createMultipartUpload({
  request,
  store,
  bucket,
  key,
}: OperationContext): Promise<S3Reply> {
  const { checksumAlgorithm, checksumType } = readUploadChecksum(request.headers);
  const id = randomBytes(32).toString("base64url");
  const detail: UploadDetail = {
    ...readObjectHeaders(request.headers),
    ...(checksumAlgorithm === undefined ? {} : { checksumAlgorithm }),
    ...(checksumType === undefined ? {} : { checksumType }),
  };
  store.createUpload({ id, bucket, key, detail });
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
function findUpload({ request, store, bucket, key }: OperationContext): Upload {
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

function partChecksumXml(part: UploadPart): string {
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

/** The parts that the request lists, held against what was uploaded. */
function selectParts(document: XmlElement, upload: Upload): readonly UploadPart[] {
  const listed = document.children.filter((child) => child.name === "Part");
  if (document.name !== "CompleteMultipartUpload" || listed.length === 0 || listed.length > MAX_PARTS)
    throw new S3Error("MalformedXML");
  const parts: UploadPart[] = [];
  for (const element of listed) {
    const number = Number(childText(element, "PartNumber")?.trim() || NaN);
    if (!Number.isInteger(number)) throw new S3Error("MalformedXML");
    if (number <= (parts.at(-1)?.number ?? 0))
      throw new S3Error("InvalidPartOrder", { fields: [["UploadId", upload.id]] });
    parts.push(matchPart(element, { part: upload.parts.get(number), number, upload }));
  }
  const small = parts.slice(0, -1).find((part) => part.segment[1] < MIN_PART_BYTES);
  if (small === undefined) return parts;
  throw new S3Error("EntityTooSmall", {
    fields: [
      ["ProposedSize", String(small.segment[1])],
      ["MinSizeAllowed", String(MIN_PART_BYTES)],
      ["PartNumber", String(small.number)],
      ["ETag", small.etag],
    ],
  });
}

function matchPart(
  element: XmlElement,
  {
    part,
    number,
    upload,
  }: { readonly part: UploadPart | undefined; readonly number: number; readonly upload: Upload },
): UploadPart {
  const etag = (childText(element, "ETag") ?? "").trim().replaceAll('"', "");
  const checksumsHold = CHECKSUM_ALGORITHMS.every((algorithm) => {
    const claimed = childText(element, checksumElement(algorithm));
    return (
      claimed === undefined || (part?.checksum?.[0] === algorithm && part.checksum[1] === claimed.trim())
    );
  });
  if (part !== undefined && part.etag === etag && checksumsHold) return part;
  throw new S3Error("InvalidPart", {
    fields: [
      ["UploadId", upload.id],
      ["PartNumber", String(number)],
      ["ETag", etag],
    ],
  });
}

/** The object's checksum out of those of its parts, if the upload asked for one and every part came with it. */
function makeChecksum(
  parts: readonly UploadPart[],
  {
    checksumAlgorithm: algorithm,
    checksumType: type,
  }: Pick<UploadDetail, "checksumAlgorithm" | "checksumType">,
): Checksum | undefined {
  if (algorithm === undefined || type === undefined) return undefined;
  const digests: { digest: Buffer; size: number }[] = [];
  for (const { checksum, segment } of parts) {
    if (checksum?.[0] !== algorithm) return undefined;
    digests.push({ digest: Buffer.from(checksum[1], "base64"), size: segment[1] });
  }
  if (type === "FULL_OBJECT")
    return { algorithm, type, value: combineCrc(algorithm, digests).toString("base64") };
  const running = startChecksum(algorithm);
  for (const { digest } of digests) running.update(digest);
  return { algorithm, type, value: `${running.digest().toString("base64")}-${parts.length}` };
}

/** Size and checksum of the whole object, where the client said what they must be. */
function checkPromises(
  headers: ReadonlyMap<string, string>,
  { size, checksum }: { readonly size: number; readonly checksum: Checksum | undefined },
): void {
  const promised = headers.get("x-amz-mp-object-size");
  if (promised !== undefined && promised !== String(size)) {
    throw new S3Error("InvalidRequest", {
      message: `The provided 'x-amz-mp-object-size' header value ${promised} does not match what was computed: ${size}`,
    });
  }
  if (checksum?.type !== "FULL_OBJECT") return;
  const claimed = headers.get(`x-amz-checksum-${checksum.algorithm.toLowerCase()}`);
  if (claimed !== undefined && claimed !== checksum.value) {
    throw new S3Error("BadDigest", {
      message: `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    });
  }
}

/** ListParts. */
export function listParts(context: OperationContext): S3Reply {
  const { request, store, bucket, key } = context;
  const upload = findUpload(context);
  const marker = readIntegerParameter(request, {
    name: "part-number-marker",
    fallback: 0,
    min: 0,
    max: MAX_PARTS,
  });
  const max = readIntegerParameter(request, { name: "max-parts", fallback: 1000, min: 1, max: 1000 });
  const all = [...upload.parts.values()]
    .filter((part) => part.number > marker)
    .sort((left, right) => left.number - right.number);
  const page = all.slice(0, max);
  const { checksumAlgorithm, checksumType } = store.readUploadDetail(upload);
  const parts = page.map(
    (part) =>
      `<Part>${xmlText("PartNumber", part.number)}${xmlText("LastModified", toIsoTime(part.modified))}` +
      `${xmlText("ETag", quoteEtag(part.etag))}${xmlText("Size", part.segment[1])}${partChecksumXml(part)}</Part>`,
  );
  const truncated = all.length > page.length;
  return xmlReply(
    xmlDocument(
      "ListPartsResult",
      xmlText("Bucket", bucket) +
        xmlText("Key", key) +
        xmlText("UploadId", upload.id) +
        xmlText("PartNumberMarker", marker) +
        (truncated ? xmlText("NextPartNumberMarker", page.at(-1)?.number ?? marker) : "") +
        xmlText("MaxParts", max) +
        xmlText("IsTruncated", truncated) +
        (checksumAlgorithm === undefined ? "" : xmlText("ChecksumAlgorithm", checksumAlgorithm)) +
        (checksumType === undefined ? "" : xmlText("ChecksumType", checksumType)) +
        parts.join("") +
        "<StorageClass>STANDARD</StorageClass>",
    ),
  );
}
