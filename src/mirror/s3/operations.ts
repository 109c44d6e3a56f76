import { S3Error } from "./s3-error.ts";
import type { S3Request } from "./request.ts";

/** The operation a request asks for, by the name AWS gives it. */
export interface Operation {
  readonly name: string;
}

/** Subresources of a bucket that S3 has, and the noun in the names of their operations (API/API_Operations_Amazon_Simple_Storage_Service.html). */
const BUCKET_SUBRESOURCES: ReadonlyMap<string, string> = new Map([
  ["abac", "BucketAbac"],
  ["accelerate", "BucketAccelerateConfiguration"],
  ["acl", "BucketAcl"],
  ["analytics", "BucketAnalyticsConfiguration"],
  ["cors", "BucketCors"],
  ["encryption", "BucketEncryption"],
  ["intelligent-tiering", "BucketIntelligentTieringConfiguration"],
  ["inventory", "BucketInventoryConfiguration"],
  ["lifecycle", "BucketLifecycleConfiguration"],
  ["location", "BucketLocation"],
  ["logging", "BucketLogging"],
  ["metadataConfiguration", "BucketMetadataConfiguration"],
  ["metadataTable", "BucketMetadataTableConfiguration"],
  ["metrics", "BucketMetricsConfiguration"],
  ["notification", "BucketNotificationConfiguration"],
  ["object-lock", "ObjectLockConfiguration"],
  ["ownershipControls", "BucketOwnershipControls"],
  ["policy", "BucketPolicy"],
  ["policyStatus", "BucketPolicyStatus"],
  ["publicAccessBlock", "PublicAccessBlock"],
  ["replication", "BucketReplication"],
  ["requestPayment", "BucketRequestPayment"],
  ["tagging", "BucketTagging"],
  ["versioning", "BucketVersioning"],
  ["website", "BucketWebsite"],
]);

const OBJECT_SUBRESOURCES: ReadonlyMap<string, string> = new Map([
  ["acl", "ObjectAcl"],
  ["attributes", "ObjectAttributes"],
  ["encryption", "ObjectEncryption"],
  ["legal-hold", "ObjectLegalHold"],
  ["retention", "ObjectRetention"],
  ["tagging", "ObjectTagging"],
  ["torrent", "ObjectTorrent"],
]);

const VERBS: ReadonlyMap<string, string> = new Map([
  ["GET", "Get"],
  ["PUT", "Put"],
  ["DELETE", "Delete"],
]);

/** An operation chosen by method and, where given, by a query parameter or header that must be there. */
interface Row extends Operation {
  readonly scope: "service" | "bucket" | "object";
  readonly method: string;
  readonly query?: string;
  readonly header?: string;
}

/** First match wins; rows with a parameter stand before the plain ones. */
const ROWS: readonly Row[] = [
  { scope: "service", method: "GET", name: "ListBuckets" },
  { scope: "bucket", method: "GET", query: "uploads", name: "ListMultipartUploads" },
  { scope: "bucket", method: "GET", query: "versions", name: "ListObjectVersions" },
  { scope: "bucket", method: "GET", query: "session", name: "CreateSession" },
  { scope: "bucket", method: "GET", query: "list-type", name: "ListObjectsV2" },
  { scope: "bucket", method: "GET", name: "ListObjects" },
  { scope: "bucket", method: "HEAD", name: "HeadBucket" },
  { scope: "bucket", method: "PUT", name: "CreateBucket" },
  { scope: "bucket", method: "DELETE", name: "DeleteBucket" },
  { scope: "bucket", method: "POST", query: "delete", name: "DeleteObjects" },
  { scope: "bucket", method: "POST", name: "PostObject" },
  { scope: "object", method: "GET", query: "uploadId", name: "ListParts" },
  { scope: "object", method: "GET", name: "GetObject" },
  { scope: "object", method: "HEAD", name: "HeadObject" },
  { scope: "object", method: "PUT", query: "renameObject", name: "RenameObject" },
  {
    scope: "object",
    method: "PUT",
    query: "uploadId",
    header: "x-amz-copy-source",
    name: "UploadPartCopy",
  },
  { scope: "object", method: "PUT", query: "uploadId", name: "UploadPart" },
  { scope: "object", method: "PUT", header: "x-amz-copy-source", name: "CopyObject" },
  { scope: "object", method: "PUT", name: "PutObject" },
  { scope: "object", method: "DELETE", query: "uploadId", name: "AbortMultipartUpload" },
  { scope: "object", method: "DELETE", name: "DeleteObject" },
  { scope: "object", method: "POST", query: "uploads", name: "CreateMultipartUpload" },
  { scope: "object", method: "POST", query: "uploadId", name: "CompleteMultipartUpload" },
  { scope: "object", method: "POST", query: "restore", name: "RestoreObject" },
  { scope: "object", method: "POST", query: "select", name: "SelectObjectContent" },
];

/** Names the operation a request asks for, built or not. Throws `MethodNotAllowed` where S3 has none. */
export function findOperation(request: S3Request): Operation {
  const scope = request.bucket === undefined ? "service" : request.key === undefined ? "bucket" : "object";
  const subresource = request.query.size === 0 ? undefined : findSubresource(request, scope);
  if (subresource !== undefined) return subresource;
  const row = ROWS.find(
    (candidate) =>
      candidate.scope === scope &&
      candidate.method === request.method &&
      (candidate.query === undefined || request.query.has(candidate.query)) &&
      (candidate.header === undefined || request.headers.has(candidate.header)),
  );
  if (row !== undefined) return row;
  if (request.method === "OPTIONS") throw new S3Error("AccessForbidden");
  throw new S3Error("MethodNotAllowed", {
    fields: [["Method", request.method]],
    headers: [
      ["allow", scope === "object" ? "GET, HEAD, PUT, POST, DELETE" : "GET, HEAD, PUT, DELETE, POST"],
    ],
  });
}

function findSubresource(request: S3Request, scope: Row["scope"]): Operation | undefined {
  const verb = VERBS.get(request.method);
  if (verb === undefined || scope === "service") return undefined;
  const nouns = scope === "bucket" ? BUCKET_SUBRESOURCES : OBJECT_SUBRESOURCES;
  for (const [parameter, noun] of nouns) {
    if (request.query.has(parameter)) return { name: verb + noun };
  }
  return undefined;
}
