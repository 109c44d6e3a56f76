import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { applyDeploy } from "../deploy/apply/apply.ts";
import { applyOptions, planSession } from "../fleet/deploy-session.ts";
import { edgeChecksFor } from "../fleet/edge-checks.ts";
import { packagePath } from "../lib/package-root.ts";
import { addDomain } from "../publish/domains.ts";
import type { PublishDeps } from "../publish/publish-deps.ts";
import { publishFolder } from "../publish/publish.ts";
import { DEFAULT_SITE_ENV } from "../site/names.ts";
import type { CommandContext } from "./context.ts";
import { withDeploy } from "./deploy.ts";
import { urlOf, withPublishing } from "./publishing.ts";

interface Example {
  readonly site: string;
  readonly dir: string;
  readonly domain: string;
  readonly alias: string | undefined;
  readonly about: string;
}

/** A customer's site of this project, and one that nobody here wrote: reveal.js, as npm ships it. */
function examples(): readonly Example[] {
  const bakery = packagePath("examples/bakery");
  const list: Example[] = [];
  if (existsSync(bakery)) {
    list.push({
      site: "bakery",
      dir: bakery,
      domain: "bakery.localhost",
      alias: "www.bakery.localhost",
      about: "redirects, nested pages, its own 404",
    });
  }
  const slides = findSlides();
  if (slides !== undefined) {
    list.push({
      site: "slides",
      dir: slides,
      domain: "slides.localhost",
      alias: undefined,
      about: "reveal.js as npm ships it",
    });
  }
  return list;
}

/** Folder of the reveal.js package, a development dependency: absent where sitefleet is installed as one itself. */
function findSlides(): string | undefined {
  const require = createRequire(import.meta.url);
  const places = require.resolve.paths("reveal.js") ?? [];
  return places.map((place) => join(place, "reveal.js")).find((dir) => existsSync(join(dir, "index.html")));
}

/** Deploys the rendered service to the running mirror and publishes the examples; tells what can be looked at. */
export async function showExamples(context: CommandContext): Promise<string> {
  await withDeploy(context, async (session) => {
    const plan = await planSession(session);
    // The quick checks only: `sitefleet verify` runs all cases.
    const checks = edgeChecksFor(session.fleet.environment, context.report);
    await applyDeploy(plan, applyOptions(session, { create: true, checks }));
  });
  return withPublishing(context, async (deps) => {
    const published = await Promise.all(examples().map((example) => publishExample(deps, example)));
    return [...published, "", "what to try next: the walk-through in README.md"].join("\n");
  });
}

async function publishExample(session: PublishDeps, example: Example): Promise<string> {
  // All are published at one time: a step says whose it is.
  const deps: PublishDeps = {
    ...session,
    onProgress: (progress) => session.onProgress({ ...progress, step: `${example.site}: ${progress.step}` }),
  };
  const ref = { site: example.site, siteEnv: DEFAULT_SITE_ENV };
  await publishFolder(deps, { ...ref, dir: example.dir, domains: [example.domain] });
  if (example.alias !== undefined) {
    await addDomain(deps, ref, {
      domain: example.alias,
      choices: { canonicalHost: example.domain },
      takeOver: false,
    });
  }
  return `  ${urlOf(deps.environment, example.domain).padEnd(34)} ${example.about}`;
}
