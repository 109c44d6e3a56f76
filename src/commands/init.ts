import { existsSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { SitefleetError } from "../lib/errors.ts";
import { SETTINGS_FILES } from "../settings/load.ts";
import { INIT_QUESTIONS, problemsOf, readAnswers } from "../setup/init-answers.ts";
import type { GivenAnswers, InitQuestion } from "../setup/init-answers.ts";
import { initialSettings } from "../setup/initial-settings.ts";
import { settingsText, variableNames, variablesText } from "../setup/settings-text.ts";
import type { SettingsFormat } from "../setup/settings-text.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import { writeOutputFile } from "./output-file.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary: "write a commented settings file here; asks on a terminal for what no flag says",
    options: [
      ...INIT_QUESTIONS.map(({ flag, value, summary }) => ({ flags: `--${flag} ${value}`, summary })),
      { flags: "--force", summary: "overwrite a settings file" },
    ],
    writes: true,
    examples: [
      "init",
      "init --domain sites.example.com --region eu-central-1 --buckets acme-sites",
      "init --domain sites.example.com --region us-east-1 --second-region us-west-2 --buckets acme-sites --force",
      "init --domain sites.example.com --region us-east-1 --buckets acme-sites --target compute",
      "init --domain sites.example.com --region us-east-1 --buckets acme-sites --config acme.config.json",
    ],
    run: runInit,
  },
];

const FILE = "sitefleet.config.ts";

async function runInit(context: CommandContext, input: CommandInput): Promise<void> {
  const { report } = context;
  refuseEnvironment(context);
  const { path, format, config } = targetOf(context, input);
  // Before anything is asked: nobody likes to answer in vain.
  refuseOverwriting(path, input);
  const given = flagsGiven(input);
  const answers = readAnswers(context.input.isTerminal ? await askMissing(context, given) : given);
  const text = settingsText(initialSettings(answers), format);
  const variables = variableNames(answers.environments);
  if (context.dryRun) {
    report.result({ dryRun: true, file: path, settings: text, variables }, text);
    return;
  }
  await writeOutputFile({ cwd: context.cwd, name: path }, { text });
  report.progress(`settings written to ${path}`);
  const [first = "test"] = answers.environments;
  const flags = `--env ${first}${config === undefined ? "" : ` --config ${config}`}`;
  const next = [
    `what keys and tokens must be allowed:   sitefleet deploy policies ${flags}`,
    `buckets, service and first deploy:      sitefleet deploy apply --create ${flags}`,
    `a look at everything:                   sitefleet doctor ${flags}`,
  ];
  report.result(
    { file: path, environments: answers.environments, variables },
    `${variablesText(answers.environments)}\n\n# next, with these set:\n${next.map((line) => `#   ${line}`).join("\n")}`,
  );
}

/** A flag that is given and ignored would mislead. */
function refuseEnvironment({ environmentName }: CommandContext): void {
  if (environmentName === "local") return;
  throw new SitefleetError("cli/usage", "init takes no --env: it writes every server environment", {
    hint: `name them with --environments, as in --environments test,${environmentName}`,
  });
}

interface Target {
  readonly path: string;
  readonly format: SettingsFormat;
  /** As it was given; absent = the file that is found without being named. */
  readonly config: string | undefined;
}

const FORMATS: ReadonlyMap<string, SettingsFormat> = new Map([
  [".ts", "ts"],
  [".js", "js"],
  [".mjs", "js"],
  [".json", "json"],
]);

function targetOf({ cwd }: CommandContext, { flags }: CommandInput): Target {
  const config = flags.text("config");
  if (config === undefined) return { path: join(cwd, FILE), format: "ts", config };
  const path = resolve(cwd, config);
  const format = FORMATS.get(extname(path));
  if (format === undefined) {
    throw new SitefleetError("cli/usage", `--config is "${config}", which no settings file can be called`, {
      hint: `its name must end in one of ${[...FORMATS.keys()].join(", ")}`,
    });
  }
  if (!existsSync(dirname(path))) {
    throw new SitefleetError("cli/usage", `there is no folder ${dirname(path)}`, {
      hint: "make it before, or name another file with --config",
    });
  }
  return { path, format, config };
}

function refuseOverwriting(path: string, input: CommandInput): void {
  const folder = dirname(path);
  // A file of another kind would win over ours, or lose to it, where both are found without being named.
  const rivals = SETTINGS_FILES.includes(basename(path)) ? SETTINGS_FILES : [basename(path)];
  const found = rivals.filter((name) => existsSync(join(folder, name)));
  const others = found.filter((name) => name !== basename(path));
  if (found.length === 0 || (input.flags.has("force") && others.length === 0)) return;
  const hint =
    others.length === 0
      ? "--force overwrites it; --dry-run shows what would be written"
      : `remove ${others.join(", ")} first: one folder has one settings file`;
  throw new SitefleetError("setup/file-exists", `there is ${found.join(", ")} in ${folder} already`, {
    hint,
  });
}

function flagsGiven({ flags }: CommandInput): GivenAnswers {
  return Object.fromEntries(
    INIT_QUESTIONS.flatMap(({ flag }) => {
      const value = flags.text(flag);
      return value === undefined ? [] : [[flag, value] as const];
    }),
  );
}

async function askMissing(context: CommandContext, given: GivenAnswers): Promise<GivenAnswers> {
  let answers = given;
  for (const question of INIT_QUESTIONS) {
    if (question.ask === undefined || answers[question.flag] !== undefined) continue;
    if (question.isAsked?.(answers) === false) continue;
    answers = { ...answers, [question.flag]: await askUntilRight(context, question, answers) };
  }
  return answers;
}

async function askUntilRight(
  { input, report }: CommandContext,
  question: InitQuestion,
  answers: GivenAnswers,
): Promise<string> {
  const suggested = question.suggest(answers);
  const shown = suggested === "" ? (question.required ? "" : " [none]") : ` [${suggested}]`;
  for (;;) {
    const typed = (await input.ask(`${question.ask ?? ""}${shown}: `)).trim();
    const answer = typed === "" ? suggested : typed;
    if (answer === "" && !question.required) return "";
    // One at a time: the others are mostly the same said of another field.
    const [problem] = answer === "" ? ["there is no going on without it"] : problemsOf(question.flag, answer);
    if (problem === undefined) return answer;
    report.warn(problem);
  }
}
