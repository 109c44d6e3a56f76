import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { errnoOf, isErrno, messageOf, traceOf } from "../../src/lib/caught.ts";

const missing: unknown = await readFile("/no/such/file").catch((error: unknown) => error);

describe("what was caught", () => {
  it("has a system code when the system failed", () => {
    expect(errnoOf(missing)).toBe("ENOENT");
    expect(isErrno(missing, "ENOENT")).toBe(true);
    expect(isErrno(missing, "EACCES")).toBe(false);
  });

  it.each([new Error("plain"), { code: "ENOENT" }, "ENOENT", null, Object.assign(new Error(), { code: 7 })])(
    "has none otherwise: %o",
    (thrown) => {
      expect(errnoOf(thrown)).toBeUndefined();
    },
  );

  it("is told by its message, or as text when it is no error", () => {
    expect(messageOf(new Error("disk full"))).toBe("disk full");
    expect(messageOf("thrown text")).toBe("thrown text");
    expect(traceOf(new Error("disk full"))).toMatch(/^Error: disk full\n +at /);
    expect(traceOf(undefined)).toBe("undefined");
  });
});
