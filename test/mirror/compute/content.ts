import type { Clock } from "../../../src/lib/clock.ts";
import type { ComputeContent } from "../../../src/mirror/compute-content.ts";
import type {
  ComputeHost,
  ComputeHostInit,
  OriginFunction,
} from "../../../src/mirror/compute/compute-host.ts";
import { createComputeHost, originsOf } from "../../../src/mirror/compute/compute-host.ts";
import type { ComputeProgram } from "../../../src/mirror/compute/serve.ts";
import type { ActiveComputeService } from "../../../src/mirror/service.ts";
import type { OriginInit, Platform, ReadThroughInit } from "../../../compute/src/platform.ts";
import type { BackendSpec } from "../../../src/vcl/runtime.ts";
import { backendAt } from "../edge/harness.ts";

export interface ContentInit {
  readonly packageName?: string;
  readonly backends?: readonly BackendSpec[];
  readonly config?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** A package, one store of each kind by the name `store`, and backends. */
export function contentOf(init: ContentInit = {}): ComputeContent {
  const config = new Map(Object.entries(init.config ?? {}));
  const secrets = new Map(Object.entries(init.secrets ?? {}));
  const backends = init.backends ?? [backendAt(80)];
  return {
    package: {
      name: init.packageName ?? "tested",
      language: "javascript",
      size: 0,
      hashsum: "",
      filesHash: "",
      mirrorOnly: false,
      read: async () => new Uint8Array(),
    },
    configStores: new Map([["store", config]]),
    secretStores: new Map([
      [
        "store",
        {
          get(name) {
            const text = secrets.get(name);
            return text === undefined ? undefined : Buffer.from(text);
          },
        },
      ],
    ]),
    kvStores: new Map(),
    backends: new Map(backends.map((spec) => [spec.name, spec])),
    secrets: () => [...secrets.values()],
  };
}

export function computeService(
  content: ComputeContent = contentOf(),
  more: Partial<ActiveComputeService> = {},
): ActiveComputeService {
  return {
    id: "svc",
    name: "compute",
    version: 3,
    domains: ["www.example.com"],
    logEndpoints: [],
    content,
    ...more,
  };
}

/** How a test's program fetches: from backend `origin`, keyed by the path, cached for a minute unless it says otherwise. */
export function fetchInit(
  platform: Platform,
  override: ReadThroughInit | "pass" = { ttl: 60 },
  more: Partial<OriginInit> = {},
): OriginInit {
  return {
    method: "GET",
    headers: new Headers(),
    backend: "origin",
    cacheKey: "key",
    cacheOverride: override === "pass" ? "pass" : new platform.CacheOverride("override", override),
    ...more,
  };
}

/** A program that shows what one fetch brings, with what the cache says of it. */
export function proxy(initOf: (platform: Platform, target: string) => OriginInit): ComputeProgram {
  return async ({ target }, platform) => {
    const init = initOf(platform, target);
    const got = await platform.fetch(`https://origin.test${target}`, init);
    const headers = new Headers(got.headers);
    headers.set("X-Cached", `${String(got.cached)} ${String(got.stale)}`);
    return new Response(got.body, { status: got.status, headers });
  };
}

export interface HostParts {
  readonly program: ComputeProgram;
  readonly origin: OriginFunction;
  readonly clock: Clock;
}

export function hostOf(
  { program, origin, clock }: HostParts,
  more: Partial<ComputeHostInit> = {},
): ComputeHost {
  return createComputeHost({
    program,
    service: computeService(),
    origins: originsOf(origin),
    clock,
    ...more,
  });
}

export const ASK = { host: "www.example.com", target: "/" } as const;
