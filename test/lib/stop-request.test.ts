import { describe, expect, it } from "vitest";
import { Interruption, leaveWords } from "../../src/lib/interruption.ts";
import { createStopRequest } from "../../src/lib/stop-request.ts";

function requested() {
  const left: (string | undefined)[] = [];
  const request = createStopRequest({ leave: (words) => void left.push(words) });
  return { left, ...request };
}

describe("a request to stop", () => {
  it("aborts at the first interrupt and leaves with the last words at the second", () => {
    const { left, signal, interrupt } = requested();
    interrupt();
    expect(signal.reason).toBeInstanceOf(Interruption);
    expect(left).toEqual([]);
    leaveWords(signal, "version 2 is live");
    interrupt();
    expect(left).toEqual(["version 2 is live"]);
  });

  it("ends in order however often a terminal says that it closes", () => {
    const { left, signal, hangUp } = requested();
    hangUp();
    hangUp();
    expect(signal.reason).toBeInstanceOf(Interruption);
    expect(left).toEqual([]);
  });

  it("still ends at once when somebody presses Ctrl-C after that", () => {
    const { left, hangUp, interrupt } = requested();
    hangUp();
    interrupt();
    expect(left).toEqual([undefined]);
  });
});
