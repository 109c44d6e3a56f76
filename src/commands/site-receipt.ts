import { readReceipt, receiptText } from "../publish/live/receipt.ts";
import type { CommandDefinition } from "./command.ts";
import { siteCommand } from "./site-command.ts";

/** `site receipt`: how a release went live. */
export const commands: readonly CommandDefinition[] = [
  siteCommand({
    verb: "receipt",
    summary: "show how a release went live, if `publish --verify` looked at that",
    args: [{ name: "[release]", summary: "default: the one that the site shows" }],
    writes: false,
    examples: ["site receipt acme", "site receipt acme 7 --json"],
    run: async (context, { deps, ref, input }) => {
      const receipt = await readReceipt(deps, ref, input.args[1]);
      context.report.result(receipt, receiptText(receipt));
    },
  }),
];
