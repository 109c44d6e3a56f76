/** The `name=value` members of a header such as Cookie or Cache-Control (reference/http/http-headers, ":" accessor). */

/** What separates the members of a header: `;` in Cookie, a comma elsewhere. */
export function separatorOf(headerLower: string): string {
  return headerLower === "cookie" ? ";" : ",";
}

interface Member {
  readonly start: number;
  readonly end: number;
}

/** Splits at the separator, but not inside double quotes. */
function members(value: string, separator: string): Member[] {
  const found: Member[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i <= value.length; i++) {
    const char = value[i];
    if (char === '"') quoted = !quoted;
    if (i < value.length && (quoted || char !== separator)) continue;
    found.push({ start, end: i });
    start = i + 1;
  }
  return found;
}

function nameOf(member: string): string {
  const equals = member.indexOf("=");
  return (equals === -1 ? member : member.slice(0, equals)).trim().toLowerCase();
}

/**
 * The value of a member by its name without case; a bare token has the empty value; `null` when there is no such
 * member. Reading splits at every separator, but a value that opens with a quote runs to the next one.
 */
export function readSubfield(value: string, name: string, separator: string): string | null {
  const wanted = name.toLowerCase();
  for (let start = 0; start <= value.length;) {
    const found = value.indexOf(separator, start);
    const end = found === -1 ? value.length : found;
    const member = value.slice(start, end);
    if (nameOf(member) === wanted) return memberValue(value, start + member.indexOf("="), end);
    start = end + 1;
  }
  return null;
}

/** What stands behind the equals sign; `equals` before the member's start means a bare token. */
function memberValue(value: string, equals: number, end: number): string {
  if (value[equals] !== "=") return "";
  const raw = value.slice(equals + 1, end).trim();
  if (!raw.startsWith('"')) return raw;
  const open = value.indexOf('"', equals);
  const close = value.indexOf('"', open + 1);
  return close === -1 ? raw : value.slice(open + 1, close);
}

/**
 * Replaces or appends a member; the empty value makes a bare token (reference/vcl/statements/set). The other members
 * keep their text.
 */
export function writeSubfield(
  value: string | null,
  member: { readonly name: string; readonly value: string; readonly separator: string },
): string {
  const text =
    member.value === "" ? member.name : `${member.name}=${quoteIfNeeded(member.value, member.separator)}`;
  if (value === null || value.trim() === "") return text;
  const wanted = member.name.toLowerCase();
  let replaced = false;
  const kept: string[] = [];
  for (const { start, end } of members(value, member.separator)) {
    const old = value.slice(start, end);
    if (nameOf(old) !== wanted) kept.push(old);
    else if (!replaced) {
      kept.push(start === 0 ? text : ` ${text}`);
      replaced = true;
    }
  }
  if (!replaced) kept.push(kept.length === 0 ? text : ` ${text}`);
  return kept.join(member.separator).trimStart();
}

function quoteIfNeeded(value: string, separator: string): string {
  return value.includes(separator) && !value.startsWith('"') ? `"${value}"` : value;
}

/** Takes every member of the name out; `null` when nothing is left. */
export function removeSubfield(value: string, name: string, separator: string): string | null {
  const wanted = name.toLowerCase();
  const kept = members(value, separator)
    .map(({ start, end }) => value.slice(start, end))
    .filter((member) => nameOf(member) !== wanted);
  const text = kept.join(separator).trim();
  return text === "" ? null : text;
}
