import { SitefleetError } from "../lib/errors.ts";
import { accessSheet, isS3Role } from "../setup/access-sheet.ts";
import { S3_ROLES } from "../setup/s3-grants.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput } from "./command.ts";

/** `deploy policies`: needs no network and no secret, for it comes before there is any. */
export const policiesCommand: CommandDefinition = {
  verb: "policies",
  summary: "print what S3 keys and Fastly tokens must be allowed, and no more, as JSON",
  options: [
    {
      flags: "--role <role>",
      summary: "only the IAM policy of this role, as `aws iam` takes it",
      choices: S3_ROLES,
    },
  ],
  writes: false,
  examples: ["deploy policies --env production", "deploy policies --role publisher --env production"],
  run: runPolicies,
};

async function runPolicies(context: CommandContext, input: CommandInput): Promise<void> {
  const environment = await context.environment();
  const sheet = accessSheet(environment, environment.fastly.serviceId);
  const role = input.flags.text("role");
  if (role === undefined) {
    context.report.result(sheet, JSON.stringify(sheet, null, 2));
    return;
  }
  if (!isS3Role(role)) throw new SitefleetError("cli/usage", `there is no role "${role}"`);
  context.report.result(sheet.s3[role], JSON.stringify(sheet.s3[role], null, 2));
}
