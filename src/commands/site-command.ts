import type { PublishDeps, SiteRef } from "../publish/publish-deps.ts";
import type { ArgumentDefinition, CommandDefinition, CommandInput } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { SITE_ENV_OPTION, argumentOf, siteRefOf, withPublishing } from "./publishing.ts";

const SITE: ArgumentDefinition = { name: "<site>", summary: "uid of the site" };

/** What a command about one site gets. */
export interface SiteJob {
  readonly deps: PublishDeps;
  readonly ref: SiteRef;
  readonly input: CommandInput;
}

/** A command about one site: `site VERB <site> … [--site-env]`; its own arguments come behind the site. */
export function siteCommand(
  definition: Omit<CommandDefinition, "run"> & {
    run(context: CommandContext, job: SiteJob): Promise<number | void>;
  },
): CommandDefinition {
  return {
    ...definition,
    args: [SITE, ...(definition.args ?? [])],
    options: [SITE_ENV_OPTION, ...(definition.options ?? [])],
    run: (context, input) =>
      withPublishing(context, (deps) => {
        const siteEnv = input.flags.text("site-env") ?? "production";
        return definition.run(context, { deps, ref: siteRefOf(deps, argumentOf(input, 0), siteEnv), input });
      }),
  };
}
