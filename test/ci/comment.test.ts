import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CHECKOUT, startProcess } from "../support/cli-process.ts";
import type { ProcessEnd } from "../support/cli-process.ts";
import { startScriptedServer } from "../support/scripted-server.ts";
import type { ScriptedServer } from "../support/scripted-server.ts";
import { tempDir } from "../support/temp-dir.ts";

const MARK = "<!-- sitefleet: plan -->";

interface Comment {
  readonly id: number;
  readonly user: { readonly login: string };
  readonly body: string;
}

const others = (count: number): readonly Comment[] =>
  Array.from({ length: count }, (_, id) => ({ id, user: { login: "someone" }, body: `${MARK}\nmine` }));

/** GitHub with these comments on pull request 7. */
function github(comments: readonly Comment[], status = 200): Promise<ScriptedServer> {
  return startScriptedServer(({ method, url }) => {
    if (method !== "GET") return { status, body: {} };
    const page = Number(new URL(url, "http://github").searchParams.get("page"));
    return { body: comments.slice((page - 1) * 100, page * 100) };
  });
}

async function comment(server: ScriptedServer, plan: string | undefined): Promise<ProcessEnd> {
  const cwd = await tempDir();
  if (plan !== undefined) await writeFile(join(cwd, "plan.md"), plan);
  const env = {
    GITHUB_API_URL: server.url,
    GITHUB_SERVER_URL: "https://github.example",
    GITHUB_REPOSITORY: "acme/edge",
    GITHUB_RUN_ID: "42",
    GH_TOKEN: "token-of-a-test",
    PULL_REQUEST: "7",
    COMMIT: "0123abc",
  };
  const script = join(CHECKOUT, "ci/comment.js");
  return startProcess(process.execPath, [script, "plan.md"], { cwd, env }).end;
}

/** What was written, and to where. */
function writtenTo(server: ScriptedServer): readonly (readonly [string, string])[] {
  return server.seen
    .filter(({ method }) => method !== "GET")
    .map(({ method, url, body }) => [
      `${method} ${url}`,
      (JSON.parse(body) as { readonly body: string }).body,
    ]);
}

describe("ci/comment.js", () => {
  it("comments the plan with its commit and run, where there is no comment of ours", async () => {
    const server = await github(others(3));
    expect(await comment(server, "## a plan\n")).toMatchObject({ code: 0, out: "" });
    const text = `${MARK}\nPlan for 0123abc, [made by this run](https://github.example/acme/edge/actions/runs/42).\n\n## a plan\n`;
    expect(writtenTo(server)).toEqual([["POST /repos/acme/edge/issues/7/comments", text]]);
    for (const { headers } of server.seen) expect(headers.authorization).toBe("Bearer token-of-a-test");
  });

  it("replaces its own comment, on whichever page it is, and nobody else's that begins like it", async () => {
    const own = { id: 901, user: { login: "github-actions[bot]" }, body: `${MARK}\nold` };
    const another = { id: 902, user: { login: "github-actions[bot]" }, body: "of another workflow" };
    const server = await github([...others(150), another, own]);
    expect((await comment(server, "new")).code).toBe(0);
    expect(writtenTo(server)).toEqual([
      ["PATCH /repos/acme/edge/issues/comments/901", expect.stringMatching(/\n\nnew$/)],
    ]);
  });

  it("asks for no further page than there is", async () => {
    const server = await github(others(200));
    expect((await comment(server, "new")).code).toBe(0);
    expect(server.seen.map(({ method }) => method)).toEqual(["GET", "GET", "GET", "POST"]);
  });

  it("says that there is no plan, instead of leaving that of an earlier commit", async () => {
    const own = { id: 901, user: { login: "github-actions[bot]" }, body: `${MARK}\nold` };
    const server = await github([own]);
    expect((await comment(server, undefined)).code).toBe(0);
    expect(writtenTo(server)).toEqual([
      [expect.stringContaining("PATCH"), expect.stringContaining("No plan could be made")],
    ]);
  });

  it("cuts what is longer than a comment may be, at the end of a line", async () => {
    const server = await github([]);
    expect((await comment(server, "a line of a plan\n".repeat(10_000))).code).toBe(0);
    const text = writtenTo(server)[0]?.[1] ?? "";
    expect(text.length).toBeLessThan(65_536);
    expect(text).toMatch(/a line of a plan\n… and more\.\n$/);
  });

  it("fails with what GitHub says where it refuses, and never tells the token", async () => {
    const server = await github([], 403);
    const end = await comment(server, "plan");
    expect(end.code).toBe(1);
    expect(end.err).toContain("POST issues/7/comments was answered with 403");
    expect(end.err).not.toContain("token-of-a-test");
  });

  it("says how it is called", async () => {
    const end = await startProcess(process.execPath, ["ci/comment.js"], { cwd: CHECKOUT }).end;
    expect(end).toEqual({ code: 2, out: "", err: "usage: node ci/comment.js FILE\n" });
  });
});
