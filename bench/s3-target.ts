/** Bucket and keys of the S3 server that is measured alone. */
export const S3_BENCH = { bucket: "bench", accessKeyId: "AKIDBENCH", secretAccessKey: "bench" } as const;
