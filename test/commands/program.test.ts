import { describe, expect, it } from "vitest";
import { readInvocation } from "../../src/commands/program.ts";

describe("the command line", () => {
  it("reads a noun, a verb, arguments and flags", async () => {
    const invocation = await readInvocation(
      ["mirror", "up", "--edge-port", "0", "--json", "--state", "/tmp/x"],
      "1.2.3",
    );
    if ("text" in invocation) throw new Error(invocation.text);
    expect(invocation.definition.verb).toBe("up");
    expect(invocation.input.flags.text("edge-port")).toBe("0");
    expect(invocation.flags).toMatchObject({ env: "local", json: true, state: "/tmp/x" });
  });

  it("refuses a flag that does not exist and suggests the one that was meant", async () => {
    await expect(readInvocation(["mirror", "reset", "--dryrun"], "1")).rejects.toMatchObject({
      code: "cli/usage",
      exitCode: 2,
      hint: "Did you mean --dry-run? Or see sitefleet mirror reset --help",
    });
  });

  it.each([
    [["publsh", "dist"], "Did you mean publish? Or see sitefleet --help"],
    [["site", "shw", "acme"], "Did you mean show? Or see sitefleet site --help"],
    [["site", "show"], "sitefleet site show --help"],
    [["domain", "add", "www.example.com"], "sitefleet domain add --help"],
    [["--env", "test", "site", "list"], "options go behind the command: sitefleet site list --env test"],
  ])("says for %j where to look", async (argv, hint) => {
    await expect(readInvocation(argv, "1")).rejects.toMatchObject({ code: "cli/usage", hint });
  });

  it("knows the whole help of a command also by `help COMMAND`", async () => {
    const help = { exitCode: 0, text: expect.stringContaining("--site <uid>") };
    expect(await readInvocation(["help", "publish"], "1")).toMatchObject(help);
  });

  it.each([
    ["nonsense"],
    ["mirror", "sideways"],
    ["mirror", "up", "--edge-port"],
    ["mirror", "reset", "extra"],
  ])("refuses %s %s %s", async (...argv) => {
    await expect(
      readInvocation(
        argv.filter((word) => word !== undefined),
        "1",
      ),
    ).rejects.toMatchObject({ code: "cli/usage" });
  });

  it("shows help with examples, and the version, with exit code 0", async () => {
    expect(await readInvocation(["mirror", "up", "--help"], "1")).toMatchObject({
      exitCode: 0,
      text: expect.stringContaining("sitefleet mirror up"),
    });
    expect(await readInvocation(["--version"], "1.2.3")).toEqual({ exitCode: 0, text: "1.2.3\n" });
  });
});
