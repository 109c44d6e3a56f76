import { contentType, lookup } from "mime-types";
import { describe, expect, it } from "vitest";

import { commonExtensions, mediaTypeOf, withCharset } from "../../../src/publish/folder/media-types.ts";

const TEXT = /^text\/|json$/;

describe("mediaTypeOf", () => {
  it.each(commonExtensions())("says of %s what the type table says", (extension) => {
    expect(mediaTypeOf(extension)).toBe(lookup(extension));
  });

  it("knows all other registered types, and no others", () => {
    expect(mediaTypeOf("epub")).toBe("application/epub+zip");
    expect(mediaTypeOf("7z")).toBe("application/x-7z-compressed");
    expect(mediaTypeOf("unknownext")).toBeUndefined();
    expect(mediaTypeOf("__proto__")).toBeUndefined();
  });

  it("names the charsets that the type table names", () => {
    for (const extension of [...commonExtensions(), "xsm", "epub"]) {
      const type = mediaTypeOf(extension) ?? "";
      if (!TEXT.test(type)) expect(withCharset(type)).toBe(contentType(type));
    }
    expect(withCharset("application/vnd.syncml+xml")).toBe("application/vnd.syncml+xml; charset=utf-8");
  });
});
