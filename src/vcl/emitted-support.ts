import type { HeaderList } from "../http/header-list.ts";
import { addHeader, writeHeader, writeText } from "./builtins/header-variables.ts";
import { overBudget } from "./compiler-context.ts";
import { asInteger } from "./compiler-expressions.ts";
import { matchTexts, testRegex } from "./regex-run.ts";
import type { Transaction } from "./runtime.ts";
import type { RegexValue, VclValue } from "./values.ts";
import { chargeWorkspace } from "./workspace.ts";

/** What generated code calls by name (see `emitter.ts`). It means what the closures of the compiler mean. */
export const SUPPORT = {
  addHeader,
  writeHeader,
  writeText,
  overBudget,
  asInteger,

  /** A STRING slot or result, `null` = not set. */
  asText: (value: VclValue | undefined): string | null => (typeof value === "string" ? value : null),

  /** A string that was just built comes out of the workspace. */
  built: (t: Transaction, text: string): string => {
    chargeWorkspace(t, text.length + 1);
    return text;
  },

  /** What a function of type STRING gave. */
  returned: (t: Transaction, value: VclValue): string | null => {
    if (typeof value !== "string") return null;
    chargeWorkspace(t, value.length + 1);
    return value;
  },

  /** A header of a message that need not exist. */
  headerOf: (message: { readonly headers: HeaderList } | null, lower: string): string | null =>
    message === null ? null : message.headers.getLower(lower),

  matches: (t: Transaction, text: string, regex: RegexValue): boolean => testRegex(t, regex, text),

  /** The same where some part of the program reads captures. */
  captures: (t: Transaction, text: string, regex: RegexValue): boolean => {
    const texts = matchTexts(t, regex, text);
    if (texts !== null) t.captures = texts;
    return texts !== null;
  },
} as const;

/** Names that generated code may use of this module. */
export type SupportName = keyof typeof SUPPORT;
