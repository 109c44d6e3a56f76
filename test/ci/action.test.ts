import { appendFile, cp, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BRIEF_WAITS, CHECKOUT, startMirrorProcess, startProcess, runCli } from "../support/cli-process.ts";
import type { MirrorProcess, ProcessEnd } from "../support/cli-process.ts";
import { fieldOf, fieldsOf, itemsOf, parsePlainYaml, textOf } from "../support/plain-yaml.ts";
import type { Yaml } from "../support/plain-yaml.ts";
import { tempDir } from "../support/temp-dir.ts";

const action = parsePlainYaml(await readFile(join(CHECKOUT, "action.yml"), "utf8"));
const steps = itemsOf(fieldOf(fieldOf(action, "runs"), "steps"));
const [publishing] = steps.slice(-1);
const building = steps.slice(0, -1).filter((step) => fieldOf(step, "run") !== "");

/** A shell step as runners start `shell: bash`. */
function runStep(
  step: Yaml | undefined,
  place: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<ProcessEnd> {
  const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", textOf(step, "run")];
  return startProcess("bash", args, place).end;
}

describe("action.yml, its shell steps run as they are written", () => {
  let root = "";
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sitefleet-action-"));
    const env = { SITEFLEET_STATE: join(root, "state") };
    mirror = await startMirrorProcess({ cwd: root, env });
    expect((await runCli(["deploy", "apply"], { cwd: root, env })).code).toBe(0);
  }, 120_000);

  afterAll(async () => {
    await mirror?.stop();
    await rm(root, { recursive: true, force: true });
  });

  beforeEach(async () => {
    await rm(join(root, "work"), { recursive: true, force: true });
    await mkdir(join(root, "work", "site"), { recursive: true });
    await writeFile(join(root, "work", "site", "index.html"), "<h1>From another repository</h1>");
    await writeFile(join(root, "output"), "");
  });

  /** The last step, as a runner does it: expressions become values of variables. */
  async function publish(
    inputs: Readonly<Record<string, string>>,
    output: string = join(root, "output"),
  ): Promise<ProcessEnd> {
    const expressions = fieldOf(publishing, "env");
    const env = fieldsOf(expressions).map(([name]) => {
      const input = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(textOf(expressions, name))?.[1] ?? "";
      const fallback = textOf(fieldOf(fieldOf(action, "inputs"), input), "default");
      return [name, inputs[input] ?? fallback] as const;
    });
    const variables = {
      ...Object.fromEntries(env),
      GITHUB_ACTION_PATH: CHECKOUT,
      GITHUB_OUTPUT: output,
      SITEFLEET_STATE: join(root, "state"),
      HOME: root,
      ...BRIEF_WAITS,
    };
    return runStep(publishing, { cwd: join(root, "work"), env: variables });
  }

  const outputs = async (): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      [...(await readFile(join(root, "output"), "utf8")).matchAll(/^(\w+)=(.*)$/gm)].map(
        ([, name = "", value = ""]) => [name, value],
      ),
    );

  it("publishes a folder and says which release is shown, and where", async () => {
    const domains = "www.acme.localhost, acme.localhost";
    expect((await publish({ folder: "site", site: "acme", domains, env: "local" })).code).toBe(0);
    const { release, url } = await outputs();
    expect(release).toMatch(/^[\w-]+$/);
    const port = new URL(mirror?.file.edge.http ?? "").port;
    expect(new URL(url ?? "").host).toMatch(new RegExp(`^(www\\.)?acme\\.localhost:${port}$`));
  });

  it("publishes a preview", async () => {
    const end = await publish({ folder: "site", site: "acme", preview: "pr-7", expires: "1d", env: "local" });
    expect(end.code).toBe(0);
    expect((await outputs())["url"]).toContain("pr-7--acme.preview.localhost");
  });

  it("publishes nothing in a dry run", async () => {
    const end = await publish({ folder: "site", site: "dry", env: "local", "dry-run": "true" });
    expect(end.code).toBe(0);
    expect((await outputs())["release"]).toBe("");
  });

  const HOSTILE = [
    '"; touch planted; "',
    "$(touch planted)",
    "`touch planted`",
    "'; touch planted #",
    "x && touch planted",
    "--help",
    "--yes",
    "../../etc",
    "a\nrelease=planted",
    "${IFS}",
  ];

  it.for(
    ["site", "site-env", "domains", "preview", "expires", "env", "settings"].flatMap((name) =>
      HOSTILE.slice(0, name === "site" ? HOSTILE.length : 4).map((text) => [name, text] as const),
    ),
  )("refuses %s of %j, and runs nothing of it", async ([name, text]) => {
    const end = await publish({ folder: "site", site: "acme", env: "local", [name]: text });
    expect(end.code).not.toBe(0);
    expect(await readdir(join(root, "work"))).toEqual(["site"]);
    expect(await outputs()).toEqual({});
  });

  it.for(["$(touch planted)", "'; touch planted #", "--help", "-rf"])(
    "takes a folder that is called %j for that folder",
    async (name) => {
      await mkdir(join(root, "work", name));
      await writeFile(join(root, "work", name, "index.html"), `<h1>${name}</h1>`);
      expect((await publish({ folder: name, site: "odd", env: "local" })).code).toBe(0);
      expect((await readdir(join(root, "work"))).sort()).toEqual([name, "site"].sort());
    },
  );

  it("says that the runner's file cannot be written, before anything is published", async () => {
    const file = join(root, "nowhere", "output");
    const end = await publish({ folder: "site", site: "unsaid", env: "local" }, file);
    expect(end.code).toBe(2);
    expect(end.err).toBe(
      `the file of GITHUB_OUTPUT, "${file}", cannot be written: ENOENT: no such file or directory, open '${file}' [output/not-writable]\n`,
    );
    const env = { SITEFLEET_STATE: join(root, "state") };
    expect((await runCli(["site", "list"], { cwd: root, env })).out).not.toContain("unsaid");
  });

  it("says what is missing where an input is", async () => {
    for (const name of ["folder", "site"]) {
      const end = await publish({ folder: "site", site: "acme", env: "local", [name]: " " });
      expect([end.code, end.err]).toEqual([2, `the input ${name} is missing\n`]);
    }
  });

  it.for(["yes", "True", "1"])("publishes nothing where dry-run is %j, which says neither", async (text) => {
    const end = await publish({ folder: "site", site: "neither", env: "local", "dry-run": text });
    expect([end.code, end.err]).toEqual([2, `the input dry-run is "${text}", not true or false\n`]);
    const listed = await runCli(["site", "list"], {
      cwd: root,
      env: { SITEFLEET_STATE: join(root, "state") },
    });
    expect([listed.code, listed.out]).toEqual([0, expect.not.stringContaining("neither")]);
  });
});

