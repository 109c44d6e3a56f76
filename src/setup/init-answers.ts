import { SitefleetError } from "../lib/errors.ts";
import { parseSettings } from "../settings/schema.ts";
import { initialSettings } from "./initial-settings.ts";
import type { InitAnswers } from "./initial-settings.ts";
import { shieldNear } from "./region-places.ts";

/** What was given so far; every answer as it was typed. */
export type GivenAnswers = Partial<Record<InitFlag, string>>;

export type InitFlag =
  | "domain"
  | "buckets"
  | "region"
  | "target"
  | "second-region"
  | "shield"
  | "environments"
  | "s3-endpoint"
  | "fastly-api"
  | "verify-url"
  | "verify-ca";

/** One question; those without `ask` are told by flags only. */
export interface InitQuestion {
  readonly flag: InitFlag;
  readonly value: string;
  readonly summary: string;
  readonly ask?: string;
  /** Whether it is asked after these answers; default: always. */
  readonly isAsked?: (given: GivenAnswers) => boolean;
  /** Whether there is no going on without it. */
  readonly required: boolean;
  /** What an empty answer means, from the answers before. */
  readonly suggest: (given: GivenAnswers) => string;
}

const NOTHING = (): string => "";

/** In the order in which they are asked. */
export const INIT_QUESTIONS: readonly InitQuestion[] = [
  {
    flag: "domain",
    value: "<host>",
    summary: "domain below which sites get their names",
    ask: "Domain below which sites get their names (sites.example.com)",
    required: true,
    suggest: NOTHING,
  },
  {
    flag: "region",
    value: "<region>",
    summary: "region of the buckets",
    ask: "Region of the buckets (us-east-1)",
    required: true,
    suggest: NOTHING,
  },
  {
    flag: "buckets",
    value: "<prefix>",
    summary: "beginning of the buckets' names, which are one namespace for all of AWS",
    ask: "Beginning of the buckets' names",
    required: true,
    suggest: ({ domain = "" }) => domain.replaceAll(".", "-").slice(0, 30),
  },
  {
    flag: "target",
    value: "<target>",
    summary: "what the edge runs: vcl or compute (default: vcl); docs/compute.md compares them",
    ask: "What the edge runs, vcl or compute",
    required: false,
    suggest: () => "vcl",
  },
  {
    flag: "second-region",
    value: "<region>",
    summary: "a second region that the edge turns to when the first is down (default: none)",
    ask: "Second region that the edge turns to when the first is down",
    required: false,
    suggest: NOTHING,
  },
  {
    flag: "shield",
    value: "<code>",
    summary: "Fastly POP that shields the buckets (default: one near the region)",
    ask: "Fastly POP that shields the buckets",
    isAsked: ({ target }) => target !== "compute",
    required: false,
    suggest: ({ region = "" }) => shieldNear(region) ?? "",
  },
  {
    flag: "environments",
    value: "<names>",
    summary: "server environments, separated by commas (default: test,production)",
    ask: "Server environments, the last of them with the visitors",
    required: false,
    suggest: () => "test,production",
  },
  {
    flag: "s3-endpoint",
    value: "<url>",
    summary: "base URL of another S3-compatible store (default: AWS)",
    required: false,
    suggest: NOTHING,
  },
  {
    flag: "fastly-api",
    value: "<url>",
    summary: "base URL of the Fastly API (default: Fastly's)",
    required: false,
    suggest: NOTHING,
  },
  {
    flag: "verify-url",
    value: "<url>",
    summary: "where deploys ask the edge (default: https://verify.<domain>)",
    required: false,
    suggest: NOTHING,
  },
  {
    flag: "verify-ca",
    value: "<file>",
    summary:
      "authority of the edge's certificates in PEM, from where the settings are (default: none of its own)",
    required: false,
    suggest: NOTHING,
  },
];

/** Fills what the question before it needs so that one answer can be judged by itself. */
const SAMPLE = { domain: "example.com", region: "us-east-1", buckets: "example" } as const;

/** What is wrong with one answer, by the settings' own rules; empty when nothing is. */
export function problemsOf(flag: InitFlag, answer: string): readonly string[] {
  if (flag === "target" && targetOf(answer) === undefined) return ["must be vcl or compute"];
  const result = parseSettings(initialSettings(toAnswers({ ...SAMPLE, [flag]: answer })));
  if ("settings" in result) return [];
  return [...new Set(result.issues.map(({ message }) => message))];
}

function targetOf(answer: string): InitAnswers["target"] | undefined {
  return answer === "vcl" || answer === "compute" ? answer : undefined;
}

function namesIn(list: string): readonly string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/**
 * Checks all answers.
 * @throws SitefleetError `setup/missing-answers` naming the flags, `setup/invalid-answer` with every problem
 */
export function readAnswers(given: GivenAnswers): InitAnswers {
  const missing = INIT_QUESTIONS.filter(({ flag, required }) => required && !given[flag]);
  if (missing.length > 0) {
    const flags = missing.map(({ flag, value }) => `--${flag} ${value}`);
    throw new SitefleetError("setup/missing-answers", `init needs ${flags.join(", ")}`, {
      hint: "give the flags, or run it on a terminal, where it asks",
      details: missing.map(({ flag, summary }) => `--${flag}: ${summary}`),
    });
  }
  const invalid = INIT_QUESTIONS.flatMap(({ flag }) => {
    const answer = given[flag];
    if (!answer) return [];
    return problemsOf(flag, answer).map((problem) => `--${flag} "${answer}": ${problem}`);
  });
  if (given.target === "compute" && given.shield) {
    invalid.push(`--shield "${given.shield}": a Compute service has no shield`);
  }
  const shield = given.shield ?? (given.target === "compute" ? "" : shieldNear(given.region ?? "")) ?? "";
  const answers = toAnswers({ ...given, shield });
  // Answers that are right by themselves may not go together.
  const together = parseSettings(initialSettings(answers));
  const details =
    invalid.length > 0 || "settings" in together
      ? invalid
      : together.issues.map(({ path, message }) => `${path}: ${message}`);
  if (details.length === 0) return answers;
  throw new SitefleetError("setup/invalid-answer", details[0] ?? "an answer cannot be used", {
    hint: "correct every line listed; nothing was written",
    details,
  });
}

function toAnswers(given: GivenAnswers): InitAnswers {
  const optional = (flag: InitFlag): string | undefined => given[flag] || undefined;
  return {
    domain: given.domain ?? "",
    buckets: given.buckets ?? "",
    region: given.region ?? "",
    target: targetOf(given.target ?? "") ?? "vcl",
    environments: namesIn(optional("environments") ?? "test,production"),
    secondRegion: optional("second-region"),
    shield: optional("shield"),
    s3Endpoint: optional("s3-endpoint"),
    fastlyApi: optional("fastly-api"),
    verifyUrl: optional("verify-url"),
    verifyCa: optional("verify-ca"),
  };
}
