/** How a store fails: by a status of its own, or by no answer. */
const FAULT_KINDS = ["403", "500", "503", "timeout", "refused"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Which store fails, how, and whether its copy in the second region does too. */
export interface OriginFault {
  readonly bucket: "config" | "hosting";
  readonly kind: FaultKind;
  readonly regions: "first" | "all";
}

const TEXT = /^(config|hosting)-(403|500|503|timeout|refused)(-everywhere)?$/;

/** Reads `hosting-503` or `config-timeout-everywhere`; `undefined` for anything else. */
export function parseFault(text: string): OriginFault | undefined {
  const [, bucket, how, everywhere] = TEXT.exec(text) ?? [];
  const kind = FAULT_KINDS.find((known) => known === how);
  if (kind === undefined) return undefined;
  return {
    bucket: bucket === "config" ? "config" : "hosting",
    kind,
    regions: everywhere === undefined ? "first" : "all",
  };
}

/** The text that `parseFault` reads. */
export function faultText({ bucket, kind, regions }: OriginFault): string {
  return `${bucket}-${kind}${regions === "all" ? "-everywhere" : ""}`;
}
