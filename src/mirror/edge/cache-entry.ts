import type { HeaderList } from "../../http/header-list.ts";
import type { CachedObject } from "../../vcl/runtime.ts";
import { alone } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import { GrowingBody } from "./growing-body.ts";
import type { SegmentPart } from "./segments.ts";
import type { VarySpec } from "./vary.ts";

/** What vcl_fetch left, ready to be stored. Durations in seconds, `age` as on arrival. */
export interface EntryInit {
  readonly key: string;
  readonly vary: VarySpec;
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: Buffer | GrowingBody;
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly age: number;
  readonly surrogateKeys: readonly string[];
  /** Only a note that this key is not to be cached: no body, nothing to deliver. */
  readonly hitForPass: boolean;
  /** Whether the body may have edge side includes. */
  readonly esi: boolean;
  /** Which bytes of a larger object these are; `null` = the object is whole. */
  readonly segment: SegmentPart | null;
}

/**
 * What one object, header line, surrogate key and choice by `Vary` take in memory besides their bytes, as measured with
 * 40,000 objects (`npm run bench -- cache` compares). What a key takes in the index is counted by the store.
 */
const OVERHEAD = { object: 660, header: 80, key: 64, vary: 160 } as const;

/** One stored variant of a cached object. The store links it; times are milliseconds since the epoch. */
export class CacheEntry {
  readonly key: string;
  readonly vary: VarySpec;
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly surrogateKeys: readonly string[];
  readonly hitForPass: boolean;
  readonly esi: boolean;
  readonly segment: SegmentPart | null;
  body: Buffer | GrowingBody;
  /** When the object was stored or last found unchanged. */
  entered: number;
  lastUse: number;
  hits = 0;
  /** Age it had when entered, seconds. */
  baseAge: number;
  /** When it stops being fresh. */
  expires: number;
  staleWhileRevalidate: number;
  staleIfError: number;
  /** Neighbours in the store's order of use. */
  newer: CacheEntry | null = null;
  older: CacheEntry | null = null;
  /** Bytes the store counts for it. */
  size: number;
  stored = false;

  constructor(init: EntryInit, now: number) {
    this.key = init.key;
    this.vary = init.vary;
    this.status = init.status;
    this.reason = init.reason;
    this.headers = init.headers;
    this.body = init.body instanceof GrowingBody ? init.body : alone(init.body);
    this.surrogateKeys = init.surrogateKeys;
    this.hitForPass = init.hitForPass;
    this.esi = init.esi;
    this.segment = init.segment;
    this.baseAge = init.age;
    this.entered = now;
    this.lastUse = now;
    this.expires = now + init.ttl * 1000;
    this.staleWhileRevalidate = init.staleWhileRevalidate;
    this.staleIfError = init.staleIfError;
    this.size = sizeOf(init);
  }

  ttl(now: number): number {
    return (this.expires - now) / 1000;
  }

  age(now: number): number {
    return Math.floor(this.baseAge + (now - this.entered) / 1000);
  }

  get validators(): boolean {
    return this.headers.has("ETag") || this.headers.has("Last-Modified");
  }

  /** A fresh reader of the body. */
  read(): ResponseBody {
    if (!(this.body instanceof GrowingBody)) return { kind: "bytes", bytes: this.body };
    return this.body.reader();
  }

  /** The object as VCL sees it; the headers are a copy. */
  view(now: number): CachedObject {
    return {
      status: this.status,
      reason: this.reason,
      proto: "HTTP/1.1",
      headers: this.headers.clone(),
      ttl: this.ttl(now),
      staleIfError: this.staleIfError,
      staleWhileRevalidate: this.staleWhileRevalidate,
      cacheable: true,
      hits: this.hits,
      age: this.age(now),
      lastUse: (now - this.lastUse) / 1000,
      entered: (now - this.entered) / 1000,
    };
  }
}

function sizeOf(init: EntryInit): number {
  let size = OVERHEAD.object + init.key.length + init.headers.bytes + init.headers.size * OVERHEAD.header;
  for (const key of init.surrogateKeys) size += key.length + OVERHEAD.key;
  if (init.vary.names.length > 0) size += OVERHEAD.vary;
  for (const value of init.vary.values) size += value?.length ?? 0;
  return size + (init.body instanceof GrowingBody ? init.body.size : init.body.length);
}
