import type { CommandContext } from "./context.ts";

export interface OptionDefinition {
  /** Commander's form: `--site <uid>`, `--domain <host...>`, `--in-place`. */
  readonly flags: string;
  readonly summary: string;
  readonly required?: boolean;
  /** Given once for each value; a flag of the form `<host...>` takes the words that follow it as well. */
  readonly repeatable?: boolean;
  readonly default?: string;
  readonly choices?: readonly string[];
}

export interface ArgumentDefinition {
  /** `<dir>` or `[dir]` or `<domain...>`. */
  readonly name: string;
  readonly summary: string;
}

/** What was typed, already checked against the definition. */
export interface CommandInput {
  readonly args: readonly string[];
  readonly flags: Flags;
}

/** Flags by their long name without dashes. */
export interface Flags {
  /** Value of a flag with one value. */
  text(name: string): string | undefined;
  /** Values of a repeatable flag, in order. */
  list(name: string): readonly string[];
  has(name: string): boolean;
}

/** One command: a row in its noun's table. It parses nothing and prints only through the context's report. */
export interface CommandDefinition {
  /** Verb after the noun (`plan` in `deploy plan`); `undefined` when the noun is the whole command (`render`). */
  readonly verb: string | undefined;
  readonly summary: string;
  readonly args?: readonly ArgumentDefinition[];
  readonly options?: readonly OptionDefinition[];
  /** Whether it changes anything: gives it `--dry-run` and `--yes`. */
  readonly writes: boolean;
  /** Command lines for `--help`, without `sitefleet`. */
  readonly examples: readonly string[];
  /** Resolves to the exit code when it is not 0. */
  run(context: CommandContext, input: CommandInput): Promise<number | void>;
}
