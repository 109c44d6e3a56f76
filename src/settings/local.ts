import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { SitefleetError } from "../lib/errors.ts";
import { Secret } from "../lib/secret.ts";
import { settingsSchema } from "./schema.ts";
import { environmentOf } from "./environment.ts";
import type { Environment } from "./environment.ts";

/** What a message says the keys of a mirror are from. */
const MIRROR_KEYS = "the keys in mirror.json, which the mirror writes as it starts";

/** `<state>/mirror.json`: where a running mirror listens and what opens it. */
export const mirrorFileSchema = z.object({
  pid: z.int(),
  edge: z.object({
    http: z.url(),
    https: z.url(),
    ca: z.string(),
    /** What the environment `local` deploys to it; absent = VCL. */
    target: z.enum(["vcl", "compute"]).optional(),
    /** Shield code that the mirror was started with. */
    shield: z.string().optional(),
    /** Codes of the POPs that it was started with. */
    pops: z.array(z.string()).optional(),
    /** Where POPs with ports of their own are reached, by code. */
    popUrls: z.record(z.string(), z.object({ http: z.url(), https: z.url() })).optional(),
  }),
  api: z.object({ url: z.url(), token: z.string() }),
  s3: z.object({
    url: z.url(),
    region: z.string(),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    /** `id:secret` with which the edge reads. */
    edgeKey: z.string(),
  }),
  configSegment: z.string(),
  inspector: z.object({ url: z.url() }).optional(),
});

export type MirrorFile = z.output<typeof mirrorFileSchema>;

export const MIRROR_BUCKETS = { config: "sitefleet-config", hosting: "sitefleet-hosting" } as const;

/** Name of the service of environment `local`. */
export const LOCAL_SERVICE = "sitefleet-local";

/**
 * Reads the mirror's own description.
 * @throws SitefleetError `mirror/not-running` when there is none, `mirror/state-unreadable`
 */
export async function readMirrorFile(stateDir: string): Promise<MirrorFile> {
  const path = join(stateDir, "mirror.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new SitefleetError("mirror/not-running", `no mirror is described in ${path}`, {
      cause: error,
      hint: "start one with `sitefleet mirror up`, or choose another environment with --env",
    });
  }
  try {
    return mirrorFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SitefleetError("mirror/state-unreadable", `${path} does not describe a mirror`, {
      cause,
      hint: "it was written by another version or damaged; stop the mirror and start it again",
    });
  }
}

/** The server environment `local`: the running mirror. Needs no settings. */
export function localEnvironment(mirror: MirrorFile): Environment {
  const http = new URL(mirror.edge.http);
  const https = new URL(mirror.edge.https);
  const isCompute = mirror.edge.target === "compute";
  const settings = settingsSchema.parse({
    environments: {
      local: {
        target: mirror.edge.target,
        fastly: {
          serviceName: LOCAL_SERVICE,
          apiUrl: mirror.api.url,
          ...(isCompute ? {} : { shield: mirror.edge.shield ?? "iad-va-us" }),
          domains: ["*.localhost"],
        },
        s3: {
          region: mirror.s3.region,
          endpoint: mirror.s3.url,
          configBucket: MIRROR_BUCKETS.config,
          hostingBucket: MIRROR_BUCKETS.hosting,
        },
        hostSuffixes: { ".staging.localhost": "staging" },
        publicPorts: { http: Number(http.port), https: Number(https.port) },
        hsts: false,
        previews: { domain: "preview.localhost" },
        segmented: { extensions: ["mp4", "m4v", "mov", "webm", "mkv", "mp3", "zip", "iso", "pdf"] },
        rateLimiting: true,
        verify: {
          url: isCompute ? mirror.edge.https : mirror.edge.http,
          hostSuffix: "conformance.localhost",
          pops: mirror.edge.pops,
          ca: mirror.edge.ca,
        },
      },
    },
  });
  const { accessKeyId, secretAccessKey, edgeKey } = mirror.s3;
  const environment = environmentOf(settings, "local", {});
  return {
    ...environment,
    secrets: {
      ...environment.secrets,
      apiToken: () => new Secret(mirror.api.token),
      storeKeys: () => ({
        accessKeyId,
        secretAccessKey: new Secret(secretAccessKey),
        sources: [MIRROR_KEYS],
      }),
      edgeStoreKey: () => new Secret(edgeKey),
      configSegment: () => new Secret(mirror.configSegment),
    },
  };
}
