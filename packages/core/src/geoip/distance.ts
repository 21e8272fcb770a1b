// Kilometres between two points on the globe, by the haversine formula on a sphere: within 0.5 % of the ellipsoid.

export interface Point {
  readonly lat: number;
  readonly long: number;
}

const earthKm = 6371.0088;
const radians = (degrees: number) => (degrees * Math.PI) / 180;

export function distanceKm(one: Point, other: Point): number {
  const [lat1, lat2] = [radians(one.lat), radians(other.lat)];
  const half = (angle: number) => Math.sin(angle / 2) ** 2;
  const chord = half(lat2 - lat1) + Math.cos(lat1) * Math.cos(lat2) * half(radians(other.long - one.long));
  return 2 * earthKm * Math.asin(Math.min(1, Math.sqrt(chord)));
}
