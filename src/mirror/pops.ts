/** A POP: code, name, group, latitude, longitude, shield code. */
type PopRow = readonly [
  code: string,
  name: string,
  group: string,
  latitude: number,
  longitude: number,
  shield: string,
];

/** A choice of real POPs on every continent: names and shield codes as Fastly lists them (reference/api/utils/pops). */
export const POPS: readonly PopRow[] = [
  ["AMS", "Amsterdam", "Europe", 52.308613, 4.763889, "amsterdam-nl"],
  ["BWI", "Ashburn - BWI", "United States", 38.944533, -77.455811, "bwi-va-us"],
  ["IAD", "Ashburn - IAD", "United States", 38.944533, -77.455811, "iad-va-us"],
  ["BOG", "Bogota", "South America", 4.711, -74.072, "bog-bogota-co"],
  ["BNE", "Brisbane", "Asia/Pacific", -27.384167, 153.1175, "brisbane-au"],
  ["CHI", "Chicago - CHI", "United States", 41.9742, -87.9073, "chi-il-us"],
  ["DUB", "Dublin", "Europe", 53.35, -6.26, "dub-dublin-ie"],
  ["FRA", "Frankfurt", "Europe", 50.026421, 8.543125, "frankfurt-de"],
  ["HKG", "Hong Kong", "Asia/Pacific", 22.308919, 113.914603, "hongkong-hk"],
  ["JNB", "Johannesburg", "Africa", -26.13778, 28.19756, "jnb-johannesburg-za"],
  ["LCY", "London - LCY", "Europe", 51.505278, 0.055278, "london_city-uk"],
  ["LHR", "London - LHR", "Europe", 51.4775, -0.461389, "london-uk"],
  ["SYD", "Sydney", "Asia/Pacific", -33.946111, 151.177222, "sydney-au"],
];

const CODE_OF_SHIELD: ReadonlyMap<string, string> = new Map(
  POPS.map(([code, , , , , shield]) => [shield, code]),
);

/** The POP that a shield code means: `london-uk` is `LHR`, `iad-va-us` is `IAD`; of unknown ones the part before the dash. */
export function popOfShield(shield: string): string {
  const dash = shield.indexOf("-");
  return CODE_OF_SHIELD.get(shield) ?? (dash === -1 ? shield : shield.slice(0, dash)).toUpperCase();
}

/** The shield code of a POP, `undefined` for one that is not in the list. */
export function shieldOfPop(pop: string): string | undefined {
  return POPS.find(([code]) => code === pop)?.[5];
}
