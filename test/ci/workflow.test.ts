import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CHECKOUT, startProcess } from "../support/cli-process.ts";
import type { ProcessEnd } from "../support/cli-process.ts";
import { fieldOf, fieldsOf, itemsOf, parsePlainYaml, textOf } from "../support/plain-yaml.ts";
import type { Yaml } from "../support/plain-yaml.ts";
import { tempDir } from "../support/temp-dir.ts";
import { missingPrograms } from "../support/typed-page.ts";

const workflow = parsePlainYaml(await readFile(join(CHECKOUT, ".github/workflows/deploy.yml"), "utf8"));
const action = parsePlainYaml(await readFile(join(CHECKOUT, "action.yml"), "utf8"));
const jobs = fieldsOf(fieldOf(workflow, "jobs"));
const actionSteps = itemsOf(fieldOf(fieldOf(action, "runs"), "steps"));

const stepsOf = (job: Yaml): readonly Yaml[] => itemsOf(fieldOf(job, "steps"));
const allSteps = [...jobs.flatMap(([, job]) => stepsOf(job)), ...actionSteps];
const jobNamed = (name: string): Yaml => fieldOf(fieldOf(workflow, "jobs"), name);
const runsOf = (job: Yaml): readonly string[] =>
  stepsOf(job)
    .map((step) => textOf(step, "run"))
    .filter((line) => line !== "");

/** What steps may run besides the script: what it needs to be there, and the comment, which nothing of the change writes. */
const AROUND = ["npm ci", "npm run build", "node ci/comment.js plan/plan.md"];

