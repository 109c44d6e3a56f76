import { listKeys } from "./listing.ts";
import type { Listing, ListingItem } from "./listing.ts";
import { OWNER, quoteEtag, readIntegerParameter } from "./operation-context.ts";
import type { OperationContext } from "./operation-context.ts";
import { encodeListed } from "./percent.ts";
import { emptyReply, toIsoTime, xmlReply } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import type { S3Request } from "./request.ts";
import { S3Error, invalidArgument } from "./s3-error.ts";
import type { Bucket } from "./store-index.ts";
import { childText, parseXml, xmlDocument, xmlElement, xmlText } from "./xml.ts";

/** Keys on one page of a listing (API/API_ListObjectsV2.html). */
const MAX_KEYS = 1000;
const MAX_BUCKETS = 10_000;

/** Bucket naming rules (userguide/bucketnamingrules.html); a name must not look like an IPv4 address. */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes("..") &&
    !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) &&
    !name.startsWith("xn--")
  );
}

/** CreateBucket. */
export async function createBucket({ store, bucket, region, body }: OperationContext): Promise<S3Reply> {
  const document = await body.document();
  if (!isBucketName(bucket)) throw new S3Error("InvalidBucketName", { fields: [["BucketName", bucket]] });
  checkLocation(document, region);
  if (store.findBucket(bucket) === undefined) {
    store.createBucket(bucket);
    await store.sync();
  } else if (region !== "us-east-1") {
    // The oldest region alone answers 200 for a bucket one has (API/API_CreateBucket.html).
    throw new S3Error("BucketAlreadyOwnedByYou", { fields: [["BucketName", bucket]] });
  }
  return emptyReply(200, [["location", `/${bucket}`]]);
}

