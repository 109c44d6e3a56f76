// Shows a plan on its pull request: one comment, which each run replaces. The plan was made by what the pull request changed,
// so nothing of it is run or believed here: it is text, and is cut where a comment ends.
import { existsSync, readFileSync } from "node:fs";

/** First line of our comment, by which the next run finds it. */
const MARK = "<!-- sitefleet: plan -->";
/** Comments are written by this account with a workflow's own token; others may begin like ours. */
const AUTHOR = "github-actions[bot]";
/** Characters; GitHub takes 65,536 of a comment. */
const MOST = 65_000;
const PER_PAGE = 100;
const TIMEOUT_MS = 30_000;

/** @param {string} name */
function variable(name) {
  const value = process.env[name] ?? "";
  if (value === "") throw new Error(`the variable ${name} is not set`);
  return value;
}

/**
 * One call of GitHub's REST API (docs.github.com/rest/issues/comments).
 * @param {string} method @param {string} path @param {object} [body]
 */
async function call(method, path, body) {
  const response = await fetch(
    `${variable("GITHUB_API_URL")}/repos/${variable("GITHUB_REPOSITORY")}/${path}`,
    {
      method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${variable("GH_TOKEN")}`,
        "x-github-api-version": "2022-11-28",
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
  );
  if (!response.ok)
    throw new Error(`${method} ${path} was answered with ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Id of the comment that an earlier run wrote. @param {string} pull @returns {Promise<number | undefined>} */
async function formerComment(pull) {
  for (let page = 1; ; page += 1) {
    const comments = await call("GET", `issues/${pull}/comments?per_page=${PER_PAGE}&page=${page}`);
    const own = comments.find(({ user, body }) => user?.login === AUTHOR && body.startsWith(MARK));
    if (own !== undefined) return own.id;
    if (comments.length < PER_PAGE) return undefined;
  }
}

/** @param {string} file */
function commentText(file) {
  const run = `${variable("GITHUB_SERVER_URL")}/${variable("GITHUB_REPOSITORY")}/actions/runs/${variable("GITHUB_RUN_ID")}`;
  const head = `${MARK}\nPlan for ${variable("COMMIT")}, [made by this run](${run}).\n\n`;
  // A plan of an earlier commit must not stay and look like this one's.
  if (!existsSync(file)) return `${head}No plan could be made: the run says why.\n`;
  const plan = readFileSync(file, "utf8");
  return (
    head + (plan.length <= MOST ? plan : `${plan.slice(0, plan.lastIndexOf("\n", MOST))}\n… and more.\n`)
  );
}

const [file, ...rest] = process.argv.slice(2);
if (file === undefined || rest.length > 0) {
  process.stderr.write("usage: node ci/comment.js FILE\n");
  process.exitCode = 2;
} else {
  const pull = variable("PULL_REQUEST");
  const body = commentText(file);
  const former = await formerComment(pull);
  if (former === undefined) await call("POST", `issues/${pull}/comments`, { body });
  else await call("PATCH", `issues/comments/${former}`, { body });
  process.stderr.write(
    `${former === undefined ? "commented on" : "comment replaced at"} pull request ${pull}\n`,
  );
}
