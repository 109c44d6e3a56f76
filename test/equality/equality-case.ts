import type { HeaderLine } from "../../src/http/header-list.ts";

/** An object of a bucket. */
export interface CaseObject {
  readonly bucket: "config" | "hosting";
  /** As the bucket has it, in its encoded form; that of a config without its secret segment. */
  readonly key: string;
  readonly body: { readonly text: string; readonly times: number };
  /** Headers that S3 has fields for. */
  readonly headers: readonly HeaderLine[];
  /** User metadata by name without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a bucket does besides answering with what it has; `empty` = it has nothing. */
export type Mood = "403" | "500" | "503" | "timeout" | "refused" | "empty";

/** One of the buckets, in one of the regions. */
export type BucketName = "config" | "hosting" | "config_second" | "hosting_second";

/** A visitor's request. Strings are bytes, as HTTP has them. */
export interface CaseRequest {
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly isTls: boolean;
  /** Address that the visitor comes from, of either family; missing = the usual one. */
  readonly ip?: string;
  /** ISO 3166-1 alpha-2; missing = where all visitors are. */
  readonly country?: string;
  readonly headers: readonly HeaderLine[];
}

/** A request, and what happens before it. */
export interface CaseStep {
  /** Milliseconds that pass. */
  readonly wait: number;
  /** Surrogate keys that are purged. */
  readonly purge: readonly string[];
  readonly isSoft: boolean;
  /** An object that is put in place of another, or of none. */
  readonly put: CaseObject | null;
  readonly moods: Readonly<Partial<Record<BucketName, Mood>>>;
  /** Buckets that their health checks find unwell, whatever they would answer. */
  readonly sick: readonly BucketName[];
  readonly request: CaseRequest;
}

/** Requests to one edge, one after the other, over the same buckets. */
export interface EqualityCase {
  /** Index of the environment's settings. */
  readonly setting: number;
  readonly objects: readonly CaseObject[];
  /** What everything that comes from S3 has besides, as a proxy before it adds: errors and what is missing too. */
  readonly noise: readonly HeaderLine[];
  readonly steps: readonly CaseStep[];
}
