import { checkService } from "../vcl/compile-service.ts";
import type { CheckedService } from "../vcl/compile-service.ts";
import { compileProgram } from "../vcl/compiler.ts";
import { VclError, formatDiagnostic } from "../vcl/diagnostics.ts";
import type { Marks } from "../vcl/marks.ts";
import type { Program } from "../vcl/runtime.ts";
import { SitefleetError } from "../lib/errors.ts";
import { serviceSources } from "../mirror/api/generated-vcl.ts";
import type { VersionInput } from "../mirror/api/generated-vcl.ts";
import { liveAcls, liveTables } from "../mirror/api/live-content.ts";
import { brokenReferences } from "../mirror/api/references.ts";
import { vclName } from "../mirror/api/vcl-text.ts";
import type { HostSet } from "./covered-hosts.ts";
import { markProgram } from "./program-marks.ts";
import type { ProgramMarks } from "./program-marks.ts";
import { keyOf } from "./statement-keys.ts";
import { versionInput } from "./version-input.ts";
import type { SideVersion } from "./version-input.ts";

/** One side, ready to run. */
export interface SideProgram {
  readonly program: Program;
  /** Domains of the version, in lower case. */
  readonly domains: HostSet;
  /** Domains of the other side: a host that only that one has is unknown to this one. */
  readonly otherDomains: HostSet;
  /** Told when somebody asks for a host that only one side has. */
  readonly onHostOfOneSide?: () => void;
}

/** What the scout has come by since somebody last cleared it. */
export interface Sighting {
  /** A place from which on the new program could do something else. */
  reached: boolean;
  /** A run was stopped, perhaps by a budget of which the scout needs a little more than either program. */
  stopped: boolean;
}

/**
 * The old program with marks: where a request comes by none of them, on either POP and in no subroutine, the new side
 * would have done the same, and need not be asked.
 */
export interface Scout {
  readonly side: SideProgram;
  readonly sighting: Sighting;
}

/** Both sides of a replay. */
export interface Sides {
  readonly before: SideProgram;
  readonly after: SideProgram;
  /** `null`: both sides are asked everything. */
  readonly scout: Scout | null;
}

export interface SidesOptions {
  /** Whether the new side may be left unasked where that cannot make a difference; it may unless given. */
  readonly mayScout?: boolean;
}

/**
 * Compiles both versions as the mirror's control plane would.
 * @throws SitefleetError `replay/invalid-vcl` when this engine cannot run one of them
 */
export function compileSides(before: SideVersion, after: SideVersion, options: SidesOptions = {}): Sides {
  const [old, next] = [readSide(before), readSide(after)];
  const [oldDomains, nextDomains] = [domainsOf(before), domainsOf(after)];
  const side = { program: compileSide(old), domains: oldDomains, otherDomains: nextDomains };
  return {
    before: side,
    after: { program: compileSide(next), domains: nextDomains, otherDomains: oldDomains },
    scout: options.mayScout === false ? null : makeScout(side, old, next),
  };
}

/** A version, checked but not compiled. */
interface ReadSide {
  readonly version: SideVersion;
  readonly input: VersionInput;
  readonly service: CheckedService;
}

function readSide(version: SideVersion): ReadSide {
  const input = versionInput(version);
  const missing = brokenReferences(input.objects);
  if (missing.length > 0) throw invalid(version, missing);
  return { version, input, service: orInvalid(version, () => checkService(serviceSources(input))) };
}

function compileSide({ version, input, service }: ReadSide, marks?: Marks): Program {
  return orInvalid(version, () =>
    compileProgram(service.program, {
      tables: liveTables(input),
      acls: liveAcls(input),
      warnings: service.warnings,
      ...(marks === undefined ? {} : { marks }),
    }),
  );
}

function makeScout(side: SideProgram, old: ReadSide, next: ReadSide): Scout | null {
  const changedNames = changedContents(old.version, next.version);
  const marks = (mayAsk: boolean): ProgramMarks | null =>
    markProgram(old.service.program, next.service.program, { changedNames, mayAsk });
  const asking = marks(true);
  if (asking === null) return null;
  const sighting: Sighting = { reached: false, stopped: false };
  const reached = (): void => void (sighting.reached = true);
  const compile = (at: ProgramMarks): Program => compileSide(old, { at, reached });
  const program = compileAsking(() => compile(asking)) ?? compile(marks(false) ?? asking);
  const run: Program["run"] = (state, transaction) => {
    try {
      return program.run(state, transaction);
    } catch (error) {
      sighting.stopped = true;
      throw error;
    }
  };
  return { side: { ...side, program: { ...program, run }, onHostOfOneSide: reached }, sighting };
}

/** A condition of the new program may name what only that one declares: then it cannot be asked in the old one. */
function compileAsking(compile: () => Program): Program | undefined {
  try {
    return compile();
  } catch (error) {
    if (error instanceof SitefleetError) return undefined;
    throw error;
  }
}

/** VCL's names of the tables and ACLs that do not hold the same on both sides. */
function changedContents(old: SideVersion, next: SideVersion): ReadonlySet<string> {
  const changed = new Set<string>();
  const compare = <T>(
    a: ReadonlyMap<string, T>,
    b: ReadonlyMap<string, T>,
    text: (one: T) => string,
  ): void => {
    for (const name of new Set([...a.keys(), ...b.keys()])) {
      const [was, is] = [a.get(name), b.get(name)];
      if (was === undefined || is === undefined || text(was) !== text(is)) changed.add(vclName(name));
    }
  };
  compare(old.dictionaries, next.dictionaries, (items) => keyOf([...items]));
  compare(old.acls, next.acls, keyOf);
  return changed;
}

function orInvalid<T>(version: SideVersion, make: () => T): T {
  try {
    return make();
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
