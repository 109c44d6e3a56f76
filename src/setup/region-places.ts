/** Where AWS's regions are, to about a degree (AWS, "Regions and Availability Zones": the places that they are named after). */
const REGIONS: Readonly<Record<string, readonly [latitude: number, longitude: number]>> = {
  "af-south-1": [-33.9, 18.4],
  "ap-east-1": [22.3, 114.2],
  "ap-northeast-1": [35.7, 139.7],
  "ap-northeast-2": [37.6, 127.0],
  "ap-northeast-3": [34.7, 135.5],
  "ap-south-1": [19.1, 72.9],
  "ap-south-2": [17.4, 78.5],
  "ap-southeast-1": [1.3, 103.8],
  "ap-southeast-2": [-33.9, 151.2],
  "ap-southeast-3": [-6.2, 106.8],
  "ap-southeast-4": [-37.8, 145.0],
  "ca-central-1": [45.5, -73.6],
  "ca-west-1": [51.0, -114.1],
  "eu-central-1": [50.1, 8.7],
  "eu-central-2": [47.4, 8.5],
  "eu-north-1": [59.3, 18.1],
  "eu-south-1": [45.5, 9.2],
  "eu-south-2": [40.4, -3.7],
  "eu-west-1": [53.3, -6.3],
  "eu-west-2": [51.5, -0.1],
  "eu-west-3": [48.9, 2.4],
  "il-central-1": [32.1, 34.8],
  "me-central-1": [24.5, 54.4],
  "me-south-1": [26.2, 50.6],
  "sa-east-1": [-23.5, -46.6],
  "us-east-1": [39.0, -77.5],
  "us-east-2": [40.0, -83.0],
  "us-west-1": [37.4, -122.0],
  "us-west-2": [45.8, -119.7],
};

/** Shields to propose before Fastly can be asked which there are; `doctor` asks. */
const SHIELDS: readonly (readonly [code: string, latitude: number, longitude: number])[] = [
  ["iad-va-us", 38.9, -77.5],
  ["chi-il-us", 42.0, -87.9],
  ["frankfurt-de", 50.0, 8.5],
  ["amsterdam-nl", 52.3, 4.8],
  ["london-uk", 51.5, -0.5],
];

/** Farther than this from the region a shield gains little. */
const NEAR_KM = 1_000;

/** A shield near an AWS region, of those that are known here. */
export function shieldNear(region: string): string | undefined {
  const [nearest] = SHIELDS.map(([code, latitude, longitude]) => ({
    code,
    km: distanceTo(region, { latitude, longitude }) ?? Number.POSITIVE_INFINITY,
  })).sort((a, b) => a.km - b.km);
  return nearest !== undefined && nearest.km <= NEAR_KM ? nearest.code : undefined;
}

const EARTH_KM = 6_371;

/** Kilometres from an AWS region to a place; `undefined` for regions that are not known. */
export function distanceTo(
  region: string,
  place: { readonly latitude: number; readonly longitude: number },
): number | undefined {
  const found = Object.hasOwn(REGIONS, region) ? REGIONS[region] : undefined;
  if (found === undefined) return undefined;
  const [latitude, longitude] = found.map(toRadians);
  const [other, otherLongitude] = [place.latitude, place.longitude].map(toRadians);
  if (latitude === undefined || longitude === undefined) return undefined;
  if (other === undefined || otherLongitude === undefined) return undefined;
  const half = (angle: number): number => Math.sin(angle / 2) ** 2;
  const a = half(other - latitude) + Math.cos(latitude) * Math.cos(other) * half(otherLongitude - longitude);
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(a)));
}

function toRadians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