describe("what action.yml does before it publishes", () => {
  it("keeps the job's Node where that will do, and builds nothing where there is a build", async () => {
    const cwd = await tempDir();
    for (const step of building) {
      const env = { GITHUB_ACTION_PATH: CHECKOUT, GITHUB_OUTPUT: join(cwd, "output") };
      expect(await runStep(step, { cwd, env })).toEqual({ code: 0, out: "", err: "" });
    }
    expect(await readFile(join(cwd, "output"), "utf8")).toMatch(/^fit=true\ndigest=[0-9a-f]{64}\n$/);
    const [setup] = steps.filter((step) => textOf(step, "uses").startsWith("actions/setup-node@"));
    expect(textOf(setup, "if")).toBe("steps.node.outputs.fit != 'true'");
  });

  it("builds where there is no build, in its own folder, with what the lock file says, and without what only building needs", async () => {
    const cwd = await tempDir();
    const elsewhere = join(cwd, "a checkout of somebody's");
    await mkdir(join(elsewhere, "ci"), { recursive: true });
    await mkdir(join(cwd, "bin"));
    // Stands in for npm and for Node, and says what it was asked for and where.
    for (const name of ["npm", "node"]) {
      await writeFile(join(cwd, "bin", name), `#!/bin/sh\necho "$PWD: ${name} $*"\n`, { mode: 0o755 });
    }
    const env = { PATH: `${join(cwd, "bin")}:${process.env["PATH"] ?? ""}`, GITHUB_ACTION_PATH: elsewhere };
    const end = await runStep(building.at(-1), { cwd, env });
    expect(end.code).toBe(0);
    expect(end.out.trim().split("\n")).toEqual([
      `${elsewhere}: npm ci --ignore-scripts`,
      `${elsewhere}: node bundle.js`,
      `${elsewhere}: npm prune --omit=dev --ignore-scripts`,
    ]);
  });

  it.for([
    ["20.19.0", 0],
    ["22.0.0", 0],
    ["100.1.0", 0],
    ["20.18.9", 1],
    ["18.20.0", 1],
    ["9.11.2", 1],
  ] as const)("takes Node %s for one that will do: %i", async ([version, code]) => {
    const script = `Object.defineProperty(process.versions, "node", { value: "${version}" }); require("./ci/fit-node.cjs");`;
    const end = await startProcess(process.execPath, ["-e", script], { cwd: CHECKOUT }).end;
    expect(end).toEqual({ code, out: "", err: "" });
  });

  it("keeps a build under a key that every change of a source changes", async () => {
    const cwd = await tempDir();
    for (const name of ["ci", "src", "action.yml", "bundle.js", "package.json", "package-lock.json"])
      await cp(join(CHECKOUT, name), join(cwd, name), { recursive: true });
    const digest = async (): Promise<string> =>
      (await startProcess(process.execPath, ["ci/source-digest.js"], { cwd }).end).out;
    const seen = [await digest()];
    expect(await digest()).toBe(seen[0]);
    for (const name of ["src/cli.ts", "bundle.js", "package-lock.json"]) {
      await appendFile(join(cwd, name), "\n");
      seen.push(await digest());
    }
    await rename(join(cwd, "src/cli.ts"), join(cwd, "src/cli-2.ts"));
    seen.push(await digest());
    expect(new Set(seen).size).toBe(5);
  });
});
