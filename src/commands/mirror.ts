import { rm } from "node:fs/promises";
import { join } from "node:path";
import { SitefleetError } from "../lib/errors.ts";
import { takeProcessLock } from "../lib/process-lock.ts";
import { DEFAULT_PORTS, startMirror } from "../mirror/mirror.ts";
import { readPops } from "./mirror-pops.ts";
import type { FleetRow } from "../mirror/inspector/inspector-server.ts";
import type { Mirror, MirrorOptions, MirrorPorts } from "../mirror/mirror.ts";
import { LOCAL_SERVICE } from "../settings/local.ts";
import type { CommandContext } from "./context.ts";
import { keyCommand } from "./mirror-key.ts";
import { settingsCommand } from "./mirror-settings.ts";
import { VICEROY_FOLDER, writeViceroyStores } from "./mirror-viceroy.ts";
import type { CommandDefinition, CommandInput, Flags, OptionDefinition } from "./command.ts";
import { untilAborted } from "./until-aborted.ts";

export const PORT_OPTIONS: readonly OptionDefinition[] = [
  { flags: "--edge-port <port>", summary: "HTTP port of the edge (8080; 0 = any free one)" },
  { flags: "--edge-tls-port <port>", summary: "HTTPS port of the edge (8443)" },
  { flags: "--api-port <port>", summary: "port of the Fastly API (8081)" },
  { flags: "--s3-port <port>", summary: "port of the S3 server (8082)" },
  { flags: "--inspector-port <port>", summary: "port of the inspector page (8083, or any free one)" },
];

export const commands: readonly CommandDefinition[] = [
  {
    verb: "up",
    summary: "start S3, the Fastly API and the edge on this machine; stays until Ctrl-C",
    options: [
      ...PORT_OPTIONS,
      {
        flags: "--pin <service>",
        summary: "name or id of the service that gets every Host that no service claims",
        default: LOCAL_SERVICE,
      },
      {
        flags: "--target <target>",
        summary: "what environment `local` deploys: vcl or compute (default: vcl)",
      },
      {
        flags: "--pops <codes>",
        summary: "POPs with a cache each, such as lhr,iad,syd; the first is reached unasked",
      },
      {
        flags: "--pop-ports <port>",
        summary:
          "gives each of --pops two ports of its own, HTTP and TLS, from this one on (0 = any free ones)",
      },
      { flags: "--shield <code>", summary: "POP that deploys shield with (iad)" },
      {
        flags: "--purge-delay <ms>",
        summary: "how late purges reach the POPs: 150 for all, or lhr=0,iad=150",
      },
      { flags: "--examples", summary: "deploy to it and publish two example sites" },
    ],
    writes: false,
    examples: [
      "mirror up",
      "mirror up --examples",
      "mirror up --examples --target compute --state .sitefleet-compute",
      "mirror up --pops lhr,iad,syd --shield iad --purge-delay iad=150",
      "mirror up --pops lhr,iad,syd --pop-ports 8090",
      "mirror up --edge-port 0 --edge-tls-port 0 --api-port 0 --s3-port 0 --inspector-port 0 --json",
    ],
    run: runUp,
  },
  {
    verb: "reset",
    summary: "remove everything the mirror of this state folder holds",
    writes: true,
    examples: ["mirror reset --yes"],
    run: runReset,
  },
  keyCommand,
  settingsCommand,
];

async function runUp(context: CommandContext, input: CommandInput): Promise<void> {
  const pin = input.flags.text("pin");
  const mirror = await startMirror({
    stateDir: context.stateDir,
    ports: portsFrom(input.flags),
    anyInspectorPort: !input.flags.has("inspector-port"),
    readFleet: () => readFleet(context),
    clock: context.clock,
    pid: context.pid,
    ...(pin === undefined ? {} : { pin }),
    ...readTarget(input.flags),
    ...readPops(input.flags),
  });
  for (const problem of mirror.problems) context.report.warn(problem);
  try {
    await writeViceroyStores(context.stateDir, mirror.file);
    const examples = input.flags.has("examples") ? `\n\n${await runExamples(context)}` : "";
    context.report.result(
      mirror.file,
      `${describeMirror(mirror, context.stateDir)}${examples}\n\nCtrl-C stops it`,
    );
    await untilAborted(context.signal);
  } finally {
    await mirror.close();
  }
}

