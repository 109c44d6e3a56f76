/** A POP: code, name, group, latitude, longitude, shield code; `null` where it is none that shields. */
type PopRow = readonly [
  code: string,
  name: string,
  group: string,
  latitude: number,
  longitude: number,
  shield: string | null,
];

/**
 * A choice of real POPs on every continent, as Fastly lists them (reference/api/utils/pops): names, places and shield
 * codes of recorded answers (go-fastly: fixtures/datacenters) and of the shields that are told for each AWS region (Adobe
 * Commerce: Fastly backend settings).
 */
export const POPS: readonly PopRow[] = [
  ["AMS", "Amsterdam", "Europe", 52.308613, 4.763889, "amsterdam-nl"],
  ["BWI", "Ashburn - BWI", "United States", 38.944533, -77.455811, "bwi-va-us"],
  ["IAD", "Ashburn - IAD", "United States", 38.944533, -77.455811, "iad-va-us"],
  ["BOG", "Bogota", "South America", 4.711, -74.072, null],
  ["CPT", "Cape Town", "South Africa", -33.97, 18.464, "cpt-capetown-za"],
  ["CHI", "Chicago - CHI", "United States", 41.9742, -87.9073, "chi-il-us"],
  ["DUB", "Dublin", "Europe", 53.35, -6.26, "dub-dublin-ie"],
  ["FRA", "Frankfurt", "Europe", 50.026421, 8.543125, "frankfurt-de"],
  ["HKG", "Hong Kong", "Asia/Pacific", 22.308919, 113.914603, "hongkong-hk"],
  ["LCY", "London - LCY", "Europe", 51.505278, 0.055278, "london_city-uk"],
  ["LHR", "London - LHR", "Europe", 51.4775, -0.461389, "london-uk"],
  ["MEL", "Melbourne", "Asia/Pacific", -37.673333, 144.843333, "melbourne-au"],
  ["GRU", "Sao Paulo", "South America", -23.432075, -46.469511, "gru-br-sa"],
  ["SYD", "Sydney", "Asia/Pacific", -33.946111, 151.177222, "sydney-au"],
];

const CODE_OF_SHIELD: ReadonlyMap<string, string> = new Map(
  POPS.flatMap(([code, , , , , shield]) => (shield === null ? [] : [[shield, code] as const])),
);

/** The POP that a shield code means: `london-uk` is `LHR`, `iad-va-us` is `IAD`; of unknown ones the part before the dash. */
export function popOfShield(shield: string): string {
  const dash = shield.indexOf("-");
  return CODE_OF_SHIELD.get(shield) ?? (dash === -1 ? shield : shield.slice(0, dash)).toUpperCase();
}

/** The shield code of a POP, `undefined` for one that shields nothing or is not in the list. */
export function shieldOfPop(pop: string): string | undefined {
  return POPS.find(([code]) => code === pop)?.[5] ?? undefined;
}
