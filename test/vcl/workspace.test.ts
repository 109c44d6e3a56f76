import { describe, expect, test } from "vitest";
import { HeaderList } from "../../src/http/header-list.ts";
import { VclRuntimeError } from "../../src/vcl/diagnostics.ts";
import {
  chargeHeader,
  chargeWorkspace,
  initialWorkspace,
  WORKSPACE_BASE,
  WORKSPACE_BYTES,
} from "../../src/vcl/workspace.ts";
import { makeRequest } from "../support/transaction.ts";
import { runStatements, transactionIn } from "../support/vcl.ts";

/** `workspace.bytes_free` before and after statements. */
function freeAround(statements: string, t = transactionIn("recv")): readonly [number, number] {
  const before = WORKSPACE_BYTES - t.workspaceUsed;
  runStatements(statements, { t });
  return [before, WORKSPACE_BYTES - t.workspaceUsed];
}

describe("the workspace", () => {
  test("begins with what Fastly has used and the request's own headers", () => {
    const headers = HeaderList.from([
      ["Host", "www.example.com"],
      ["X", ""],
    ]);
    expect(initialWorkspace(headers)).toBe(WORKSPACE_BASE + 4 + 15 + 3 + 1 + 0 + 3);
  });

  test("pays for each header written, and gets nothing back", () => {
    const [before, after] = freeAround('set req.http.Name = "12345"; unset req.http.Name;');
    expect(before - after).toBe("Name".length + 5 + 3);
    const [start, end] = freeAround('set req.http.N = "a"; set req.http.N = "b"; set req.http.N = "c";');
    expect(start - end).toBe(3 * (1 + 1 + 3));
  });

  test("workspace.bytes_free tells what is left at that very place", () => {
    const t = transactionIn("recv", { req: makeRequest("/", []), workspaceUsed: 1000 });
    runStatements(
      'set req.http.A = workspace.bytes_free; set req.http.X = "0123456789"; set req.http.B = workspace.bytes_free;',
      { t },
    );
    const [a, b] = ["A", "B"].map((name) => Number(t.req.headers.get(name)));
    expect(a).toBe(WORKSPACE_BYTES - 1000);
    expect(Number(a) - Number(b)).toBe(1 + 6 + 3 + (1 + 10 + 3));
  });

  test("survives a restart as it is: the next pass has less", () => {
    const t = transactionIn("recv");
    const program = 'set req.http.A = std.strrep("x", 10000);';
    const used = [0, 1, 2].map(() => {
      runStatements(program, { t });
      return t.workspaceUsed;
    });
    expect(used[1]).toBeGreaterThan(used[0] ?? 0);
    expect(used[2]).toBeGreaterThan(used[1] ?? 0);
  });

  test("that is used up ends the request, by its rule", () => {
    const t = transactionIn("recv", { workspaceUsed: WORKSPACE_BYTES - 10 });
    expect(() => chargeHeader(t, "Name", "1234")).toThrow(VclRuntimeError);
    const exact = transactionIn("recv", { workspaceUsed: WORKSPACE_BYTES - 10 });
    chargeWorkspace(exact, 10);
    expect(exact.workspaceUsed).toBe(WORKSPACE_BYTES);
    expect(() => runStatements('set req.http.A = "1";', { t: exact })).toThrow(
      expect.objectContaining({ rule: "workspace/overflow" }),
    );
  });

  test("bounds what a concatenation in a loop of restarts and headers can build", () => {
    const grow = 'set req.http.A = req.http.A req.http.A "x";'.repeat(30);
    expect(() => runStatements(grow)).toThrow("Header overflow");
  });
});
