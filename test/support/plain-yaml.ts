/** A value of a file in the plain part of YAML that workflows are written in. */
export type Yaml = string | readonly Yaml[] | { readonly [name: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
}

/**
 * Reads block maps, block lists, `[a, b]`, scalars on one line and `|` texts; every scalar is text. What else YAML has is
 * refused, so that no file is misread.
 */
export function parsePlainYaml(source: string): Yaml {
  const lines = source.split("\n").flatMap((line): readonly Line[] => {
    const text = line.replace(/(^|\s)#.*$/, "").trimEnd();
    return text === "" ? [] : [{ indent: text.search(/\S/), text: text.trim() }];
  });
  const [value, rest] = parseBlock(lines);
  if (rest.length > 0) throw new Error(`unexpected indentation: ${rest[0]?.text ?? ""}`);
  return value;
}

function parseBlock(lines: readonly Line[]): readonly [value: Yaml, rest: readonly Line[]] {
  const [first] = lines;
  if (!first) return ["", []];
  return first.text.startsWith("- ") ? parseList(lines, first.indent) : parseMap(lines, first.indent);
}

function parseList(lines: readonly Line[], indent: number): readonly [Yaml, readonly Line[]] {
  const items: Yaml[] = [];
  let rest = lines;
  for (;;) {
    const [line, ...others] = rest;
    if (!line || line.indent !== indent || !line.text.startsWith("- ")) return [items, rest];
    const inner = { indent: indent + 2, text: line.text.slice(2).trim() };
    const isMap = /^[\w-]+:(?: |$)/.test(inner.text);
    const [value, after] = isMap ? parseMap([inner, ...others], indent + 2) : [scalar(inner.text), others];
    items.push(value);
    rest = after;
  }
}

function parseMap(lines: readonly Line[], indent: number): readonly [Yaml, readonly Line[]] {
  const map: Record<string, Yaml> = {};
  let rest = lines;
  for (;;) {
    const [line, ...others] = rest;
    if (!line || line.indent !== indent) return [map, rest];
    const [, name, text] = /^([\w-]+):(?: (.*))?$/.exec(line.text) ?? [];
    if (name === undefined || name in map) throw new Error(`not a field, or a second one: ${line.text}`);
    const [value, after] = parseValue(text, { indent, others });
    map[name] = value;
    rest = after;
  }
}

function parseValue(
  text: string | undefined,
  { indent, others }: { readonly indent: number; readonly others: readonly Line[] },
): readonly [Yaml, readonly Line[]] {
  if (text === "|") {
    const end = others.findIndex((line) => line.indent <= indent);
    const inner = end === -1 ? others : others.slice(0, end);
    return [inner.map((line) => `${line.text}\n`).join(""), others.slice(inner.length)];
  }
  const isInner = text === undefined && (others[0]?.indent ?? 0) > indent;
  return isInner ? parseBlock(others) : [scalar(text ?? ""), others];
}

function scalar(text: string): Yaml {
  if (text.startsWith("[") && text.endsWith("]"))
    return text
      .slice(1, -1)
      .split(",")
      .map((item) => item.trim());
  if (text.startsWith('"')) return String(JSON.parse(text));
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (/^[&*!|>{%@`]/.test(text)) throw new Error(`not read here: ${text}`);
  return text;
}

/** A field of a map; an empty text where there is none. */
export function fieldOf(value: Yaml | undefined, name: string): Yaml {
  return typeof value === "object" && !isList(value) ? (value[name] ?? "") : "";
}

/** A field that is text; an empty one where there is none. */
export function textOf(value: Yaml | undefined, name: string): string {
  const found = fieldOf(value, name);
  if (typeof found !== "string") throw new Error(`${name} is no text`);
  return found;
}

/** The fields of a map, in order. */
export function fieldsOf(value: Yaml): readonly (readonly [name: string, value: Yaml])[] {
  return typeof value === "object" && !isList(value) ? Object.entries(value) : [];
}

/** The elements of a list. */
export function itemsOf(value: Yaml): readonly Yaml[] {
  return isList(value) ? value : [];
}

function isList(value: Yaml): value is readonly Yaml[] {
  return Array.isArray(value);
}
