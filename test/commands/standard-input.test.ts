import { PassThrough } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { standardInput } from "../../src/commands/standard-input.ts";

function inputWith(...chunks: readonly (string | Uint8Array)[]) {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return inputAt(stream);
}

function inputAt(stream: PassThrough) {
  const said: string[] = [];
  const controller = new AbortController();
  const input = standardInput({
    input: stream,
    say: (text) => said.push(text),
    signal: controller.signal,
    interrupt: () => controller.abort(new Error("interrupted")),
  });
  return { input, said, controller };
}

describe("standard input", () => {
  it("is read whole, without the line end at its end", async () => {
    expect(await inputWith("pass", "word\n").input.readText()).toBe("password");
    expect(await inputWith("two\nlines\r\n").input.readText()).toBe("two\nlines");
    expect(await inputWith(Buffer.from("gr\u00fc\u00dfe")).input.readText()).toBe("gr\u00fc\u00dfe");
  });

  it("is refused when it is not UTF-8 or far too long", async () => {
    await expect(inputWith(new Uint8Array([0xff, 0xfe])).input.readText()).rejects.toMatchObject({
      code: "cli/usage",
    });
    await expect(inputWith("x".repeat(70_000)).input.readText()).rejects.toMatchObject({ code: "cli/usage" });
  });

  it("is asked for a line that is not shown again", async () => {
    const { input, said } = inputWith("secret words\n");
    expect(input.isTerminal).toBe(false);
    expect(await input.askHidden("Password: ")).toBe("secret words");
    expect(said.join("")).toBe("Password: \n");
  });

  it("is asked for a line that is shown as it is typed", async () => {
    const { input, said } = inputWith("plain words\n");
    expect(await input.ask("Region: ")).toBe("plain words");
    expect(said.join("")).toContain("Region: ");
    expect(said.join("")).toContain("plain words");
  });

  it("answers with what was pasted ahead, a line for each question, and shows it there", async () => {
    const { input, said } = inputWith("sites.example.com\r\nus-east-1\nac", "me\neu-west-1\nleft over");
    expect(await input.ask("Domain: ")).toBe("sites.example.com");
    expect(await input.ask("Region: ")).toBe("us-east-1");
    expect(await input.ask("Buckets: ")).toBe("acme");
    expect(await input.ask("Second region: ")).toBe("eu-west-1");
    // The last line needs no end.
    expect(await input.ask("Shield: ")).toBe("left over");
    await expect(input.ask("Environments: ")).rejects.toMatchObject({ code: "cli/usage" });
    for (const line of ["Region: us-east-1\n", "Second region: eu-west-1\n"])
      expect(said.join("")).toContain(line);
  });

  it("takes a line that was begun ahead for the beginning of the next answer", async () => {
    const stream = new PassThrough();
    const { input } = inputAt(stream);
    stream.write("first\nsec");
    expect(await input.ask("One: ")).toBe("first");
    const asked = input.ask("Two: ");
    stream.write("ond\n");
    expect(await asked).toBe("second");
  });

  it("shows no password that was pasted ahead", async () => {
    const { input, said } = inputWith("secret words\nsecret words\n");
    expect(await input.askHidden("Password: ")).toBe("secret words");
    expect(await input.askHidden("Again: ")).toBe("secret words");
    expect(said.join("")).toBe("Password: \nAgain: \n");
  });

  it("answers nothing from what was pasted ahead once the run is interrupted", async () => {
    const { input, controller } = inputWith("first\nsecond\n");
    expect(await input.ask("One: ")).toBe("first");
    controller.abort(new Error("interrupted"));
    await expect(input.ask("Two: ")).rejects.toThrow("interrupted");
  });

  it("says so when it ends before a question is answered", async () => {
    await expect(inputWith().input.ask("Region: ")).rejects.toMatchObject({ code: "cli/usage" });
  });

  it("ends a question when the run is interrupted", async () => {
    const stream = new PassThrough();
    const controller = new AbortController();
    const interrupt = vi.fn();
    const input = standardInput({
      input: stream,
      say: () => undefined,
      signal: controller.signal,
      interrupt,
    });
    const asked = input.askHidden("Password: ");
    controller.abort(new Error("interrupted"));
    await expect(asked).rejects.toThrow();
    expect(interrupt).not.toHaveBeenCalled();
  });

  it("interrupts the run when Ctrl-C is typed as the answer", async () => {
    const stream = new PassThrough();
    const controller = new AbortController();
    const input = standardInput({
      input: stream,
      say: () => undefined,
      signal: controller.signal,
      interrupt: () => controller.abort(new Error("interrupted")),
    });
    const asked = input.askHidden("Password: ");
    stream.write("secr\u0003");
    await expect(asked).rejects.toThrow();
    expect(controller.signal.aborted).toBe(true);
  });
});
