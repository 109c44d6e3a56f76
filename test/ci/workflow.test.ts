import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CHECKOUT } from "../support/cli-process.ts";
import { fieldOf, fieldsOf, itemsOf, parsePlainYaml, textOf } from "../support/plain-yaml.ts";
import type { Yaml } from "../support/plain-yaml.ts";

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

/** What steps may run besides the script: what it needs to be there, and the comment, which must not run the change. */
const AROUND = [
  "npm ci",
  "npm run build",
  'gh pr comment "$PULL_REQUEST" --repo "$GITHUB_REPOSITORY" --body-file plan.md --edit-last --create-if-none',
];

describe(".github/workflows/deploy.yml", () => {
  it("leaves everything to the script", () => {
    const commands = jobs.flatMap(([, job]) => runsOf(job)).filter((line) => !AROUND.includes(line));
    expect(commands).toEqual([
      "node ci/pipeline.js checks",
      "node ci/pipeline.js pull-request --built --report plan.md",
      "node ci/pipeline.js merge --built",
      "node ci/pipeline.js release --built",
    ]);
  });

  it("plans pull requests, deploys pushes to test, and production after an approval", () => {
    expect(fieldOf(workflow, "on")).toEqual({ pull_request: "", push: { branches: ["main"] } });
    expect(fieldOf(jobNamed("plan"), "if")).toBe("github.event_name == 'pull_request'");
    expect(fieldOf(jobNamed("test"), "if")).toBe("github.event_name == 'push'");
    expect(fieldOf(jobNamed("test"), "needs")).toBe("checks");
    expect(fieldOf(jobNamed("production"), "needs")).toBe("test");
    expect(fieldOf(jobNamed("test"), "environment")).toBe("test");
    expect(fieldOf(jobNamed("production"), "environment")).toBe("production");
  });

  it("lets jobs read and no more, and only the one that comments write", () => {
    expect(fieldOf(workflow, "permissions")).toEqual({ contents: "read" });
    const own = jobs.flatMap(([name, job]) =>
      fieldOf(job, "permissions") === "" ? [] : [[name, fieldOf(job, "permissions")]],
    );
    expect(own).toEqual([["comment", { "pull-requests": "write" }]]);
    // It has a token that writes, so it must not run anything of the pull request.
    const uses = stepsOf(jobNamed("comment")).map((step) => textOf(step, "uses").split("@")[0]);
    expect(uses).toEqual(["actions/download-artifact", ""]);
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
    expect(checkouts).toHaveLength(4);
    for (const step of checkouts) expect(fieldOf(step, "with")).toEqual({ "persist-credentials": "false" });
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
    ]);
    for (const [, job] of jobs) expect(fieldOf(job, "env")).toBe("");
    const planned = given.filter(({ name }) => name === "plan").map(({ variable }) => variable);
    expect(planned.filter((variable) => variable.startsWith("AWS_"))).toEqual([]);
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
