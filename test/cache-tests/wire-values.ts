import type { CaseRequest } from "./cases.ts";

const DATES = new Set(["date", "expires", "last-modified", "if-modified-since", "if-unmodified-since"]);
const LOCATIONS = new Set(["location", "content-location"]);
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** What a header of a case stands for: the origin's time in milliseconds and the URL it was asked for. */
export interface Meaning {
  readonly now: number;
  readonly baseUrl: string;
  readonly capability: string;
}

/** The value that goes over the wire; only dates are numbers that mean something else. */
export function wireValue(
  header: readonly [string, string | number, ...unknown[]],
  request: CaseRequest,
  meaning: Meaning,
): string | number {
  const [name, value] = header;
  const lower = name.toLowerCase();
  if (DATES.has(lower) && typeof value === "number") {
    const date = new Date(meaning.now + value * 1000);
    return request.rfc850date.includes(lower) ? rfc850(date) : date.toUTCString();
  }
  if (LOCATIONS.has(lower) && request.magic_locations) {
    return value === "" ? meaning.baseUrl : `${meaning.baseUrl}/${value}`;
  }
  if (lower === "surrogate-control" && meaning.capability !== "") {
    return String(value).replace("CAPABILITY_TARGET", meaning.capability.split("=")[0] ?? "");
  }
  return value;
}

/** The obsolete form of RFC 9110 §5.6.7, with two digits of the year. */
function rfc850(date: Date): string {
  const [, day = "", month = "", year = "", time = ""] = date.toUTCString().split(" ");
  return `${DAYS[date.getUTCDay()] ?? ""}, ${day}-${month}-${year.slice(2)} ${time} GMT`;
}
