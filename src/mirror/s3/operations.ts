import { S3Error } from "./s3-error.ts";
import type { S3Request } from "./request.ts";

/** What a credential must be allowed for an operation: `get` and `list` are the reads of `S3Credential.access`, `full` is all else. */
export type Permission = "get" | "list" | "full";

/** The operation a request asks for, by the name AWS gives it. */
export interface Operation {
  readonly name: string;
  readonly permission: Permission;
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
  { scope: "service", method: "GET", name: "ListBuckets", permission: "full" },
  { scope: "bucket", method: "GET", query: "uploads", name: "ListMultipartUploads", permission: "full" },
  { scope: "bucket", method: "GET", query: "versions", name: "ListObjectVersions", permission: "list" },
  { scope: "bucket", method: "GET", query: "session", name: "CreateSession", permission: "full" },
  { scope: "bucket", method: "GET", query: "list-type", name: "ListObjectsV2", permission: "list" },
  { scope: "bucket", method: "GET", name: "ListObjects", permission: "list" },
  { scope: "bucket", method: "HEAD", name: "HeadBucket", permission: "list" },
  { scope: "bucket", method: "PUT", name: "CreateBucket", permission: "full" },
  { scope: "bucket", method: "DELETE", name: "DeleteBucket", permission: "full" },
  { scope: "bucket", method: "POST", query: "delete", name: "DeleteObjects", permission: "full" },
  { scope: "bucket", method: "POST", name: "PostObject", permission: "full" },
  { scope: "object", method: "GET", query: "uploadId", name: "ListParts", permission: "full" },
  { scope: "object", method: "GET", name: "GetObject", permission: "get" },
  { scope: "object", method: "HEAD", name: "HeadObject", permission: "get" },
  { scope: "object", method: "PUT", query: "renameObject", name: "RenameObject", permission: "full" },
  {
    scope: "object",
    method: "PUT",
    query: "uploadId",
    header: "x-amz-copy-source",
    name: "UploadPartCopy",
    permission: "full",
  },
  { scope: "object", method: "PUT", query: "uploadId", name: "UploadPart", permission: "full" },
  { scope: "object", method: "PUT", header: "x-amz-copy-source", name: "CopyObject", permission: "full" },
  { scope: "object", method: "PUT", name: "PutObject", permission: "full" },
  { scope: "object", method: "DELETE", query: "uploadId", name: "AbortMultipartUpload", permission: "full" },
  { scope: "object", method: "DELETE", name: "DeleteObject", permission: "full" },
  { scope: "object", method: "POST", query: "uploads", name: "CreateMultipartUpload", permission: "full" },
  { scope: "object", method: "POST", query: "uploadId", name: "CompleteMultipartUpload", permission: "full" },
  { scope: "object", method: "POST", query: "restore", name: "RestoreObject", permission: "full" },
  { scope: "object", method: "POST", query: "select", name: "SelectObjectContent", permission: "full" },
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
    if (request.query.has(parameter)) return { name: verb + noun, permission: "full" };
  }
  return undefined;
}
