/** Where the items of a list stand in a text that a parser has read without telling. */

/**
 * Lines (from 1) of the `[[name]]` headers of a TOML text; text inside multi-line strings is skipped. Where the list is
 * written in another way, it is the line of its first mention for every item.
 */
export function tomlItemLines(text: string, name: string, count: number): readonly number[] {
  const header = new RegExp(`^\\s*\\[\\[\\s*(?:${name}|"${name}"|'${name}')\\s*\\]\\]`);
  const mention = new RegExp(`^\\s*["']?${name}["']?\\s*=`);
  const found: number[] = [];
  let first: number | undefined;
  let quote: string | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (quote === undefined && header.test(line)) found.push(index + 1);
    if (quote === undefined && mention.test(line)) first ??= index + 1;
    quote = quoteAfter(line, quote);
  }
  return found.length === count ? found : Array.from({ length: count }, () => first ?? found[0] ?? 1);
}

/** The multi-line string that is open at the end of a line. */
function quoteAfter(line: string, open: string | undefined): string | undefined {
  let quote = open;
  for (let at = 0; at <= line.length;) {
    if (quote !== undefined) {
      const end = line.indexOf(quote, at);
      if (end === -1) return quote;
      at = end + quote.length;
      quote = undefined;
      continue;
    }
    const mark = /#|"""|'''|"[^"\\]*(?:\\.[^"\\]*)*"|'[^']*'/g;
    mark.lastIndex = at;
    const [found] = mark.exec(line) ?? [];
    if (found === undefined || found === "#") return undefined;
    at = mark.lastIndex;
    if (found === '"""' || found === "'''") quote = found;
  }
  return quote;
}

/** Lines (from 1) of the items of a list that is a member of a JSON document's object. The text is valid JSON. */
export function jsonItemLines(text: string, name: string): readonly number[] {
  const lines: number[] = [];
  const open: string[] = [];
  let member: string | undefined;
  let isValue = false;
  let line = 1;
  for (const [mark] of text.matchAll(/\n|"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (mark === "\n") {
      line += 1;
      continue;
    }
    const isItem = open.length === 2 && open[1] === "[" && member === name;
    if (isItem && mark !== "," && mark !== "]") lines.push(line);
    if (open.length === 1 && open[0] === "{" && !isValue && mark.startsWith('"')) {
      member = String(JSON.parse(mark));
    }
    if (mark === "{" || mark === "[") open.push(mark);
    if (mark === "}" || mark === "]") open.pop();
    if (open.length === 1) isValue = mark === ":";
  }
  return lines;
}
