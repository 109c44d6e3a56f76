import { groupOf } from "./listing.ts";
import { OWNER, quoteEtag, readIntegerParameter } from "./operation-context.ts";
import type { OperationContext } from "./operation-context.ts";
import { findUpload, partChecksumXml } from "./multipart.ts";
import { MAX_PARTS } from "./multipart-completion.ts";
import { encodeListed } from "./percent.ts";
import { toIsoTime, xmlReply } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import type { S3Request } from "./request.ts";
import { compareUtf8 } from "./sorted-keys.ts";
import type { Upload } from "./store-index.ts";
import { xmlDocument, xmlElement, xmlText } from "./xml.ts";

const MAX_UPLOADS = 1000;

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

/** One line of a page: an upload, or a common prefix that stands for several. */
type UploadItem =
  | { readonly kind: "upload"; readonly upload: Upload }
  | { readonly kind: "prefix"; readonly text: string; readonly last: Upload };

/** ListMultipartUploads. */
export function listMultipartUploads({ request, store, bucket }: OperationContext): S3Reply {
  store.bucket(bucket);
  const { query } = request;
  const encode = query.get("encoding-type") === "url" ? encodeListed : (text: string): string => text;
  const max = readIntegerParameter(request, {
    name: "max-uploads",
    fallback: MAX_UPLOADS,
    min: 1,
    max: MAX_UPLOADS,
  });
  const items = groupUploads(selectUploads(store.uploadsOf(bucket), request), request);
  const page = items.slice(0, max);
  const last = page.at(-1);
  const truncated = items.length > page.length && last !== undefined;
  const lastUpload = last?.kind === "upload" ? last.upload : last?.last;
  return xmlReply(
    xmlDocument(
      "ListMultipartUploadsResult",
      xmlText("Bucket", bucket) +
        xmlText("KeyMarker", encode(query.get("key-marker") ?? "")) +
        xmlText("UploadIdMarker", query.get("upload-id-marker") ?? "") +
        (truncated && lastUpload !== undefined
          ? xmlText("NextKeyMarker", encode(lastUpload.key)) + xmlText("NextUploadIdMarker", lastUpload.id)
          : "") +
        xmlText("Prefix", encode(query.get("prefix") ?? "")) +
        (query.has("delimiter") ? xmlText("Delimiter", encode(query.get("delimiter") ?? "")) : "") +
        (query.has("encoding-type") ? xmlText("EncodingType", "url") : "") +
        xmlText("MaxUploads", max) +
        xmlText("IsTruncated", truncated) +
        page.map((item) => itemXml(item, encode)).join(""),
    ),
  );
}

/** Uploads behind the markers, by key and then by id; ids begin with their time, so that is the order of their start as well. */
function selectUploads(uploads: readonly Upload[], { query }: S3Request): readonly Upload[] {
  const prefix = query.get("prefix") ?? "";
  const keyMarker = query.get("key-marker") ?? "";
  const idMarker = query.get("upload-id-marker") ?? "";
  const isBehind = ({ key, id }: Upload): boolean => {
    const order = compareUtf8(key, keyMarker);
    return order > 0 || (order === 0 && idMarker !== "" && id > idMarker);
  };
  return uploads
    .filter((upload) => upload.key.startsWith(prefix) && isBehind(upload))
    .sort((left, right) => compareUtf8(left.key, right.key) || (left.id < right.id ? -1 : 1));
}

function groupUploads(uploads: readonly Upload[], { query }: S3Request): readonly UploadItem[] {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const items: UploadItem[] = [];
  for (const upload of uploads) {
    const group = groupOf(upload.key, { prefix, delimiter });
    const before = items.at(-1);
    if (group === undefined) items.push({ kind: "upload", upload });
    else if (before?.kind === "prefix" && before.text === group)
      items[items.length - 1] = { ...before, last: upload };
    else items.push({ kind: "prefix", text: group, last: upload });
  }
  return items;
}

function itemXml(item: UploadItem, encode: (text: string) => string): string {
  if (item.kind === "prefix") return xmlElement("CommonPrefixes", xmlText("Prefix", encode(item.text)));
  const { key, id, initiated } = item.upload;
  const owner = xmlText("ID", OWNER.id) + xmlText("DisplayName", OWNER.name);
  return xmlElement(
    "Upload",
    xmlText("Key", encode(key)) +
      xmlText("UploadId", id) +
      xmlElement("Initiator", owner) +
      xmlElement("Owner", owner) +
      "<StorageClass>STANDARD</StorageClass>" +
      xmlText("Initiated", toIsoTime(initiated)),
  );
}
