const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./ -]*$/;
const RESERVED = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);

/**
 * A value as block-style YAML with sorted keys, `name` first: the form in which service diffs show a version, one
 * property a line.
 */
export function toYaml(value: unknown): string {
  return lines(value, "")
    .map((line) => `${line}\n`)
    .join("");
}

function lines(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => listItem(item, indent));
  if (typeof value !== "object" || value === null) return [indent + scalar(value)];
  return Object.entries(value)
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .flatMap(([key, item]: [string, unknown]) => property(key, item, indent));
}

function rank(key: string): number {
  return key === "name" ? 0 : 1;
}

function property(key: string, item: unknown, indent: string): string[] {
  if (item === null || item === undefined) return [`${indent}${key}:`];
  if (typeof item === "string" && item.includes("\n")) {
    return [
      `${indent}${key}: |`,
      ...item
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `${indent}  ${line}`),
    ];
  }
  if (typeof item !== "object") return [`${indent}${key}: ${scalar(item)}`];
  if (Array.isArray(item))
    return item.length === 0 ? [`${indent}${key}: []`] : [`${indent}${key}:`, ...lines(item, indent)];
  return [`${indent}${key}:`, ...lines(item, `${indent}  `)];
}

function listItem(item: unknown, indent: string): string[] {
  const [first = "", ...rest] = lines(item, `${indent}  `);
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value ?? null);
  return PLAIN.test(value) && !RESERVED.has(value.toLowerCase()) ? value : `'${value.replaceAll("'", "''")}'`;
}