function readTarget(flags: Flags): Pick<MirrorOptions, "target"> {
  const target = flags.text("target");
  if (target === undefined) return {};
  if (target === "compute" && flags.has("shield")) {
    throw new SitefleetError("cli/usage", "a Compute service has no shield", {
      hint: "leave --shield out, or take --target vcl",
    });
  }
  if (target === "vcl" || target === "compute") return { target };
  throw new SitefleetError("cli/usage", `--target is "${target}", which the edge cannot run`, {
    hint: "give vcl or compute",
  });
}

/** Deploying and publishing are loaded only where they are wanted: without them the mirror starts in half the time. */
async function runExamples(context: CommandContext): Promise<string> {
  const { showExamples } = await import("./examples.ts");
  return showExamples(context);
}

function describeMirror({ file, edge: running }: Mirror, stateDir: string): string {
  const { edge, api, s3, inspector } = file;
  return [
    "the mirror is up",
    `  edge        ${edge.http}  ${edge.https}`,
    `  POPs        ${[...running.caches().keys()].join(", ")} (header Fastly-Test-Pop)`,
    ...Object.entries(edge.popUrls ?? {}).map(
      ([pop, { http, https }]) => `    ${pop}       ${http}  ${https}`,
    ),
    `  Fastly API  ${api.url}`,
    `  S3          ${s3.url}`,
    ...(inspector === undefined ? [] : [`  inspector   ${inspector.url}`]),
    `  keys        ${join(stateDir, "mirror.json")}`,
  ].join("\n");
}

async function runReset(context: CommandContext): Promise<void> {
  if (!context.yes && !context.dryRun) {
    throw new SitefleetError("cli/usage", `this removes all sites and services in ${context.stateDir}`, {
      hint: "say --yes to go on, or --dry-run to see what it would remove",
    });
  }
  const names = ["s3", "api", "ca", "logs", VICEROY_FOLDER, "keys.json", "s3-keys.json", "mirror.json"];
  const parts = names.map((name) => join(context.stateDir, name));
  if (!context.dryRun) {
    const lock = await takeProcessLock(join(context.stateDir, "mirror.lock"), context.pid);
    if (!("release" in lock)) {
      throw new SitefleetError(
        "mirror/already-running",
        `process ${lock.pid} runs a mirror on ${context.stateDir}`,
        {
          hint: "stop it first",
        },
      );
    }
    for (const part of parts) await rm(part, { recursive: true, force: true });
    await lock.release();
  }
  const verb = context.dryRun ? "would remove" : "removed";
  context.report.result({ removed: context.dryRun ? [] : parts, parts }, `${verb} ${parts.join(", ")}`);
}

/** The sites in the mirror's buckets; publishing's code is loaded when the page first asks. */
async function* readFleet(context: CommandContext): AsyncGenerator<FleetRow> {
  const { fleetRows } = await import("./fleet-rows.ts");
  yield* fleetRows(context);
}

/** Ports by flag, else the usual ones. */
function portsFrom(flags: Flags): Required<MirrorPorts> {
  return {
    edge: portFrom(flags, "edge-port", DEFAULT_PORTS.edge),
    edgeTls: portFrom(flags, "edge-tls-port", DEFAULT_PORTS.edgeTls),
    api: portFrom(flags, "api-port", DEFAULT_PORTS.api),
    s3: portFrom(flags, "s3-port", DEFAULT_PORTS.s3),
    inspector: portFrom(flags, "inspector-port", DEFAULT_PORTS.inspector),
  };
}

function portFrom(flags: Flags, name: string, fallback: number): number {
  const text = flags.text(name);
  if (text === undefined) return fallback;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) {
    throw new SitefleetError("cli/usage", `--${name} is "${text}", not a port`, { hint: "give 0 to 65535" });
  }
  return port;
}
