/** Host names and wildcards of a service version, in lower case. */
export type HostSet = ReadonlySet<string>;

/** Whether a name is in the set, or below a wildcard of it (`*.example.com` covers every name below it). */
export function coversHost(hosts: HostSet, name: string): boolean {
  if (hosts.size === 0) return false;
  if (hosts.has(name)) return true;
  for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
    if (hosts.has(`*${name.slice(dot)}`)) return true;
  }
  return false;
}
