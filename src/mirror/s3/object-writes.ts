import type { StoredBody } from "./blobs.ts";
import type { BodyDigest } from "./body.ts";
import { childText, parseXml, xmlDocument, xmlElement, xmlText } from "./xml.ts";
import type { XmlElement } from "./xml.ts";
import { checkWrite, readWriteCondition } from "./conditions.ts";
import type { WriteCondition } from "./conditions.ts";
import { hasIntegrityHeader, readObjectHeaders, toChecksumHeaders } from "./object-detail.ts";
import { checkVersionId, quoteEtag } from "./operation-context.ts";
import type { OperationContext } from "./operation-context.ts";
import { arnOf } from "./permissions.ts";
import type { ObjectDetail } from "./records.ts";
import { emptyReply, xmlReply } from "./reply.ts";
import type { S3Reply } from "./reply.ts";
import { checkKey } from "./request.ts";
import { S3Error } from "./s3-error.ts";

/** Keys in one DeleteObjects (API/API_DeleteObjects.html). */
const MAX_DELETES = 1000;

/** PutObject. */
export async function putObject(context: OperationContext): Promise<S3Reply> {
  const { request, store, bucket, key } = context;
  const condition = readWriteCondition(request.headers);
  const described = readObjectHeaders(request.headers);
  // Refused early where possible; the commit decides again, because others may write while the body arrives.
  checkWrite(condition, store.bucket(bucket).objects.get(key));
  const { digest, stored } = await storeBody(context, { inline: true });
  const detail = toDetail(described, digest);
  try {
    store.put({ bucket, key, etag: digest.md5, size: digest.size, detail, body: stored, condition });
  } catch (error) {
    releaseBody(context, stored);
    throw error;
  }
  await store.sync();
  return emptyReply(200, [["etag", quoteEtag(digest.md5)], ...toChecksumHeaders(detail.checksum)]);
}

function toDetail(
  described: Pick<ObjectDetail, "headers" | "metadata">,
  { checksum }: BodyDigest,
): ObjectDetail {
  return checksum === undefined
    ? described
    : { ...described, checksum: { ...checksum, type: "FULL_OBJECT" } };
}

/** Receives a body of known length and puts it in the store, where it is nobody's yet. */
export async function storeBody(
  { body, store, request }: OperationContext,
  { inline }: { readonly inline: boolean },
): Promise<{ readonly digest: BodyDigest; readonly stored: StoredBody }> {
  if (
    body.plan.length === undefined ||
    !(body.plan.decoder !== undefined || request.headers.has("content-length"))
  ) {
    throw new S3Error("MissingContentLength");
  }
  const writer = store.blobs.write({ inline });
  try {
    const digest = await body.receive((chunk) => writer.write(chunk));
    return { digest, stored: await writer.finish() };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Takes back a stored body that no object came to own. */
export function releaseBody({ store }: OperationContext, stored: StoredBody): void {
  if (stored.kind === "blob") store.blobs.release([stored.segment]);
}

/** DeleteObject: also succeeds where there is nothing to delete. */
export async function deleteObject({ request, store, bucket, key }: OperationContext): Promise<S3Reply> {
  checkVersionId(request.query.get("versionId"));
  store.delete({ bucket, key, condition: readWriteCondition(request.headers) });
  await store.sync();
  return emptyReply(204);
}

interface Deletion {
  readonly key: string;
  readonly etag: string | undefined;
  readonly versionId: string | undefined;
}

/** DeleteObjects: up to 1,000 keys, each with its own verdict. */
export async function deleteObjects(context: OperationContext): Promise<S3Reply> {
  if (!hasIntegrityHeader(context.request.headers)) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    });
  }
  const document = parseXml(await context.body.document());
  context.store.bucket(context.bucket);
  const deletions = readDeletions(document);
  const quiet = childText(document, "Quiet")?.trim().toLowerCase() === "true";
  let results = "";
  for (const deletion of deletions) results += deleteOne(context, { deletion, quiet });
  await context.store.sync();
  return xmlReply(xmlDocument("DeleteResult", results));
}

function readDeletions(document: XmlElement): readonly Deletion[] {
  const objects = document.children.filter((child) => child.name === "Object");
  if (document.name !== "Delete" || objects.length === 0 || objects.length > MAX_DELETES)
    throw new S3Error("MalformedXML");
  return objects.map((object) => {
    const key = childText(object, "Key");
    if (key === undefined || key === "") throw new S3Error("MalformedXML");
    return { key, etag: childText(object, "ETag"), versionId: childText(object, "VersionId") };
  });
}

function deleteOne(
  { store, bucket, permissions }: OperationContext,
  { deletion, quiet }: { readonly deletion: Deletion; readonly quiet: boolean },
): string {
  const { key, etag } = deletion;
  const condition: WriteCondition = etag === undefined ? { kind: "none" } : { kind: "if-match", etags: etag };
  try {
    permissions.require({ action: "s3:DeleteObject", resource: arnOf(bucket, key) });
    checkVersionId(deletion.versionId);
    store.delete({ bucket, key: checkKey(key), condition });
    return quiet ? "" : xmlElement("Deleted", xmlText("Key", key));
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return xmlElement(
      "Error",
      xmlText("Key", key) + xmlText("Code", error.code) + xmlText("Message", error.message),
    );
  }
}
