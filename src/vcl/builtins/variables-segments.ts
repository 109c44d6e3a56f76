import type { VariableRow } from "../catalog-rows.ts";
import type { SegmentReport, Transaction } from "../runtime.ts";
import { boolVariable, integerVariable, stringVariable } from "./rows.ts";

const SEGMENTS = { category: "segmented-caching", read: "log" };

/** What every number reads as where segmented caching is not on (variables/segmented-caching/…-block-size). */
const NOT_APPLICABLE = -1n;

/** Bytes of a block unless VCL sets others (guides/full-site-delivery/caching/segmented-caching: 1 MB). */
export const DEFAULT_BLOCK_SIZE = 1024 * 1024;

function blockSize(t: Transaction): bigint {
  const isOn = t.state === "recv" ? t.enableSegmentedCaching : t.segmentReport !== undefined;
  return isOn ? BigInt(t.segmentSize ?? DEFAULT_BLOCK_SIZE) : NOT_APPLICABLE;
}

function flag(name: string, read: (report: SegmentReport) => boolean): VariableRow {
  return boolVariable(
    { ...SEGMENTS, name: `segmented_caching.${name}` },
    { get: (t) => t.segmentReport !== undefined && read(t.segmentReport) },
  );
}

function count(name: string, read: (report: SegmentReport) => number): VariableRow {
  return integerVariable(
    { ...SEGMENTS, name: `segmented_caching.${name}` },
    { get: (t) => (t.segmentReport === undefined ? NOT_APPLICABLE : BigInt(read(t.segmentReport))) },
  );
}

/** `segmented_caching.*`: what vcl_log is told of inner and outer requests, and the size of the blocks. */
export const SEGMENT_VARIABLES: readonly VariableRow[] = [
  integerVariable(
    { ...SEGMENTS, name: "segmented_caching.block_size", read: "recv log", write: "recv" },
    { get: blockSize, set: (t, v) => void (t.segmentSize = Number(v)) },
  ),
  flag("is_inner_req", ({ role }) => role === "inner"),
  flag("is_outer_req", ({ role }) => role === "outer"),
  flag("completed", ({ outcome }) => outcome === "completed"),
  flag("failed", ({ outcome }) => outcome === "failed"),
  flag("cancelled", ({ outcome }) => outcome === "cancelled"),
  flag("autopurged", ({ autopurged }) => autopurged),
  flag("client_req.is_range", ({ isRange }) => isRange),
  flag("client_req.is_open_ended", ({ isOpenEnded }) => isOpenEnded),
  count("client_req.range_low", ({ rangeLow }) => rangeLow),
  count("client_req.range_high", ({ rangeHigh }) => rangeHigh),
  count("rounded_req.range_low", ({ roundedLow }) => roundedLow),
  count("rounded_req.range_high", ({ roundedHigh }) => roundedHigh),
  count("block_number", ({ blockNumber }) => blockNumber),
  count("total_blocks", ({ totalBlocks }) => totalBlocks),
  count("obj.complete_length", ({ completeLength }) => completeLength),
  stringVariable(
    { ...SEGMENTS, name: "segmented_caching.error" },
    { get: (t) => t.segmentReport?.error ?? null },
  ),
];
