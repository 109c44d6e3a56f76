/** The text by which an address counts as one guesser: of IPv6 a network of 64 bits, all of whose addresses any host there has. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  // An IPv4 address in IPv6's clothes ends in its four numbers.
  if (address.includes(".")) return address.slice(address.lastIndexOf(":") + 1);
  const [head = "", tail] = address.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => "0");
  const groups = [...first, ...zeros, ...last].slice(0, 4);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}
