import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { expect } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import type { MirrorFile } from "../../src/settings/local.ts";
import { MIRROR_BUCKETS } from "../../src/settings/local.ts";
import { runHere } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";

/** What every command line with bad input is held against. A module of state: each test file has its own mirror. */

/** The folder that commands run in. */
export let root = "";
let mirror: Mirror | undefined;

/** Where the mirror of these tests is. */
export function mirrorFile(): MirrorFile {
  if (!mirror) throw new Error("no mirror");
  return mirror.file;
}

export type Prepare = () => Promise<readonly string[] | void>;

/** One row of the contract: what is typed, the exit code and error code, and what the message has to name. */
export interface Row {
  readonly title: string;
  readonly argv: readonly string[];
  /** Makes what the row needs; may add arguments. */
  readonly prepare?: Prepare;
  readonly exit: number;
  readonly code: string;
  readonly names: readonly (string | RegExp)[];
  readonly variables?: Readonly<Record<string, string>>;
  /** What is on standard input. */
  readonly input?: string;
  /** What no output may hold. */
  readonly secret?: string;
}

/** Starts a mirror with the service deployed and two sites of one page, `victim` and `other`. */
export async function startContract(): Promise<void> {
  root = await mkdtemp(join(tmpdir(), "sitefleet-bad-"));
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0 };
  mirror = await startMirror({ stateDir: join(root, "state"), ports, clock: systemClock, pid: process.pid });
  await folder({ "index.html": "old", "other.html": "old" })();
  await succeeds(["deploy", "apply"], systemClock);
  await succeeds(["publish", "DIR", "--site", "victim", "--domain", "victim.localhost"]);
  await succeeds(["publish", "DIR", "--site", "other", "--domain", "other.localhost"]);
}

export async function endContract(): Promise<void> {
  await mirror?.close();
  await rm(root, { recursive: true, force: true });
}

type RowClock = InstantClock | typeof systemClock;

/** Runs a command that has to end well. */
export async function succeeds(
  argv: readonly string[],
  clock?: RowClock,
  around: Pick<Row, "variables" | "input"> = {},
): Promise<void> {
  const { code, err } = await run(argv, { clock, ...around });
  if (code !== 0) throw new Error(`sitefleet ${argv.join(" ")}: exit ${code}\n${err}`);
}

export async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), text);
}

/** A folder to publish that is right but for what the row adds. */
export function folder(
  files: Readonly<Record<string, string>>,
  more?: (dir: string) => Promise<void>,
): Prepare {
  return async () => {
    await rm(join(root, "DIR"), { recursive: true, force: true });
    await mkdir(join(root, "DIR"));
    for (const [name, text] of Object.entries(files)) await write(`DIR/${name}`, text);
    await more?.(join(root, "DIR"));
  };
}

/** A state folder whose mirror.json says something else than the truth. */
export function lying(change: (file: MirrorFile) => MirrorFile): Prepare {
  return async () => {
    await folder({ "index.html": "new" })();
    await write("lying/mirror.json", JSON.stringify(change(mirrorFile())));
    return ["--state", join(root, "lying")];
  };
}

export const settings =
  (text: string): Prepare =>
  () =>
    write("sitefleet.config.json", text);

/** A closed port: nothing listens there. */
export const CLOSED = "http://127.0.0.1:9";

/** Runs a command line in the contract's folder, on a clock that does not wait. */
export function run(
  argv: readonly string[],
  around: Pick<Row, "variables" | "input"> & { readonly clock?: RowClock | undefined } = {},
): Promise<CommandEnd> {
  return runHere(argv, {
    cwd: root,
    clock: around.clock ?? new InstantClock(systemClock.now()),
    variables: { SITEFLEET_STATE: join(root, "state"), ...around.variables },
    ...(around.input === undefined ? {} : { input: around.input }),
  });
}

/** Everything in both buckets, as `key etag`. */
async function everything(): Promise<readonly string[]> {
  const { url, region, accessKeyId, secretAccessKey } = mirrorFile().s3;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint: url, region, forcePathStyle: true, credentials });
  const found: string[] = [];
  for (const Bucket of Object.values(MIRROR_BUCKETS)) {
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
      found.push(...Contents.map(({ Key, ETag }) => `${Key} ${ETag}`));
    }
  }
  client.destroy();
  return found;
}

/** Runs a row twice, for people and for programs, and holds both answers against the contract. */
export async function holds(row: Row): Promise<void> {
  const more = (await row.prepare?.()) ?? [];
  const before = await everything();
  const argv = [...row.argv, ...more];
  const plain = await run(argv, row);
  expect(plain.err).toMatch(/^error: .+ \[[a-z]+\/[a-z-]+\]$/m);
  expect(plain.err).toMatch(/^next: .+$/m);
  expect(plain.out).toBe("");
  for (const name of row.names) {
    if (typeof name === "string") expect(plain.err).toContain(name);
    else expect(plain.err).toMatch(name);
  }
  const json = await run([...argv, "--json"], row);
  expect(json.out.split("\n")).toHaveLength(2);
  const { error } = JSON.parse(json.out) as { error: Readonly<Record<string, unknown>> };
  expect({ exits: [plain.code, json.code], code: error["code"] }).toEqual({
    exits: [row.exit, row.exit],
    code: row.code,
  });
  expect(error["message"]).toBeTypeOf("string");
  expect(error["hint"]).toBeTypeOf("string");
  const { secret } = row;
  if (secret !== undefined) {
    expect([plain.err, json.out, json.err].some((text) => text.includes(secret))).toBe(false);
  }
  expect(await everything()).toEqual(before);
}

/** Publishes what `Prepare` wrote. */
export const PUBLISH = ["publish", "DIR", "--site", "victim"];
/** A folder that could be published. */
export const page = folder({ "index.html": "new" });

/** A row of exit code 2 for a command line alone. */
export function usageRow(title: string, argv: readonly string[], ...names: Row["names"]): Row {
  return { title, argv, prepare: page, exit: 2, code: "cli/usage", names };
}
