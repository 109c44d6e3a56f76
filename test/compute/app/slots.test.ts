import { describe, expect, test } from "vitest";
import { slotTexts } from "../../../compute/src/metadata.ts";

describe("what is packed into slots", () => {
  test("is found by its slot, whatever else there is; of several texts for one slot the first counts", () => {
    const texts = slotTexts(["1=b", "0=a", "", "0", "=", "22=x", "1=c=d", "0=", "3="]);
    expect([...texts]).toEqual([
      ["1", "b"],
      ["0", "a"],
      ["3", ""],
    ]);
  });
});
