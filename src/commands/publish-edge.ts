import { SitefleetError } from "../lib/errors.ts";
import type { EdgeWishes, Published } from "../publish/published.ts";
import type { CommandInput, OptionDefinition } from "./command.ts";
import { counted } from "./publishing.ts";

/** Options about what is done at the edge when a release is live, published just now or shown again. */
export const EDGE_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: "--verify",
    summary: "ask the edge and its shield until both show the release, and store a receipt",
  },
  { flags: "--verify-timeout <seconds>", summary: "how long to ask at most (default: 30)" },
  {
    flags: "--warm <count>",
    summary:
      "request up to so many changed pages once they are live (default: all, if they are at most publishing.warm of the settings)",
  },
  { flags: "--no-warm", summary: "request none" },
];

const VERIFY_SECONDS = 30;
const LONGEST_SECONDS = 3_600;
const MOST_PAGES = 10_000;

/**
 * What the options ask for.
 * @throws SitefleetError `cli/usage`
 */
export function edgeWishesOf({ flags }: CommandInput): Pick<EdgeWishes, "verify" | "warm"> {
  const seconds = numberOf(flags.text("verify-timeout"), "--verify-timeout", LONGEST_SECONDS);
  const count = numberOf(flags.text("warm"), "--warm", MOST_PAGES);
  if (seconds !== undefined && !flags.has("verify")) {
    throw new SitefleetError("cli/usage", "--verify-timeout needs --verify");
  }
  return {
    ...(flags.has("verify") ? { verify: { timeoutMs: (seconds ?? VERIFY_SECONDS) * 1_000 } } : {}),
    ...(flags.has("no-warm") ? { warm: false } : count === undefined ? {} : { warm: count }),
  };
}

function numberOf(text: string | undefined, flag: string, most: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= most) return Number(text);
  throw new SitefleetError("cli/usage", `${flag} takes a whole number up to ${most}, not "${text}"`);
}

/** Lines about what was done at the edge. */
export function describeEdge({ warm, receipt }: Published): readonly string[] {
  const seen = receipt?.times.liveAt;
  return [
    ...(seen && receipt
      ? [
          `verified: ${counted(receipt.probes.length, "answer")} of ${counted(receipt.hosts.probed, "domain")}, all right ${seen.ms} ms after the start`,
        ]
      : []),
    ...(warm && warm.warmed > 0 ? [`warmed: ${counted(warm.warmed, "request")} in ${warm.ms} ms`] : []),
  ];
}
