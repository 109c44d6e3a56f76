import { assertNever } from "../../lib/errors.ts";
import type { LiveAcl } from "../../vcl/acl.ts";
import { positionOf, VclError } from "../../vcl/diagnostics.ts";
import type { Diagnostic } from "../../vcl/diagnostics.ts";
import type { LiveTable, Program } from "../../vcl/runtime.ts";
import type { ServiceSources } from "../../vcl/service.ts";
import type { ComputeContent } from "../compute-content.ts";
import type { EdgeControl } from "../service.ts";
import { badRequest } from "./api-error.ts";
import { computeContentOf } from "./compute-content.ts";
import type { ComputeSources } from "./compute-content.ts";
import { computeProblems } from "./compute-problems.ts";
import { logEndpoints } from "./generated-logs.ts";
import { liveAcls, liveSecrets, liveTables } from "./live-content.ts";
import { serviceSources } from "./generated-vcl.ts";
import type { VersionInput } from "./generated-vcl.ts";
import { withPools } from "./pool-kind.ts";
import { PRODUCT_COLLECTION } from "./product-rows.ts";
import { brokenReferences } from "./references.ts";
import { textOf } from "./state.ts";
import type { Collection, ServiceRecord, VersionObjects } from "./state.ts";
import type { ServiceStore } from "./store.ts";
import { unservedParts } from "./unserved.ts";

/** Compiles a service; throws `VclError` when the text is wrong. */
export type CompileService = (
  sources: ServiceSources,
  options: {
    readonly tables: ReadonlyMap<string, LiveTable>;
    readonly acls: ReadonlyMap<string, LiveAcl>;
  },
) => Program;

/** What the edge runs of a version: VCL's program, or what a package's program can reach. */
export type Runnable =
  | { readonly kind: "vcl"; readonly program: Program }
  | { readonly kind: "compute"; readonly content: ComputeContent };

/** What the compiler and the checks of references say about a version. */
export interface Verdict {
  /** `null`: the version cannot run. */
  readonly runnable: Runnable | null;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** Content to compile with in place of what is stored under the id. */
export interface ReplacedContent {
  readonly id: string;
  readonly content: Collection;
}

export interface ActivationDeskOptions extends ComputeSources {
  readonly store: ServiceStore;
  readonly edge: EdgeControl;
  readonly compile: CompileService;
}

/** Turns versions into running programs and hands them to the edge. */
export class ActivationDesk {
  readonly #store: ServiceStore;
  readonly #sources: ComputeSources;
  readonly #edge: EdgeControl;
  readonly #compile: CompileService;

  constructor(options: ActivationDeskOptions) {
    this.#store = options.store;
    this.#sources = options;
    this.#edge = options.edge;
    this.#compile = options.compile;
  }

  /** What generated VCL of a version is made from. */
  async input(service: ServiceRecord, version: number): Promise<VersionInput> {
    return {
      serviceId: service.id,
      customerId: this.#store.account.customerId,
      objects: await this.#store.objects(service.id, version),
      collection: (id) => this.#store.collection(service.id, id),
    };
  }

  /** Compiles a version without running it, with other versionless content where one is given. */
  async judge(service: ServiceRecord, version: number, replaced?: ReplacedContent): Promise<Verdict> {
    const stored = await this.input(service, version);
    const input: VersionInput = {
      ...stored,
      collection: (id) => (id === replaced?.id ? replaced.content : stored.collection(id)),
    };
    return service.type === "wasm" ? this.#judgedCompute(input) : this.#judged(input, stored);
  }

  /** Judges objects that are no version of the service, with its versionless content; `""` is no service at all. */
  lint(serviceId: string, objects: VersionObjects): Verdict {
    const { customerId } = this.#store.account;
    const input = {
      serviceId,
      customerId,
      objects,
      collection: (id: string) => this.#store.collection(serviceId, id),
    };
    return this.#judged(input, input);
  }

