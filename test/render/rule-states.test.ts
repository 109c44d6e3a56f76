import { describe, expect, it } from "vitest";
import type { HeaderLine } from "../../src/http/header-list.ts";
import { packHashes } from "../../src/site/short-hashes.ts";
import { METADATA_BUDGET } from "../../src/site/metadata.ts";
import { packRules } from "../../src/site/rule-slots.ts";
import type { SlotRule } from "../../src/site/rule-slots.ts";
import { WORKSPACE_BYTES } from "../../src/vcl/workspace.ts";
import { makeObject, makeRequest, makeResponse } from "../support/transaction.ts";
import { at, fetchOf, program, run } from "./situations.ts";
import { deltaText } from "../support/delta-lists.ts";

const BUCKET: readonly HeaderLine[] = [
  ["x-amz-meta-v", "2"],
  ["x-amz-meta-s", "shop"],
  ["x-amz-meta-q", "0=301 /a/* /b"],
];
const waiting = { phase: "rules", bucket: "rules", headers: [["SF-Config-B", "1,0a1b,"]] } as const;

function without(name: string, ...more: readonly HeaderLine[]): readonly HeaderLine[] {
  return [...BUCKET.filter(([known]) => known !== name), ...more];
}

describe("a rule bucket", () => {
  it("takes the place of the config's rules, for the pass after it", () => {
    const resp = makeResponse(200, BUCKET);
    const headers: readonly HeaderLine[] = [...waiting.headers, ["SF-Config-Q", "0=301 /x /y"]];
    const transaction = at({ ...waiting, headers }, { resp });
    expect(run("deliver", transaction)).toEqual({ do: "restart" });
    expect(transaction.req.headers.get("SF-Phase")).toBe("page");
    expect(transaction.req.headers.get("SF-Config-Q")).toBe("0=301 /a/* /b");
    expect(transaction.req.headers.get("SF-Config-B")).toBeNull();
  });

  it.each([
    ["of a codec version to come", without("x-amz-meta-v", ["x-amz-meta-v", "4"])],
    ["of another site", without("x-amz-meta-s", ["x-amz-meta-s", "other"])],
    ["of no site", without("x-amz-meta-s")],
    ["without rules", without("x-amz-meta-q")],
  ])("%s is an unusable config", (_, headers) => {
    const transaction = at(waiting, { resp: makeResponse(200, headers) });
    expect(run("deliver", transaction)).toEqual({ do: "restart" });
    expect(transaction.req.headers.get("SF-Phase")).toBe("unusable-config");
    expect(run("recv", Object.assign(transaction, { restarts: 2 }))).toMatchObject({
      do: "error",
      status: 607,
    });
  });

  it("that is missing is a fault", () => {
    expect(fetchOf(waiting, { status: 404 }).beresp.status).toBe(503);
  });

  it("is never shown, whatever its status", () => {
    for (const status of [204, 301, 404, 416]) {
      const transaction = at(waiting, { resp: makeResponse(status, BUCKET) });
      expect(run("deliver", transaction)).toEqual({ do: "restart" });
      expect(transaction.req.headers.get("SF-Phase")).toBe("trouble");
    }
  });

  it("is not asked for when no restart is left to use it", () => {
    for (const phase of ["rules", "page"]) {
      // The hash of the segment `about`.
      const headers: readonly HeaderLine[] = [["SF-Config-B", "1,a426,"]];
      const transaction = at({ phase, restarts: 3, headers });
      expect(run("recv", transaction)).toMatchObject({ do: "error", status: 610 });
    }
  });

  it("stays for long, under the site's keys, without a validator", () => {
    const headers: readonly HeaderLine[] = [...BUCKET, ["ETag", '"1"'], ["Last-Modified", "x"]];
    const { beresp } = fetchOf(waiting, { status: 200, headers });
    expect(beresp.ttl).toBe(31_536_000);
    expect(beresp.headers.get("Surrogate-Key")).toBe("all env:production c:shop s:shop");
    expect(beresp.headers.get("ETag")).toBeNull();
    expect(beresp.headers.get("Last-Modified")).toBeNull();
  });

  it("is asked for without the secret segment, which is for configs", () => {
    for (const [bucket, end] of [
      ["rules", "/rules/1/0a1b"],
      ["config", "/www.example.com/segment"],
    ] as const) {
      const backend = program.backends.get("F_config");
      if (!backend) throw new Error("no backend");
      const transaction = at({ phase: bucket, bucket }, { backend });
      transaction.bereq = makeRequest(transaction.req.url);
      expect(run("miss", transaction)).toEqual({ do: "fetch" });
      expect(transaction.bereq.url).toMatch(new RegExp(`${end}$`));
    }
  });
});