function checkLocation(document: Buffer, region: string): void {
  if (document.length === 0) return;
  const configuration = parseXml(document);
  if (configuration.name !== "CreateBucketConfiguration") throw new S3Error("MalformedXML");
  const location = childText(configuration, "LocationConstraint") ?? "";
  if (location === "" || location === region) return;
  throw new S3Error("IllegalLocationConstraintException", {
    message: `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  });
}

/** HeadBucket. */
export function headBucket({ store, bucket, region }: OperationContext): S3Reply {
  store.bucket(bucket);
  return emptyReply(200, [
    ["x-amz-bucket-region", region],
    ["x-amz-access-point-alias", "false"],
  ]);
}

/** DeleteBucket: only an empty one. */
export async function deleteBucket({ store, bucket }: OperationContext): Promise<S3Reply> {
  store.deleteBucket(bucket);
  await store.sync();
  return emptyReply(204);
}

/** GetBucketLocation: `us-east-1` is told as nothing. */
export function getBucketLocation({ store, bucket, region }: OperationContext): S3Reply {
  store.bucket(bucket);
  return xmlReply(xmlDocument("LocationConstraint", region === "us-east-1" ? "" : region));
}

/** GetBucketVersioning: an empty document says that versioning was never switched on, and here it cannot be. */
export function getBucketVersioning({ store, bucket }: OperationContext): S3Reply {
  store.bucket(bucket);
  return xmlReply(xmlDocument("VersioningConfiguration", ""));
}

/** ListBuckets. */
export function listBuckets({ store, request, region }: OperationContext): S3Reply {
  const max = readIntegerParameter(request, {
    name: "max-buckets",
    fallback: MAX_BUCKETS,
    min: 1,
    max: MAX_BUCKETS,
  });
  const prefix = request.query.get("prefix") ?? "";
  const token = request.query.get("continuation-token");
  const after = token === undefined ? "" : readToken(token).after;
  const matching = store.buckets().filter(({ name }) => name.startsWith(prefix) && name > after);
  const page = matching.slice(0, max);
  const last = page.at(-1);
  const list = page
    .map(({ name, created }) =>
      xmlElement(
        "Bucket",
        xmlText("Name", name) + xmlText("BucketRegion", region) + xmlText("CreationDate", toIsoTime(created)),
      ),
    )
    .join("");
  const next =
    matching.length > page.length && last !== undefined
      ? makeToken({ after: last.name, skipGroup: false })
      : undefined;
  return xmlReply(
    xmlDocument(
      "ListAllMyBucketsResult",
      ownerXml("Owner") +
        xmlElement("Buckets", list) +
        optional("ContinuationToken", next) +
        (prefix === "" ? "" : xmlText("Prefix", prefix)),
    ),
  );
}

/** The owner of everything, under the given element name. */
export function ownerXml(element: string): string {
  return xmlElement(element, xmlText("ID", OWNER.id) + xmlText("DisplayName", OWNER.name));
}

/** What both versions of ListObjects have in common. */
interface ListingRequest {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  /** Applied to every key and prefix in the answer. */
  readonly encode: (text: string) => string;
  readonly encodingXml: string;
}

function readListing(request: S3Request): ListingRequest {
  const encoding = request.query.get("encoding-type");
  if (encoding !== undefined && encoding !== "url") {
    throw invalidArgument("Invalid Encoding Method specified in Request", {
      name: "encoding-type",
      value: encoding,
    });
  }
  return {
    prefix: request.query.get("prefix") ?? "",
    delimiter: request.query.get("delimiter") ?? "",
    maxKeys: readIntegerParameter(request, { name: "max-keys", fallback: MAX_KEYS, min: 0, max: MAX_KEYS }),
    encode: encoding === undefined ? (text) => text : encodeListed,
    encodingXml: encoding === undefined ? "" : xmlText("EncodingType", "url"),
  };
}

/** ListObjectsV2. */
export function listObjectsV2({ store, request, bucket: name }: OperationContext): S3Reply {
  if (request.query.get("list-type") !== "2") {
    throw invalidArgument("Invalid List Type specified in Request", {
      name: "list-type",
      value: request.query.get("list-type") ?? "",
    });
  }
  const bucket = store.bucket(name);
  const query = readListing(request);
  const token = request.query.get("continuation-token");
  const startAfter = request.query.get("start-after") ?? "";
  const start =
    token === undefined
      ? { after: startAfter === "" ? undefined : startAfter, skipGroup: false }
      : readToken(token);
  const page = listKeys(bucket.keys, { ...query, ...start });
  const last = page.items.at(-1);
  const next =
    page.truncated && last !== undefined
      ? makeToken({ after: last.text, skipGroup: last.kind === "prefix" })
      : undefined;
  const owner = request.query.get("fetch-owner") === "true" ? ownerXml("Owner") : "";
  return xmlReply(
    xmlDocument(
      "ListBucketResult",
      headXml(name, query) +
        xmlText("KeyCount", page.items.length) +
        xmlText("IsTruncated", page.truncated) +
        optional("ContinuationToken", token) +
        optional("NextContinuationToken", next) +
        (startAfter === "" ? "" : xmlText("StartAfter", query.encode(startAfter))) +
        itemsXml(page, { bucket, query, owner }),
    ),
  );
}

/** ListObjects, version 1: the marker is a key, or the common prefix that the last page ended with. */
export function listObjects({ store, request, bucket: name }: OperationContext): S3Reply {
  const bucket = store.bucket(name);
  const query = readListing(request);
  const marker = request.query.get("marker") ?? "";
  const isGroup =
    query.delimiter !== "" &&
    marker.startsWith(query.prefix) &&
    marker.length > query.prefix.length &&
    marker.endsWith(query.delimiter);
  const page = listKeys(bucket.keys, {
    ...query,
    after: marker === "" ? undefined : marker,
    skipGroup: isGroup,
  });
  const last = page.items.at(-1);
  // S3 names the next marker only where the client cannot tell it from the last key.
  const next =
    page.truncated && query.delimiter !== "" && last !== undefined ? query.encode(last.text) : undefined;
  return xmlReply(
    xmlDocument(
      "ListBucketResult",
      headXml(name, query) +
        xmlText("Marker", query.encode(marker)) +
        optional("NextMarker", next) +
        xmlText("IsTruncated", page.truncated) +
        itemsXml(page, { bucket, query, owner: ownerXml("Owner") }),
    ),
  );
}

function headXml(name: string, { prefix, delimiter, maxKeys, encode, encodingXml }: ListingRequest): string {
  return (
    xmlText("Name", name) +
    xmlText("Prefix", encode(prefix)) +
    (delimiter === "" ? "" : xmlText("Delimiter", encode(delimiter))) +
    xmlText("MaxKeys", maxKeys) +
    encodingXml
  );
}

function itemsXml(
  page: Listing,
  {
    bucket,
    query,
    owner,
  }: { readonly bucket: Bucket; readonly query: ListingRequest; readonly owner: string },
): string {
  const contents = (item: ListingItem): string => {
    const entry = bucket.objects.get(item.text);
    if (item.kind === "prefix" || entry === undefined) return "";
    return xmlElement(
      "Contents",
      xmlText("Key", query.encode(item.text)) +
        xmlText("LastModified", toIsoTime(entry.modified)) +
        xmlText("ETag", quoteEtag(entry.etag)) +
        xmlText("Size", entry.size) +
        owner +
        "<StorageClass>STANDARD</StorageClass>",
    );
  };
  const prefixes = page.items.filter((item) => item.kind === "prefix");
  return (
    page.items.map(contents).join("") +
    prefixes.map((item) => xmlElement("CommonPrefixes", xmlText("Prefix", query.encode(item.text)))).join("")
  );
}

interface Continuation {
  readonly after: string;
  readonly skipGroup: boolean;
}

function makeToken({ after, skipGroup }: Continuation): string {
  return Buffer.from((skipGroup ? "p" : "k") + after).toString("base64url");
}

function readToken(token: string): Continuation {
  const bytes = Buffer.from(token, "base64url");
  const text = bytes.toString();
  const sound =
    bytes.length > 0 &&
    bytes.toString("base64url") === token &&
    (text.startsWith("p") || text.startsWith("k"));
  if (!sound)
    throw invalidArgument("The continuation token provided is incorrect", {
      name: "continuation-token",
      value: token,
    });
  return { after: text.slice(1), skipGroup: text.startsWith("p") };
}

/** The element where there is a value, nothing where there is none. */
function optional(name: string, value: string | undefined): string {
  return value === undefined ? "" : xmlText(name, value);
}
