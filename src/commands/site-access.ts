import { SitefleetError } from "../lib/errors.ts";
import { protectSite, unprotectSite } from "../publish/passwords.ts";
import { domainRows } from "../publish/site-list.ts";
import type { CommandDefinition } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { siteCommand } from "./site-command.ts";
import type { SiteJob } from "./site-command.ts";

/** A password is never an argument: arguments are in the process list and in the shell's history. */
const PASSWORD_VARIABLE = "SITEFLEET_SITE_PASSWORD";

export const commands: readonly CommandDefinition[] = [
  siteCommand({
    verb: "protect",
    summary: "ask visitors for a password, on all of a site or below a path",
    options: [
      { flags: "--path <path>", summary: "what is protected", default: "/" },
      {
        flags: "--password-stdin",
        summary: `read the password from standard input, not from ${PASSWORD_VARIABLE}`,
      },
    ],
    writes: true,
    examples: ["site protect acme", "site protect acme --path /drafts/ --password-stdin"],
    run: runProtect,
  }),
  siteCommand({
    verb: "unprotect",
    summary: "ask for no password any more",
    options: [{ flags: "--path <path>", summary: "default: everywhere on the site" }],
    writes: true,
    examples: ["site unprotect acme", "site unprotect acme --path /drafts/"],
    run: runUnprotect,
  }),
];

async function runProtect(context: CommandContext, { deps, ref, input }: SiteJob): Promise<void> {
  const password = await readPassword(context, input.flags.has("password-stdin"));
  const { prefix, record } = await protectSite(deps, ref, {
    path: input.flags.text("path") ?? "/",
    password,
  });
  const paths = record.protectedAreas.map((area) => area.prefix);
  for (const row of domainRows(record)) {
    if (row.kind !== "primary" || row.forceTls) continue;
    const fix = `sitefleet domain set ${row.domain} --force-tls on`;
    context.report.warn(`${row.domain} does not force TLS, so the password can travel in the clear: ${fix}`);
  }
  const text = `${ref.site} (${ref.siteEnv}) asks for a password at ${prefix}`;
  context.report.result({ ...ref, path: prefix, protected: paths }, text);
}

async function runUnprotect(context: CommandContext, { deps, ref, input }: SiteJob): Promise<void> {
  const { record } = await unprotectSite(deps, ref, input.flags.text("path"));
  const paths = record.protectedAreas.map(({ prefix }) => prefix);
  const text = paths.length === 0 ? "asks for no password" : `asks for passwords at ${paths.join(", ")}`;
  context.report.result({ ...ref, protected: paths }, `${ref.site} (${ref.siteEnv}) ${text}`);
}

async function readPassword(context: CommandContext, fromInput: boolean): Promise<string> {
  const { input, variables } = context;
  if (fromInput) return input.readText();
  const given = variables[PASSWORD_VARIABLE];
  if (given !== undefined && given !== "") return given;
  if (!input.isTerminal) {
    throw new SitefleetError("cli/usage", "no password was given", {
      hint: `set ${PASSWORD_VARIABLE}, or write it to standard input with --password-stdin`,
    });
  }
  const password = await input.askHidden("Password for visitors: ");
  if ((await input.askHidden("Again: ")) === password) return password;
  throw new SitefleetError("cli/usage", "the two passwords differ", { hint: "type the same one twice" });
}
