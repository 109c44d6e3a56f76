import { describe, expect, it } from "vitest";

import { createContext } from "../../src/commands/create-context.ts";
import { createReport } from "../../src/commands/report.ts";
import { inputOf } from "../support/command-line.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("createContext", () => {
  it("refuses a settings file for the mirror, which would leave it unread", async () => {
    const context = createContext({
      cwd: await tempDir(),
      variables: {},
      clock: new FakeClock(),
      pid: process.pid,
      signal: new AbortController().signal,
      input: inputOf(""),
      report: createReport(
        () => undefined,
        () => undefined,
        { json: false },
      ),
      flags: { config: "sitefleet.config.json" },
    });
    await expect(context.environment()).rejects.toMatchObject({
      code: "cli/usage",
      message: expect.stringContaining("local"),
      hint: expect.stringContaining("--env"),
    });
  });
});
