import type { Clock } from "../../lib/clock.ts";
import { HeaderList } from "../../http/header-list.ts";
import type { BackendSpec, ProbeSpec } from "../../vcl/runtime.ts";
import { discard } from "./body.ts";
import type { Origins } from "./origin.ts";

interface Probed {
  readonly backend: BackendSpec;
  readonly probe: ProbeSpec;
  /** The last `window` results, newest last. */
  results: boolean[];
}

/**
 * Health of a service's backends by their probes (reference/vcl/declarations/backend, "probe"). One without a probe,
 * or with a dummy one, is healthy. Probes run once for all POPs.
 */
export class HealthBoard {
  readonly #probed = new Map<string, Probed>();
  readonly #overrides = new Map<string, boolean>();
  readonly #stop = new AbortController();
  readonly #clock: Clock;
  readonly #pools: Origins;

  /**
   * @param parts.before the board of the version before, closed by this: what it knows of a backend that is probed as
   * before stays known, so that a new version or a changed ACL makes no sick backend healthy again
   */
  constructor(
    backends: Iterable<BackendSpec>,
    parts: { readonly clock: Clock; readonly pools: Origins; readonly before?: HealthBoard | undefined },
  ) {
    this.#clock = parts.clock;
    this.#pools = parts.pools;
    const { before } = parts;
    before?.close();
    const known = before === undefined ? new Map<string, Probed>() : before.#probed;
    for (const [name, healthy] of before === undefined ? [] : before.#overrides) {
      this.#overrides.set(name, healthy);
    }
    for (const backend of backends) {
      const probe = backend.probe;
      if (probe === null || probe.dummy) continue;
      const same = known.get(backend.name);
      const results = same !== undefined && isSameProbe(same, backend) ? same.results : initialResults(probe);
      const probed: Probed = { backend, probe, results };
      this.#probed.set(backend.name, probed);
      void this.#run(probed);
    }
  }

  /** Whether a probe or an override says anything of it. */
  knows(backend: BackendSpec): boolean {
    return this.#overrides.has(backend.name) || this.#probed.has(backend.name);
  }

  isHealthy(backend: BackendSpec): boolean {
    const forced = this.#overrides.get(backend.name);
    if (forced !== undefined) return forced;
    const probed = this.#probed.get(backend.name);
    return probed === undefined || countPassed(probed.results) >= probed.probe.threshold;
  }

  /** Fixes a backend's health whatever its probe says; `null` ends that. */
  override(backend: string, healthy: boolean | null): void {
    if (healthy === null) this.#overrides.delete(backend);
    else this.#overrides.set(backend, healthy);
  }

  close(): void {
    this.#stop.abort();
  }

  async #run(probed: Probed): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const passed = await this.#probe(probed);
      probed.results = [...probed.results, passed].slice(-probed.probe.window);
      const slept = this.#clock.sleep(probed.probe.interval * 1000, this.#stop.signal);
      // The only way a sleep can fail is that the board is closed, which ends the loop.
      await slept.catch(() => undefined);
    }
  }

  async #probe({ backend, probe }: Probed): Promise<boolean> {
    const request = parseProbeRequest(probe.request, backend.host);
    const patient = { ...backend, firstByteTimeout: probe.timeout, betweenBytesTimeout: probe.timeout };
    try {
      const reply = await this.#pools.fetch(patient, request, null);
      discard(reply.body);
      return reply.status === probe.expectedResponse;
    } catch {
      // Whatever kept the probe from being answered is exactly what it is there to find out.
      return false;
    }
  }
}

function isSameProbe({ backend, probe }: Probed, other: BackendSpec): boolean {
  const place = ({ host, port, ssl }: BackendSpec): string => JSON.stringify([host, port, ssl]);
  return place(backend) === place(other) && JSON.stringify(probe) === JSON.stringify(other.probe);
}

/** `initial` passed results in a window that starts out failed. */
function initialResults(probe: ProbeSpec): boolean[] {
  return Array.from({ length: probe.window }, (_, i) => i >= probe.window - probe.initial);
}

function countPassed(results: readonly boolean[]): number {
  return results.reduce((sum, passed) => sum + (passed ? 1 : 0), 0);
}

/** The lines of a probe's `.request` as a message. */
export function parseProbeRequest(
  text: string,
  host: string,
): { method: string; url: string; proto: string; headers: HeaderList } {
  const [line = "", ...rest] = text.split(/\r?\n/);
  const [method = "HEAD", url = "/", proto = "HTTP/1.1"] = line.trim().split(/\s+/);
  const headers = new HeaderList();
  for (const header of rest) {
    const colon = header.indexOf(":");
    if (colon > 0) headers.add(header.slice(0, colon).trim(), header.slice(colon + 1).trim());
  }
  if (!headers.has("Host")) headers.add("Host", host);
  return { method: method === "" ? "HEAD" : method, url, proto, headers };
}
