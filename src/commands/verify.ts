import { resolve } from "node:path";
import { CASES } from "../conformance/cases.ts";
import type { ConformanceCase } from "../conformance/case.ts";
import { runCases } from "../conformance/run.ts";
import type { CaseResult } from "../conformance/run.ts";
import type { ConformanceTarget } from "../conformance/target.ts";
import { foreignTarget } from "../fleet/conformance-target.ts";
import { caseOptions, verifyFleet } from "../fleet/verification.ts";
import { SitefleetError } from "../lib/errors.ts";
import { readAuthority } from "../settings/edge-authority.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: undefined,
    summary: "run the conformance cases against a running edge; publishes the conformance sites first",
    options: [
      {
        flags: "--target <url>",
        summary: "edge to send requests to, instead of the environment's; nothing is published",
      },
      { flags: "--host-suffix <suffix>", summary: "with --target: where the conformance sites live" },
      {
        flags: "--ca <file>",
        summary:
          "with --target: certificates in PEM that its TLS is trusted by, besides the usual authorities",
      },
      { flags: "--case <id...>", summary: "only these cases, by id or its beginning" },
      { flags: "--no-publish", summary: "publish nothing; cases that need it are skipped" },
    ],
    writes: false,
    examples: [
      "verify",
      "verify --env test",
      "verify --case redirect/ not-found/",
      "verify --target http://127.0.0.1:8080 --host-suffix conformance.localhost",
      "verify --target https://127.0.0.1:8443 --host-suffix conformance.localhost --ca .sitefleet/ca/ca.pem",
    ],
    run: runVerify,
  },
];

async function runVerify(context: CommandContext, input: CommandInput): Promise<number> {
  const { clock, signal, report } = context;
  const cases = chooseCases(input.flags.list("case"));
  const foreign = await namedTarget(context, input);
  const results =
    foreign === undefined
      ? await verifyFleet(await context.fleet(), { cases, publish: input.flags.has("publish") })
      : await runCases(cases, foreign, caseOptions({ clock, signal, notes: report }));
  const count = (verdict: CaseResult["verdict"]): number =>
    results.filter((row) => row.verdict === verdict).length;
  const totals = { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
  report.result({ ...totals, results }, describe(results, totals));
  return totals.failed > 0 ? 5 : 0;
}

function chooseCases(wanted: readonly string[]): readonly ConformanceCase[] {
  if (wanted.length === 0) return CASES;
  const chosen = CASES.filter(({ id }) => wanted.some((prefix) => id.startsWith(prefix)));
  if (chosen.length > 0) return chosen;
  throw new SitefleetError(
    "cli/usage",
    `no conformance case begins with ${wanted.map((id) => `"${id}"`).join(", ")}`,
    {
      hint: "`sitefleet verify --json` lists all ids",
    },
  );
}

/** The edge that `--target` names; `undefined`: the environment's. */
async function namedTarget(
  { cwd }: CommandContext,
  { flags }: CommandInput,
): Promise<ConformanceTarget | undefined> {
  const [url, hostSuffix, ca] = [flags.text("target"), flags.text("host-suffix"), flags.text("ca")];
  if (url === undefined) {
    const lonely = hostSuffix === undefined ? (ca === undefined ? undefined : "ca") : "host-suffix";
    if (lonely === undefined) return undefined;
    throw new SitefleetError("cli/usage", `--${lonely} goes with --target`, {
      hint: "what an environment is verified with is `verify` in its settings: `verify.hostSuffix`, `verify.ca`",
    });
  }
  if (hostSuffix === undefined || !URL.canParse(url)) {
    throw new SitefleetError("cli/usage", "--target takes a URL and goes with --host-suffix", {
      hint: "example: --target http://127.0.0.1:8080 --host-suffix conformance.localhost",
    });
  }
  return foreignTarget(
    url,
    hostSuffix,
    ca === undefined ? undefined : readAuthority(resolve(cwd, ca), "--ca"),
  );
}

function describe(
  results: readonly CaseResult[],
  totals: { passed: number; failed: number; skipped: number },
): string {
  const told = results.filter(({ verdict }) => verdict !== "passed");
  const lines = told.map(({ verdict, id, reasons }) => `${verdict.padEnd(8)} ${id}: ${reasons.join("; ")}`);
  return [...lines, `${totals.passed} cases passed, ${totals.failed} failed, ${totals.skipped} skipped`].join(
    "\n",
  );
}
