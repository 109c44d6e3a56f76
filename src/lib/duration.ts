const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Reads `90m`, `12h`, `30d` or `2w`, and bare `0`, as milliseconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const [, digits, unit] = /^([1-9][0-9]{0,5})([mhdw])$/.exec(text) ?? [];
  if (digits === undefined || (unit !== "m" && unit !== "h" && unit !== "d" && unit !== "w"))
    return undefined;
  return Number(digits) * UNITS[unit];
}
