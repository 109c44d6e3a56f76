/**
 * Cases that end otherwise here than in the list that the package carries (2020), by id, with the reason. The list
 * that the project published in December 2025 holds the same cases run against today's Fastly: where the two lists
 * disagree about what Fastly does, the later one is followed.
 */
export const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ["age-parse-float", "in the later list Fastly ignores an Age that is no whole number"],
  ["age-parse-negative", "in the later list Fastly ignores a negative Age"],
  ["freshness-max-age-decimal-five", "in the later list Fastly takes `max-age=3600.5` for 0"],
  ["freshness-max-age-decimal-zero", "in the later list Fastly takes `max-age=3600.0` for 0"],
  ["freshness-max-age-negative", "in the later list Fastly takes a negative max-age for 0"],
]);
