import type { HeaderList } from "../../http/header-list.ts";

/** What a stored variant was chosen by: header names in lower case and the values its request had. */
export interface VarySpec {
  readonly names: readonly string[];
  readonly values: readonly (string | null)[];
}

export const NO_VARY: VarySpec = { names: [], values: [] };

/**
 * Header names of all Vary lines, lower case, each once. `*` is ignored, as the real edge does in the published
 * cache-tests results.
 */
export function varyNames(response: HeaderList): readonly string[] {
  const names = new Set<string>();
  for (const line of response.getAll("Vary")) {
    for (const part of line.split(",")) {
      const name = part.trim().toLowerCase();
      if (name !== "" && name !== "*") names.add(name);
    }
  }
  return [...names];
}

/** The spec under which a response to this request is stored. */
export function varySpec(response: HeaderList, request: HeaderList): VarySpec {
  const names = varyNames(response);
  if (names.length === 0) return NO_VARY;
  return { names, values: names.map((name) => varyValue(request, name)) };
}

/** Whether a request selects the stored variant (RFC 9111 §4.1). */
export function varyMatches(spec: VarySpec, request: HeaderList): boolean {
  for (let i = 0; i < spec.names.length; i++) {
    if (varyValue(request, spec.names[i] ?? "") !== spec.values[i]) return false;
  }
  return true;
}

/**
 * Lines of one name joined, `null` when the request has none. Nothing is normalised: `1,2` and `1, 2` are two
 * variants, as Fastly has it by the published cache-tests results (vary-normalise-*).
 */
function varyValue(request: HeaderList, name: string): string | null {
  const first = request.get(name);
  if (first === null) return null;
  const lines = request.getAll(name);
  return lines.length === 1 ? first : lines.join(",");
}

/** Adds a name to Vary unless it is there. */
export function addVary(response: HeaderList, name: string): void {
  if (varyNames(response).includes(name.toLowerCase())) return;
  const present = response.getAll("Vary").join(", ");
  response.set("Vary", present === "" ? name : `${present}, ${name}`);
}
