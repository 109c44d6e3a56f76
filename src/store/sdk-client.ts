import { DeleteObjectsCommand, S3Client } from "@aws-sdk/client-s3";

import type { Location } from "../settings/environment.ts";
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS } from "./s3-requests.ts";
import type { DeleteFailure } from "./object-store.ts";
import type { S3Credentials } from "./s3-credentials.ts";
import { endpointOf } from "./s3-endpoint.ts";

const MAX_ATTEMPTS = 4;

/** What is done by the AWS SDK: a request that is rare and has a document for a body. Loaded when first needed. */
export interface SdkClient {
  /** At most 1,000 keys; resolves with those that remain. */
  deleteBatch(
    bucket: string,
    input: { readonly keys: readonly string[]; readonly signal: AbortSignal },
  ): Promise<readonly DeleteFailure[]>;
  close(): void;
}

export function openSdkClient(location: Location, credentials: S3Credentials): SdkClient {
  const client = new S3Client({
    region: location.region,
    endpoint: endpointOf(location).href,
    forcePathStyle: location.pathStyle,
    credentials: () => credentials.get(),
    maxAttempts: MAX_ATTEMPTS,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: IDLE_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
  return {
    async deleteBatch(bucket, { keys, signal }) {
      const command = new DeleteObjectsCommand({
        Bucket: bucket,
        Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
      });
      const { Errors: errors = [] } = await client.send(command, { abortSignal: signal });
      return errors
        .map(({ Key: key = "", Code: code = "", Message: message = "" }) => ({ key, code, message }))
        .filter(({ code }) => code !== "NoSuchKey");
    },
    close: () => client.destroy(),
  };
}
