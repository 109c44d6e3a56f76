import { z } from "zod";
import { findingAt } from "./finding.ts";
import type { LintFinding } from "./finding.ts";
import type { SentFile } from "../apply/vcl-message.ts";

/** A line of the text that falco gets, by the file that it is of. */
export interface MergedLine {
  readonly file: SentFile | undefined;
  /** From 1. */
  readonly line: number;
}

const token = z.object({ Line: z.int(), Position: z.int() });
const lintError = z.object({ Severity: z.string(), Token: token, Message: z.string(), Rule: z.string() });
const parseError = z.object({ Token: token, Message: z.string() });

/** `falco lint -json` of falco 2; the tree of the program, which it prints too, is left alone. */
const answerSchema = z.object({
  LintErrors: z.record(z.string(), z.array(lintError)).nullish(),
  ParseErrors: z.record(z.string(), parseError).nullish(),
});

/** A finding of falco's that is not one of ours: where it is so, and why. */
interface Accepted {
  readonly rule: string;
  readonly message: RegExp;
  /** The line it is about, where it is about one line only. */
  readonly line?: string;
  readonly why: string;
}

/** Everything of falco's that is left out; docs/lint.md tells the same. */
export const ACCEPTED: readonly Accepted[] = [
  {
    rule: "deprecated",
    message: /^Regex captured variable "re\.group\.\d+" is uncaptured or reset/,
    why: "falco forgets what the left side of `&&` captured; the VCL checker follows captures itself",
  },
  {
    rule: "set-statement/overwrite-vary",
    message: /^Overwriting beresp\.http\.Vary/,
    line: 'set beresp.http.Vary = "Accept-Encoding";',
    why: "what the store says of Vary is left out on purpose, by origin-headers",
  },
];

/** Findings of falco's words, each at the line of ours; what is about generated declarations is left out. */
export function readFalcoAnswer(output: string, lines: readonly MergedLine[]): readonly LintFinding[] {
  const answer = answerSchema.safeParse(parseJson(output));
  if (!answer.success) {
    const said = output.trim().split("\n")[0] ?? "";
    return [unreadable(said === "" ? "it printed nothing" : `it printed "${said.slice(0, 200)}"`)];
  }
  const parse = Object.entries(answer.data.ParseErrors ?? {}).map(([file, { Token, Message }]) => ({
    file,
    place: Token,
    message: Message,
    rule: "syntax",
    severity: "error" as const,
  }));
  const lint = Object.entries(answer.data.LintErrors ?? {}).flatMap(([file, errors]) =>
    errors.flatMap((error) => {
      const severity = severityOf(error.Severity);
      if (severity === undefined) return [];
      return [{ file, place: error.Token, message: error.Message, rule: error.Rule || "lint", severity }];
    }),
  );
  return [...parse, ...lint].flatMap((one) => placed(one, lines));
}

function severityOf(word: string): LintFinding["severity"] | undefined {
  if (/^error$/i.test(word)) return "error";
  // The third kind, Info, is of habits and not of faults.
  return /^warning$/i.test(word) ? "warning" : undefined;
}

function placed(
  found: {
    readonly place: z.output<typeof token>;
    readonly message: string;
    readonly rule: string;
    readonly severity: LintFinding["severity"];
  },
  lines: readonly MergedLine[],
): readonly LintFinding[] {
  const merged = lines[found.place.Line - 1];
  if (!merged?.file) return [];
  const text = merged.file.content.split("\n")[merged.line - 1]?.trim();
  const isAccepted = ACCEPTED.some(
    ({ rule, message, line }) =>
      rule === found.rule && message.test(found.message) && (line === undefined || line === text),
  );
  if (isAccepted) return [];
  const { severity, message } = found;
  const column = Math.max(1, found.place.Position);
  return [
    findingAt(merged.file, { severity, rule: `falco/${found.rule}`, message, line: merged.line, column }),
  ];
}

function unreadable(why: string): LintFinding {
  return {
    severity: "warning",
    rule: "falco/unreadable",
    message: `falco's answer is none that can be read: ${why}`,
    file: "main.vcl",
    line: 1,
    column: 1,
    origin: undefined,
    excerpt: "",
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told as a finding of its own.
    return undefined;
  }
}
