import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Variables } from "../settings/environment.ts";

/** What a deploy was made of and by whom, for the version's stamp. */
export interface Provenance {
  /** Commit of the folder's repository, `-dirty` when tracked files differ from it; `null` when unknown. */
  readonly commit: string | null;
  /** The CI's actor, else the user's name; `null` when unknown. */
  readonly by: string | null;
}

/** For callers who do not know, or do not want it told. */
export const UNKNOWN_PROVENANCE: Provenance = { commit: null, by: null };

/** Who runs a job, as each CI tells it, then the user of the shell. */
const ACTORS = [
  "SITEFLEET_DEPLOYED_BY",
  "GITHUB_ACTOR",
  "GITLAB_USER_LOGIN",
  "BITBUCKET_STEP_TRIGGERER_UUID",
  "CIRCLE_USERNAME",
  "BUILDKITE_BUILD_CREATOR",
  "BUILD_REQUESTEDFOR",
  "USER",
  "LOGNAME",
  "USERNAME",
];

/** Commit of the checkout, as each CI tells it: where its runners have no git. */
const COMMITS = ["GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "CIRCLE_SHA1", "BUILDKITE_COMMIT"];

const ABBREVIATED = 12;
const TIMEOUT_MS = 10_000;

/** Asks git, where there is one, and the variables; nothing of it is needed to deploy. */
export async function readProvenance(
  where: { readonly cwd: string; readonly variables: Variables },
  signal: AbortSignal,
): Promise<Provenance> {
  const { variables } = where;
  const by = ACTORS.map((name) => variables[name]).find((value) => value !== undefined && value !== "");
  const commit = (await gitCommit(where, signal)) ?? COMMITS.map((name) => variables[name]).find(isCommit);
  return { commit: commit ?? null, by: by === undefined ? null : actorName(by) };
}

/** A stamp holds few characters, and a name from a variable may be anything. */
function actorName(text: string): string | null {
  const name = text.replace(/[^\w.@+[\]-]+/g, "-").slice(0, 64);
  return name === "" ? null : name;
}

function isCommit(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{40}$/.test(text);
}

async function gitCommit(
  where: { readonly cwd: string; readonly variables: Variables },
  signal: AbortSignal,
): Promise<string | undefined> {
  const head = await git(["rev-parse", "--verify", `--short=${ABBREVIATED}`, "HEAD"], { ...where, signal });
  if (head === undefined || !/^[0-9a-f]{7,40}$/.test(head)) return undefined;
  // What git does not know, such as a plan file, does not make a commit another one.
  const changed = await git(["status", "--porcelain", "--untracked-files=no"], { ...where, signal });
  return changed === "" ? head : `${head}-dirty`;
}

/** Output of a git command; `undefined` where there is no git, no repository, or no commit. */
async function git(
  args: readonly string[],
  run: { readonly cwd: string; readonly variables: Variables; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { PATH, HOME, SYSTEMROOT } = run.variables;
  try {
    // Monitors that a repository configures are programs; optional locks would disturb a git that runs beside us.
    const { stdout } = await promisify(execFile)(
      "git",
      ["-c", "core.fsmonitor=false", "--no-optional-locks", ...args],
      { cwd: run.cwd, env: { PATH, HOME, SYSTEMROOT }, signal: run.signal, timeout: TIMEOUT_MS },
    );
    return stdout.trim();
  } catch {
    run.signal.throwIfAborted();
    return undefined;
  }
}