describe(".github/workflows/deploy.yml", () => {
  it("leaves everything to the script", () => {
    const commands = jobs.flatMap(([, job]) => runsOf(job)).filter((line) => !AROUND.includes(line));
    expect(commands).toEqual([
      "node ci/pipeline.js checks",
      "node ci/pipeline.js pull-request --built --report plan.md",
      "node ci/pipeline.js merge --built --plans plans",
      "node ci/pipeline.js release --built --plans plans",
    ]);
  });

  it("releases the plans that were made behind the test stage, and no others", () => {
    const artifacts = ["test", "production"].map((name) =>
      stepsOf(jobNamed(name))
        .filter((step) => /-artifact@/.test(textOf(step, "uses")))
        .map((step) => [textOf(step, "uses").split("@")[0], fieldOf(step, "with")]),
    );
    const plans = { name: "plans", path: "plans" };
    expect(artifacts).toEqual([
      [["actions/upload-artifact", { ...plans, "if-no-files-found": "error" }]],
      [["actions/download-artifact", plans]],
    ]);
    const order = stepsOf(jobNamed("production")).map((step) => textOf(step, "run") || textOf(step, "uses"));
    const [download, release] = [/download-artifact/, /pipeline\.js release/].map((pattern) =>
      order.findIndex((name) => pattern.test(name)),
    );
    expect(download).toBeLessThan(release ?? 0);
  });

  it("plans pull requests, deploys pushes to test, and production after an approval", () => {
    expect(fieldOf(workflow, "on")).toEqual({ pull_request: "", push: { branches: ["main"] } });
    expect(fieldOf(jobNamed("plan"), "if")).toBe("github.event_name == 'pull_request'");
    expect(fieldOf(jobNamed("test"), "if")).toBe("github.event_name == 'push'");
    expect(fieldOf(jobNamed("test"), "needs")).toBe("checks");
    expect(fieldOf(jobNamed("production"), "needs")).toBe("test");
    // What merge says is what decides; the script's own tests hold it to the plans.
    expect(fieldOf(jobNamed("test"), "outputs")).toEqual({ release: "${{ steps.merge.outputs.release }}" });
    const merge = stepsOf(jobNamed("test")).find((step) => textOf(step, "id") === "merge");
    expect(merge && textOf(merge, "run")).toContain("pipeline.js merge");
    expect(fieldOf(jobNamed("production"), "if")).toBe("needs.test.outputs.release == 'true'");
    expect(fieldOf(jobNamed("test"), "environment")).toBe("test");
    expect(fieldOf(jobNamed("production"), "environment")).toBe("production");
  });

  it("lets jobs read and no more, and only the one that comments write", () => {
    expect(fieldOf(workflow, "permissions")).toEqual({ contents: "read" });
    const own = jobs.flatMap(([name, job]) =>
      fieldOf(job, "permissions") === "" ? [] : [[name, fieldOf(job, "permissions")]],
    );
    expect(own).toEqual([["comment", { contents: "read", "pull-requests": "write" }]]);
    // It has a token that writes, so what it runs must not be of the pull request.
    const [checkout, ...others] = stepsOf(jobNamed("comment"));
    expect(textOf(checkout, "uses")).toMatch(/^actions\/checkout@/);
    expect(textOf(fieldOf(checkout, "with"), "ref")).toBe("${{ github.event.pull_request.base.sha }}");
    const rest = others.map((step) => textOf(step, "uses").split("@")[0] || textOf(step, "run"));
    expect(rest).toEqual(["actions/download-artifact", "node ci/comment.js plan/plan.md"]);
    // From a fork there is no token that may comment.
    expect(fieldOf(jobNamed("comment"), "if")).toContain(
      "github.event.pull_request.head.repo.full_name == github.repository",
    );
  });

  it("is started by nothing that runs a stranger's code with secrets", () => {
    const events = fieldsOf(fieldOf(workflow, "on")).map(([name]) => name);
    expect(events).not.toContain("pull_request_target");
    expect(events).not.toContain("workflow_run");
    expect(events).not.toContain("issue_comment");
  });

  it("never deploys twice at once to a stage, and cuts no deploy short", () => {
    for (const stage of ["test", "production"]) {
      const wanted = { group: `deploy-${stage}`, "cancel-in-progress": "false" };
      expect(fieldOf(jobNamed(stage), "concurrency")).toEqual(wanted);
    }
    expect(fieldOf(workflow, "concurrency")).toEqual({
      group: "deploy-${{ github.event_name == 'pull_request' && github.ref || github.run_id }}",
      "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    });
    for (const [, job] of jobs) expect(Number(textOf(job, "timeout-minutes"))).toBeGreaterThan(0);
  });

  it("keeps the token of the checkout to itself", () => {
    const checkouts = allSteps.filter((step) => textOf(step, "uses").startsWith("actions/checkout@"));
    expect(checkouts).toHaveLength(5);
    for (const step of checkouts) expect(textOf(fieldOf(step, "with"), "persist-credentials")).toBe("false");
  });

  it("gives secrets to the step that needs them alone, by variables of the same name, and no key that writes to plans", () => {
    const secrets = jobs.flatMap(([name, job]) =>
      stepsOf(job).flatMap((step) =>
        fieldsOf(fieldOf(step, "env")).map(([variable, value]) => ({
          name,
          variable,
          value,
          run: textOf(step, "run"),
        })),
      ),
    );
    const given = secrets.filter(({ run }) => run.startsWith("node ci/pipeline.js "));
    expect(given).toHaveLength(39);
    for (const { variable, value } of given) expect(value).toBe(`\${{ secrets.${variable} }}`);
    const others = secrets
      .filter((one) => !given.includes(one))
      .map(({ name, variable }) => [name, variable]);
    expect(others).toEqual([
      ["comment", "GH_TOKEN"],
      ["comment", "PULL_REQUEST"],
      ["comment", "COMMIT"],
    ]);
    for (const [, job] of jobs) expect(fieldOf(job, "env")).toBe("");
    const planned = given.filter(({ name }) => name === "plan").map(({ variable }) => variable);
    expect(planned.filter((variable) => variable.startsWith("AWS_"))).toEqual([]);
  });
});

const missing = missingPrograms(["actionlint"]);
if (missing.length > 0) process.stderr.write("skipped: actionlint is not on PATH\n");

describe.skipIf(missing.length > 0)("actionlint", () => {
  /** A repository with our workflow and action, and a workflow that calls the action. */
  async function repository(change: (workflow: string) => string = (text) => text): Promise<string> {
    const root = await tempDir();
    // What it takes for the root of a repository.
    for (const name of [".git", ".github/workflows"]) await mkdir(join(root, name), { recursive: true });
    await cp(join(CHECKOUT, "action.yml"), join(root, "action.yml"));
    const text = await readFile(join(CHECKOUT, ".github/workflows/deploy.yml"), "utf8");
    await writeFile(join(root, ".github/workflows/deploy.yml"), change(text));
    const page = await readFile(join(CHECKOUT, "docs/production.md"), "utf8");
    const [, example = ""] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? [];
    const calling = example.replace("OWNER/sitefleet@COMMIT", "./").replace(/^/gm, "      ");
    await writeFile(
      join(root, ".github/workflows/site.yml"),
      `on: pull_request\njobs:\n  site:\n    runs-on: ubuntu-latest\n    steps:\n${calling}\n`,
    );
    return root;
  }

  const lint = (cwd: string): Promise<ProcessEnd> =>
    startProcess("actionlint", ["-oneline", "-shellcheck=", "-pyflakes="], { cwd }).end;

  it("finds nothing in the workflow, in the action, and in the page's example of calling it", async () => {
    expect(await lint(await repository())).toEqual({ code: 0, out: "", err: "" });
  });

  it.for([
    ["needs: checks", "needs: nothing", 'job "test" needs job "nothing"'],
    ["timeout-minutes: 30", "timeout: 30", 'unexpected key "timeout"'],
    ["github.event.pull_request.number", "github.evnt.number", 'property "evnt" is not defined'],
    [
      "node ci/pipeline.js checks",
      'echo "${{ github.event.pull_request.title }}"',
      '"github.event.pull_request.title" is potentially untrusted',
    ],
  ] as const)("finds what is planted: %s made %s", async ([from, to, said]) => {
    const end = await lint(await repository((text) => text.replace(from, to)));
    expect([end.code, end.out]).toEqual([1, expect.stringContaining(said)]);
  });
});

describe("workflow and action", () => {
  it("pin every action to a commit, with its version beside it", async () => {
    for (const file of [".github/workflows/deploy.yml", "action.yml"]) {
      const text = await readFile(join(CHECKOUT, file), "utf8");
      const uses = text.split("\n").filter((line) => /^\s*-? ?uses:/.test(line));
      expect(uses.length).toBeGreaterThan(0);
      for (const line of uses)
        expect(line).toMatch(/uses: [\w-]+(?:\/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  it("put no expression into a line that a shell reads", () => {
    for (const step of allSteps) expect(textOf(step, "run")).not.toContain("${{");
  });

  it("hand every input of the action on as a variable", () => {
    const inputs = fieldsOf(fieldOf(action, "inputs")).map(([name]) => name);
    const env = fieldsOf(fieldOf(actionSteps.at(-1), "env"));
    expect(env).toEqual(
      inputs.map((name) => [
        `SITEFLEET_INPUT_${name.toUpperCase().replaceAll("-", "_")}`,
        `\${{ inputs.${name} }}`,
      ]),
    );
  });
});
