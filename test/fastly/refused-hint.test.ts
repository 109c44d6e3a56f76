import { describe, expect, it } from "vitest";
import { refusedError } from "../../src/fastly/remote-error.ts";
import { Secret } from "../../src/lib/secret.ts";
import { environmentOf } from "../../src/settings/environment.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import { exampleSettings } from "../support/environments.ts";

function hintWith(secrets: readonly Secret[]): string | undefined {
  const answer = { status: 401, body: "{}", call: "GET /service", requestId: "1", landed: "no" } as const;
  return refusedError({ ...answer, secrets }).hint;
}

describe("a token that Fastly refuses", () => {
  it.each([
    [{ FASTLY_API_TOKEN: "plain", FASTLY_API_TOKEN_PRODUCTION: "own" }, "FASTLY_API_TOKEN_PRODUCTION"],
    [{ FASTLY_API_TOKEN: "plain" }, "FASTLY_API_TOKEN"],
  ] satisfies [Record<string, string>, string][])(
    "is named by the variable that was read: %j",
    (variables, name) => {
      const { secrets } = environmentOf(settingsSchema.parse(exampleSettings), "production", variables);
      expect(hintWith([new Secret("another"), secrets.apiToken()])).toMatch(
        new RegExp(`^check ${name}: it must`),
      );
    },
  );

  it("that came from no variable is named by the one that would be read", () => {
    expect(hintWith([new Secret("token")])).toMatch(/^check FASTLY_API_TOKEN: /);
  });
});
