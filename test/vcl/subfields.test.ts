import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { readSubfield, removeSubfield, writeSubfield } from "../../src/vcl/subfields.ts";

describe("reading a subfield", () => {
  test("names match without case, values lose blanks and quotes", () => {
    expect(readSubfield("a=1; Session=xyz ; b=2", "session", ";")).toBe("xyz");
    expect(readSubfield('foo="bar,lorem=ipsum",fiz=buz', "foo", ",")).toBe("bar,lorem=ipsum");
  });

  test("a separator inside quotes still starts a member", () => {
    expect(readSubfield('foo="bar,lorem=ipsum",fiz=buz', "lorem", ",")).toBe('ipsum"');
  });

  test("a bare token is set and empty, a missing one is not set", () => {
    expect(readSubfield("private, max-age=3", "private", ",")).toBe("");
    expect(readSubfield("private, max-age=3", "public", ",")).toBeNull();
    expect(readSubfield("", "a", ",")).toBeNull();
  });
});

describe("writing a subfield", () => {
  test("replaces in place and keeps the others", () => {
    const member = { name: "max-age", value: "300", separator: "," };
    expect(writeSubfield("public, max-age=1, foo", member)).toBe("public, max-age=300, foo");
    expect(writeSubfield("public", member)).toBe("public, max-age=300");
    expect(writeSubfield(null, member)).toBe("max-age=300");
  });

  test("the empty value makes a bare token", () => {
    expect(writeSubfield("Origin", { name: "Accept-Encoding", value: "", separator: "," })).toBe(
      "Origin, Accept-Encoding",
    );
  });

  test("removing the last member leaves nothing", () => {
    expect(removeSubfield("a=1; b=2", "a", ";")).toBe("b=2");
    expect(removeSubfield("a=1", "A", ";")).toBeNull();
  });

  const name = fc.stringMatching(/^[a-z]{1,6}$/);
  const value = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  property.prop([fc.dictionary(name, value), name, value])(
    "what is written is read back",
    (fields, key, wanted) => {
      const header = Object.entries(fields)
        .map(([field, text]) => `${field}=${text}`)
        .join(", ");
      const written = writeSubfield(header, { name: key, value: wanted, separator: "," });
      expect(readSubfield(written, key, ",")).toBe(wanted);
      for (const [field, text] of Object.entries(fields)) {
        if (field !== key) expect(readSubfield(written, field, ",")).toBe(text);
      }
    },
  );
});
