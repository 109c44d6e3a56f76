import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compareAnswers, readCorpus } from "./answers.ts";

const SCRIPT = fileURLToPath(new URL("make-corpus.py", import.meta.url));
const COUNT = 4000;
const SEED = 20_421_042;

/** Why the live comparison cannot run here, or null when it can. */
function obstacle(): string | null {
  const probe = spawnSync("python3", [SCRIPT, "--probe"], { encoding: "utf8" });
  if (probe.error !== undefined) return "python3 is not installed";
  if (probe.status !== 0) return "libpcre2-8 is not installed";
  return probe.stdout.startsWith("10.42 ") ? null : `libpcre2 is ${probe.stdout.trim()}, not 10.42`;
}

const reason = obstacle();

describe.skipIf(reason !== null)(
  `random patterns against libpcre2 itself${reason ? `: ${reason}` : ""}`,
  () => {
    it("never answers differently", () => {
      const arguments_ = [SCRIPT, "--count", String(COUNT), "--seed", String(SEED)];
      const text = execFileSync("python3", arguments_, { encoding: "utf8", maxBuffer: 64_000_000 });
      const comparison = compareAnswers(readCorpus(text));
      expect(comparison.differences).toEqual([]);
      expect(comparison.compared).toBeGreaterThan(COUNT);
    });
  },
);
