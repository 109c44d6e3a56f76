import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DIFFERENCES, NO_COUNTERPART } from "../../compute/differences.ts";
import { FEATURES } from "../../src/render/features.ts";
import { startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { missingPrograms, typedLines } from "../support/typed-page.ts";
import { typingFolder } from "../support/typing-folder.ts";
import { readPage } from "./page.ts";

const page = await readPage("compute.md");
const lines = typedLines(page);

/** What the page asks of a machine besides Node. */
const missing = missingPrograms(["bash", "curl", "sed"]);
if (missing.length > 0) process.stderr.write(`skipped: docs/compute.md needs ${missing.join(", ")}\n`);

/** The text between two marks of the page. */
function part(name: string): string {
  const [, text] = new RegExp(`<!-- ${name}:begin -->(.*?)<!-- ${name}:end -->`, "s").exec(page) ?? [];
  if (text === undefined) throw new Error(`docs/compute.md has no part ${name}`);
  return text;
}

/** The cells of a table's rows below its head. */
function cells(table: string): readonly (readonly string[])[] {
  const rows = table.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const code = (name: string): string => `\`${name}\``;

test("docs/compute.md tells every difference of the two targets, as the list has it", () => {
  expect(cells(part("differences"))).toEqual(
    DIFFERENCES.map(({ id, kind, what, why }) => [code(id), kind, what, why]),
  );
});

test("docs/compute.md names every feature that both targets have, and why the others are of VCL alone", () => {
  const shared = FEATURES.filter((name) => !Object.hasOwn(NO_COUNTERPART, name));
  expect([...part("features").matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => name)).toEqual(shared);
  expect(cells(part("vcl-only"))).toEqual(
    Object.entries(NO_COUNTERPART).map(([name, why]) => [code(name), why]),
  );
});

/** A deploy waits until the edge answers, and `verify` runs every conformance case. */
const LONG = { timeout: 120_000 };

describe.skipIf(missing.length > 0)("docs/compute.md, typed line by line", LONG, () => {
  const folder = typingFolder("compute");
  let mirror: MirrorProcess | undefined;

  beforeAll(async () => {
    mirror = await startMirrorProcess({ cwd: folder.root });
  });

  afterAll(async () => void (await mirror?.stop()));

  test("has a line for every part that it promises", () => {
    const text = lines.map(({ line }) => line).join("\n");
    for (const promised of [
      "init --target compute",
      "deploy apply --create",
      "doctor",
      "publish",
      "alsoPurge",
      "verify --env production --config move.json",
      "verify --env production --config next.json",
      "domain add",
    ])
      expect(text).toContain(promised);
  });

  test.for(lines)("$line", async (line) => {
    const urls = mirror?.file;
    const here = line.line
      .replaceAll("http://127.0.0.1:8080", urls?.edge.http ?? "")
      .replaceAll("http://127.0.0.1:8081", urls?.api.url ?? "")
      .replaceAll("http://127.0.0.1:8082", urls?.s3.url ?? "")
      .replaceAll("127.0.0.1:8443", new URL(urls?.edge.https ?? "").host);
    await folder.type(line, { here });
  });
});
