import { DeleteObjectsCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";

import type { Location } from "../settings/environment.ts";
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS } from "./s3-requests.ts";
import type { DeleteFailure, ListInput, ListedEntry } from "./object-store.ts";
import type { S3Credentials } from "./s3-credentials.ts";
import { endpointOf } from "./s3-endpoint.ts";

const MAX_ATTEMPTS = 4;

/** One page of a listing. */
export interface ListedPage {
  readonly entries: readonly ListedEntry[];
  /** Where the next page begins; `undefined` after the last. */
  readonly next: string | undefined;
}

/** What is done by the AWS SDK: requests that are few and whose answers are long documents. Loaded when first needed. */
export interface SdkClient {
  listPage(bucket: string, input: ListInput & { readonly from: string | undefined }): Promise<ListedPage>;
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
    async listPage(bucket, { prefix, delimiter, from, signal }) {
      const command = new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        Delimiter: delimiter,
        ContinuationToken: from,
      });
      const page = await client.send(command, { abortSignal: signal });
      const entries: ListedEntry[] = [];
      for (const { Prefix: key } of page.CommonPrefixes ?? []) {
        if (key !== undefined) entries.push({ kind: "prefix", key });
      }
      for (const { Key: key, Size: size = 0, ETag: etag = "", LastModified } of page.Contents ?? []) {
        // A store that tells no time must not make an object look old.
        const modifiedAt = LastModified?.getTime() ?? Number.POSITIVE_INFINITY;
        if (key !== undefined) entries.push({ kind: "object", key, size, etag, modifiedAt });
      }
      return { entries, next: page.IsTruncated ? page.NextContinuationToken : undefined };
    },
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
