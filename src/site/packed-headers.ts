import { HEADER_SLOTS } from "./metadata.ts";

/** A response header of one object that S3 has no field for, or a default header of the edge that it is not to get. */
export type PackedHeader =
  | { readonly kind: "set"; readonly name: string; readonly value: string }
  | { readonly kind: "remove"; readonly name: string };

/** Headers that the edge adds to every response that has none of that name; only these can be removed. */
export const EDGE_DEFAULT_HEADERS = ["Cache-Control", "Referrer-Policy", "X-Content-Type-Options"] as const;

/** A token (RFC 9110 section 5.6.2) without the characters that packing or VCL gives a meaning. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

/** Why a name and value can be no header of an object, or `undefined`. */
export function packedHeaderProblem(header: PackedHeader): string | undefined {
  if (!NAME.test(header.name)) return "has a name with characters other than letters, digits, `-` and `_`";
  if (header.kind === "set" && !VALUE.test(header.value)) {
    return "has a value that is empty, begins or ends with a space, or is not all printable ASCII";
  }
  return undefined;
}

/**
 * Headers packed into one metadata value: `<slot>=<Name>:<value>` or `<slot>=!<Name>` joined by `|`, slots in the order
 * of `HEADER_SLOTS`. In values `%`, `|`, `+`, quotes and double spaces are percent-encoded, so that the edge cuts the
 * text at the bars, decodes with `urldecode`, and S3 stores it as it is.
 */
export function packHeaders(headers: readonly PackedHeader[]): string {
  return headers.map((header, index) => `${HEADER_SLOTS.charAt(index)}=${headerText(header)}`).join("|");
}

/** One header as it stands in a slot. */
export function headerText(header: PackedHeader): string {
  return header.kind === "remove" ? `!${header.name}` : `${header.name}:${encodeValue(header.value)}`;
}

function encodeValue(value: string): string {
  return value
    .replaceAll(/[%|+"]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll(/(?<= ) /g, "%20");
}

export type UnpackedHeaders =
  | { readonly kind: "ok"; readonly headers: readonly PackedHeader[] }
  | { readonly kind: "refused"; readonly reason: string };

/** Reads a packed value; anything `packHeaders` would not write for valid headers, each named once, is refused. */
export function unpackHeaders(text: string): UnpackedHeaders {
  if (text === "") return { kind: "ok", headers: [] };
  const parts = text.split("|");
  if (parts.length > HEADER_SLOTS.length) return { kind: "refused", reason: `has ${parts.length} headers` };
  const headers: PackedHeader[] = [];
  for (const part of parts) {
    const header = unpackHeader(part.slice(2));
    if (header === undefined || packedHeaderProblem(header) !== undefined) {
      return { kind: "refused", reason: "has a header that is malformed" };
    }
    headers.push(header);
  }
  const names = new Set(headers.map(({ name }) => name.toLowerCase()));
  if (names.size < headers.length) return { kind: "refused", reason: "names a header twice" };
  if (packHeaders(headers) !== text) return { kind: "refused", reason: "is not packed as it should be" };
  return { kind: "ok", headers };
}

function unpackHeader(text: string): PackedHeader | undefined {
  if (text.startsWith("!")) return { kind: "remove", name: text.slice(1) };
  const colon = text.indexOf(":");
  if (colon === -1) return undefined;
  // Only what `encodeValue` writes is decoded; any other escape shows when the headers are packed again.
  const value = text
    .slice(colon + 1)
    .replaceAll(/%(20|22|25|2B|7C)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { kind: "set", name: text.slice(0, colon), value };
}
