import { assertNever } from "../../lib/errors.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";
import type { Segment } from "./blobs.ts";
import type { JournalPlace } from "./journal.ts";
import type { BucketConfigurationName, ConfigureHead, JournalHead, PartHead, PutHead } from "./records.ts";
import { SortedKeys } from "./sorted-keys.ts";

/** One object in memory; its headers and metadata stay in the journal line at `offset`. */
export interface ObjectEntry extends JournalPlace {
  /** Without quotes. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** Blob files of the body in order; none when it is in the journal line. */
  readonly segments: readonly Segment[];
}

export interface UploadPart extends JournalPlace {
  readonly number: number;
  readonly etag: string;
  readonly modified: number;
  readonly segment: Segment;
  readonly checksum: readonly [algorithm: ChecksumAlgorithm, value: string] | undefined;
}

/** A multipart upload that is neither completed nor aborted. */
export interface Upload extends JournalPlace {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiated: number;
  readonly parts: ReadonlyMap<number, UploadPart>;
}

/** The inside of a configuration's document; `null` where it was taken away. */
export interface KeptConfiguration extends JournalPlace {
  readonly value: string | null;
}

export interface Bucket extends JournalPlace {
  readonly name: string;
  readonly created: number;
  readonly objects: ReadonlyMap<string, ObjectEntry>;
  /** The keys of `objects` in listing order. */
  readonly keys: SortedKeys;
  /** Those that somebody set or took away. */
  readonly configurations: ReadonlyMap<BucketConfigurationName, KeptConfiguration>;
}

interface OwnUpload extends Upload {
  readonly parts: Map<number, UploadPart>;
}

interface OwnBucket extends Bucket {
  readonly objects: Map<string, ObjectEntry>;
  keys: SortedKeys;
  readonly configurations: Map<BucketConfigurationName, KeptConfiguration>;
}

const NO_SEGMENTS: readonly Segment[] = [];

/** The state that a journal adds up to. Lines are applied one by one, at start from the file, later as they are written. */
export class StoreIndex {
  readonly #buckets = new Map<string, OwnBucket>();
  readonly #uploads = new Map<string, OwnUpload>();
  #format: JournalPlace | undefined;
  #sealed = false;

  get buckets(): ReadonlyMap<string, Bucket> {
    return this.#buckets;
  }

  get uploads(): ReadonlyMap<string, Upload> {
    return this.#uploads;
  }

  uploadsOf(bucket: string): readonly Upload[] {
    return [...this.#uploads.values()].filter((upload) => upload.bucket === bucket);
  }

  /** Ends the replay: keys are sorted once instead of one by one. */
  seal(): void {
    for (const bucket of this.#buckets.values()) bucket.keys = SortedKeys.from([...bucket.objects.keys()]);
    this.#sealed = true;
  }

  apply(head: JournalHead, place: JournalPlace): void {
    switch (head.op) {
      case "format":
        this.#format = place;
        return;
      case "bucket":
        this.#buckets.set(head.b, {
          name: head.b,
          created: head.t,
          objects: new Map(),
          keys: new SortedKeys(),
          configurations: new Map(),
          ...place,
        });
        return;
      case "unbucket":
        this.#buckets.delete(head.b);
        for (const upload of this.uploadsOf(head.b)) this.#uploads.delete(upload.id);
        return;
      case "configure":
        return this.#configure(head, place);
      case "put":
        return this.#put(head, place);
      case "del":
        return this.#delete(head.b, head.k);
      case "upload":
        this.#uploads.set(head.u, {
          id: head.u,
          bucket: head.b,
          key: head.k,
          initiated: head.t,
          parts: new Map(),
          ...place,
        });
        return;
      case "part":
        return this.#putPart(head, place);
      case "abort":
        this.#uploads.delete(head.u);
        return;
      default:
        assertNever(head);
    }
  }

  /** Where the lines are that still matter, in file order. */
  places(): readonly JournalPlace[] {
    const places: JournalPlace[] = this.#format === undefined ? [] : [this.#format];
    for (const bucket of this.#buckets.values()) {
      places.push(bucket, ...bucket.configurations.values());
      for (const entry of bucket.objects.values()) places.push(entry);
    }
    for (const upload of this.#uploads.values()) places.push(upload, ...upload.parts.values());
    return places.sort((left, right) => left.offset - right.offset);
  }

  /** The segments of every object and part. */
  *segments(): Iterable<readonly Segment[]> {
    for (const bucket of this.#buckets.values())
      for (const entry of bucket.objects.values()) yield entry.segments;
    for (const upload of this.#uploads.values())
      for (const part of upload.parts.values()) yield [part.segment];
  }

  #configure(head: ConfigureHead, { offset, length }: JournalPlace): void {
    this.#buckets.get(head.b)?.configurations.set(head.c, { value: head.v, offset, length });
  }

  #put(head: PutHead, { offset, length }: JournalPlace): void {
    const bucket = this.#buckets.get(head.b);
    if (bucket === undefined) return;
    if (this.#sealed && !bucket.objects.has(head.k)) bucket.keys.add(head.k);
    const segments = head.g ?? NO_SEGMENTS;
    bucket.objects.set(head.k, { etag: head.e, size: head.s, modified: head.t, segments, offset, length });
    if (head.u !== undefined) this.#uploads.delete(head.u);
  }

  #delete(bucketName: string, key: string): void {
    const bucket = this.#buckets.get(bucketName);
    if (bucket?.objects.delete(key) === true && this.#sealed) bucket.keys.delete(key);
  }

  #putPart(head: PartHead, place: JournalPlace): void {
    this.#uploads.get(head.u)?.parts.set(head.n, {
      number: head.n,
      etag: head.e,
      modified: head.t,
      segment: head.g,
      checksum: head.c,
      ...place,
    });
  }
}
