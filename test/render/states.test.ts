import { describe, expect, it } from "vitest";
import type { HeaderLine } from "../../src/http/header-list.ts";
import { makeObject, makeResponse } from "../support/transaction.ts";
import { at, fetchOf, run } from "./situations.ts";

describe("the last pass", () => {
  it("does not begin a config lookup that nothing could follow", () => {
    const action = run("recv", at({ phase: "config", bucket: "config", restarts: 3 }));
    expect(action).toMatchObject({ do: "error", status: 610 });
  });

  it("never shows a config, whatever its status", () => {
    for (const status of [206, 301, 416]) {
      const transaction = at(
        { phase: "config", bucket: "config", restarts: 0 },
        { resp: makeResponse(status) },
      );
      expect(run("deliver", transaction)).toEqual({ do: "restart" });
      expect(transaction.req.headers.get("SF-Phase")).toBe("trouble");
    }
  });

  it.each([
    [404, 604],
    [503, 610],
  ])("never shows what S3 said with %i", (status, code) => {
    for (const phase of ["page", "not-found-page"]) {
      const hit = at({ phase, restarts: 3 }, { obj: makeObject({ status }) });
      expect(run("hit", hit)).toMatchObject({ do: "error", status: code });
      expect(fetchOf({ phase, restarts: 3 }, { status, from: "shield" }).action).toMatchObject({
        do: "error",
        status: code,
      });
    }
  });

  it("shows no page that is missing out of a stale copy either, but our own by an error", () => {
    for (const phase of ["page", "rewrite", "spa", "not-found-page"]) {
      const stale = at({ phase, restarts: 3 }, { resp: makeResponse(404), cacheState: "HIT-STALE" });
      expect(run("deliver", stale)).toEqual({ do: "restart" });
      expect(stale.req.headers.get("SF-Dead-End")).toBe("1");
    }
    const headers = [["SF-Dead-End", "1"]] as const;
    const third = at({ phase: "not-found-page", restarts: 3, headers });
    expect(run("recv", third)).toMatchObject({ do: "error", status: 604 });
    const fourth = at({ phase: "page", restarts: 3, headers }, { obj: makeObject({ status: 503 }) });
    expect(run("error", fourth)).toEqual({ do: "deliver" });
    expect(fourth.obj).toMatchObject({ status: 404, reason: "Not Found" });
    const shown = at(
      { phase: "page", restarts: 3, headers },
      { resp: makeResponse(404), cacheState: "ERROR-STALE" },
    );
    expect(run("deliver", shown)).toEqual({ do: "deliver" });
  });

  it("shows what is there out of a stale copy", () => {
    for (const phase of ["page", "rewrite", "spa", "not-found-page"]) {
      const stale = at({ phase, restarts: 3 }, { resp: makeResponse(200), cacheState: "HIT-STALE" });
      expect(run("deliver", stale)).toEqual({ do: "deliver" });
    }
  });

  it("leaves the shield's copy of the same answers alone", () => {
    const situation = { hop: "shield", phase: "page", restarts: 0 } as const;
    expect(fetchOf(situation, { status: 404 }).action).toEqual({ do: "deliver" });
    expect(fetchOf(situation, { status: 503 }).action).toEqual({ do: "deliver" });
  });

  it("does not call a fault of S3 not found", () => {
    const transaction = at({ phase: "not-found-page", restarts: 2 }, { resp: makeResponse(503) });
    expect(run("deliver", transaction)).toEqual({ do: "restart" });
    expect(transaction.req.headers.get("SF-Phase")).toBe("trouble");
  });
});

describe("an answer of S3", () => {
  it("keeps only the headers that publishing writes", () => {
    const { beresp } = fetchOf(
      { phase: "page", restarts: 1 },
      {
        status: 200,
        headers: [
          ["Content-Type", "text/html"],
          ["ETag", '"1"'],
          ["Set-Cookie", "a=b"],
          ["Strict-Transport-Security", "max-age=1; includeSubDomains"],
          ["X-Compress-Hint", "on"],
          ["SF-Stale", "1"],
          ["Surrogate-Control", "max-age=1"],
          ["x-amz-meta-p", "/about"],
          ["x-amz-id-2", "x"],
        ],
      },
    );
    expect([...beresp.headers].map(([name]) => name).sort()).toEqual([
      "Content-Type",
      "ETag",
      "Surrogate-Key",
      "Vary",
      "x-amz-meta-p",
    ]);
  });

  it.each(["//evil.example", "/\\evil.example", "javascript:alert(1)", "https:///evil", "/a b"])(
    "is a fault when it would redirect to %s",
    (location) => {
      const { beresp } = fetchOf(
        { phase: "page" },
        {
          status: 200,
          headers: [
            ["x-amz-meta-l", location],
            ["x-amz-meta-c", "301"],
          ],
        },
      );
      expect(beresp.status).toBe(503);
      expect(beresp.headers.get("Location")).toBeNull();
    },
  );

  it("gives no canonical path on another host", () => {
    const resp = makeResponse(200, [["x-amz-meta-p", "//evil.example"]]);
    const transaction = at({ phase: "page" }, { resp });
    expect(run("deliver", transaction)).toEqual({ do: "deliver" });
    expect(resp.headers.get("Location")).toBeNull();
  });

  it("from the second region holds for a minute, a page for ten, because it may lag behind", () => {
    const headers: readonly HeaderLine[] = [["SF-Region", "second"]];
    const config = fetchOf({ phase: "config", bucket: "config", headers }, { status: 200 });
    const missing = fetchOf({ phase: "page", headers }, { status: 404 });
    const page = fetchOf({ phase: "page", headers }, { status: 200 });
    expect(config.beresp.ttl).toBe(60);
    expect(missing.beresp.ttl).toBe(60);
    expect(page.beresp.ttl).toBe(600);
  });

  it("is a minute's answer at the edge also when only the shield chose the second region", () => {
    const answer = { status: 200, from: "shield", headers: [["SF-Region", "second"]] } as const;
    expect(fetchOf({ phase: "config", bucket: "config" }, answer).beresp.ttl).toBe(60);
  });

  it("that the shield had only stale is kept for seconds and not marked for good", () => {
    const answer = { status: 200, from: "shield", headers: [["SF-Stale", "1"]] } as const;
    const { beresp } = fetchOf({ phase: "page" }, answer);
    expect(beresp.ttl).toBe(5);
    expect(beresp.headers.get("SF-Stale")).toBeNull();
  });
});

describe("the shield", () => {
  it("answers the edge with whole objects, so that a stale one shows itself", () => {
    const transaction = at({
      hop: "shield",
      phase: "page",
      restarts: 0,
      headers: [["If-None-Match", '"1"']],
    });
    expect(run("recv", transaction)).toEqual({ do: "lookup" });
    expect(transaction.req.headers.get("If-None-Match")).toBeNull();
  });

  it("tells nobody its revision", () => {
    const resp = makeResponse(200);
    const transaction = at({ hop: "shield", phase: "page", headers: [["SF-Trusted", "1"]] }, { resp });
    run("deliver", transaction);
    expect(resp.headers.get("SF-Revision")).toBeNull();
  });
});
