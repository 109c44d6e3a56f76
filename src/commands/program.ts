import { Command, CommanderError, Option } from "commander";
import { SitefleetError } from "../lib/errors.ts";
import type { CommandDefinition, CommandInput, Flags } from "./command.ts";
import type { CommonFlags } from "./context.ts";
import { NOUNS } from "./nouns.ts";
import type { Noun } from "./nouns.ts";

/** What the command line asked for: the command, its input, and the flags that every command has. */
export interface Invocation {
  readonly definition: CommandDefinition;
  readonly input: CommandInput;
  readonly flags: CommonFlags;
  /** The command that shows its help. */
  readonly help: string;
}

/** Text that commander wants shown (help, version) and the exit code that goes with it. */
export interface Shown {
  readonly text: string;
  readonly exitCode: number;
}

/**
 * Reads a command line (without node and script).
 * @throws SitefleetError `cli/usage` for anything that no definition knows
 */
export async function readInvocation(argv: readonly string[], version: string): Promise<Invocation | Shown> {
  const words = argv.filter((word) => !word.startsWith("-"));
  const [name, verb] = words[0] === "help" ? words.slice(1) : words;
  const noun = NOUNS.find((row) => row.name === name);
  const output = { out: "", err: "" };
  const program = createProgram(version, output);
  let invocation: Invocation | undefined;
  for (const row of NOUNS) {
    if (row === noun) await addNoun(program, row, (found) => (invocation = found));
    else program.command(row.name).description(row.summary);
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === "commander.help")
      return { text: output.out || output.err, exitCode: error.exitCode === 0 ? 0 : 2 };
    const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
    const known = (await noun?.load())?.commands.some((row) => row.verb === verb);
    const help = ["sitefleet", noun?.name, known ? verb : undefined, "--help"].filter(Boolean).join(" ");
    const hint = isMisplaced(argv) ? "options go behind the command: sitefleet site list --env test" : help;
    throw new SitefleetError("cli/usage", message, {
      hint: suggestion === undefined ? hint : `${suggestion.replace(/^\((.*)\)$/, "$1")} Or see ${hint}`,
      cause: error,
    });
  }
  return invocation ?? { text: program.helpInformation(), exitCode: 2 };
}

function createProgram(version: string, output: { out: string; err: string }): Command {
  return configure(new Command("sitefleet"), output)
    .description("Host many websites behind one Fastly service and two S3 buckets")
    .version(version)
    .showSuggestionAfterError(true);
}

function configure(command: Command, output: { out: string; err: string }): Command {
  return command.exitOverride().configureOutput({
    writeOut: (text) => (output.out += text),
    writeErr: (text) => (output.err += text),
  });
}

async function addNoun(program: Command, noun: Noun, found: (invocation: Invocation) => void): Promise<void> {
  const { commands } = await noun.load();
  const parent = program.command(noun.name).description(noun.summary);
  for (const definition of commands) {
    const command = definition.verb === undefined ? parent : parent.command(definition.verb);
    const help = ["sitefleet", noun.name, definition.verb, "--help"].filter(Boolean).join(" ");
    addCommand(command.description(definition.summary), definition, (given) => found({ ...given, help }));
  }
}

/** Whether the line begins with an option that every command has. */
function isMisplaced([first]: readonly string[]): boolean {
  return COMMON.some(({ long }) => long !== undefined && long === first?.replace(/=.*/s, ""));
}

const COMMON = [
  new Option("--env <name>", "server environment").default("local"),
  new Option("--state <dir>", "state folder (default .sitefleet, or SITEFLEET_STATE)"),
  new Option("--config <file>", "settings file (default: sitefleet.config.* here or above)"),
  new Option("--json", "one JSON document on stdout"),
];

function addCommand(
  command: Command,
  definition: CommandDefinition,
  found: (invocation: Omit<Invocation, "help">) => void,
): void {
  for (const argument of definition.args ?? []) command.argument(argument.name, argument.summary);
  for (const row of definition.options ?? []) {
    const option = new Option(row.flags, row.summary);
    if (row.default !== undefined) option.default(row.default);
    if (row.choices) option.choices([...row.choices]);
    if (row.required) option.makeOptionMandatory();
    if (row.repeatable) {
      option.argParser((value: string, before?: readonly string[]) => [...(before ?? []), value]);
    }
    command.addOption(option);
  }
  for (const option of COMMON) command.addOption(option);
  if (definition.writes) {
    command.option("--dry-run", "show what would be done and do nothing");
    command.option("--yes", "go on with what cannot be undone; nothing else asks");
  }
  command.addHelpText(
    "after",
    `\nExamples:\n${definition.examples.map((line) => `  sitefleet ${line}`).join("\n")}`,
  );
  command.action(() => {
    const values = command.opts<Record<string, unknown>>();
    found({ definition, input: { args: command.args, flags: toFlags(values) }, flags: commonFlags(values) });
  });
}

function commonFlags(values: Readonly<Record<string, unknown>>): CommonFlags {
  const flags = toFlags(values);
  return {
    env: flags.text("env"),
    state: flags.text("state"),
    config: flags.text("config"),
    json: flags.has("json"),
    dryRun: flags.has("dry-run"),
    yes: flags.has("yes"),
  };
}

/** Commander keeps `--site-env` as `siteEnv`; definitions speak of `site-env`. */
export function toFlags(values: Readonly<Record<string, unknown>>): Flags {
  const read = (name: string): unknown =>
    values[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
  return {
    text(name) {
      const value = read(name);
      return typeof value === "string" ? value : undefined;
    },
    list(name) {
      const value = read(name);
      return Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];
    },
    // Commander keeps `--no-wait` as `wait: false`.
    has: (name) =>
      name.startsWith("no-")
        ? read(name.slice(3)) === false
        : read(name) !== undefined && read(name) !== false,
  };
}