describe("an alias page", () => {
  const page = { phase: "page" } as const;

  it.each([404, 410, 451])("of status %i is kept as a page is, on both hops", (status) => {
    const headers: readonly HeaderLine[] = [
      ["x-amz-meta-c", String(status)],
      ["ETag", '"1"'],
    ];
    for (const from of ["s3", "shield"] as const) {
      const answer = { status: from === "s3" ? 200 : status, from, headers };
      const { beresp, action } = fetchOf({ ...page, restarts: 3 }, answer);
      expect(action).toEqual({ do: "deliver" });
      expect(beresp.status).toBe(status);
      expect(beresp.ttl).toBe(31_536_000);
      expect(beresp.headers.get("ETag")).toBeNull();
    }
    const obj = makeObject({ status, headers: makeResponse(status, headers).headers });
    expect(run("hit", at({ ...page, restarts: 3 }, { obj }))).toEqual({ do: "deliver" });
    const resp = makeResponse(status, headers);
    expect(run("deliver", at(page, { resp }))).toEqual({ do: "deliver" });
    expect(resp.headers.get("x-amz-meta-c")).toBeNull();
  });

  it.each(["200", "500", "40", "410x", "999"])("of status %s is a fault", (status) => {
    const { beresp } = fetchOf(page, { status: 200, headers: [["x-amz-meta-c", status]] });
    expect(beresp.status).toBe(503);
  });
});

describe("a page rule", () => {
  it("does not lead to a path that is longer than any key", () => {
    const rule = "0=!200 /x/: /y/{2}{2}{2}{2}";
    const headers: readonly HeaderLine[] = [["SF-Config-Q", rule]];
    for (const [length, phase] of [
      [200, "rewrite"],
      [300, "page"],
    ] as const) {
      const transaction = at({ phase: "page", headers });
      transaction.req.headers.set("SF-Path", `/x/${"a".repeat(length)}`);
      expect(run("recv", transaction)).toEqual({ do: "lookup" });
      expect(transaction.req.headers.get("SF-Phase")).toBe(phase);
    }
  });
});

describe("what leaves for the shield", () => {
  it("has nothing of the config and no condition that waits for the page", () => {
    const headers: readonly HeaderLine[] = [
      ["SF-Config-Q", "0=301 /x /y"],
      ["SF-Config-D", ",00000000=1"],
      ["SF-If-None-Match", '"1"'],
      ["SF-Range", "bytes=0-1"],
    ];
    const shield = program.directors.get("ssl_shield_iad_va_us");
    if (!shield) throw new Error("no shield");
    const transaction = at({ phase: "page", headers }, { backend: shield });
    transaction.bereq = makeRequest(transaction.req.url, [...transaction.req.headers]);
    expect(run("miss", transaction)).toEqual({ do: "fetch" });
    const left = [...transaction.bereq.headers].map(([name]) => name);
    expect(left.filter((name) => /^SF-(?:Config|If|Range)/i.test(name))).toEqual([]);
    expect(left).toContain("SF-Bucket");
  });
});

describe("the workspace", () => {
  it("has room to spare for the largest config and the longest path that miss everywhere", () => {
    const path = `/${"a/".repeat(449)}x`;
    const rules: readonly SlotRule[] = Array.from({ length: 24 }, (_, i) => ({
      forced: i % 2 === 0,
      status: 302 as const,
      segments: [null, null, null, null, null, null, null, "b"],
      splat: true,
      query: [],
      target: "/to/{1}/{2}/{*}",
    }));
    const delta = deltaText([["A".repeat(16), "1"]]);
    const headers: readonly HeaderLine[] = [
      ["SF-Config-Q", packRules(rules)],
      ["SF-Config-D", delta],
      ["SF-Config-E", packHashes(Array.from({ length: 40 }, (_, i) => String(i).padStart(8, "0")))],
      ["SF-Config-N", "p"],
    ];
    const bytes = headers.reduce((sum, [, value]) => sum + value.length, 0);
    expect(bytes).toBeGreaterThan(METADATA_BUDGET * 0.6);
    const transaction = at({ phase: "page", headers });
    transaction.req.headers.set("SF-Path", path);
    expect(run("recv", transaction)).toEqual({ do: "lookup" });
    expect(run("deliver", Object.assign(transaction, { resp: makeResponse(404) }))).toEqual({
      do: "restart",
    });
    expect(run("recv", Object.assign(transaction, { restarts: 2 }))).toEqual({ do: "lookup" });
    expect(transaction.workspaceUsed).toBeLessThan(WORKSPACE_BYTES / 2);
  });
});
