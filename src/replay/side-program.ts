import { compileService } from "../vcl/compile-service.ts";
import { VclError, formatDiagnostic } from "../vcl/diagnostics.ts";
import type { Program } from "../vcl/runtime.ts";
import { SitefleetError } from "../lib/errors.ts";
import { serviceSources } from "../mirror/api/generated-vcl.ts";
import { liveAcls, liveTables } from "../mirror/api/live-content.ts";
import { brokenReferences } from "../mirror/api/references.ts";
import type { HostSet } from "./covered-hosts.ts";
import { versionInput } from "./version-input.ts";
import type { SideVersion } from "./version-input.ts";

/** One side, ready to run. */
export interface SideProgram {
  readonly program: Program;
  /** Domains of the version, in lower case. */
  readonly domains: HostSet;
  /** Domains of the other side: a host that only that one has is unknown to this one. */
  readonly otherDomains: HostSet;
}

/** Both sides of a replay. */
export interface Sides {
  readonly before: SideProgram;
  readonly after: SideProgram;
}

/**
 * Compiles both versions as the mirror's control plane would.
 * @throws SitefleetError `replay/invalid-vcl` when this engine cannot run one of them
 */
export function compileSides(before: SideVersion, after: SideVersion): Sides {
  const [old, next] = [domainsOf(before), domainsOf(after)];
  return {
    before: { program: compileVersion(before), domains: old, otherDomains: next },
    after: { program: compileVersion(after), domains: next, otherDomains: old },
  };
}

function compileVersion(version: SideVersion): Program {
  const input = versionInput(version);
  const missing = brokenReferences(input.objects);
  if (missing.length > 0) throw invalid(version, missing);
  try {
    return compileService(serviceSources(input), { tables: liveTables(input), acls: liveAcls(input) });
  } catch (error) {
    if (error instanceof VclError) throw invalid(version, error.diagnostics.map(formatDiagnostic));
    throw error;
  }
}

function invalid({ label }: SideVersion, problems: readonly string[]): SitefleetError {
  return new SitefleetError("replay/invalid-vcl", `${label} cannot be run in this engine`, {
    hint: "plan without --replay and --sample; what the engine knows is in docs/vcl-support.md",
    details: problems.slice(0, 20),
  });
}

function domainsOf({ domains }: SideVersion): HostSet {
  return new Set(domains.map((domain) => domain.toLowerCase()));
}
