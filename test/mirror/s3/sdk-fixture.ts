import { S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import type { S3Server } from "../../../src/mirror/s3/server.ts";
import { FULL, REGION } from "./s3-fixture.ts";

/** The unmodified SDK client; no retries, so that a wrong answer is seen. */
export function sdkClient(server: S3Server, config: S3ClientConfig = {}): S3Client {
  const client = new S3Client({
    endpoint: server.url,
    region: REGION,
    forcePathStyle: true,
    credentials: FULL,
    maxAttempts: 1,
    ...config,
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** The body of a GetObject as bytes. */
export async function bytesOf(got: {
  readonly Body?: { transformToByteArray(): Promise<Uint8Array> } | undefined;
}): Promise<Buffer> {
  return Buffer.from((await got.Body?.transformToByteArray()) ?? []);
}

/** What the SDK throws: the code, the status, and whether the status came without a body to read a code from. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ readonly name: string; readonly status: number }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof S3ServiceException)
      return { name: error.name, status: error.$metadata.httpStatusCode ?? 0 };
    throw error;
  }
  throw new Error("the call succeeded");
}