  /** `live` is what the program reads while it runs, `input` what it is compiled from. */
  #judged(input: VersionInput, live: VersionInput): Verdict {
    const missing = brokenReferences(withPools(input.objects, input.collection));
    if (missing.length > 0) return { runnable: null, errors: missing, warnings: [] };
    try {
      const program = this.#compile(serviceSources(input), {
        tables: liveTables(live),
        acls: liveAcls(live),
      });
      const warnings = [...program.warnings.map(describe), ...unservedParts(input)];
      return { runnable: { kind: "vcl", program }, errors: [], warnings: warnings.map(asWarning) };
    } catch (error) {
      if (!(error instanceof VclError)) throw error;
      return { runnable: null, errors: error.diagnostics.map(describe), warnings: [] };
    }
  }

  #judgedCompute(input: VersionInput): Verdict {
    const content = computeContentOf(input, this.#sources);
    const { errors, warnings } = computeProblems(input, this.#sources.stores);
    const unserved = [
      ...unservedParts(input),
      ...(this.#edge.activateCompute === undefined ? [NO_COMPUTE] : []),
    ];
    return {
      runnable: content === null || errors.length > 0 ? null : { kind: "compute", content },
      errors,
      warnings: errors.length > 0 ? [] : [...warnings, ...unserved].map(asWarning),
    };
  }

  /** Serves a judged version from the next request on. */
  async run(service: ServiceRecord, version: number, runnable: Runnable): Promise<void> {
    const objects = await this.#store.objects(service.id, version);
    const collection = (id: string): Collection => this.#store.collection(service.id, id);
    const common = {
      id: service.id,
      name: service.name,
      version,
      domains: [
        ...objects.resources.domain.map((domain) => textOf(domain, "name").toLowerCase()),
        ...this.#store.domainsOf(service.id),
      ],
      logEndpoints: logEndpoints(objects),
    };
    switch (runnable.kind) {
      case "vcl":
        return this.#edge.activate({
          ...common,
          program: runnable.program,
          websockets: collection(PRODUCT_COLLECTION).has("websockets"),
          secrets: () => liveSecrets({ objects, collection }),
        });
      case "compute":
        return this.#edge.activateCompute?.({ ...common, content: runnable.content });
      default:
        return assertNever(runnable);
    }
  }

  /** Runs the active version of a service again, as after a change of its versionless domains. */
  async runAgain(serviceId: string): Promise<void> {
    const service = this.#store.find(serviceId);
    if (service === undefined || service.activeVersion === null) return;
    const { runnable, errors } = await this.judge(service, service.activeVersion);
    if (runnable === null) throw badRequest(errors.join("\n"));
    await this.run(service, service.activeVersion, runnable);
  }

  stop(serviceId: string): void {
    this.#edge.deactivate(serviceId);
  }

  /**
   * Stores versionless content that is compiled into programs (a dynamic snippet): compiles the active version with it
   * first, and runs the result once it is stored. Throws 400, with nothing stored, when it does not
   * compile.
   */
  async saveCompiledIn(serviceId: string, id: string, content: Collection): Promise<void> {
    const service = this.#store.find(serviceId);
    if (service === undefined || service.activeVersion === null) {
      return this.#store.saveCollection(serviceId, id, content);
    }
    const { runnable, errors } = await this.judge(service, service.activeVersion, { id, content });
    if (runnable === null) throw badRequest(errors.join("\n"));
    await this.#store.saveCollection(serviceId, id, content);
    await this.run(service, service.activeVersion, runnable);
  }

  /**
   * Runs every stored active version, as after a restart. A service that no longer compiles stays off; the answer has
   * one line for each of those.
   */
  async restore(): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const service of this.#store.list()) {
      if (service.activeVersion === null) continue;
      const verdict = await this.judge(service, service.activeVersion);
      if (verdict.runnable !== null) await this.run(service, service.activeVersion, verdict.runnable);
      else
        problems.push(`service ${service.id} version ${service.activeVersion}: ${verdict.errors.join("; ")}`);
    }
    return problems;
  }

  /** The name of the other service whose active version has one of these domains, if any, and which domain that is. */
  async domainOwner(
    serviceId: string,
    names: readonly string[],
  ): Promise<{ name: string; service: string } | null> {
    const wanted = new Set(names.map((name) => name.toLowerCase()));
    for (const domain of this.#store.domains.values()) {
      const [name, owner] = [textOf(domain, "fqdn"), textOf(domain, "service_id")];
      if (owner === "" || owner === serviceId || !wanted.has(name)) continue;
      return { name, service: this.#store.find(owner)?.name ?? owner };
    }
    for (const other of this.#store.list()) {
      if (other.id === serviceId || other.activeVersion === null) continue;
      const { resources } = await this.#store.objects(other.id, other.activeVersion);
      const taken = resources.domain.find((domain) => wanted.has(textOf(domain, "name").toLowerCase()));
      if (taken !== undefined) return { name: textOf(taken, "name"), service: other.name };
    }
    return null;
  }

  /**
   * Refuses domains that another service has, in Fastly's words (docs.fastly.com/en/guides/common-service-and-domain-errors):
   * whoever is live with a domain has it, and drafts have none. Fastly refuses when a domain is put into a version
   * (fastly/cli issue 803); the activation is refused too, because the other service may have gone live meanwhile.
   */
  async refuseTaken(serviceId: string, names: readonly string[]): Promise<void> {
    const owner = await this.domainOwner(serviceId, names);
    if (owner !== null)
      throw badRequest(`Domain '${owner.name}' is already taken by service '${owner.service}'`);
  }
}

const NO_COMPUTE = "the mirror's edge runs no Compute services: nothing answers for this version";

function asWarning(warning: string): string {
  return `Warning: ${warning}`;
}

/** The compiler's finding in Fastly's form: the sentence, then `at: (<file> Line <l> Pos <p>)`. */
function describe(diagnostic: Diagnostic): string {
  const { source, start } = diagnostic.span;
  const { line, column } = positionOf(source, start);
  return `${diagnostic.message}\nat: (${source.name} Line ${line} Pos ${column})`;
}
