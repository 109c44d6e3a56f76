/** What a source and a destination of `vercel.json` are as path and target of a rule. */
export type VercelPath =
  | { readonly kind: "ok"; readonly from: string; readonly to: string }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Turns a source of `vercel.json` (a pattern of path-to-regexp 6) into ours, as far as it says the same: literal
 * segments, `:name`, and at the end `:name*`, `:name(.*)` or `(.*)`; whatever else is refused by name, with its place.
 *
 * @param to destination, in which `:name`, `:name*` and `$1` stand for what the source captured
 */
export function rulePath(source: string, to: string): VercelPath {
  const end = /\/(?::([A-Za-z]\w*)(?:\*|\(\.\*\))|\(\.\*\))$/.exec(source);
  const head = end === null ? source : source.slice(0, end.index);
  const reason =
    unsupported(head) ?? (source.startsWith("/") ? undefined : "has a source that does not begin with `/`");
  if (reason !== undefined) return { kind: "refused", reason };
  const rest = end?.[1];
  const isNamed = rest !== undefined;
  // Unnamed captures are numbered, and `$1` is the splat only where it is the first of them.
  const target = to.replaceAll(
    /:([A-Za-z]\w*)(\*?)|\$([0-9]+)/g,
    (whole, name: string | undefined, _, number) => {
      if (name !== undefined) return isNamed && name === rest ? ":splat" : `:${name}`;
      return end !== null && !isNamed && number === "1" ? ":splat" : whole;
    },
  );
  const left = /\$[0-9]+/.exec(target)?.[0];
  if (left !== undefined)
    return { kind: "refused", reason: `uses "${left}", which its source does not capture` };
  return { kind: "ok", from: end === null ? head : `${head}/*`, to: target };
}

/** The path of a header rule: as for redirects, and `(.*)` anywhere. */
export function headerPath(source: string): VercelPath {
  const plain = source.replaceAll(/:[A-Za-z]\w*(?:\*|\(\.\*\))|\(\.\*\)/g, "*");
  const reason = unsupported(plain.replaceAll("*", ""));
  return reason === undefined ? { kind: "ok", from: plain, to: "" } : { kind: "refused", reason };
}

/** The first thing that only a regular expression could do. */
function unsupported(source: string): string | undefined {
  const found = /\(|\)|\{|\}|\\|\?|\*|\+|\[|\]|\||\^|\$/.exec(source);
  if (!found) return undefined;
  const what = found[0] === "(" ? "a regular expression" : `\`${found[0]}\``;
  return `has ${what} at character ${found.index + 1} of its source; only \`:name\` and, at the end, \`:name*\` or \`(.*)\` can be used`;
}
