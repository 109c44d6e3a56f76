const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const CLOCK = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

/** IMF-fixdate, RFC 850 and asctime (RFC 9110 section 5.6.7). */
const FORMS = [
  new RegExp(String.raw`^[a-z]{3}, (?<day>\d{1,2}) (?<month>[a-z]{3}) (?<year>\d{4}) ${CLOCK} gmt$`),
  new RegExp(String.raw`^[a-z]{6,9}, (?<day>\d{1,2})-(?<month>[a-z]{3})-(?<year>\d{2}) ${CLOCK} gmt$`),
  new RegExp(String.raw`^[a-z]{3} (?<month>[a-z]{3}) +(?<day>\d{1,2}) ${CLOCK} (?<year>\d{4})$`),
];

/** An HTTP date in seconds since 1970, or `undefined` for what is none. */
export function parseHttpDate(text: string): number | undefined {
  const plain = text.trim().toLowerCase();
  for (const form of FORMS) {
    const found = form.exec(plain)?.groups;
    if (found) return secondsOf(found);
  }
  return undefined;
}

function secondsOf(parts: Readonly<Record<string, string>>): number | undefined {
  const { day = "", month = "", year = "", hour = "", minute = "", second = "" } = parts;
  const number = MONTHS.indexOf(month);
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (number === -1 || h > 23 || m > 59 || s > 60) return undefined;
  const date = Date.UTC(fullYear(year), number, Number(day));
  if (new Date(date).getUTCDate() !== Number(day)) return undefined;
  return date / 1_000 + h * 3_600 + m * 60 + s;
}

/** Two digits stand for 1969 to 2068, as strptime reads them. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  return year >= 69 ? 1900 + year : 2000 + year;
}
