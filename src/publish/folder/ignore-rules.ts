/** Files of a folder's root that name what is not published, in gitignore's syntax; the second is Cloudflare's. */
export const IGNORE_FILES = [".sitefleetignore", ".assetsignore"] as const;
/** Every path is tried against every pattern. */
const PATTERN_LIMIT = 1_000;
const LINE_LIMIT = 1_000;

/** Whether a path of the folder, without slashes at its ends, is left out. */
export type IgnoreRule = (path: string, kind: "file" | "folder") => boolean;

export const IGNORE_NOTHING: IgnoreRule = () => false;

/** What is wrong with an ignore file's text, for a person. */
export function ignoreProblem(text: string): string | undefined {
  const lines = patternLines(text);
  if (lines.length > PATTERN_LIMIT) return `has ${lines.length} patterns, the limit is ${PATTERN_LIMIT}`;
  const long = lines.find((line) => line.length > LINE_LIMIT);
  return long === undefined
    ? undefined
    : `has a pattern of ${long.length} characters, the limit is ${LINE_LIMIT}`;
}

/** The rule of all texts together, later lines over earlier ones, as git reads a `.gitignore` at the root. */
export async function ignoreRule(texts: readonly string[]): Promise<IgnoreRule> {
  const lines = texts.flatMap(patternLines);
  if (lines.length === 0) return IGNORE_NOTHING;
  const { default: ignore } = await import("ignore");
  const rules = ignore({ ignorecase: false }).add(lines);
  return (path, kind) => rules.ignores(kind === "folder" ? `${path}/` : path);
}

function patternLines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
}
