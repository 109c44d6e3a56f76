import type { FastlyClient } from "../../fastly/client.ts";

/**
 * Whether a clone is as it was made. One that somebody works on differs from its base in something, be it of a kind that
 * sitefleet does not manage; one that nobody touched may be taken.
 */
export async function isUntouched(
  { client, serviceId }: { readonly client: FastlyClient; readonly serviceId: string },
  clone: number,
  base: number,
): Promise<boolean> {
  const diff = await client.diffVersions({ serviceId, from: base, to: clone });
  return diff !== "" && !/^[+-]/m.test(diff);
}
