import type { CommandDefinition } from "./command.ts";

/** One noun of the command line; its file is loaded only when it is used. */
export interface Noun {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly commands: readonly CommandDefinition[] }>;
}

/** Every noun, in the order of `--help`. */
export const NOUNS: readonly Noun[] = [
  { name: "init", summary: "write a first settings file", load: () => import("./init.ts") },
  { name: "render", summary: "render the VCL of an environment", load: () => import("./render.ts") },
  { name: "lint", summary: "check the rendered VCL", load: () => import("./lint.ts") },
  { name: "deploy", summary: "plan, apply and undo changes of the edge", load: () => import("./deploy.ts") },
  { name: "publish", summary: "publish a folder as a site", load: () => import("./publish.ts") },
  { name: "site", summary: "sites and their releases", load: () => import("./site.ts") },
  { name: "domain", summary: "domains and their choices", load: () => import("./domain.ts") },
  { name: "redirect", summary: "redirect rules of a site", load: () => import("./redirect.ts") },
  { name: "purge", summary: "remove things from the edge's cache", load: () => import("./purge.ts") },
  {
    name: "hook",
    summary: "an HTTP endpoint for webhooks",
    load: () => import("./hook.ts"),
  },
  {
    name: "mirror",
    summary: "S3, the Fastly API and the edge on this machine",
    load: () => import("./mirror.ts"),
  },
  {
    name: "explain",
    summary: "what the mirror's edge does with a request, and why",
    load: () => import("./explain.ts"),
  },
  { name: "verify", summary: "run the conformance cases against an edge", load: () => import("./verify.ts") },
  { name: "doctor", summary: "check everything an environment needs", load: () => import("./doctor.ts") },
];
