import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CHECKOUT, startMirrorProcess, startProcess, runCli } from "../support/cli-process.ts";
import type { MirrorProcess, ProcessEnd } from "../support/cli-process.ts";
import { fieldOf, fieldsOf, itemsOf, parsePlainYaml, textOf } from "../support/plain-yaml.ts";

const action = parsePlainYaml(await readFile(join(CHECKOUT, "action.yml"), "utf8"));
const steps = itemsOf(fieldOf(fieldOf(action, "runs"), "steps")).filter(
  (step) => fieldOf(step, "run") !== "",
);

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

  /** The steps one after the other, as a runner does it: expressions become values of variables. */
  async function publish(inputs: Readonly<Record<string, string>>): Promise<ProcessEnd> {
    let end: ProcessEnd = { code: 0, out: "", err: "" };
    for (const step of steps) {
      const expressions = fieldOf(step, "env");
      const env = fieldsOf(expressions).map(([name]) => {
        const input = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(textOf(expressions, name))?.[1] ?? "";
        const fallback = textOf(fieldOf(fieldOf(action, "inputs"), input), "default");
        return [name, inputs[input] ?? fallback] as const;
      });
      const variables = {
        ...Object.fromEntries(env),
        GITHUB_ACTION_PATH: CHECKOUT,
        GITHUB_OUTPUT: join(root, "output"),
        SITEFLEET_STATE: join(root, "state"),
        HOME: root,
      };
      // As runners start `shell: bash`.
      const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", textOf(step, "run")];
      end = await startProcess("bash", args, { cwd: join(root, "work"), env: variables }).end;
      if (end.code !== 0) return end;
    }
    return end;
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

  it("says what is missing where an input is", async () => {
    for (const name of ["folder", "site"]) {
      const end = await publish({ folder: "site", site: "acme", env: "local", [name]: " " });
      expect([end.code, end.err]).toEqual([1, expect.stringContaining(`the input ${name} is missing`)]);
    }
  });
});
