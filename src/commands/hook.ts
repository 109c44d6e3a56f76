import { SitefleetError } from "../lib/errors.ts";
import { openPublishing } from "../fleet/publish-session.ts";
import { readHookKeys } from "../hook/hook-keys.ts";
import { DEFAULT_HOOK_PORT, startHook } from "../hook/hook-server.ts";
import type { HookOptions } from "../hook/hook-server.ts";
import { DEFAULT_LIMITS } from "../hook/limits.ts";
import type { HookLimits } from "../hook/limits.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput, Flags } from "./command.ts";
import { untilAborted } from "./until-aborted.ts";

export const commands: readonly CommandDefinition[] = [
  {
    verb: "serve",
    summary:
      "publish, add domains and purge when webhooks ask for it, signed with the secrets of SITEFLEET_HOOK_SECRET; stays until Ctrl-C",
    options: [
      { flags: "--host <address>", summary: "address to listen on", default: "127.0.0.1" },
      { flags: "--port <port>", summary: `port (${DEFAULT_HOOK_PORT}; 0 = any free one)` },
      {
        flags: "--max-body <bytes>",
        summary: `largest tarball, as it is sent (${DEFAULT_LIMITS.bodyBytes})`,
      },
      {
        flags: "--max-unpacked <bytes>",
        summary: `largest folder, once it is unpacked (${DEFAULT_LIMITS.unpackedBytes})`,
      },
      {
        flags: "--max-files <count>",
        summary: `most files and folders of a tarball (${DEFAULT_LIMITS.entries})`,
      },
      { flags: "--queue <count>", summary: `most jobs that wait (${DEFAULT_LIMITS.queue})` },
      {
        flags: "--parallel <count>",
        summary: `jobs that run at a time; those of one site run one after the other (${DEFAULT_LIMITS.parallel})`,
      },
      { flags: "--rate <count>", summary: `requests a minute with one key (${DEFAULT_LIMITS.perMinute})` },
      {
        flags: "--grace <seconds>",
        summary: `how long running jobs may take when it is stopped (${DEFAULT_LIMITS.graceMs / 1_000})`,
      },
    ],
    writes: false,
    examples: ["hook serve", "hook serve --env production --port 8084", "hook serve --port 0 --json"],
    run: runServe,
  },
];

async function runServe(context: CommandContext, input: CommandInput): Promise<void> {
  const { environmentName: environment, report } = context;
  const keys = readHookKeys(context.variables, environment);
  // Told at once, not when the first job fails: settings that are wrong, a mirror that does not run.
  await context.environment();
  const hook = await startHook({
    environment,
    keys,
    host: input.flags.text("host") ?? "127.0.0.1",
    port: numberOf(input.flags, "port", 65_535) ?? DEFAULT_HOOK_PORT,
    stateDir: context.stateDir,
    clock: context.clock,
    pid: context.pid,
    warn: (line) => report.warn(line),
    note: (line) => report.progress(line),
    limits: limitsOf(input.flags),
    openSession: sessionsOf(context),
  });
  try {
    const document = { url: hook.url, environment, keys: keys.map(({ id }) => id) };
    report.result(document, `webhooks are served at ${hook.url}\n\nCtrl-C stops it`);
    await untilAborted(context.signal);
    report.progress("finishing what runs; Ctrl-C once more stops at once");
  } finally {
    await hook.close();
  }
}

/** Work goes on after Ctrl-C until it is done or its time is over, so it has a signal of its own. */
function sessionsOf(context: CommandContext): HookOptions["openSession"] {
  return async (signal) => openPublishing({ ...(await context.fleet()), signal });
}

function limitsOf(flags: Flags): Partial<HookLimits> {
  const perMinute = numberOf(flags, "rate");
  const graceSeconds = numberOf(flags, "grace");
  const given: { readonly [Name in keyof HookLimits]?: number | undefined } = {
    bodyBytes: numberOf(flags, "max-body"),
    unpackedBytes: numberOf(flags, "max-unpacked"),
    entries: numberOf(flags, "max-files"),
    queue: numberOf(flags, "queue"),
    parallel: numberOf(flags, "parallel"),
    perMinute,
    burst: perMinute === undefined ? undefined : Math.max(1, Math.min(perMinute, DEFAULT_LIMITS.burst)),
    graceMs: graceSeconds === undefined ? undefined : graceSeconds * 1_000,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function numberOf(flags: Flags, name: string, most = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  const least = name === "port" || name === "grace" ? 0 : 1;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new SitefleetError("cli/usage", `--${name} is "${text}", not a number from ${least} on`);
}
