import type { BodyDigest, BodyPlan, BodySinkWrite } from "./body.ts";
import { arnOf } from "./permissions.ts";
import type { Permissions } from "./permissions.ts";
import type { S3Reply } from "./reply.ts";
import type { S3Request } from "./request.ts";
import { S3Error, invalidArgument } from "./s3-error.ts";
import type { Store } from "./store.ts";
import type { ObjectEntry } from "./store-index.ts";

/** The request's body: not read until the operation asks. */
export interface IncomingBody {
  readonly plan: BodyPlan;
  /** Hands the verified bytes on as they come; throws when anything about them is wrong. */
  receive(write: BodySinkWrite): Promise<BodyDigest>;
  /** The whole body of a request that carries an XML document. */
  document(): Promise<Buffer>;
}

/** All that an operation works with. */
export interface OperationContext {
  readonly request: S3Request;
  /** Empty for operations on the service. */
  readonly bucket: string;
  /** Empty for operations on the service or a bucket. */
  readonly key: string;
  /** What the key that signed the request may do. */
  readonly permissions: Permissions;
  readonly store: Store;
  readonly region: string;
  readonly body: IncomingBody;
}

export type OperationHandler = (context: OperationContext) => S3Reply | Promise<S3Reply>;

/** Every bucket of this server belongs to one account. */
export const OWNER = {
  id: "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a",
  name: "sitefleet",
  account: "000000000000",
} as const;

/** The object asked for. Without permission to list, a missing key must not be told from a forbidden one (API/API_GetObject.html). */
export function findObject(context: OperationContext): ObjectEntry {
  const entry = context.store.bucket(context.bucket).objects.get(context.key);
  if (entry !== undefined) return entry;
  const mayList = context.permissions.allows({ action: "s3:ListBucket", resource: arnOf(context.bucket) });
  if (!mayList) throw new S3Error("AccessDenied");
  throw new S3Error("NoSuchKey", { fields: [["Key", context.key]] });
}

/** Buckets here have no versioning, so the only version id is `null`. */
export function checkVersionId(versionId: string | undefined): void {
  if (versionId === undefined || versionId === "null") return;
  throw invalidArgument("Invalid version id specified", { name: "versionId", value: versionId });
}

/** An integer query parameter within bounds, or the default where it is absent. */
export function readIntegerParameter(
  request: S3Request,
  {
    name,
    fallback,
    min,
    max,
  }: { readonly name: string; readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const text = request.query.get(name);
  if (text === undefined || text === "") return fallback;
  if (!/^-?\d{1,10}$/.test(text))
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, { name, value: text });
  const value = Number(text);
  if (value < min)
    throw invalidArgument(`Argument ${name} must be an integer between ${min} and 2147483647`, {
      name,
      value: text,
    });
  return Math.min(value, max);
}

/** `"etag"`, as headers and documents carry it. */
export function quoteEtag(etag: string): string {
  return `"${etag}"`;
}
