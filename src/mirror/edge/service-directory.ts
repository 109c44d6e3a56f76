import type { Clock } from "../../lib/clock.ts";
import type { BackendSpec } from "../../vcl/runtime.ts";
import type { ActiveComputeService, ActiveService } from "../service.ts";
import { HealthBoard } from "./health.ts";
import type { OriginPools } from "./origin.ts";
import type { AnyRun, ComputeRun } from "./parts.ts";

/** The services that are active, found by Host: exact name, longest wildcard, pinned service. */
export class ServiceDirectory {
  readonly #runs = new Map<string, AnyRun>();
  #exact = new Map<string, AnyRun>();
  #wildcards = new Map<string, AnyRun>();
  #pinned: string | null = null;
  readonly #clock: Clock;
  readonly #pools: OriginPools;

  constructor(parts: { readonly clock: Clock; readonly pools: OriginPools }) {
    this.#clock = parts.clock;
    this.#pools = parts.pools;
  }

  /** The service that a Host header belongs to, its port and trailing dot aside. */
  find(host: string): AnyRun | null {
    const known = this.#exact.get(host);
    if (known !== undefined) return known;
    const name = hostName(host);
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
      const wildcard = this.#wildcards.get(name.slice(dot + 1));
      if (wildcard !== undefined) return wildcard;
    }
    return this.#pinned === null ? null : (this.#runs.get(this.#pinned) ?? null);
  }

  run(serviceId: string): AnyRun | null {
    return this.#runs.get(serviceId) ?? null;
  }

  activate(active: ActiveService): void {
    const backends = [...active.program.backends.values()].flatMap((ref) =>
      ref.kind === "backend" ? [ref.spec] : [],
    );
    const health = this.#healthOf(active.id, backends);
    this.#runs.set(active.id, { kind: "vcl", active, backends, health, saints: new Map() });
    this.#index();
  }

  activateCompute(active: ActiveComputeService, answer: ComputeRun["answer"]): void {
    const backends = [...active.content.backends.values()];
    const health = this.#healthOf(active.id, backends);
    this.#runs.set(active.id, { kind: "compute", active, backends, health, answer });
    this.#index();
  }

  /** The health board of a version that takes over. */
  #healthOf(serviceId: string, backends: readonly BackendSpec[]): HealthBoard {
    const before = this.#runs.get(serviceId)?.health;
    return new HealthBoard(backends, { clock: this.#clock, pools: this.#pools, before });
  }

  deactivate(serviceId: string): void {
    this.#runs.get(serviceId)?.health.close();
    this.#runs.delete(serviceId);
    this.#index();
  }

  pin(serviceId: string | null): void {
    this.#pinned = serviceId;
  }

  close(): void {
    for (const run of this.#runs.values()) run.health.close();
  }

  #index(): void {
    this.#exact = new Map();
    this.#wildcards = new Map();
    for (const run of this.#runs.values()) {
      for (const domain of run.active.domains) {
        if (domain.startsWith("*.")) this.#wildcards.set(domain.slice(2), run);
        else this.#exact.set(domain, run);
      }
    }
    const inUse = [...this.#runs.values()].flatMap((run) => run.backends);
    void this.#pools.retain(inUse);
  }
}

/** The name in a Host header: lower case, without port and trailing dot. */
export function hostName(host: string): string {
  const lower = host.toLowerCase();
  const name = lower.startsWith("[") ? lower.replace(/\]:\d*$/, "]") : lower.replace(/:\d*$/, "");
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
