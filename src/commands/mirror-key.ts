import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { issueKey } from "../mirror/issued-keys.ts";
import { readMirrorFile } from "../settings/local.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";

/** `mirror key`: what IAM is for S3 itself. */
export const keyCommand: CommandDefinition = {
  verb: "key",
  summary: "make a key for the mirror's S3 that an IAM policy limits; a name that has one keeps it",
  args: [{ name: "<name>", summary: "whose key it is" }],
  options: [
    {
      flags: "--policy <file>",
      summary: "the policy as JSON, such as `deploy policies --role` prints; `-` = standard input",
      required: true,
    },
  ],
  writes: false,
  examples: ["mirror key publisher --policy publisher.json", "mirror key edge --policy -"],
  run: runKey,
};

async function runKey(context: CommandContext, input: CommandInput): Promise<void> {
  const [name = ""] = input.args;
  // A key of a folder that no mirror has would open nothing.
  await readMirrorFile(context.stateDir);
  const policy = await readPolicy(context, input.flags.text("policy") ?? "");
  const key = await issueKey(context.stateDir, { name, policy });
  context.report.result({ name, ...key }, `${key.accessKeyId}:${key.secretAccessKey}`);
}

async function readPolicy(context: CommandContext, file: string): Promise<unknown> {
  try {
    const text =
      file === "-" ? await context.input.readText() : await readFile(resolve(context.cwd, file), "utf8");
    return JSON.parse(text);
  } catch (cause) {
    throw new SitefleetError("mirror/invalid-policy", `${file} is no policy: ${messageOf(cause)}`, {
      cause,
      hint: "`sitefleet deploy policies --role ROLE` prints one",
    });
  }
}
