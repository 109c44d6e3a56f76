import type { DesiredService } from "../deploy/service/desired.ts";
import { SitefleetError } from "../lib/errors.ts";
import type { Fleet } from "./fleet.ts";

/**
 * Has falco look at a stage's VCL too, as `sitefleet lint` does, and says why where it cannot; its warnings are told.
 * @param path value of PATH, on which falco is looked for
 * @throws SitefleetError `deploy/lint-failed`
 */
export async function lintWithFalco(
  { notes, signal }: Pick<Fleet, "notes" | "signal">,
  what: { readonly desired: DesiredService; readonly path: string },
): Promise<void> {
  // Loaded only where there is something to send, as the other rules are.
  const { runFalco } = await import("../deploy/lint/falco.ts");
  const { formatFinding } = await import("../deploy/lint/finding.ts");
  const falco = await runFalco(what.desired, { path: what.path, signal });
  if (!falco.ran) return notes.progress(`falco: skipped, ${falco.reason}`);
  const errors = falco.findings.filter(({ severity }) => severity === "error");
  const others = falco.findings.filter(({ severity }) => severity !== "error");
  for (const finding of others) notes.warn(`falco: ${formatFinding(finding)}`);
  if (errors.length === 0) return notes.progress(`falco: no errors, ${others.length} warnings`);
  throw new SitefleetError(
    "deploy/lint-failed",
    `falco finds ${errors.length === 1 ? "an error" : `${errors.length} errors`} in the rendered VCL`,
    {
      hint: "fix the template or setting; `sitefleet lint` shows all findings",
      details: errors.slice(0, 20).map(formatFinding),
    },
  );
}
