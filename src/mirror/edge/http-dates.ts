const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const TIME = String.raw`(?<h>\d{1,2}):(?<mi>\d{2}):(?<s>\d{2})`;
const MONTH = "(?<mo>[A-Za-z]{3})";

/** The three forms of RFC 9110 §5.6.7: IMF-fixdate, RFC 850 and asctime. */
const FORMS = [
  new RegExp(String.raw`^[A-Za-z]{3}, +(?<d>\d{1,2}) +${MONTH} +(?<y>\d{4}) +${TIME} +GMT$`),
  new RegExp(String.raw`^[A-Za-z]{6,9}, +(?<d>\d{1,2})-${MONTH}-(?<y>\d{2}) +${TIME} +GMT$`),
  new RegExp(String.raw`^[A-Za-z]{3} +${MONTH} +(?<d>\d{1,2}) +${TIME} +(?<y>\d{4})$`),
];

/**
 * An HTTP date in seconds since the epoch; `null` when it is none. Names of days and months in any case, one digit of
 * an hour or several blanks are let through; another zone than `GMT`, a missing comma or a mixture of forms are not:
 * so Fastly does by the published cache-tests results (freshness-expires-*).
 */
export function parseHttpDate(text: string): number | null {
  const trimmed = text.trim();
  // Nearly every header that is asked for is missing.
  if (trimmed === "") return null;
  for (const form of FORMS) {
    const { d, mo, y, h, mi, s } = form.exec(trimmed)?.groups ?? {};
    if (d === undefined) continue;
    const month = MONTHS.indexOf((mo ?? "").toLowerCase());
    const at = Date.UTC(fullYear(y ?? ""), month, Number(d), Number(h), Number(mi), Number(s));
    const valid =
      month !== -1 && new Date(at).getUTCDate() === Number(d) && Number(h) < 24 && Number(mi) < 60;
    return valid && Number(s) <= 60 ? at / 1000 : null;
  }
  return null;
}

/** Two digits stand for 1969 to 2068, as strptime reads them. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  return year >= 69 ? 1900 + year : 2000 + year;
}
