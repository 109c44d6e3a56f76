import {
  CHECKSUM_ALGORITHMS,
  checksumElement,
  checksumHeader,
  combineCrc,
  startChecksum,
} from "./checksum.ts";
import type { Checksum } from "./checksum.ts";
import type { UploadDetail } from "./records.ts";
import { S3Error } from "./s3-error.ts";
import type { Upload, UploadPart } from "./store-index.ts";
import { childText } from "./xml.ts";
import type { XmlElement } from "./xml.ts";

/** Limits of multipart uploads (userguide/qfacts.html). */
export const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * 1024 ** 2;

/** The parts that the request lists, held against what was uploaded. */
export function selectParts(document: XmlElement, upload: Upload): readonly UploadPart[] {
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
export function makeChecksum(
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
export function checkPromises(
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
  const claimed = headers.get(checksumHeader(checksum.algorithm));
  if (claimed !== undefined && claimed !== checksum.value) {
    throw new S3Error("BadDigest", {
      message: `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    });
  }
}
