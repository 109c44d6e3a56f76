import { hasIntegrityHeader } from "./object-detail.ts";
import type { OperationContext, OperationHandler } from "./operation-context.ts";
import { readLifecycle, writeLifecycle } from "./lifecycle.ts";
import { emptyReply, xmlReply } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import { S3Error } from "./s3-error.ts";
import type { S3ErrorCode } from "./s3-error.ts";
import type { BucketConfigurationName } from "./records.ts";
import { childText, parseXml, xmlDocument, xmlElement, xmlText } from "./xml.ts";
import type { XmlElement } from "./xml.ts";

/** One configuration that a bucket may have: how its document is read, what stands for it, and the error where there is none. */
interface ConfigurationKind {
  readonly name: BucketConfigurationName;
  readonly root: string;
  readonly missing: S3ErrorCode;
  /** The document's inside, in the one form that is kept. Throws `MalformedXML` for what S3 would not take. */
  readonly normalise: (document: XmlElement) => string;
  /** What a bucket has that nobody configured. */
  readonly initial: string | undefined;
  /** Whether S3 takes it only with a checksum of the body (API/API_PutBucketLifecycleConfiguration.html, "Content-MD5"). */
  readonly needsIntegrity: boolean;
}

const BLOCKS = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"] as const;
const OWNERSHIPS: ReadonlySet<string> = new Set([
  "BucketOwnerEnforced",
  "BucketOwnerPreferred",
  "ObjectWriter",
]);

/** All four (API/API_PublicAccessBlockConfiguration.html); one that is not named is off. */
const PUBLIC_ACCESS_BLOCK: ConfigurationKind = {
  name: "public-access-block",
  root: "PublicAccessBlockConfiguration",
  missing: "NoSuchPublicAccessBlockConfiguration",
  normalise: (document) => BLOCKS.map((name) => xmlText(name, readBoolean(document, name))).join(""),
  // Since April 2023 every new bucket has it, and has no ACLs (userguide/create-bucket-faq.html).
  initial: BLOCKS.map((name) => xmlText(name, true)).join(""),
  needsIntegrity: true,
};

/** API/API_OwnershipControls.html. */
const OWNERSHIP: ConfigurationKind = {
  name: "ownership-controls",
  root: "OwnershipControls",
  missing: "OwnershipControlsNotFoundError",
  normalise(document) {
    const [rule, ...others] = document.children.filter(({ name }) => name === "Rule");
    const ownership = rule === undefined ? undefined : childText(rule, "ObjectOwnership")?.trim();
    if (others.length > 0 || ownership === undefined || !OWNERSHIPS.has(ownership)) {
      throw new S3Error("MalformedXML");
    }
    return ownershipXml(ownership);
  },
  initial: ownershipXml("BucketOwnerEnforced"),
  needsIntegrity: false,
};

function ownershipXml(ownership: string): string {
  return xmlElement("Rule", xmlText("ObjectOwnership", ownership));
}

/** API/API_LifecycleConfiguration.html; the rules are carried out by `Lifecycle`. */
const LIFECYCLE: ConfigurationKind = {
  name: "lifecycle",
  root: "LifecycleConfiguration",
  missing: "NoSuchLifecycleConfiguration",
  normalise: (document) => writeLifecycle(readLifecycle(document)),
  initial: undefined,
  needsIntegrity: true,
};

function readBoolean(document: XmlElement, name: string): boolean {
  const text = childText(document, name)?.trim().toLowerCase() ?? "false";
  if (text !== "true" && text !== "false") throw new S3Error("MalformedXML");
  return text === "true";
}

/** Get, Put and Delete of each configuration, by the operation's name. */
export const CONFIGURATION_HANDLERS: readonly (readonly [
  operation: string,
  takesBody: boolean,
  handle: OperationHandler,
])[] = [
  ...handlersOf(PUBLIC_ACCESS_BLOCK, "PublicAccessBlock"),
  ...handlersOf(OWNERSHIP, "BucketOwnershipControls"),
  ...handlersOf(LIFECYCLE, "BucketLifecycleConfiguration"),
  ["GetBucketEncryption", false, getBucketEncryption],
  ["GetBucketPolicy", false, refuseMissing("NoSuchBucketPolicy")],
  ["GetBucketPolicyStatus", false, refuseMissing("NoSuchBucketPolicy")],
  ["GetBucketCors", false, refuseMissing("NoSuchCORSConfiguration")],
];

function handlersOf(kind: ConfigurationKind, noun: string): typeof CONFIGURATION_HANDLERS {
  return [
    [`Get${noun}`, false, (context) => getConfiguration(kind, context)],
    [`Put${noun}`, true, (context) => putConfiguration(kind, context)],
    [`Delete${noun}`, false, (context) => deleteConfiguration(kind, context)],
  ];
}

function getConfiguration(kind: ConfigurationKind, { store, bucket }: OperationContext): S3Reply {
  const { configurations } = store.bucket(bucket);
  const kept = configurations.get(kind.name);
  const inside = kept === undefined ? kind.initial : (kept.value ?? undefined);
  if (inside === undefined) throw new S3Error(kind.missing, { fields: [["BucketName", bucket]] });
  return xmlReply(xmlDocument(kind.root, inside));
}

async function putConfiguration(
  kind: ConfigurationKind,
  { store, bucket, request, body }: OperationContext,
): Promise<S3Reply> {
  if (kind.needsIntegrity && !hasIntegrityHeader(request.headers)) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    });
  }
  const document = parseXml(await body.document());
  store.bucket(bucket);
  if (document.name !== kind.root) throw new S3Error("MalformedXML");
  store.configureBucket(bucket, kind.name, kind.normalise(document));
  await store.sync();
  return emptyReply(200);
}

async function deleteConfiguration(
  kind: ConfigurationKind,
  { store, bucket }: OperationContext,
): Promise<S3Reply> {
  store.bucket(bucket);
  store.configureBucket(bucket, kind.name, null);
  await store.sync();
  return emptyReply(204);
}

/** GetBucketEncryption: what every bucket has unless told otherwise, and here it cannot be told (userguide/default-bucket-encryption.html). */
function getBucketEncryption({ store, bucket }: OperationContext): S3Reply {
  store.bucket(bucket);
  const byDefault = xmlElement("ApplyServerSideEncryptionByDefault", xmlText("SSEAlgorithm", "AES256"));
  const rule = xmlElement("Rule", byDefault + xmlText("BucketKeyEnabled", false));
  return xmlReply(xmlDocument("ServerSideEncryptionConfiguration", rule));
}

/** For what no bucket here can have: read, it is not there. */
function refuseMissing(code: S3ErrorCode): OperationHandler {
  return ({ store, bucket }) => {
    store.bucket(bucket);
    throw new S3Error(code, { fields: [["BucketName", bucket]] });
  };
}
