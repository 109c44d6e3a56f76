import { ACCESS } from "./policy.ts";
import type { PolicyQuestion, S3Policy } from "./policy.ts";
import { S3Error } from "./s3-error.ts";
import type { S3Credential } from "./signature.ts";

/**
 * IAM's name of the action that an operation takes, where it is not `s3:` and the operation's own name (S3 user guide,
 * "Required permissions for Amazon S3 API operations"). The source of a copy and the keys of DeleteObjects are asked for
 * where they are known.
 */
const ACTIONS: ReadonlyMap<string, string> = new Map([
  ["CompleteMultipartUpload", "s3:PutObject"],
  ["CopyObject", "s3:PutObject"],
  ["CreateMultipartUpload", "s3:PutObject"],
  ["DeleteBucketCors", "s3:PutBucketCORS"],
  ["DeleteBucketEncryption", "s3:PutEncryptionConfiguration"],
  ["DeleteBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"],
  ["DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"],
  ["DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"],
  ["GetBucketCors", "s3:GetBucketCORS"],
  ["GetBucketEncryption", "s3:GetEncryptionConfiguration"],
  ["GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"],
  ["GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"],
  ["HeadBucket", "s3:ListBucket"],
  ["HeadObject", "s3:GetObject"],
  ["ListBuckets", "s3:ListAllMyBuckets"],
  ["ListMultipartUploads", "s3:ListBucketMultipartUploads"],
  ["ListObjects", "s3:ListBucket"],
  ["ListObjectsV2", "s3:ListBucket"],
  ["ListObjectVersions", "s3:ListBucketVersions"],
  ["ListParts", "s3:ListMultipartUploadParts"],
  ["PutBucketCors", "s3:PutBucketCORS"],
  ["PutBucketEncryption", "s3:PutEncryptionConfiguration"],
  ["PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"],
  ["PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"],
  ["UploadPart", "s3:PutObject"],
  ["UploadPartCopy", "s3:PutObject"],
]);

/** Operations whose permission is that of each key that they name. */
const PER_KEY: ReadonlySet<string> = new Set(["DeleteObjects"]);

/** What an operation on a bucket or object must be allowed; `undefined` where each key is asked for by itself. */
export function questionOf(operation: {
  readonly name: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}): PolicyQuestion | undefined {
  const { name, bucket, key } = operation;
  if (PER_KEY.has(name)) return undefined;
  return { action: ACTIONS.get(name) ?? `s3:${name}`, resource: arnOf(bucket, key) };
}

/** ARN of an object, or of a bucket where there is no key. */
export function arnOf(bucket: string | undefined, key?: string): string {
  if (bucket === undefined) return "*";
  return key === undefined ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
}

/** The policy of a credential. */
function policyOf({ access }: S3Credential): S3Policy {
  return typeof access === "string" ? ACCESS[access] : access;
}

/** What one request is allowed, each question told to whoever listens. */
export interface Permissions {
  /** Whether the key that the request is signed with may do this. */
  allows(question: PolicyQuestion): boolean;
  /** The same, but throws `AccessDenied`. */
  require(question: PolicyQuestion): void;
}

/** An action that a key was allowed or refused. */
export interface S3Call extends PolicyQuestion {
  readonly accessKeyId: string;
  readonly allowed: boolean;
}

export function permissionsOf(credential: S3Credential, onCall: (call: S3Call) => void): Permissions {
  const policy = policyOf(credential);
  const allows = (question: PolicyQuestion): boolean => {
    const allowed = policy.allows(question);
    onCall({ accessKeyId: credential.accessKeyId, ...question, allowed });
    return allowed;
  };
  return {
    allows,
    require(question) {
      if (!allows(question)) throw new S3Error("AccessDenied");
    },
  };
}
