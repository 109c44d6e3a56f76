import { expect, test } from "vitest";
import { parseSettings } from "../../../compute/src/settings.ts";
import { appSettingsFields, appSettingsText, isRevision } from "../../../src/deploy/compute/app-settings.ts";
import { computeEnvironment } from "./compute-fixture.ts";

test("What a deploy writes is what the app reads", () => {
  const { text, revision } = appSettingsText(computeEnvironment(), "hash");
  expect(parseSettings(text)).toMatchObject({ revision, environment: "test", httpCache: true });
});

test("The revision is of package and settings, and any other text has another one", () => {
  const { text, revision } = appSettingsText(computeEnvironment(), "hash");
  expect(appSettingsText(computeEnvironment(), "other").revision).not.toBe(revision);
  expect(appSettingsText(computeEnvironment({ hsts: false }), "hash").revision).not.toBe(revision);
  expect(isRevision(revision, { text, filesHash: "hash" })).toBe(true);
  expect(isRevision(revision, { text, filesHash: "other" })).toBe(false);
  expect(isRevision(revision, { text: text.replace('"hsts":true', '"hsts":false'), filesHash: "hash" })).toBe(
    false,
  );
  for (const broken of [null, "", "{", "[]", "null"]) {
    expect(isRevision(revision, { text: broken, filesHash: "hash" })).toBe(false);
  }
});

test("Fields have names that one more of a list does not change", () => {
  const fields = (hostSuffixes: Record<string, string>) =>
    appSettingsFields(appSettingsText(computeEnvironment({ hostSuffixes }), "hash").text);
  expect(fields({ ".a.example": "staging" })).toMatchObject({
    "hostSuffixes[.a.example].siteEnv": "staging",
    "ttl.page": "31536000",
    "origins[config].bucket": "config",
  });
  expect(fields({ ".a.example": "staging", ".longer.example": "test" })).toMatchObject({
    "hostSuffixes[.a.example].siteEnv": "staging",
  });
  expect(appSettingsFields("by hand")).toEqual({ "(text)": "by hand" });
  expect(appSettingsFields(null)).toEqual({});
});
