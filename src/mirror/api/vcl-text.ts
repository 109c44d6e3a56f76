import { toByteString } from "../../http/byte-string.ts";

/**
 * A VCL string literal of any text. Whatever is not plain goes as `%xx`, the only escape a double-quoted literal knows
 * (reference/vcl/types/string), so no object's field can leave its literal and become code.
 */
export function vclString(text: string): string {
  const escaped = toByteString(text).replace(
    /[^\x20\x21\x23\x24\x26-\x7e]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
  return `"${escaped}"`;
}

/** A name as part of a VCL identifier: everything but ASCII letters and digits becomes `_`. */
export function vclName(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, "_");
}

/** One line of a comment: control characters would end it. */
export function vclComment(text: string): string {
  return toByteString(text).replace(/[\x00-\x1f\x7f]/g, " ");
}

/** Milliseconds of the API as a VCL duration. */
export function vclMilliseconds(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** A long-string literal of any text, with a delimiter that the text does not have (reference/vcl/types/string). */
export function vclLongString(text: string): string {
  const bytes = toByteString(text);
  let delimiter = "";
  for (let n = 0; bytes.includes(`"${delimiter}}`); n += 1) delimiter = `E${n}`;
  return `{${delimiter}"${bytes}"${delimiter}}`;
}
