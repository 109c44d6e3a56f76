import { SitefleetError } from "../lib/errors.ts";

/**
 * A VCL string literal of printable ASCII. `%` is live in `"…"` and nothing is in `{"…"}`, which cannot hold its own
 * end (reference/vcl/types/string).
 * @throws SitefleetError `fault/internal` for text that no literal can hold
 */
export function toVclString(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text))
    throw new SitefleetError("fault/internal", `no VCL literal for ${JSON.stringify(text)}`);
  if (!/[%"]/.test(text)) return `"${text}"`;
  if (text.includes('"}'))
    throw new SitefleetError("fault/internal", `no VCL literal for ${JSON.stringify(text)}`);
  return `{"${text}"}`;
}
