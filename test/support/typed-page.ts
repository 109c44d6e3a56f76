import { execFileSync } from "node:child_process";

/** One line of a page's console blocks. */
export interface TypedLine {
  readonly line: string;
  /** Exit code that the page tells behind the line (`# exit 2`), else 0. */
  readonly code: number;
  /** Lines of a block of output below it: each is a part of what is said. */
  readonly says: readonly string[];
}

/** Programs of a list that this machine does not have. */
export function missingPrograms(names: readonly string[]): readonly string[] {
  return names.filter((name) => {
    try {
      execFileSync(name, ["--version"], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
}

/** The lines of all `sh` blocks of a page, in order; a `text` block right below one shows what its last command says. */
export function typedLines(page: string): readonly TypedLine[] {
  const typed: TypedLine[] = [];
  for (const { language, lines, isBelow } of blocksOf(page)) {
    if (language === "sh") {
      for (const line of lines) {
        const [, code = "0"] = /# exit ([0-9]+)$/.exec(line) ?? [];
        typed.push({ line, code: Number(code), says: [] });
      }
    }
    // Lines that look at the result may stand between a command and what it says.
    const at = typed.findLastIndex(({ line }) => /(?:^| )sitefleet /.test(line));
    const last = typed[at];
    if (language === "text" && isBelow && last) typed[at] = { ...last, says: lines };
  }
  return typed;
}

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
  /** Nothing but white space stands between it and the `sh` block before. */
  readonly isBelow: boolean;
}

function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let end = -1;
  for (const match of page.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    const [whole, language = "", text = ""] = match;
    const isBelow = end !== -1 && page.slice(end, match.index).trim() === "";
    blocks.push({ language, lines: text.trimEnd().split("\n"), isBelow });
    end = language === "sh" ? match.index + whole.length : -1;
  }
  return blocks;
}
