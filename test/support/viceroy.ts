import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { edgeSecretsOf, edgeSettingsOf } from "../../src/render/edge-settings.ts";
import { originsOf } from "../../src/render/origins.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { EDGE_SETTINGS_ITEM, EDGE_STORES } from "../../src/site/edge-settings.ts";

/** The program on the `PATH` or where cargo installs it; says on stderr why what needs it is skipped. */
export function findViceroy(): string | undefined {
  const { CARGO_HOME, PATH = "" } = process.env;
  const folders = [...PATH.split(delimiter), join(CARGO_HOME ?? join(homedir(), ".cargo"), "bin")];
  const found = folders.map((folder) => join(folder, "viceroy")).find(canRun);
  if (found === undefined)
    process.stderr.write("skipped: there is no viceroy here (cargo install --locked viceroy)\n");
  return found;
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Viceroy {
  readonly url: string;
  /** Lines for logging endpoints, and what the program wrote besides, so far. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

export interface ViceroyOptions {
  /** Path of Viceroy. */
  readonly viceroy: string;
  /** Path of the module. */
  readonly program: string;
  /** Folder for its configuration. */
  readonly folder: string;
  /** Content of a `fastly.toml`; see `localServerOf`. */
  readonly config: string;
}

/** Starts Viceroy on a free port; resolves when it listens, rejects with what it says where it does not. */
export async function startViceroy({ viceroy, program, folder, config }: ViceroyOptions): Promise<Viceroy> {
  const path = join(folder, "viceroy.toml");
  await writeFile(path, config, { mode: 0o600 });
  const args = ["serve", "-v", "--log-stdout", "--addr", "127.0.0.1:0", "-C", path, program];
  const child = spawn(viceroy, args, { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const url = await listening(child, lines);
  return {
    url,
    lines,
    async close() {
      child.kill("SIGTERM");
      await closed;
    },
  };
}

async function listening(child: ChildProcess, lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`viceroy ended with ${code}:\n${lines.join("\n")}`)));
    for (const input of [child.stdout, child.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on("line", (line) => {
        lines.push(line);
        const [, url] = /Listening on (http:\S+)/.exec(line) ?? [];
        if (url !== undefined) resolve(url);
      });
    }
  });
}

/** What a deploy gives a Compute service of an environment, as Viceroy's configuration. */
export function localServerOf(environment: Environment): string {
  const settings = edgeSettingsOf(environment, { revision: "0123456789abcdef", httpCache: false });
  return [
    "manifest_version = 3",
    'name = "sitefleet"',
    'language = "javascript"',
    ...originsOf(environment).flatMap(({ name, host, tls }) => [
      `[local_server.backends.${name}]`,
      `url = ${quoted(`${tls ? "https" : "http"}://${host}`)}`,
    ]),
    `[local_server.config_stores.${EDGE_STORES.settings}]`,
    'format = "inline-toml"',
    `[local_server.config_stores.${EDGE_STORES.settings}.contents]`,
    `${EDGE_SETTINGS_ITEM} = ${quoted(JSON.stringify(settings))}`,
    "[local_server.secret_stores]",
    `${EDGE_STORES.secrets} = [`,
    ...Object.entries(edgeSecretsOf(environment)).map(
      ([key, data]) => `  { key = ${quoted(key)}, data = ${quoted(data)} },`,
    ),
    "]",
  ].join("\n");
}

/** JSON's strings are TOML's basic strings, apart from an escape that neither of them needs here. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
