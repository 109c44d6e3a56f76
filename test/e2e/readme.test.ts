import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECKOUT, startMirrorProcess, startProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";

/** What the walk-through asks of a machine besides Node. */
const missing = missingPrograms(["bash", "curl", "git"]);
if (missing.length > 0) process.stderr.write(`skipped: README's walk-through needs ${missing.join(", ")}\n`);

const readme = await readFile(join(CHECKOUT, "README.md"), "utf8");

/** The shell lines between the two marks of README, in order. */
function walkThrough(): readonly string[] {
  const [, part = ""] = /<!-- walk-through:begin -->(.*)<!-- walk-through:end -->/s.exec(readme) ?? [];
  return typedLines(part).map(({ line }) => line);
}

const manifest = JSON.parse(await readFile(join(CHECKOUT, "package.json"), "utf8")) as {
  readonly files: readonly string[];
  readonly scripts: { readonly start: string };
};

/** What the program reads of its own package at run time is what the package ships. */
function packed(): readonly string[] {
  return manifest.files.filter((name) => !name.startsWith("!"));
}

test("`npm start` says that it builds before it does", () => {
  const [first = "", ...rest] = manifest.scripts.start.split(" && ");
  expect(execFileSync(first, { shell: true, encoding: "utf8" })).toMatch(/^building/);
  expect(rest[0]).toBe("npm run --silent build");
});

describe.skipIf(missing.length > 0)("README's walk-through, typed line by line in a fresh clone", () => {
  let root = "";
  let clone = "";
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "sitefleet-readme-"));
    clone = join(root, "clone");
    for (const name of [...packed(), "package.json"]) {
      await cp(join(CHECKOUT, name), join(clone, name), { recursive: true });
    }
    await symlink(join(CHECKOUT, "node_modules"), join(clone, "node_modules"));
    const identity = ["-c", "user.name=Reader", "-c", "user.email=reader@localhost"];
    execFileSync("git", ["init", "-q"], { cwd: clone });
    execFileSync("git", ["add", "templates"], { cwd: clone });
    execFileSync("git", [...identity, "commit", "-q", "-m", "Clone"], { cwd: clone });
    const env = { SITEFLEET_STATE: join(root, "state") };
    const place = { cwd: clone, env, cli: join(clone, "dist/cli.js") };
    mirror = await startMirrorProcess(place, ["--examples"]);
  });

  afterAll(async () => {
    await mirror?.stop();
    await rm(root, { recursive: true, force: true });
  });

  /** The line with the ports and folders of this run instead of the default ones. */
  function here(line: string): string {
    const { http, https } = mirror?.file.edge ?? { http: "", https: "" };
    return line
      .replaceAll("8080", new URL(http).port)
      .replaceAll("8443", new URL(https).port)
      .replaceAll("/tmp/", `${root}/`)
      .replaceAll(".sitefleet/", `${join(root, "state")}/`);
  }

  test("has every part that it promises", () => {
    const lines = walkThrough().join("\n");
    for (const part of [
      "publish",
      "domain add",
      "redirect add",
      "site rollback",
      "deploy apply",
      "purge",
      "verify",
    ])
      expect(lines).toContain(`node dist/cli.js ${part}`);
  });

  test.for(walkThrough())("%s", async (line) => {
    const place = { cwd: clone, env: { SITEFLEET_STATE: join(root, "state") } };
    const { code, out, err } = await startProcess("bash", ["-o", "pipefail", "-c", here(line)], place).end;
    expect({ line, code, said: code === 0 ? "" : `${out}${err}` }).toEqual({ line, code: 0, said: "" });
  });

  test("leaves the clone as it was", () => {
    const changed = execFileSync("git", ["status", "--porcelain", "templates"], {
      cwd: clone,
      encoding: "utf8",
    });
    expect(changed).toBe("");
  });

  test("says of every step of an example whose it is", async () => {
    const { err = "" } = (await mirror?.stop()) ?? {};
    for (const site of ["bakery", "slides"]) {
      expect(err).toMatch(new RegExp(`^${site}: reading the folder$`, "m"));
      expect(err).toMatch(new RegExp(`^${site}: committed$`, "m"));
    }
    expect(err).not.toMatch(/^(?:reading|committed|live|configs written)/m);
  });
});
