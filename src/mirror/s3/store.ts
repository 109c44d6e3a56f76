import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "../../lib/atomic-write.ts";
import type { Clock } from "../../lib/clock.ts";
import { Blobs } from "./blobs.ts";
import type { Segment, StoredBody } from "./blobs.ts";
import { checkWrite } from "./conditions.ts";
import type { WriteCondition } from "./conditions.ts";
import { Journal, compactJournal } from "./journal.ts";
import type { JournalPlace } from "./journal.ts";
import { isAbandoned } from "./lifecycle.ts";
import { JOURNAL_FORMAT, readDetail, readHead } from "./records.ts";
import type {
  BucketConfigurationName,
  JournalHead,
  ObjectDetail,
  PartHead,
  UploadDetail,
} from "./records.ts";
import { StoreIndex } from "./store-index.ts";
import type { Bucket, ObjectEntry, Upload, UploadPart } from "./store-index.ts";
import { S3Error } from "./s3-error.ts";

/** Rewriting the journal at start pays once this much of it is dead and the dead outweigh the living. */
const COMPACT_BYTES = 1024 * 1024;

export interface StoreOptions {
  readonly dir: string;
  readonly fsync: boolean;
  readonly clock: Clock;
}

/** A finished object about to be committed. */
export interface NewObject {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly size: number;
  readonly detail: ObjectDetail;
  readonly body: StoredBody | { readonly kind: "segments"; readonly segments: readonly Segment[] };
  readonly condition: WriteCondition;
  /** The multipart upload that ends with this commit. */
  readonly upload?: string;
}

/** An object as opened for reading; `release` must be called once. */
export interface OpenObject {
  readonly entry: ObjectEntry;
  readonly detail: ObjectDetail;
  /** The body where it lives in the journal; otherwise `read` it. */
  readonly inline: Buffer | undefined;
  read(range: { readonly start: number; readonly end: number }): AsyncIterable<Buffer>;
  release(): void;
}

/**
 * Buckets, objects and multipart uploads on disk. Each change is one synchronous block — check the condition, append to
 * the journal, swap the entry in memory — so that conditional writes are exact however many race.
 */
export class Store {
  readonly blobs: Blobs;
  readonly #journal: Journal;
  readonly #index: StoreIndex;
  readonly #clock: Clock;

  private constructor(parts: {
    readonly blobs: Blobs;
    readonly journal: Journal;
    readonly index: StoreIndex;
    readonly clock: Clock;
  }) {
    this.blobs = parts.blobs;
    this.#journal = parts.journal;
    this.#index = parts.index;
    this.#clock = parts.clock;
  }

