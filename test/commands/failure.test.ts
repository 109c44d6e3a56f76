import { describe, expect, it } from "vitest";
import { describeFailure } from "../../src/commands/failure.ts";
import { InterruptedError } from "../../src/lib/interruption.ts";
import { SitefleetError } from "../../src/lib/errors.ts";

const people = { json: false, interrupted: false };

describe("describeFailure", () => {
  it("says what, every detail, and what next, with the code's exit code", () => {
    const error = new SitefleetError("publish/invalid-folder", '"dist" cannot be published: 2 problems', {
      details: ["a: unreadable", "b: over 20 MB"],
      hint: "correct the folder",
    });
    expect(describeFailure(error, people)).toEqual({
      out: "",
      err: [
        'error: "dist" cannot be published: 2 problems [publish/invalid-folder]',
        "  a: unreadable",
        "  b: over 20 MB",
        "next: correct the folder",
        "",
      ].join("\n"),
      exitCode: 2,
    });
  });

  it("names the page of the error where there is no better advice", () => {
    const { err } = describeFailure(new SitefleetError("site/not-found", "there is no site"), people);
    expect(err).toBe(
      "error: there is no site [site/not-found]\nnext: see `site/not-found` in docs/errors.md\n",
    );
  });

  it("lets no foreign byte of a fault of ours move the cursor either", () => {
    const { err } = describeFailure(new Error("said \u001b[2J"), people);
    expect(err).toContain("our fault [fault/internal]: Error: said \u{fffd}[2J");
  });

  it("names the command's help where the command line is wrong and there is no better advice", () => {
    const help = "sitefleet purge --help";
    const { err } = describeFailure(new SitefleetError("cli/usage", "no URL"), { ...people, help });
    expect(err).toBe("error: no URL [cli/usage]\nnext: sitefleet purge --help\n");
  });

  it("tells a detail once and lets no foreign byte move the cursor", () => {
    const details = ["a\u001b[2Jb: no", "x\n  ^\r"];
    const error = new SitefleetError("publish/invalid-folder", "cannot: a\u001b[2Jb: no\nhere", {
      details,
      hint: "h",
    });
    expect(describeFailure(error, people).err).toBe(
      "error: cannot: a\u{fffd}[2Jb: no here [publish/invalid-folder]\n  x\n  ^\u{fffd}\nnext: h\n",
    );
  });

  it("is one JSON document on stdout where that was asked for", () => {
    const error = new SitefleetError("site/not-found", "there is no site", { hint: "publish it first" });
    const { out, err, exitCode } = describeFailure(error, { ...people, json: true });
    expect(JSON.parse(out)).toEqual({
      error: {
        code: "site/not-found",
        kind: "user",
        message: "there is no site",
        hint: "publish it first",
        details: [],
      },
    });
    expect(err).toContain("[site/not-found]");
    expect(exitCode).toBe(2);
  });

  it("calls anything else a fault of ours and shows its stack", () => {
    const failure = describeFailure(new TypeError("x is not a function"), { ...people, json: true });
    expect(failure.exitCode).toBe(1);
    expect(failure.err).toMatch(/\[fault\/internal\]: TypeError: x is not a function\n +at /);
    expect(JSON.parse(failure.out)).toMatchObject({ error: { code: "fault/internal", kind: "fault" } });
  });

  it("does not blame anybody for Ctrl-C", () => {
    const failure = describeFailure(new Error("interrupted"), { json: false, interrupted: true });
    expect(failure).toEqual({
      out: "",
      err: "interrupted; what was begun is finished by the next run\n",
      exitCode: 130,
    });
  });

  it("says what interrupted work left, on stderr and as a document", () => {
    const error = new InterruptedError("version 1 is live again", ["the items stay"]);
    expect(describeFailure(error, { json: true, interrupted: true })).toEqual({
      out: '{"interrupted":true,"message":"version 1 is live again","details":["the items stay"]}\n',
      err: "interrupted: version 1 is live again\n  the items stay\n",
      exitCode: 130,
    });
  });

  it("still tells an error that came together with Ctrl-C", () => {
    const error = new SitefleetError("store/unreachable", "no answer");
    expect(describeFailure(error, { json: false, interrupted: true }).exitCode).toBe(3);
  });
});
