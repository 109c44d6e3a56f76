const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** What `parseDuration` reads, for messages. */
export const DURATION_FORM = "a whole number and s, m, h, d or w, such as 12h, 30d or 2w";

/** Reads `30s`, `90m`, `12h`, `30d` or `2w`, and bare `0`, as milliseconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const [, digits, unit] = /^(0|[1-9][0-9]{0,5})([smhdw])$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  switch (unit) {
    case "s":
    case "m":
    case "h":
    case "d":
    case "w":
      return Number(digits) * UNITS[unit];
    default:
      return undefined;
  }
}