  /** Opens the folder, creating it if need be; cuts off a torn tail, compacts, and sweeps what crashed uploads left. */
  static async open({ dir, fsync, clock }: StoreOptions): Promise<Store> {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, "journal");
    let { journal, index } = load(path, fsync);
    const live = index.places();
    const liveBytes = live.reduce((sum, place) => sum + place.length + 1, 0);
    if (journal.size - liveBytes > Math.max(COMPACT_BYTES, liveBytes)) {
      journal.close();
      await compactJournal(path, live);
      ({ journal, index } = load(path, fsync));
    }
    if (fsync) await syncFolder(dir);
    const blobs = new Blobs({ dir: join(dir, "blobs"), fsync });
    for (const segments of index.segments()) blobs.hold(segments);
    await blobs.sweep();
    return new Store({ blobs, journal, index, clock });
  }

  /** Resolves when all changes made so far are as durable as the options ask for. */
  sync(): Promise<void> {
    return this.#journal.sync();
  }

  async close(): Promise<void> {
    await this.#journal.sync();
    await this.blobs.close();
    this.#journal.close();
  }

  /** Every bucket, by name. */
  buckets(): readonly Bucket[] {
    return [...this.#index.buckets.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  findBucket(name: string): Bucket | undefined {
    return this.#index.buckets.get(name);
  }

  /** Throws `NoSuchBucket`. */
  bucket(name: string): Bucket {
    const bucket = this.#index.buckets.get(name);
    if (bucket === undefined) throw new S3Error("NoSuchBucket", { fields: [["BucketName", name]] });
    return bucket;
  }

  createBucket(name: string): void {
    this.#commit({ op: "bucket", b: name, t: this.#clock.now() });
  }

  /** Sets a configuration of a bucket: the inside of its document, or `null` for none. Throws `NoSuchBucket`. */
  configureBucket(name: string, configuration: BucketConfigurationName, value: string | null): void {
    const known = this.bucket(name).configurations.get(configuration);
    if (known?.value === value) return;
    this.#commit({ op: "configure", b: name, c: configuration, v: value });
  }

  /** Removes an empty bucket with its unfinished uploads. Throws `BucketNotEmpty`. */
  deleteBucket(name: string): void {
    const bucket = this.bucket(name);
    if (bucket.objects.size > 0) throw new S3Error("BucketNotEmpty", { fields: [["BucketName", name]] });
    const parts = this.#index.uploadsOf(name).flatMap((upload) => [...upload.parts.values()]);
    this.#commit({ op: "unbucket", b: name });
    for (const part of parts) this.#releaseDurably([part.segment]);
  }

  /** Commits an object and returns its entry; the hold on its segments passes to the store. Throws when the condition does not hold. */
  put(object: NewObject): ObjectEntry {
    const bucket = this.bucket(object.bucket);
    const before = bucket.objects.get(object.key);
    checkWrite(object.condition, before);
    const upload = object.upload === undefined ? undefined : this.upload(object.upload);
    const { body } = object;
    const segments =
      body.kind === "inline" ? undefined : body.kind === "blob" ? [body.segment] : body.segments;
    const head: JournalHead = {
      op: "put",
      b: object.bucket,
      k: object.key,
      t: this.#clock.now(),
      e: object.etag,
      s: object.size,
      ...(segments === undefined ? {} : { g: segments }),
      ...(object.upload === undefined ? {} : { u: object.upload }),
    };
    this.#commit(head, { detail: object.detail, ...(body.kind === "inline" ? { body: body.bytes } : {}) });
    if (before !== undefined) this.#releaseDurably(before.segments);
    if (upload !== undefined) this.#releaseDurably([...upload.parts.values()].map((part) => part.segment));
    const entry = bucket.objects.get(object.key);
    if (entry === undefined) throw new S3Error("InternalError");
    return entry;
  }

  /** Removes an object if it is there and the condition holds; says whether it was. */
  delete(target: {
    readonly bucket: string;
    readonly key: string;
    readonly condition: WriteCondition;
  }): boolean {
    const before = this.bucket(target.bucket).objects.get(target.key);
    checkWrite(target.condition, before);
    if (before === undefined) return false;
    this.#commit({ op: "del", b: target.bucket, k: target.key });
    this.#releaseDurably(before.segments);
    return true;
  }

  /** Opens an object for reading: an overwrite or a delete meanwhile does not touch what is read. */
  open(entry: ObjectEntry): OpenObject {
    const { detail, body } = this.#journal.read(entry);
    const { segments } = entry;
    this.blobs.hold(segments);
    return {
      entry,
      detail: readDetail(detail),
      inline: segments.length === 0 ? body : undefined,
      read: (range) => this.blobs.read(segments, range),
      release: () => this.blobs.release(segments),
    };
  }

  /** Metadata and headers of an object without its body. */
  readObjectDetail(entry: ObjectEntry): ObjectDetail {
    return readDetail(this.#journal.read(entry).detail);
  }

  /** Starts a multipart upload; its id begins with the time, so that ids sort by it. */
  createUpload(upload: {
    readonly bucket: string;
    readonly key: string;
    readonly detail: UploadDetail;
  }): Upload {
    this.bucket(upload.bucket);
    const now = this.#clock.now();
    const id = `${now.toString(36).padStart(9, "0")}.${randomBytes(24).toString("base64url")}`;
    this.#commit({ op: "upload", u: id, b: upload.bucket, k: upload.key, t: now }, { detail: upload.detail });
    return this.upload(id);
  }

  /** Throws `NoSuchUpload`. */
  upload(id: string): Upload {
    this.#endAbandoned();
    const upload = this.#index.uploads.get(id);
    if (upload === undefined) throw new S3Error("NoSuchUpload", { fields: [["UploadId", id]] });
    return upload;
  }

  uploadsOf(bucket: string): readonly Upload[] {
    this.#endAbandoned();
    return this.#index.uploadsOf(bucket);
  }

  readUploadDetail(upload: Upload): UploadDetail {
    return readDetail(this.#journal.read(upload).detail);
  }

  /** Adds a part or replaces the one of that number; the hold on its segment passes to the store. */
  putPart(part: Omit<PartHead, "op" | "t">): UploadPart {
    const upload = this.upload(part.u);
    const before = upload.parts.get(part.n);
    this.#commit({ op: "part", t: this.#clock.now(), ...part });
    if (before !== undefined) this.#releaseDurably([before.segment]);
    const stored = upload.parts.get(part.n);
    if (stored === undefined) throw new S3Error("InternalError");
    return stored;
  }

  abortUpload(id: string): void {
    this.#abort(this.upload(id).id);
  }

  /** What S3 does once a day, done before anybody could see that it was not: lifecycle rules end abandoned uploads. */
  #endAbandoned(): void {
    const nowMs = this.#clock.now();
    for (const { id, bucket, key, initiated } of this.#index.uploads.values()) {
      const lifecycle = this.#index.buckets.get(bucket)?.configurations.get("lifecycle")?.value ?? undefined;
      if (isAbandoned(lifecycle, { key, initiated, nowMs })) this.#abort(id);
    }
  }

  #abort(id: string): void {
    const segments = [...(this.#index.uploads.get(id)?.parts.values() ?? [])].map((part) => part.segment);
    this.#commit({ op: "abort", u: id });
    this.#releaseDurably(segments);
  }

  #commit(head: JournalHead, rest: { readonly detail?: unknown; readonly body?: Buffer } = {}): void {
    this.#index.apply(head, this.#journal.append({ head, ...rest }));
  }

  /** Lets files go only once the line that made them superfluous is on disk: power may fail in between. */
  #releaseDurably(segments: readonly Segment[]): void {
    if (segments.length === 0) return;
    void this.#journal.sync().then(
      () => this.blobs.release(segments),
      // The journal is broken now and refuses writes; the files stay for the next start, which knows what is on disk.
      () => undefined,
    );
  }
}

function load(path: string, fsync: boolean): { journal: Journal; index: StoreIndex } {
  const index = new StoreIndex();
  const journal = Journal.open({
    path,
    fsync,
    replay: (text: string, place: JournalPlace) => index.apply(readHead(text), place),
  });
  index.seal();
  if (journal.size === 0) {
    const head: JournalHead = { op: "format", version: JOURNAL_FORMAT };
    index.apply(head, journal.append({ head }));
  }
  return { journal, index };
}
