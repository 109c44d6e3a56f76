import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { ChunkLoader } from "../../src/start/chunk-loader.ts";
import { tempDir } from "../support/temp-dir.ts";

async function chunks(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await tempDir();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const TWO = {
  "main.cjs":
    'const { double } = require("./double.cjs"); exports.four = double(2); exports.double = double;',
  "double.cjs": "exports.double = (number) => number * 2;",
};

describe("a chunk", () => {
  it("gets what it requires of its folder and of Node, and only one copy of each", async () => {
    const folder = await chunks({
      "main.cjs": 'module.exports = [require("./a.cjs"), require("./a.cjs"), require("node:path")];',
      "a.cjs": "exports.at = [__filename, __dirname];",
    });
    const [a, again, path] = new ChunkLoader(folder, new Map()).load("main.cjs") as readonly unknown[];
    expect(a).toEqual({ at: [join(folder, "a.cjs"), folder] });
    expect(again).toBe(a);
    expect(path).toBe(await import("node:path").then(({ default: it }) => it));
  });

  it("sees what another one exports so far when they require each other", async () => {
    const folder = await chunks({
      "main.cjs": 'exports.early = 1; exports.seen = require("./b.cjs").seen; exports.late = 2;',
      "b.cjs": 'exports.seen = { ...require("./main.cjs") };',
    });
    expect(new ChunkLoader(folder, new Map()).load("main.cjs")).toEqual({
      early: 1,
      seen: { early: 1 },
      late: 2,
    });
  });

  it("fails at its own line and column", async () => {
    const folder = await chunks({ "main.cjs": 'exports.a = 1; throw new Error("here");' });
    expect(() => new ChunkLoader(folder, new Map()).load("main.cjs")).toThrow(
      expect.objectContaining({
        stack: expect.stringContaining(`${join(folder, "main.cjs")}:1:22`) as string,
      }),
    );
  });
});

describe("compiled code", () => {
  it("is compiled once and serves the next process", async () => {
    const folder = await chunks(TWO);
    const first = new ChunkLoader(folder, new Map());
    expect(first.load("main.cjs")).toMatchObject({ four: 4 });
    const compiled = first.compiled();
    expect([...(compiled ?? [])].map(([name]) => name).sort()).toEqual(["double.cjs", "main.cjs"]);
    const second = new ChunkLoader(folder, compiled ?? new Map());
    expect(second.load("main.cjs")).toMatchObject({ four: 4 });
    expect(second.compiled()).toBeUndefined();
  });

  it("is made again of a chunk that V8 takes none for, beside that of chunks which this run has not loaded", async () => {
    const folder = await chunks(TWO);
    const stale = new Map([
      ["main.cjs", Buffer.from("no code of V8's")],
      ["other.cjs", Buffer.from("kept")],
    ]);
    const loader = new ChunkLoader(folder, stale);
    expect(loader.load("main.cjs")).toMatchObject({ four: 4 });
    const compiled = loader.compiled();
    expect([...(compiled ?? [])].map(([name]) => name).sort()).toEqual([
      "double.cjs",
      "main.cjs",
      "other.cjs",
    ]);
    expect(compiled?.get("main.cjs")).not.toEqual(stale.get("main.cjs"));
  });
});
