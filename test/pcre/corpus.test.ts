import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { compareAnswers, readCorpus } from "./answers.ts";
import type { Comparison } from "./answers.ts";

/** Written by make-corpus.py with libpcre2 10.42; see there. */
const corpus = readCorpus(readFileSync(new URL("../fixtures/pcre/corpus.json", import.meta.url), "utf8"));

describe("random patterns against the recorded answers of libpcre2", () => {
  let comparison: Comparison;
  beforeAll(() => {
    comparison = compareAnswers(corpus);
  });

  it("were recorded with the version whose behaviour the matcher follows", () => {
    expect(corpus.version).toMatch(/^10\.42 /);
  });

  it("never answers differently", () => {
    expect(comparison.differences).toEqual([]);
    expect(comparison.compared).toBeGreaterThan(5000);
  });

  it("refuses few patterns that libpcre2 takes, and says why", () => {
    const count = [...comparison.refused.values()].flat().length;
    expect(count).toBeLessThan(corpus.cases.length * 0.03);
    for (const message of comparison.refused.keys())
      expect(message).toMatch(/not supported|PCRE2 mishandles|more than|longer than|not of fixed length/);
  });

  it("reaches a limit almost only where libpcre2 does", () => {
    expect(comparison.limited).toBeLessThan(comparison.compared * 0.002);
  });
});
