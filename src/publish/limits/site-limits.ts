import { encodeConfig } from "../../site/codec.ts";
import { unpackDelta } from "../../site/delta-list.ts";
import { METADATA_BUDGET, RULE_SLOTS } from "../../site/metadata.ts";
import { deriveConfig } from "../../site/model.ts";
import type { SiteRecord } from "../../site/model.ts";
import { sha256Hex } from "../publish-deps.ts";

/** How much of what S3 and the edge allow the config of a domain takes. */
export interface DomainLimits {
  readonly domain: string;
  /** Bytes of metadata, and how many there may be. */
  readonly bytes: number;
  readonly bytesLimit: number;
  /** Redirect patterns in the config. */
  readonly slots: number;
  readonly slotsLimit: number;
  /** Objects that hold more patterns. */
  readonly buckets: number;
  /** Pages that are read from another release than the base. */
  readonly delta: number;
}

/** How close each domain of a site is to the limits, by name. */
export function domainLimits(record: SiteRecord): readonly DomainLimits[] {
  return Object.entries(record.domains)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([domain, entry]) => {
      const config = deriveConfig(record, entry, sha256Hex);
      const encoded = encodeConfig(config);
      const bytes = encoded.kind === "ok" || encoded.kind === "too-large" ? encoded.bytes : 0;
      const served = config.kind === "site" ? config : undefined;
      return {
        domain,
        bytes,
        bytesLimit: METADATA_BUDGET,
        slots: served?.rules.length ?? 0,
        slotsLimit: RULE_SLOTS.length,
        buckets: served?.buckets?.segments.length ?? 0,
        delta: unpackDelta(served?.delta ?? "")?.size ?? 0,
      };
    });
}

/** The same in words. */
export function limitsText(limits: DomainLimits): string {
  const { domain, bytes, bytesLimit, slots, slotsLimit, buckets, delta } = limits;
  return `config of ${domain}: ${bytes} of ${bytesLimit} bytes, ${slots} of ${slotsLimit} rule slots, ${buckets} rule buckets, ${delta} pages by delta`;
}
