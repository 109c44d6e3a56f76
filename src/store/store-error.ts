import { SitefleetError } from "../lib/errors.ts";
import { S3Refusal } from "./s3-answer.ts";

/** What was asked of the store when it failed. */
export interface StoreRequest {
  /** S3's name of the operation. */
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
  /** Base URL of the store, or the region of AWS. */
  readonly where: string;
  /** Where the keys came from that it was signed with (`S3Credentials.origin`). */
  readonly keys: string;
}

interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  /** HTTP status, `undefined` when no answer came. */
  readonly status: number | undefined;
}

/** The S3 error's code (`NoSuchKey`) and HTTP status, as an answer or the AWS SDK reports them. */
export function errorFacts(error: unknown): ErrorFacts {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), status: undefined };
  return { name: error.name, message: error.message, status: statusOf(error) };
}

function statusOf(error: Error): number | undefined {
  if (error instanceof S3Refusal) return error.status;
  if (!("$metadata" in error) || typeof error.$metadata !== "object" || error.$metadata === null) {
    return undefined;
  }
  const status = "httpStatusCode" in error.$metadata ? error.$metadata.httpStatusCode : undefined;
  return typeof status === "number" ? status : undefined;
}

const CREDENTIAL_ERRORS = new Set([
  "AccessDenied",
  "CredentialsProviderError",
  "ExpiredToken",
  "Forbidden",
  "InvalidAccessKeyId",
  "InvalidToken",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
]);

/** A failure of the store as an error for people; the secret key is in none of the SDK's messages. */
export function toStoreError(error: unknown, request: StoreRequest): SitefleetError {
  const { name, message, status } = errorFacts(error);
  const subject = `${request.operation} of "${request.bucket}/${request.key}" at ${request.where}`;
  if (name === "NoSuchBucket") {
    return new SitefleetError(
      "store/no-bucket",
      `the bucket "${request.bucket}" does not exist at ${request.where}`,
      { cause: error, hint: "create it, or correct the bucket's name in the settings" },
    );
  }
  if (CREDENTIAL_ERRORS.has(name) || status === 401 || status === 403) {
    return new SitefleetError("store/not-authorised", `${subject} was refused: ${name}: ${message}`, {
      cause: error,
      hint:
        name === "RequestTimeTooSkewed"
          ? "set this machine's clock"
          : `check ${request.keys}, and what this key may do`,
    });
  }
  if (status === undefined) {
    return new SitefleetError("store/unreachable", `${subject} got no answer: ${message || name}`, {
      cause: error,
      hint: "check the endpoint and the network, then run the command again",
    });
  }
  return new SitefleetError("store/refused", `${subject} failed with ${status} ${name}: ${message}`, {
    cause: error,
    ...(status >= 500 ? { hint: "run the command again; what was begun is finished then" } : {}),
  });
}
